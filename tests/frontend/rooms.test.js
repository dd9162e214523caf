// The walls between the rooms of the front end, as import-linter holds those of the library: imports point down only, and a view
// never imports another view. Types alone may be named across (`@import` in a comment).

import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { dirname, join, posix, relative, sep } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";

const ROOT = join(dirname(fileURLToPath(import.meta.url)), "../../app/components/frontend");
const LAYERS = ["net", "kit", "paint", "lab", "view", "host"];

/** Which layer a file is in, and in which view. The worker is an entry of its own: it uses what it likes. */
function placeOf(path) {
  const [room, folder, file] = path.split("/");
  if (path === "net/worker.js" || room === "hosts") return { layer: "host", view: null };
  if (["net", "kit", "paint"].includes(room)) return { layer: room, view: null };
  if (room === "lab") return file ? { layer: "view", view: folder } : { layer: "lab", view: null };
  return { layer: "view", view: room };
}

/** [importing, imported], paths below the front end's folder. */
function importsOf(path, text) {
  const found = text.matchAll(/^(?:import|export)\b[^;"']*?from\s*"(\.[^"]+)"|^import\s*"(\.[^"]+)"/gm);
  return Array.from(found, ([, named, bare]) => [path, posix.join(posix.dirname(path), named ?? bare)]);
}

/** What is wrong with an import; null: nothing. */
function fault([from, to]) {
  const [a, b] = [placeOf(from), placeOf(to)];
  const [high, low] = [a, b].map(({ layer }) => LAYERS.indexOf(layer));
  if (low > high) return `${from} is in ${a.layer}, and imports ${to} of ${b.layer}`;
  if (a.view && b.view && a.view !== b.view) return `the view ${a.view} imports ${to}`;
  return null;
}

test("imports point down, and no view imports another", () => {
  const files = readdirSync(ROOT, { recursive: true, encoding: "utf-8" }).filter((name) => name.endsWith(".js"));
  assert.ok(files.length > 40);
  const imports = files.flatMap((name) =>
    importsOf(relative(ROOT, join(ROOT, name)).split(sep).join("/"), readFileSync(join(ROOT, name), "utf-8")),
  );
  assert.ok(imports.length > 150);
  assert.deepEqual(imports.map(fault).filter(Boolean), []);
});

test("a broken wall would be noticed", () => {
  const broken = [
    ...importsOf("kit/dom.js", 'import { Chart } from "../paint/chart.js";\n'),
    ...importsOf("lab/gap/lab-gap.js", 'import {\n  a,\n} from "../beta/lab-beta.js";\n'),
    ...importsOf("map/map.js", 'export { b } from "../explore/player.js";\n'),
    ...importsOf("lab/lab-sweep.js", 'import "./gap/lab-gap.js";\n'),
    ...importsOf("explore/player.js", 'import { component } from "../hosts/streamlit.js";\n'),
  ];
  assert.equal(broken.length, 5);
  assert.ok(broken.every(fault));
});
