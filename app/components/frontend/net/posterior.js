// Q(z|X) in the page. Twin of `vae_core/networks/posterior/torch_.py`.

/**
 * @import { Numbers } from "../types.d.ts"
 */

/**
 * D[N(mu, L·Lᵀ) ‖ N(0, I)] = ½ (Σ μ² + exp(logvar) − 1 − logvar + Σ lower²), in nats: the trace of L·Lᵀ is the sum of
 * the squares in L. `lower` is null where Q is diagonal.
 * @param {Numbers} mu @param {Numbers} logvar @param {Iterable<number> | null} [lower]
 */
export function gaussianKL(mu, logvar, lower) {
  let sum = 0;
  for (let d = 0; d < mu.length; d++) sum += mu[d] ** 2 + Math.exp(logvar[d]) - 1 - logvar[d];
  if (lower) for (const value of lower) sum += value ** 2;
  return sum / 2;
}
