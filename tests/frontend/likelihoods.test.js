// P(X|z) in the page: each against the formula of its density, whether it is a density, and far out, where formulas overflow.

import assert from "node:assert/strict";
import { test } from "node:test";
import {
  bernoulliNats,
  continuousBernoulliNats,
  FAMILIES,
  gaussianNats,
} from "../../app/components/frontend/net/likelihoods.js";

const close = (actual, expected, tolerance = 1e-12) =>
  assert.ok(
    Math.abs(actual - expected) <= tolerance * Math.max(1, Math.abs(expected)),
    `${actual}; expected ${expected}`,
  );
const sigmoid = (f) => 1 / (1 + Math.exp(-f));

/** ∫ exp(−nats(x)) dx by Simpson's rule. */
function mass(nats, low, high, steps = 2000) {
  const width = (high - low) / steps;
  let sum = 0;
  for (let i = 0; i <= steps; i++) {
    const weight = i === 0 || i === steps ? 1 : i % 2 ? 4 : 2;
    sum += weight * Math.exp(-nats(low + i * width));
  }
  return (sum * width) / 3;
}

/** The mean picture of these parameters under a family. */
function mean(family, f) {
  const picture = new Float32Array(f.length);
  FAMILIES[family].mean(f, picture);
  return [...picture];
}

test("Bernoulli: −Σ x log p + (1 − x) log(1 − p), and its two values have all the mass", () => {
  const [f, x] = [
    [-2, 0.3, 1.5],
    [0, 1, 0.25],
  ];
  const expected = f.reduce((sum, logit, n) => {
    const p = sigmoid(logit);
    return sum - x[n] * Math.log(p) - (1 - x[n]) * Math.log(1 - p);
  }, 0);
  close(bernoulliNats(f, x), expected);
  for (const logit of [-8, -0.1, 0, 3]) {
    close(Math.exp(-bernoulliNats([logit], [0])) + Math.exp(-bernoulliNats([logit], [1])), 1);
  }
});

test("Bernoulli far out: neither infinite nor NaN", () => {
  close(bernoulliNats([800], [0]), 800);
  assert.equal(bernoulliNats([800], [1]), 0);
  close(bernoulliNats([-800], [1]), 800);
  assert.equal(bernoulliNats([-800], [0]), 0);
});

test("continuous Bernoulli: C(f) pˣ (1 − p)¹⁻ˣ with C = f / tanh(f/2), and it has mass 1 on [0, 1]", () => {
  for (const f of [-6, -0.5, 0.02, 1, 9]) {
    const p = sigmoid(f);
    for (const x of [0, 0.3, 1]) {
      const density = (f / Math.tanh(f / 2)) * p ** x * (1 - p) ** (1 - x);
      close(continuousBernoulliNats([f], [x]), -Math.log(density), 1e-9);
    }
  }
  for (const f of [-20, -1, 0, 1e-6, 0.01, 0.5, 20])
    close(
      mass((x) => continuousBernoulliNats([f], [x]), 0, 1),
      1,
      1e-9,
    );
});

test("continuous Bernoulli where the series takes over, and far out", () => {
  for (const sign of [-1, 1]) {
    const below = continuousBernoulliNats([sign * (0.01 - 1e-12)], [0.5]);
    const above = continuousBernoulliNats([sign * (0.01 + 1e-12)], [0.5]);
    close(below, above, 1e-10);
  }
  close(continuousBernoulliNats([0], [0.7]), 0); // uniform
  close(continuousBernoulliNats([700], [1]), -Math.log(700));
  close(continuousBernoulliNats([-700], [1]), 700 - Math.log(700));
});

test("Gaussian: one σ, one for each pixel, and mass 1", () => {
  const density = (x, f, s) => Math.exp(-0.5 * ((x - f) / s) ** 2) / (s * Math.sqrt(2 * Math.PI));
  const [f, x, sigma] = [
    [0, 1, -2],
    [0.1, 0.5, 3],
    [0.5, 1, 4],
  ];
  const each = f.reduce((sum, mu, n) => sum - Math.log(density(x[n], mu, sigma[n])), 0);
  close(gaussianNats(f, x, sigma), each);
  const one = f.reduce((sum, mu, n) => sum - Math.log(density(x[n], mu, 2)), 0);
  close(gaussianNats(f, x, 2), one);
  close(
    mass((value) => gaussianNats([0.3], [value], 0.2), -2, 2.6),
    1,
    1e-9,
  );
  close(gaussianNats([1e6], [0], 1e-3), 0.5e18, 1e-9);
});

test("mean pictures: what each likelihood expects of a pixel", () => {
  const f = [-800, -2, -0.005, 0, 0.005, 0.3, 2, 800];
  const near = (pictures, expected) => pictures.forEach((value, n) => close(value, expected[n], 1e-6));
  near(mean("bernoulli", f), f.map(sigmoid));
  near(
    mean("gaussian", f),
    f.map((value) => Math.min(1, Math.max(0, value))),
  );
  // ∫ x p(x) dx of the continuous Bernoulli, by the same integration as its mass.
  const expected = f.map((logit) =>
    Math.abs(logit) > 100
      ? Number(logit > 0) - Math.sign(logit) / Math.abs(logit)
      : mass((x) => continuousBernoulliNats([logit], [x]) - Math.log(x), 1e-9, 1),
  );
  near(mean("continuous-bernoulli", f), expected);
});
