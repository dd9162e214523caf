// Level lines against curves that are known, ellipses against the covariance they come from.

import assert from "node:assert/strict";
import { test } from "node:test";
import { ellipseOf, levelLines, pointsOn, radiusOf } from "../../app/components/frontend/kit/geometry.js";

const close = (actual, expected, tolerance = 1e-12) =>
  assert.ok(Math.abs(actual - expected) <= tolerance, `${actual}; expected ${expected}`);

/** A function of the plane on n × m cells, the first axis slowest. */
const sampled = (n, m, f) => Float64Array.from({ length: n * m }, (_, k) => f(Math.floor(k / m), k % m));

test("the level lines of a plane are straight, and where they belong", () => {
  const segments = levelLines(
    sampled(6, 9, (i, j) => 2 * i + j),
    6,
    9,
    7.5,
  );
  assert.ok(segments.length > 8);
  for (const [x0, y0, x1, y1] of segments) {
    close(2 * x0 + y0, 7.5);
    close(2 * x1 + y1, 7.5);
  }
});

test("the level line of a cone is a circle: closed, of the right radius and length", () => {
  const [n, radius] = [81, 25.3];
  const far = (i, j) => Math.hypot(i - 40.2, j - 39.7);
  const segments = levelLines(sampled(n, n, far), n, n, radius);
  const ends = new Map();
  let length = 0;
  for (const [x0, y0, x1, y1] of segments) {
    close(far(x0, y0), radius, 0.02);
    length += Math.hypot(x1 - x0, y1 - y0);
    for (const end of [`${x0.toFixed(9)} ${y0.toFixed(9)}`, `${x1.toFixed(9)} ${y1.toFixed(9)}`])
      ends.set(end, (ends.get(end) ?? 0) + 1);
  }
  assert.ok(
    [...ends.values()].every((times) => times === 2),
    "a gap",
  );
  close(length, 2 * Math.PI * radius, 0.1);
});

test("at a saddle the high corners are joined where the middle is high", () => {
  const joined = levelLines([1, 0, 0, 1], 2, 2, 0.4);
  const apart = levelLines([1, 0, 0, 1], 2, 2, 0.6);
  assert.equal(joined.length, 2);
  assert.equal(apart.length, 2);
  // Whether (0, 0) and (1, 1), both high, are on one side of each segment.
  const together = ([x0, y0, x1, y1]) => {
    const side = (x, y) => Math.sign((x1 - x0) * (y - y0) - (y1 - y0) * (x - x0));
    return side(0, 0) === side(1, 1);
  };
  assert.ok(joined.every(together));
  assert.ok(!apart.some(together));
});

test("nothing above the level, nothing drawn", () => {
  assert.deepEqual(levelLines([0, 0, 0, 0], 2, 2, 1), []);
  assert.deepEqual(levelLines([2, 2, 2, 2], 2, 2, 1), []);
});

test("an ellipse has the axes of its covariance", () => {
  assert.deepEqual(
    ellipseOf([
      [9, 0],
      [0, 4],
    ]),
    [3, 2, 0],
  );
  const [long, short, angle] = ellipseOf([
    [4, 0],
    [0, 9],
  ]);
  assert.deepEqual([long, short], [3, 2]);
  close(angle, Math.PI / 2);
  // R diag(l², s²) Rᵀ is the covariance again, for any.
  for (const [a, b, c] of [
    [2, 0.5, 1],
    [1, -0.9, 1],
    [0.3, 0.2, 5],
  ]) {
    const [l, s, turn] = ellipseOf([
      [a, b],
      [b, c],
    ]);
    const [cos, sin] = [Math.cos(turn), Math.sin(turn)];
    close(l * l * cos * cos + s * s * sin * sin, a, 1e-9);
    close((l * l - s * s) * cos * sin, b, 1e-9);
    close(l * l * sin * sin + s * s * cos * cos, c, 1e-9);
    assert.ok(l >= s);
  }
  assert.equal(
    ellipseOf([
      [1, 1],
      [1, 1],
    ])[1],
    0,
  ); // flat, not NaN
});

test("points on an ellipse have one Mahalanobis distance", () => {
  const covariance = [
    [2, 0.7],
    [0.7, 1],
  ];
  const determinant = 2 - 0.49;
  const points = pointsOn([3, -1], ellipseOf(covariance), 24);
  assert.equal(points.length, 24);
  for (const [x, y] of points) {
    const [dx, dy] = [x - 3, y + 1];
    close((dx * dx - 2 * 0.7 * dx * dy + 2 * dy * dy) / determinant, 1, 1e-9);
  }
});

test("a radius holds its share of a Gaussian", () => {
  for (const mass of [0.5, 0.9, 0.99]) close(1 - Math.exp(-(radiusOf(mass) ** 2) / 2), mass);
});
