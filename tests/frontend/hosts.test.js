// What the hosts without Streamlit do before there is a page.

import assert from "node:assert/strict";
import { test } from "node:test";
import { link } from "../../app/components/frontend/hosts/link.js";
import { withKept } from "../../app/components/frontend/hosts/page.js";
import { keptIn } from "../../app/components/frontend/hosts/static.js";

const textOf = async (url) => (await fetch(url)).text();

test("a module finds what it imports under another name; a comment is left alone", async () => {
  const urls = link([
    ["kit/a.js", "export const a = 2;"],
    [
      "view/b.js",
      '/** @import { T } from "../types.d.ts", import("./none.js").U */\nimport { a } from "../kit/a.js";\nexport { a };',
    ],
    ["view/c.js", 'import "./b.js";\nconst later = () => import("../kit/a.js");'],
  ]);
  assert.deepEqual([...urls.keys()], ["kit/a.js", "view/b.js", "view/c.js"]);
  const b = await textOf(urls.get("view/b.js"));
  assert.ok(b.includes(`import { a } from "${urls.get("kit/a.js")}";`), b);
  assert.ok(b.includes('from "../types.d.ts", import("./none.js").U'), b);
  const c = await textOf(urls.get("view/c.js"));
  assert.equal(c, `import "${urls.get("view/b.js")}";\nconst later = () => import("${urls.get("kit/a.js")}");`);
});

test("a worker stands alone: it and what it imports are data, quotes, per cents and letters of all kinds included", async () => {
  const urls = link([
    ["net/a.js", 'export const a = "σ² \\"100 %\\"";'],
    ["net/worker.js", 'import { a } from "./a.js";\nexport const said = a + "!";'],
    ["view/b.js", 'export const url = new URL("../net/worker.js", import.meta.url);'],
  ]);
  const [, data] = (await textOf(urls.get("view/b.js"))).match(/new URL\("(data:[^"]*)"\)/);
  assert.equal((await import(data)).said, 'σ² "100 %"!');
});

test("what was kept becomes part of the data: a record by its fields, anything else by its name", () => {
  const data = { z: [0, 0], image: null, selected: 1, palette: ["#fff"] };
  assert.deepEqual(withKept(data, { view: { z: [1, 2], image: 3 }, selected: 7, lasso: [1] }), {
    z: [1, 2],
    image: 3,
    selected: 7,
    lasso: [1],
    palette: ["#fff"],
  });
  assert.deepEqual(data.z, [0, 0], "the data itself stays");
});

test("an address says what was kept, as far as it can be read", () => {
  const fragment = new URLSearchParams({ view: JSON.stringify({ z: [0.5, -1] }), other: "{cut" });
  assert.deepEqual(keptIn(`#${fragment}`), { view: { z: [0.5, -1] } });
  assert.deepEqual(keptIn(""), {});
});
