// Bounds of log P(X) from samples of Q.

import assert from "node:assert/strict";
import { test } from "node:test";
import { boundOf, runningEstimates } from "../../app/components/frontend/lab/sampling/estimates.js";

const weights = [0.5, 2, 1, 4, 0.25, 8].map(Math.log);
const near = (/** @type {number} */ a, /** @type {number} */ b) => assert.ok(Math.abs(a - b) < 1e-12, `${a} is ${b}`);

test("one sample at a time is the mean of the log weights, all at once the log of their mean", () => {
  near(boundOf(weights, 1), weights.reduce((sum, weight) => sum + weight, 0) / 6);
  near(boundOf(weights, 6), Math.log(15.75 / 6));
  near(boundOf(weights, 6), runningEstimates(weights).estimate[5]);
});

test("in between it is the mean over groups, and what fills none is left out", () => {
  near(boundOf(weights, 2), (Math.log(1.25) + Math.log(2.5) + Math.log(4.125)) / 3);
  near(boundOf(weights, 4), Math.log(7.5 / 4));
});
