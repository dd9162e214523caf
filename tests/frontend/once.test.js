// What there is once: a second life cycle, echo, drag, key map, tick maker or painter would have one of these in it.

import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";

const ROOT = join(dirname(fileURLToPath(import.meta.url)), "../../app/components/frontend");
const FILES = readdirSync(ROOT, { recursive: true, encoding: "utf-8" }).filter((name) => name.endsWith(".js"));

/** What is looked for -> where alone it may stand, and why there. */
const ONCE = {
  "a life: who mounts a view, hears of its size and its frame": [
    /new ResizeObserver|\.attachShadow\(|\bnew AbortController/,
    ["kit/view.js", "hosts/page.js", "paint/formula.js", "presenter/presenter.js"], // a line fits its place; keys of the latest
  ],
  "what leaves a view": [/\bsetStateValue\b|\bsetTriggerValue\b/, ["hosts/streamlit.js"]],
  "an echo: who remembers what was told": [/\bpending\b|\bstamp\b|\becho\b/, ["kit/hand.js"]],
  "a drag": [/"pointerdown"|setPointerCapture|"pointercancel"/, ["kit/drag.js"]],
  "what arrows mean": [/ArrowLeft|ArrowUp|PageDown/, ["kit/keys.js", "presenter/presenter.js"]], // a remote's keys turn pages
  "a letter of a keyboard": [/event\.key === "[a-z]"|event\.code/, ["kit/keys.js"]],
  "round numbers on an axis": [/\[1, 2, 5/, ["kit/ticks.js"]],
  "a minus sign and the digits of a number": [
    /replace(All)?\("-", "−"\)|toPrecision\(/,
    ["kit/numbers.js", "kit/ticks.js"],
  ],
  "random numbers": [/0x6d2b79f5|\buniform\(\)/, ["kit/random.js"]],
  "numbers into pixels, grey or colour": [/\[to \+ 3\] = 255/, ["paint/picture.js"]],
  "where a blob comes from": [/\bfetch\(|whenBlobs\(/, ["net/blob.js", "kit/view.js"]],
  "whether motion is wanted": [/prefers-reduced-motion/, ["kit/dom.js"]],
};

for (const [what, [pattern, places]] of Object.entries(ONCE)) {
  test(`once: ${what}`, () => {
    const found = FILES.filter((name) => {
      const code = readFileSync(join(ROOT, name), "utf-8").replace(/^\s*(\/\/|\*|\/\*).*$/gm, "");
      return pattern.test(code);
    });
    assert.ok(found.length > 0, "nothing does it: the pattern is out of date");
    assert.deepEqual(
      found.filter((name) => !places.includes(name)),
      [],
    );
  });
}
