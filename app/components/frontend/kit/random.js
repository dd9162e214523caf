// Random numbers that start from a whole number, so that a link shows the same draw.

/**
 * Uniform in [0, 1): mulberry32 (Tommy Ettinger, public domain), a state of 32 bits, each of them visited once.
 * @param {number} seed a whole number
 * @returns {() => number}
 */
export function uniforms(seed) {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}

/**
 * One draw from N(0, 1), of two uniform ones (Box & Muller 1958).
 * @param {() => number} [uniform] without one: a draw that nobody can repeat
 * @returns {number}
 */
export function normal(uniform = Math.random) {
  return Math.sqrt(-2 * Math.log(1 - uniform())) * Math.cos(2 * Math.PI * uniform());
}

/**
 * A generator of N(0, 1).
 * @param {number} seed a whole number
 * @returns {() => number}
 */
export function normals(seed) {
  const uniform = uniforms(seed);
  return () => normal(uniform);
}

/**
 * Between two draws from N(0, I) along the sphere: a straight line would cut through codes shorter than the prior has them.
 * @param {ArrayLike<number>} a
 * @param {ArrayLike<number>} b
 * @param {number} t 0 … 1
 * @param {Float32Array} out
 * @returns {Float32Array} `out`
 */
export function slerp(a, b, t, out) {
  let [dot, aa, bb] = [0, 0, 0];
  for (let d = 0; d < a.length; d++) {
    dot += a[d] * b[d];
    aa += a[d] * a[d];
    bb += b[d] * b[d];
  }
  const angle = Math.acos(Math.min(1, Math.max(-1, dot / Math.sqrt(aa * bb || 1))));
  const sine = Math.sin(angle);
  const [s, u] =
    sine < 1e-3 || aa * bb === 0 ? [1 - t, t] : [Math.sin((1 - t) * angle) / sine, Math.sin(t * angle) / sine];
  for (let d = 0; d < a.length; d++) out[d] = s * a[d] + u * b[d];
  return out;
}
