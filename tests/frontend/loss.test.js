// The hidden β of a loss; that its code has the gradients of that β is held by `tests/app/test_hidden_beta.py`.

import assert from "node:assert/strict";
import { test } from "node:test";
import {
  betaOf,
  codeOf,
  lettersOf,
  lossOf,
  presets,
  weightFor,
} from "../../app/components/frontend/lab/hidden-beta/loss.js";

const SIZES = { pixels: 784, dims: 10, batch: 128, images: 60_000 };
const beta = (/** @type {string} */ letters, weight = 1, variance = 1) =>
  betaOf(lossOf(letters, weight, variance), SIZES);
const near = (/** @type {number} */ a, /** @type {number} */ b) =>
  assert.ok(Math.abs(a / b - 1) < 1e-12, `${a} is ${b}`);

test("sums over pixels and dimensions are the ELBO, whatever is done to the batch, if it is done to both", () => {
  for (const letters of ["ssssb", "ssbbb", "ssddb"]) near(beta(letters), 1);
});

test("a mean over pixels multiplies β by their number, one over dimensions divides it by theirs", () => {
  near(beta("msbbb"), 784);
  near(beta("smbbb"), 0.1);
  near(beta("mmbbb"), 78.4);
});

test("a sum over the batch beside a mean is a factor of its size", () => {
  near(beta("sssbb"), 1 / 128);
  near(beta("ssbsb"), 128);
  near(beta("ssbdb"), 128 / 60_000);
});

test("a squared error is a Gaussian of σ² = ½; another σ² is another β", () => {
  near(beta("ssbbg", 1, 0.5), 1);
  near(beta("ssbbg", 1, 0.01), 50);
});

test("a weight is found for every β, and letters are what they were", () => {
  for (const letters of ["ssbbb", "mmsdg", "smdsb"]) {
    const loss = lossOf(letters, 0.3, 0.1);
    assert.equal(lettersOf(loss), letters);
    near(betaOf({ ...loss, weight: weightFor(loss, SIZES, 7) }, SIZES), 7);
  }
  assert.equal(lettersOf(lossOf("?", 1, 1)), "ssssb");
});

test("the code says what the switches say", () => {
  assert.deepEqual(codeOf(lossOf("msbdb", 0.5, 1)).slice(2), [
    "reconstruction = error.mean(1).mean()",
    "loss = reconstruction + 0.5 * kl.sum(1).sum() / len(train_set)",
  ]);
});

test("presets are different losses, the first the ELBO", () => {
  const all = presets(SIZES);
  near(beta(all[0].letters, all[0].weight), 1);
  assert.equal(new Set(all.map(({ letters }) => letters)).size, all.length);
});
