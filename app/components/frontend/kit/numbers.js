// How numbers are written: a real minus sign, never a minus before zero, nats, digits that count, sums that add up. And what
// keeps one in bounds. The library's twin is `vae_core/config/words.py`; both round alike.

/**
 * "−3.0": a real minus sign, as wide as the plus would be, and none before zero.
 * @param {string} text of a number, as `toFixed` and its like write it
 * @returns {string}
 */
export function minus(text) {
  return /^-0(\.0*)?$/.test(text) ? text.slice(1) : text.replaceAll("-", "−");
}

/**
 * "−0.35". From 10¹² on in powers of ten: thirty digits say less than two.
 * @param {number} value
 * @param {number} [digits] after the point
 * @returns {string}
 */
export function decimal(value, digits = 2) {
  return minus(Math.abs(value) < 1e12 ? value.toFixed(digits) : value.toExponential(1).replace("+", ""));
}

/**
 * "−131.2 nats", two digits where the value is small enough for them to say something.
 * @param {number} value
 * @returns {string}
 */
export const nats = (value) => `${decimal(value, Math.abs(value) < 0.995 ? 2 : 1)} nats`;

/**
 * Numbers as they are to be printed in a sum. The sum is rounded as it would be alone, for it is what is compared with other
 * sums. So are the parts, and the largest of them then take what is missing, a last digit each: of −131.2 that is a
 * thousandth, of a KL of 7.1 a seventieth, of 0.0 all. Numbers that are not finite, or too large for the digits, stay as
 * they are.
 * @param {number[]} parts with their signs
 * @param {number} [digits] after the point
 * @returns {number[]} the parts, and behind them what they add up to
 */
export function adding(parts, digits = 2) {
  const all = [...parts, parts.reduce((sum, part) => sum + part, 0)];
  if (!all.every((value) => Math.abs(value) < 1e12)) return all;
  const scale = 10 ** digits;
  const units = all.map((value) => Math.round(Number(value.toFixed(digits)) * scale));
  const missing = 2 * units[parts.length] - units.reduce((sum, unit) => sum + unit, 0);
  const largest = parts.map((_, i) => i).sort((a, b) => Math.abs(parts[b]) - Math.abs(parts[a]));
  for (const i of largest.slice(0, Math.abs(missing))) units[i] += Math.sign(missing);
  return units.map((unit) => unit / scale + 0);
}

/**
 * reconstruction − β·KL as it is to be printed: β with four digits that count, the KL with enough for their product, and the
 * whole as what these printed numbers come to.
 * @param {number} reconstruction as it is printed, which is that of ELBO = reconstruction − KL beside it
 * @param {number} beta
 * @param {number} kl
 * @param {number} [digits] after the point
 * @returns {{ beta: number, kl: number, klDigits: number, whole: number }}
 */
export function weighed(reconstruction, beta, kl, digits = 1) {
  const weight = Number(beta.toPrecision(4));
  let klDigits = digits;
  while (klDigits < 6 && 0.5 * weight * 10 ** -klDigits > 10 ** -digits) klDigits += 1;
  const price = Number(kl.toFixed(klDigits));
  return { beta: weight, kl: price, klDigits, whole: reconstruction - weight * price };
}

/**
 * Three digits that count: 21.4, 31.0, 0.0312, 1234.
 * @param {number} value
 * @returns {string}
 */
export function significant(value) {
  const size = Math.abs(value);
  if (size >= 100 || size === 0) return decimal(value, 0);
  return minus(size >= 0.001 ? value.toPrecision(3) : value.toExponential(1));
}

/**
 * The shortest that is right to so many digits: 0.5, 12, −4.
 * @param {number} value
 * @param {number} [digits]
 * @returns {string}
 */
export const shortest = (value, digits = 4) => minus(String(Number(value.toPrecision(digits))));

/**
 * The number to so many digits that count, where it is not shown but kept.
 * @param {number} value
 * @param {number} digits
 * @returns {number}
 */
export const figures = (value, digits) => Number(value.toPrecision(digits));

/**
 * "10,000"
 * @param {number} value
 * @returns {string}
 */
export const count = (value) => value.toLocaleString("en");

/**
 * @param {number} value
 * @param {number} low
 * @param {number} high
 * @returns {number}
 */
export const within = (value, low, high) => Math.min(high, Math.max(low, value));

/** Digits after the point that a link keeps of a code, and sliders show (`CODE_DIGITS` of `app/link.py`). */
export const LINK_DIGITS = 2;

/**
 * To so many digits after the point, as the sliders, the link and the server's copy have it. Never −0.
 * @param {number} value
 * @param {number} [digits]
 * @returns {number}
 */
export function rounded(value, digits = LINK_DIGITS) {
  const scale = 10 ** digits;
  return Math.round(value * scale) / scale + 0;
}
