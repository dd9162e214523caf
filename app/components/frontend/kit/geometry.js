// Shapes in the plane: level lines of a field, ellipses of a Gaussian. Numbers in, numbers out.

/** @import { Numbers } from "../types.d.ts" */

/** @typedef {[x0: number, y0: number, x1: number, y1: number]} Segment */
/** @typedef {[number, number]} Point */
/** @typedef {readonly (readonly number[])[]} Covariance [[a, b], [b, c]] */

/**
 * A field along the lines where it is `level` (marching squares): segments in units of its cells.
 * @param {Numbers} field (n·m), the first axis slowest
 * @param {number} n
 * @param {number} m
 * @param {number} level
 * @returns {Segment[]}
 */
export function levelLines(field, n, m, level) {
  /** @type {Segment[]} */
  const segments = [];
  const at = (/** @type {number} */ i, /** @type {number} */ j) => field[i * m + j] - level;
  for (let i = 0; i < n - 1; i++) {
    for (let j = 0; j < m - 1; j++) {
      const [a, b, c, d] = [at(i, j), at(i + 1, j), at(i + 1, j + 1), at(i, j + 1)];
      /** @type {Point[]} */
      const cut = [];
      if (a > 0 !== b > 0) cut.push([i + a / (a - b), j]);
      if (b > 0 !== c > 0) cut.push([i + 1, j + b / (b - c)]);
      if (c > 0 !== d > 0) cut.push([i + d / (d - c), j + 1]);
      if (d > 0 !== a > 0) cut.push([i, j + a / (a - d)]);
      // Four cuts are a saddle: the two high corners are joined where the middle is high, so the low ones are cut off.
      const turned = cut.length === 4 && a + b + c + d > 0 !== a > 0 ? [cut[1], cut[2], cut[3], cut[0]] : cut;
      for (let k = 0; k + 1 < turned.length; k += 2) segments.push([...turned[k], ...turned[k + 1]]);
    }
  }
  return segments;
}

/**
 * The one-σ ellipse of a covariance: its half axes, the longer first, are the square roots of the eigenvalues.
 * @param {Covariance} covariance
 * @returns {[long: number, short: number, angle: number]} radians, counter-clockwise
 */
export function ellipseOf([[a, b], [, c]]) {
  const away = Math.hypot((a - c) / 2, b);
  const half = (/** @type {number} */ eigenvalue) => Math.sqrt(Math.max(0, eigenvalue));
  return [half((a + c) / 2 + away), half((a + c) / 2 - away), 0.5 * Math.atan2(2 * b, a - c)];
}

/**
 * Points on an ellipse, evenly spaced by their angle.
 * @param {Point} centre
 * @param {[long: number, short: number, angle: number]} ellipse as `ellipseOf` gives it
 * @param {number} count
 * @returns {Point[]}
 */
export function pointsOn([x, y], [long, short, angle], count) {
  return Array.from({ length: count }, (_, i) => {
    const turn = (2 * Math.PI * i) / count;
    const [c, s] = [long * Math.cos(turn), short * Math.sin(turn)];
    return [x + c * Math.cos(angle) - s * Math.sin(angle), y + c * Math.sin(angle) + s * Math.cos(angle)];
  });
}

/**
 * How many standard deviations hold this share of a Gaussian in the plane: 1 − e^(−r²/2) = mass.
 * @param {number} mass 0 … 1
 */
export const radiusOf = (mass) => Math.sqrt(-2 * Math.log(1 - mass));
