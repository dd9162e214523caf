// Pictures out of tensors, byte for byte.

import assert from "node:assert/strict";
import { test } from "node:test";
import { paintPicture, writePicture } from "../../app/components/frontend/paint/picture.js";

test("one grey picture of several, at its place in a larger image", () => {
  const tensor = { shape: [2, 1, 2, 3], data: Uint8Array.from({ length: 12 }, (_, n) => 10 * n) };
  const rgba = new Uint8ClampedArray(4 * 4 * 3); // 4 wide, 3 high
  writePicture(rgba, 4, 1, 1, tensor, 1);
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
  const tensor = { shape: [1, 3, 1, 2], data: Uint8Array.of(1, 2, 3, 4, 5, 6) };
  const rgba = new Uint8ClampedArray(8);
  writePicture(rgba, 2, 0, 0, tensor, 0);
  assert.deepEqual([...rgba], [1, 3, 5, 255, 2, 4, 6, 255]);
});

test("a scale colours the mean of the channels", () => {
  const lut = Uint8Array.from({ length: 768 }, (_, n) => (n % 3 === 0 ? n / 3 : n % 3));
  const rgba = new Uint8ClampedArray(8);
  writePicture(rgba, 2, 0, 0, { shape: [1, 3, 1, 1], data: Uint8Array.of(10, 20, 40) }, 0, lut);
  writePicture(rgba, 2, 1, 0, { shape: [1, 1, 1, 1], data: Uint8Array.of(7) }, 0, lut);
  assert.deepEqual([...rgba], [23, 1, 2, 255, 7, 1, 2, 255]);
});

test("a canvas gets the picture's size once: setting it clears it", () => {
  globalThis.ImageData = class {
    constructor(width, height) {
      this.data = new Uint8ClampedArray(4 * width * height);
    }
  };
  const sizes = [];
  let painted = null;
  const canvas = {
    get width() {
      return sizes[0] ?? 300;
    },
    set width(value) {
      sizes[0] = value;
      sizes.push("width");
    },
    get height() {
      return sizes.includes("height") ? 2 : 150;
    },
    set height(_) {
      sizes.push("height");
    },
    getContext: () => ({
      putImageData: (image) => {
        painted = image;
      },
    }),
  };
  const tensor = { shape: [1, 1, 2, 1], data: Uint8Array.of(9, 8) };
  paintPicture(canvas, tensor, 0);
  paintPicture(canvas, tensor, 0);
  assert.deepEqual(sizes, [1, "width", "height"]);
  assert.deepEqual([...painted.data], [9, 9, 9, 255, 8, 8, 8, 255]);
});
