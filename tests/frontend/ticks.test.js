import assert from "node:assert/strict";
import { test } from "node:test";
import { bentTicks, everySo, multiples, stepFor, ticks, tickTexts } from "../../app/components/frontend/kit/ticks.js";

test("steps are 1, 2 or 5 times a power of ten", () => {
  assert.deepEqual([0.7, 1, 1.01, 2, 4.9, 5.1, 0.03, 300].map(stepFor), [1, 1, 2, 2, 5, 10, 0.05, 500]);
});

test("marks are round, within the axis, and no more than asked for", () => {
  for (const [min, max] of [
    [-3.2, 3.2],
    [0, 1],
    [-131.2, -119],
    [1e-4, 3e-4],
    [0, 12345],
  ]) {
    for (const count of [1, 2.5, 5, 9]) {
      const values = ticks(min, max, count);
      const step = stepFor((max - min) / count);
      assert.ok(values.length <= count + 1, `${values.length} marks for ${count}`);
      for (const value of values) {
        assert.ok(value >= min - 1e-9 * step && value <= max + 1e-9 * step);
        assert.ok(Math.abs(value / step - Math.round(value / step)) < 1e-6);
      }
    }
  }
  assert.deepEqual(
    ticks(0, 1, 5).map((value) => Number(value.toFixed(9))),
    [0, 0.2, 0.4, 0.6, 0.8, 1],
  );
  assert.deepEqual(ticks(1, 1, 5), []);
  assert.deepEqual(ticks(3, 1, 5), []);
});

test("all marks of an axis have the digits of its step", () => {
  assert.deepEqual(tickTexts([-0.5, 0, 0.5, 1]), ["−0.5", "0.0", "0.5", "1.0"]);
  assert.deepEqual(tickTexts([-1, 0, 1]), ["−1", "0", "1"]);
  assert.deepEqual(tickTexts(multiples(0, 0.3, 0.1)), ["0.0", "0.1", "0.2", "0.3"]);
  assert.deepEqual(tickTexts([100000, 200000]), ["1e+5", "2e+5"]);
  assert.deepEqual(tickTexts([2]), ["2"]);
  assert.deepEqual(tickTexts([]), []);
});

test("a bent axis has marks that leave room for each other, the end among them", () => {
  for (const end of [2, 10, 60, 1000]) {
    const values = bentTicks(end, Math.cbrt);
    assert.equal(values[0], 0);
    assert.equal(values.at(-1), end);
    for (let i = 1; i < values.length; i++) assert.ok(values[i] > values[i - 1]);
  }
  assert.deepEqual(bentTicks(60, Math.cbrt), [0, 0.1, 1, 3, 10, 30, 60]);
});

test("of many things in a row only some are named", () => {
  assert.deepEqual(everySo(4), [0, 1, 2, 3]);
  assert.deepEqual(everySo(20, 16), [0, 2, 4, 6, 8, 10, 12, 14, 16, 18]);
});
