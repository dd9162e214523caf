import assert from "node:assert/strict";
import { test } from "node:test";
import {
  colourRamp,
  divergingRamp,
  inkOn,
  isDark,
  parseColour,
  sequential,
} from "../../app/components/frontend/kit/colours.js";

test("colours as the theme and the palette write them", () => {
  assert.deepEqual(parseColour("#fff"), [255, 255, 255]);
  assert.deepEqual(parseColour(" #0e1117 "), [14, 17, 23]);
  assert.deepEqual(parseColour("#0e1117cc"), [14, 17, 23]);
  assert.deepEqual(parseColour("rgb(1, 2, 3)"), [1, 2, 3]);
  assert.deepEqual(parseColour("rgba(1 2 3 / 50%)"), [1, 2, 3]);
  assert.deepEqual(parseColour(""), [0, 0, 0]);
});

test("dark backgrounds, and what is read on a colour", () => {
  assert.ok(isDark([14, 17, 23]));
  assert.ok(!isDark([255, 255, 255]));
  assert.equal(inkOn("#ffff00"), "#000");
  assert.equal(inkOn("#00008b"), "#fff");
});

test("a ramp goes through its anchors", () => {
  const ramp = colourRamp([
    [0, 0, 0],
    [255, 0, 0],
    [255, 255, 255],
  ]);
  assert.deepEqual([...ramp.slice(0, 3)], [0, 0, 0]);
  assert.deepEqual([...ramp.slice(-3)], [255, 255, 255]);
  assert.equal(ramp.length, 768);
  for (const background of [
    [14, 17, 23],
    [255, 255, 255],
  ])
    assert.equal(colourRamp(sequential(background)).length, 768);
});

test("where nothing differs, nothing is seen", () => {
  for (const background of [
    [14, 17, 23],
    [255, 255, 255],
  ]) {
    const ramp = divergingRamp(background);
    assert.deepEqual([...ramp.slice(3 * 128, 3 * 128 + 3)], background);
    const [low, high] = [ramp.slice(0, 3), ramp.slice(-3)];
    assert.ok(low[2] > low[0], "blue below");
    assert.ok(high[0] > high[2], "orange above");
  }
});
