// What a run said of itself while it was trained, point by point: its terms, and the KL of each dimension, stacked.

import { adding } from "../../kit/numbers.js";
import { tensorOf } from "../../net/safetensors.js";

/** @import { Arrays } from "../../types.d.ts" */

// Time is drawn on a cube-root scale: dimensions close within the first epoch or two.
export const toTime = (/** @type {number} */ epoch) => Math.cbrt(epoch);
export const toEpoch = (/** @type {number} */ time) => Math.max(0, time) ** 3;

/** One run: its curves, stacked with the dimension that ends most active at the bottom. */
export class Curves {
  /** @param {Arrays} blob @param {number[]} order of the dimensions */
  constructor(blob, order) {
    const of = (/** @type {string} */ name) => tensorOf(blob, name, Float32Array).data;
    this.epoch = of("epoch");
    this.beta = of("beta");
    this.reconstruction = of("reconstruction");
    this.values = of("kl");
    this.count = this.epoch.length;
    this.D = order.length;
    // edges[k][t]: the top of the k lowest bands.
    let below = new Float32Array(this.count);
    this.edges = [below];
    for (const dim of order) {
      below = below.map((sum, t) => sum + this.kl(t, dim));
      this.edges.push(below);
    }
    this.time = this.epoch.map(toTime);
  }

  /** @param {number} t @param {number} dim */
  kl(t, dim) {
    return this.values[t * this.D + dim];
  }

  /** @param {number} t */
  total(t) {
    return this.edges[this.D][t];
  }

  /**
   * The KL of each dimension as it is printed at point t, and behind them what these add up to.
   * @param {number} t
   */
  printed(t) {
    return adding(Array.from(this.values.subarray(t * this.D, (t + 1) * this.D)));
  }

  /**
   * Reconstruction, −KL and ELBO as they are printed at point t.
   * @param {number} t
   */
  terms(t) {
    return adding([this.reconstruction[t], -this.total(t)], 1);
  }

  get last() {
    return this.count - 1;
  }

  /**
   * The logged point nearest to a moment.
   * @param {number} epoch
   */
  nearest(epoch) {
    let best = 0;
    for (let t = 1; t < this.count; t++)
      if (Math.abs(this.epoch[t] - epoch) <= Math.abs(this.epoch[best] - epoch)) best = t;
    return best;
  }
}
