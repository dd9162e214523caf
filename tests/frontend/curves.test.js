// A run's curves, stacked: the bands are the dimensions in their order, the top is the KL.

import assert from "node:assert/strict";
import { test } from "node:test";
import { Curves, toEpoch, toTime } from "../../app/components/frontend/lab/collapse/curves.js";

const tensor = (shape, values) => ({ dtype: "F32", shape, data: Float32Array.from(values) });
const curves = (order) =>
  new Curves(
    {
      metadata: {},
      tensors: new Map([
        ["epoch", tensor([3], [0, 1, 8])],
        ["beta", tensor([3], [0, 0.5, 1])],
        ["reconstruction", tensor([3], [-9, -7, -6])],
        ["kl", tensor([3, 2], [1, 2, 3, 4, 5, 6])],
      ]),
    },
    order,
  );

test("bands lie on each other in the order given", () => {
  const { edges, count, last } = curves([1, 0]);
  assert.deepEqual(
    edges.map((edge) => [...edge]),
    [
      [0, 0, 0],
      [2, 4, 6],
      [3, 7, 11],
    ],
  );
  assert.deepEqual([count, last], [3, 2]);
  assert.deepEqual(
    [0, 1, 2].map((t) => curves([1, 0]).total(t)),
    [3, 7, 11],
  );
  assert.equal(curves([1, 0]).kl(2, 0), 5);
});

test("a moment is its nearest logged point, the later one where two are as near", () => {
  const one = curves([0, 1]);
  assert.deepEqual(
    [-1, 0.4, 0.5, 4.4, 4.5, Infinity].map((epoch) => one.nearest(epoch)),
    [0, 0, 1, 1, 2, 2],
  );
});

test("time and epochs are each other's inverse", () => {
  for (const epoch of [0, 0.01, 1, 27]) assert.ok(Math.abs(toEpoch(toTime(epoch)) - epoch) < 1e-12);
  assert.equal(toEpoch(-1), 0);
  assert.deepEqual([...curves([0, 1]).time], [0, 1, 2]);
});

test("a tensor that is missing is named", () => {
  assert.throws(
    () => new Curves({ metadata: {}, tensors: new Map() }, [0]),
    /the tensor epoch is missing; there is none/,
  );
});
