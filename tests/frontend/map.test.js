// Where the points of the map lie, and which of them a place, a direction or a lasso means.

import assert from "node:assert/strict";
import { test } from "node:test";
import { uniforms } from "../../app/components/frontend/kit/random.js";
import { findInside, findNearest, findNeighbour } from "../../app/components/frontend/map/map-find.js";
import { MapView } from "../../app/components/frontend/map/map-view.js";

function view({ width = 600, height = 400, bounds = [0, 0, 1, 1], count = 100, meaningful = false } = {}) {
  const made = new MapView();
  made.resize(width, height);
  return Object.assign(made, { bounds, count, meaningful });
}

const close = (actual, expected, tolerance = 1e-9) =>
  expected.forEach((value, n) =>
    assert.ok(Math.abs(actual[n] - value) < tolerance, `[${actual}]; expected [${expected}]`),
  );

test("everything fits, in the middle, upright, with one scale for both axes", () => {
  const one = view({ bounds: [5, -2, 3, 1] });
  close(one.place(5, -2), [300, 200]);
  const [right, up] = [one.place(6, -2), one.place(5, -1)];
  close([right[0] - 300, 200 - up[1]], [one.affine().scale, one.affine().scale]);
  for (const [x, y] of [
    [2, -3],
    [8, -1],
    [2, -1],
    [8, -3],
  ]) {
    const [px, py] = one.place(x, y);
    const r = one.radius();
    assert.ok(px - r > 0 && px + r < 600 && py - r > 0 && py + r < 400);
  }
});

test("axes take room at the left and below", () => {
  const one = view({ meaningful: true });
  const { left, top, width, height } = one.plot();
  assert.ok(left > 0 && top === 0 && left + width === 600 && height < 400);
  close(one.place(0, 0), one.middle());
});

test("a zoom leaves the place under the pointer where it is; back at 1 all is as it was", () => {
  const one = view();
  const start = one.place(0.3, -0.2);
  const { scale } = one.affine();
  one.zoomAt(3, ...start);
  close(one.place(0.3, -0.2), start, 0.01 * scale); // the discs grow a little, so the fit gives way by their rim
  assert.ok(one.affine().scale > 2.5 * scale);
  one.zoomAt(1e9, 10, 10);
  assert.equal(one.zoom, 400);
  one.zoomAt(1e-9, 10, 10);
  assert.equal(one.zoom, 1);
  one.reset();
  close(one.place(0.3, -0.2), start);
});

test("the map cannot be lost: its middle stays over the stage", () => {
  const one = view();
  one.pan(1e6, -1e6);
  close([one.x, one.y], [300, -200]);
  one.zoomAt(2, 300, 200);
  one.pan(-1e6, 1e6);
  close([one.x, one.y], [-600, 400]);
});

test("a stage that is resized keeps its part of the picture", () => {
  const one = view();
  one.pan(60, 40);
  one.resize(1200, 800);
  close([one.x, one.y], [120, 80]);
});

test("ticks are round numbers, inside the plot, at their places", () => {
  const one = view({ meaningful: true, bounds: [0, 0, 3, 3] });
  const { x, y } = one.ticks();
  const { left, width, height } = one.plot();
  assert.ok(x.length > 2 && y.length > 2);
  for (const { value, px } of x) {
    close([px], [one.place(value, 0)[0]]);
    assert.ok(px >= left && px <= left + width);
  }
  for (const { value, px } of y) {
    close([px], [one.place(0, value)[1]]);
    assert.ok(px >= 0 && px <= height);
  }
  assert.ok(x.some(({ value, text }) => Math.abs(value) < 1e-12 && !text.startsWith("−")));
  assert.ok(x.some(({ text }) => text.startsWith("−")));
  assert.ok(x[1].px - x[0].px >= 72 - 1e-9);
});

/** 400 points in four labels, and the plainest way to say which are nearest. */
function cloud() {
  const uniform = uniforms(7);
  const n = 400;
  const at = Float32Array.from({ length: 2 * n }, () => 2 * uniform() - 1);
  return { n, at, labels: Uint8Array.from({ length: n }, (_, i) => i % 4), muted: new Set() };
}
const far = (one, points, i, x, y) => {
  const [px, py] = one.place(points.at[2 * i], points.at[2 * i + 1]);
  return Math.hypot(px - x, py - y);
};

test("the nearest point, within reach, of those that are shown", () => {
  const [one, points] = [view(), cloud()];
  const rows = Array.from({ length: points.n }, (_, i) => i);
  for (const [x, y] of [
    [300, 200],
    [10, 10],
    [450, 90],
    [-50, 500],
  ]) {
    const shown = () => rows.filter((i) => !points.muted.has(points.labels[i]));
    const least = () => shown().reduce((a, b) => (far(one, points, b, x, y) < far(one, points, a, x, y) ? b : a));
    assert.equal(findNearest(one, points, x, y), least());
    points.muted.add(points.labels[least()]);
    assert.equal(findNearest(one, points, x, y), least());
    points.muted.clear();
  }
  const [x, y] = one.place(points.at[0], points.at[1]);
  assert.equal(findNearest(one, points, x, y, 1), 0);
  assert.equal(findNearest(one, points, -1000, -1000, 14), -1);
});

test("an arrow goes to the nearest point in its quarter, and stays where there is none", () => {
  const one = view();
  const points = {
    n: 5,
    at: [0, 0, 0.2, 0.1, 0.5, 0, 0.1, 0.4, -0.3, -0.5],
    labels: [0, 0, 0, 0, 0],
    muted: new Set(),
  };
  const go = (row, direction) => findNeighbour(one, points, row, direction, 5);
  assert.equal(go(0, [1, 0]), 1);
  assert.equal(go(1, [1, 0]), 2);
  assert.equal(go(0, [0, 1]), 3);
  assert.equal(go(0, [0, -1]), 4);
  assert.equal(go(2, [1, 0]), 2);
  assert.equal(go(0, [-1, 0]), 0); // the one at the lower left is farther down than left
});

test("a lasso holds what is inside it, also where it is dented, and nothing that is hidden", () => {
  const [one, points] = [view(), cloud()];
  // A U: what lies between its arms is outside.
  const corners = [
    [-1, -1],
    [1, -1],
    [1, 1],
    [0.4, 1],
    [0.4, -0.3],
    [-0.4, -0.3],
    [-0.4, 1],
    [-1, 1],
  ];
  const path = corners.map(([x, y]) => one.place(x, y));
  const inside = (i) => {
    const [x, y] = [points.at[2 * i], points.at[2 * i + 1]];
    return !(Math.abs(x) < 0.4 && y > -0.3);
  };
  const expected = Array.from({ length: points.n }, (_, i) => i).filter(inside);
  assert.ok(expected.length > 100 && expected.length < 350);
  assert.deepEqual(findInside(one, points, path), expected);
  points.muted.add(2);
  assert.deepEqual(
    findInside(one, points, path),
    expected.filter((i) => points.labels[i] !== 2),
  );
});
