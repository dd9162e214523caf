// What K weighted samples say of log P(X), and how many samples they are worth.

/** @import { Numbers } from "../../types.d.ts" */

/**
 * log(eᵃ + eᵇ) without overflow.
 * @param {number} a
 * @param {number} b
 */
export function logAdd(a, b) {
  const [low, high] = a < b ? [a, b] : [b, a];
  return low === -Infinity ? high : high + Math.log1p(Math.exp(low - high));
}

/**
 * After each of K log weights: log((1/k) Σ w), nats, and the effective sample size (Σw)²/Σw².
 * @param {Numbers} logWeights (K)
 */
export function runningEstimates(logWeights) {
  const estimate = new Float64Array(logWeights.length);
  const ess = new Float64Array(logWeights.length);
  let [one, two] = [-Infinity, -Infinity];
  for (let i = 0; i < logWeights.length; i++) {
    one = logAdd(one, logWeights[i]);
    two = logAdd(two, 2 * logWeights[i]);
    estimate[i] = one - Math.log(i + 1);
    ess[i] = Math.min(i + 1, Math.max(1, Math.exp(2 * one - two)));
  }
  return { estimate, ess };
}

/**
 * L_K = E log((1/K) Σ w): the mean over as many groups of K samples, one behind the other, as there are. K = 1 is the ELBO,
 * and in expectation none lies above log P(X) (Burda et al. 2016).
 * @param {Numbers} logWeights (N) of independent samples of Q
 * @param {number} k at most N
 */
export function boundOf(logWeights, k) {
  const groups = Math.floor(logWeights.length / k);
  let sum = 0;
  for (let group = 0; group < groups; group++) {
    let all = -Infinity;
    for (let i = group * k; i < (group + 1) * k; i++) all = logAdd(all, logWeights[i]);
    sum += all - Math.log(k);
  }
  return sum / groups;
}
