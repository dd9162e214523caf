// Where a visit begins that no link led to: at the code of a picture that the model shows well. The prior mean, z = 0, lies
// between all kinds and is a blur.

/** @import { Network } from "../types.d.ts" */

const DEAR = 2; // how much more what is missing counts than what is shown

/**
 * The image of which its own code shows most and misses least: an empty picture that comes back whole shows little.
 * @param {Network} net with an encoder
 * @param {Float32Array[]} images at least one
 * @returns {{ index: number, code: Float32Array }}
 */
export function clearest(net, images) {
  const { encode } = net;
  if (!encode) throw new Error("this model has no encoder");
  let best = { index: 0, code: new Float32Array(net.D), shown: Number.NEGATIVE_INFINITY };
  images.forEach((x, index) => {
    const code = encode(x).mu.slice();
    const shown = clarity(x, net.decode(code));
    if (shown > best.shown) best = { index, code, shown };
  });
  return best;
}

/**
 * The variance of a picture, less that of what is missing in another of it.
 * @param {Float32Array} x @param {Float32Array} again
 */
export function clarity(x, again) {
  const mean = x.reduce((sum, value) => sum + value, 0) / x.length;
  let sum = 0;
  x.forEach((value, i) => {
    sum += (value - mean) ** 2 - DEAR * (value - again[i]) ** 2;
  });
  return sum / x.length;
}
