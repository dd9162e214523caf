// The KL of a Gaussian to the prior: its parts, its gradient, its contours; and what weighted samples say of log P(X).

import assert from "node:assert/strict";
import { test } from "node:test";
import { normals } from "../../app/components/frontend/kit/random.js";
import { grips, klContour, klNats, klPull, klTerms, sharedNats } from "../../app/components/frontend/lab/lab-normal.js";
import { logAdd, runningEstimates } from "../../app/components/frontend/lab/sampling/estimates.js";

const close = (actual, expected, tolerance = 1e-9) =>
  assert.ok(
    Math.abs(actual - expected) <= tolerance * Math.max(1, Math.abs(expected)),
    `${actual}; expected ${expected}`,
  );

test("the KL is ∫ q log(q / p), and its parts are its sum", () => {
  for (const [mu, sigma] of [
    [0, 1],
    [1.2, 0.4],
    [-2, 2],
  ]) {
    const density = (z, m, s) => Math.exp(-0.5 * ((z - m) / s) ** 2) / (s * Math.sqrt(2 * Math.PI));
    let integral = 0;
    const step = sigma / 200;
    for (let z = mu - 12 * sigma; z < mu + 12 * sigma; z += step) {
      const q = density(z, mu, sigma);
      if (q > 0) integral += step * q * Math.log(q / density(z, 0, 1));
    }
    close(klNats(mu, sigma), integral, 1e-6);
    close(
      klTerms(mu, sigma).reduce((sum, part) => sum + part),
      klNats(mu, sigma),
    );
  }
  assert.equal(klNats(0, 1), 0);
});

test("the pull is minus the gradient", () => {
  for (const [mu, sigma] of [
    [1.5, 0.3],
    [-0.2, 1.8],
  ]) {
    const h = 1e-6;
    const [down, wider] = klPull(mu, sigma);
    close(down, -(klNats(mu + h, sigma) - klNats(mu - h, sigma)) / (2 * h), 1e-6);
    close(wider, -(klNats(mu, sigma + h) - klNats(mu, sigma - h)) / (2 * h), 1e-6);
  }
});

test("a contour has one KL all along, on both sides", () => {
  for (const level of [0.1, 1, 5]) {
    const points = klContour(level);
    for (const [mu, sigma] of points) close(klNats(mu, sigma), level, 1e-6);
    assert.ok(points.some(([mu]) => mu > 0.3) && points.some(([mu]) => mu < -0.3));
    const [first, last] = [points[0], points.at(-1)];
    close(Math.hypot(first[0] - last[0], first[1] - last[1]), 0, 1e-4); // closed
  }
});

test("what a correlation adds: the full KL less those of the dimensions", () => {
  const [s1, s2, rho] = [0.7, 1.4, 0.6];
  const determinant = (s1 * s2) ** 2 * (1 - rho * rho);
  const full = 0.5 * (s1 * s1 + s2 * s2 - 2 - Math.log(determinant));
  close(full - klNats(0, s1) - klNats(0, s2), sharedNats(rho));
  assert.ok(Object.is(Math.abs(sharedNats(0)), 0));
});

test("grips lie on the one-σ outline, farthest right and farthest up", () => {
  const q = { mu: [1, -2], sigma: [0.5, 2], rho: 0.3 };
  const [[mx, my], [rx, ry], [tx, ty]] = grips(q);
  assert.deepEqual([mx, my], [1, -2]);
  const distance = (x, y) => {
    const [u, v] = [(x - 1) / 0.5, (y + 2) / 2];
    return (u * u - 2 * 0.3 * u * v + v * v) / (1 - 0.09);
  };
  close(distance(rx, ry), 1);
  close(distance(tx, ty), 1);
  assert.equal(rx, 1.5);
  assert.equal(ty, 0);
});

test("adding logs neither overflows nor loses −∞", () => {
  close(logAdd(Math.log(2), Math.log(3)), Math.log(5));
  close(logAdd(-1000, -1001), -1000 + Math.log1p(Math.exp(-1)));
  close(logAdd(900, 900), 900 + Math.LN2);
  assert.equal(logAdd(-Infinity, -Infinity), -Infinity);
  assert.equal(logAdd(3, -Infinity), 3);
});

test("running estimates are those of every prefix, by the plain formula", () => {
  const normal = normals(4);
  const logWeights = Float32Array.from({ length: 50 }, () => 3 * normal() - 90);
  const { estimate, ess } = runningEstimates(logWeights);
  for (const k of [1, 2, 7, 50]) {
    const w = Array.from(logWeights.subarray(0, k), (value) => Math.exp(value + 90));
    const sum = w.reduce((a, b) => a + b);
    close(estimate[k - 1], Math.log(sum / k) - 90, 1e-9);
    close(ess[k - 1], sum ** 2 / w.reduce((a, b) => a + b * b, 0), 1e-9);
  }
  const equal = runningEstimates(new Float32Array(10).fill(-5000));
  close(equal.ess[9], 10);
  close(equal.estimate[9], -5000);
});
