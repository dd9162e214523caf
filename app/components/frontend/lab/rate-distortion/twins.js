// Models that the ELBO cannot tell apart, though one says far more about the image than the other.

/** @typedef {{ beta: number, rate: number, elbo: number }} Member of a sweep, nats */

const ALIKE = 0.05; // nats of ELBO for each nat of rate between two: what a line of equal ELBO may be off by
const LEAST = 1; // nats of rate that twins differ by

/**
 * The two with one ELBO whose rates are farthest apart, the lower rate first; null where there are none. Where the KL is free
 * (β = 0) a rate is no price that was paid, so such a model is nobody's twin.
 * @template {Member} M
 * @param {M[]} sweep
 * @returns {[M, M] | null}
 */
export function twinsOf(sweep) {
  /** @type {[M, M] | null} */
  let found = null;
  for (const a of sweep)
    for (const b of sweep) {
      const apart = b.rate - a.rate;
      const alike = Math.abs(b.elbo - a.elbo) <= ALIKE * apart;
      if (a.beta > 0 && b.beta > 0 && apart >= LEAST && alike && (!found || apart > found[1].rate - found[0].rate))
        found = [a, b];
    }
  return found;
}
