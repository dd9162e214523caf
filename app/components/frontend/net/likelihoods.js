// P(X|z) in the page: the mean picture and −log P(X|z) of the decoder's f, for each family. Twin of
// `vae_core/networks/likelihoods/torch_.py`, where the formulas are derived.

/**
 * @import { Numbers, Room } from "../types.d.ts"
 */

/**
 * The mean picture of f into `out`, value by value; the Gaussian's is cut to what a screen shows.
 * @param {Numbers} f @param {Room} out
 */
function sigmoid(f, out) {
  for (let n = 0; n < out.length; n++) out[n] = 1 / (1 + Math.exp(-f[n]));
}

/** @param {Numbers} f @param {Room} out */
function clipped(f, out) {
  for (let n = 0; n < out.length; n++) out[n] = Math.min(1, Math.max(0, f[n]));
}

const NARROW = 1e-2; // where |f| is below, series replace the quotients in which 0/0 would lurk

/**
 * 1/(1 − e^−f) − 1/f; near 0 it is ½ + f/12.
 * @param {Numbers} f @param {Room} out
 */
function continuousMean(f, out) {
  for (let n = 0; n < out.length; n++) {
    out[n] = Math.abs(f[n]) < NARROW ? 0.5 + f[n] / 12 : -1 / Math.expm1(-f[n]) - 1 / f[n];
  }
}

/**
 * −log P(X|z) in nats for a Bernoulli with logits f: −Σ x log p + (1 − x) log(1 − p) = Σ log(1 + e^f) − x f.
 * @param {Numbers} f @param {Numbers} x
 */
export function bernoulliNats(f, x) {
  let nats = 0;
  for (let n = 0; n < x.length; n++) nats += Math.max(f[n], 0) + Math.log1p(Math.exp(-Math.abs(f[n]))) - x[n] * f[n];
  return nats;
}

/**
 * −log P(X|z) in nats for a continuous Bernoulli (Loaiza-Ganem & Cunningham 2019): the Bernoulli's, less Σ log C(f) with
 * C = f / tanh(f/2), which near 0 is 2·e^(f²/12).
 * @param {Numbers} f @param {Numbers} x
 */
export function continuousBernoulliNats(f, x) {
  let normaliser = 0;
  for (let n = 0; n < x.length; n++) {
    normaliser += Math.abs(f[n]) < NARROW ? Math.LN2 + f[n] ** 2 / 12 : Math.log(f[n] / Math.tanh(f[n] / 2));
  }
  return bernoulliNats(f, x) - normaliser;
}

/**
 * −log P(X|z) in nats for N(f, σ²): Σ ½((x − f)/σ)² + log σ + ½ log 2π; sigma is a number or one for each pixel.
 * @param {Numbers} f @param {Numbers} x @param {number | Numbers} sigma
 */
export function gaussianNats(f, x, sigma) {
  let nats = 0.5 * x.length * Math.log(2 * Math.PI);
  for (let n = 0; n < x.length; n++) {
    const s = typeof sigma === "number" ? sigma : sigma[n];
    nats += 0.5 * ((x[n] - f[n]) / s) ** 2 + Math.log(s);
  }
  return nats;
}

/**
 * @typedef {{ mean(f: Numbers, out: Room): void, nats(f: Numbers, x: Numbers, sigma: number | Numbers): number }} Family
 * @type {Record<string, Family | undefined>}
 */
export const FAMILIES = {
  bernoulli: { mean: sigmoid, nats: bernoulliNats },
  "continuous-bernoulli": { mean: continuousMean, nats: continuousBernoulliNats },
  gaussian: { mean: clipped, nats: gaussianNats },
};
