// Pictures out of numbers, byte for byte.

import assert from "node:assert/strict";
import { test } from "node:test";
import { paintRow, paintSheet, pictureAt, Sheet, writePicture } from "../../app/components/frontend/paint/picture.js";

globalThis.ImageData = class {
  constructor(width, height) {
    this.data = new Uint8ClampedArray(4 * width * height);
  }
};

test("one grey picture of several, at its place in a larger image", () => {
  const bytes = Uint8Array.from({ length: 12 }, (_, n) => 10 * n);
  const rgba = new Uint8ClampedArray(4 * 4 * 3); // 4 wide, 3 high
  writePicture(rgba, bytes, [1, 2, 3], { from: 6, stride: 4, left: 1, top: 1 });
  const grey = (x, y) => [...rgba.subarray(4 * (y * 4 + x), 4 * (y * 4 + x) + 4)];
  assert.deepEqual(grey(1, 1), [60, 60, 60, 255]);
  assert.deepEqual(grey(3, 2), [110, 110, 110, 255]);
  for (const [x, y] of [
    [0, 0],
    [3, 0],
    [0, 1],
    [0, 2],
  ])
    assert.deepEqual(grey(x, y), [0, 0, 0, 0]);
});

test("colours are three planes", () => {
  const rgba = new Uint8ClampedArray(8);
  writePicture(rgba, Uint8Array.of(1, 2, 3, 4, 5, 6), [3, 1, 2]);
  assert.deepEqual([...rgba], [1, 3, 5, 255, 2, 4, 6, 255]);
});

test("floats are from 0 to 1, grey and colour, beside each other in one image", () => {
  const rgba = new Uint8ClampedArray(8);
  writePicture(rgba, Float32Array.of(0.5), [1, 1, 1], { stride: 2 });
  writePicture(rgba, Float64Array.of(1, 0, 0.25), [3, 1, 1], { stride: 2, left: 1 });
  assert.deepEqual([...rgba], [128, 128, 128, 255, 255, 0, 64, 255]);
});

test("a scale colours the mean of the channels", () => {
  const lut = Uint8Array.from({ length: 768 }, (_, n) => (n % 3 === 0 ? n / 3 : n % 3));
  const rgba = new Uint8ClampedArray(8);
  writePicture(rgba, Uint8Array.of(10, 20, 40), [3, 1, 1], { stride: 2, lut });
  writePicture(rgba, Uint8Array.of(7), [1, 1, 1], { stride: 2, left: 1, lut });
  assert.deepEqual([...rgba], [23, 1, 2, 255, 7, 1, 2, 255]);
});

test("bytes as numbers", () => {
  const tensor = { shape: [2, 1, 1, 2], data: Uint8Array.of(0, 255, 51, 102) };
  assert.deepEqual(
    Array.from(pictureAt(tensor, 1), (value) => value.toFixed(6)),
    ["0.200000", "0.400000"],
  );
});

/** A canvas without a browser: its size, how often it was set, and what was painted on it. */
function blank() {
  const canvas = { sets: [], painted: [] };
  const size = { width: 300, height: 150 };
  for (const side of ["width", "height"]) {
    Object.defineProperty(canvas, side, {
      get: () => size[side],
      set: (value) => {
        size[side] = value;
        canvas.sets.push(side);
      },
    });
  }
  canvas.getContext = () => ({ putImageData: (image, ...place) => canvas.painted.push([[...image.data], ...place]) });
  return canvas;
}

test("a canvas gets the picture's size once: setting it clears it", () => {
  const canvas = blank();
  const tensor = { shape: [1, 1, 2, 1], data: Uint8Array.of(9, 8) };
  paintRow(canvas, tensor, 0);
  paintRow(canvas, tensor, 0);
  assert.deepEqual(canvas.sets, ["width", "height"]);
  assert.deepEqual(canvas.painted.at(-1)[0], [9, 9, 9, 255, 8, 8, 8, 255]);
});

test("a sheet has its pictures in rows, with a gap of their own pixels", () => {
  const canvas = blank();
  const sheet = new Sheet([1, 2, 3], 5, { columns: 2, gap: 1, canvas });
  assert.deepEqual([sheet.width, sheet.height], [7, 8]);
  assert.deepEqual([canvas.width, canvas.height], [7, 8]);
  assert.deepEqual(
    [0, 1, 4].map((n) => sheet.corner(n)),
    [
      [0, 0],
      [4, 0],
      [0, 6],
    ],
  );
  sheet.put(Uint8Array.of(1, 2, 3, 4, 5, 6), 4);
  sheet.show(4);
  const [pixels, ...place] = canvas.painted[0];
  assert.deepEqual(place, [0, 0, 0, 6, 3, 2], "only that picture");
  assert.equal(pixels[4 * (7 * 6)], 1);
  assert.equal(pixels[4 * (7 * 7 + 2)], 6);
  assert.equal(pixels.filter((_, i) => i % 4 === 3 && pixels[i]).length, 6);
});

test("all pictures of a tensor, or some", () => {
  const tensor = { shape: [3, 1, 1, 1], data: Uint8Array.of(1, 2, 3) };
  const all = blank();
  paintSheet(all, tensor, { gap: 0 });
  assert.deepEqual(
    all.painted[0][0].filter((_, i) => i % 4 === 0),
    [1, 2, 3],
  );
  const some = blank();
  paintSheet(some, tensor, { rows: [2, 0], gap: 1 });
  assert.deepEqual(
    some.painted[0][0].filter((_, i) => i % 4 === 0),
    [3, 0, 1],
  );
});
