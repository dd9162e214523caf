// How numbers are written: a real minus sign, never a minus before zero, nats, digits that count. And what keeps one in bounds.

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
