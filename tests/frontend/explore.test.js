// Where a visit to Explore begins, and what the first one is shown.

import assert from "node:assert/strict";
import { test } from "node:test";
import { clarity, clearest } from "../../app/components/frontend/explore/clear.js";
import { invitation, swing } from "../../app/components/frontend/explore/invite.js";

const [dim, bright, empty] = [
  [0.4, 0, 0.4, 0],
  [1, 0, 1, 0],
  [0, 0, 0, 0],
].map((values) => Float32Array.from(values));

/** A network whose code is the number of the image, and whose pictures are these. */
const netOf = (/** @type {Float32Array[]} */ images, /** @type {Float32Array[]} */ pictures) =>
  /** @type {any} */ ({
    D: 1,
    encode: (/** @type {Float32Array} */ x) => ({ mu: Float32Array.of(images.indexOf(x)) }),
    decode: (/** @type {Float32Array} */ z) => pictures[z[0]],
  });

test("clarity is the variance shown, less twice that which is missing", () => {
  assert.equal(clarity(bright, bright), 0.25);
  assert.equal(clarity(empty, empty), 0);
  assert.ok(Math.abs(clarity(bright, dim) - (0.25 - (2 * 0.36) / 2)) < 1e-6);
});

test("the clearest image is neither an empty one that comes back whole nor a rich one that does not", () => {
  const images = [empty, bright, dim];
  assert.deepEqual(clearest(netOf(images, [empty, dim, dim]), images).code, Float32Array.of(2));
  assert.equal(clearest(netOf(images, [empty, bright, dim]), images).index, 1);
});

test("without an encoder there is none", () => {
  assert.throws(() => clearest(/** @type {any} */ ({ D: 2, encode: null }), [dim]), /no encoder/);
});

test("the handle goes out and comes back to where it stood", () => {
  assert.deepEqual(swing(0), [0, 0]);
  const way = Array.from({ length: 24 }, (_, n) => swing(n / 10));
  assert.ok(way.every((place) => place !== null && Math.hypot(...place) <= 1));
  assert.ok(Math.max(...way.map((place) => place?.[0] ?? 0)) > 0.7);
  assert.equal(swing(2.4), null);
});

test("the sentence says what there is to drag", () => {
  assert.equal(invitation(2, "digit"), "Every point of this square is a digit. Drag.");
  assert.match(invitation(1, "digit"), /slider/);
  assert.match(invitation(10, "digit"), /^10 numbers/);
});
