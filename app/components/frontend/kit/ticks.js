// Where an axis has its marks, and what stands beside them: round numbers, one step apart, all with the digits of that step.

import { decimal } from "./numbers.js";

/**
 * The smallest of 1, 2 and 5 times a power of ten that is at least `rough`.
 * @param {number} rough above 0
 * @returns {number}
 */
export function stepFor(rough) {
  const power = 10 ** Math.floor(Math.log10(rough));
  return power * ([1, 2, 5].find((factor) => factor * power >= rough * (1 - 1e-9)) ?? 10);
}

/**
 * The multiples of `step` from `min` to `max`, both included; a hair outside counts as inside.
 * @param {number} min
 * @param {number} max
 * @param {number} step
 * @returns {number[]}
 */
export function multiples(min, max, step) {
  const values = [];
  for (let i = Math.ceil(min / step - 1e-9); i * step <= max + 1e-9 * step; i++) values.push(i * step + 0); // never −0
  return values;
}

/**
 * Round values from `min` to `max`, at most about `count` of them.
 * @param {number} min
 * @param {number} max
 * @param {number} count may be a fraction: a length over the room that one mark needs
 * @returns {number[]}
 */
export function ticks(min, max, count) {
  return max > min ? multiples(min, max, stepFor((max - min) / Math.max(1, count))) : [];
}

/**
 * What stands beside a mark: "−0.5" and "1.0" on one axis, "−1" and "2" on another; powers of ten from 100,000 on.
 * @param {number} value
 * @param {number} step from one mark to the next
 * @returns {string}
 */
export function tickText(value, step) {
  if (Math.abs(value) >= 1e5) return value.toExponential(0).replace("-", "−");
  return decimal(value, Math.max(0, -Math.floor(Math.log10(step) + 1e-9)));
}

/**
 * Marks with what stands beside them.
 * @param {number[]} values one step apart
 * @returns {string[]}
 */
export function tickTexts(values) {
  const step = values.length > 1 ? (values[1] ?? 0) - (values[0] ?? 0) : stepFor(Math.abs(values[0] ?? 0) || 1);
  return values.map((value) => tickText(value, step));
}

/**
 * Marks at 0, at 1 and 3 times powers of ten, and at the end, where the axis is bent: those that leave room for each other.
 * @param {number} end
 * @param {(value: number) => number} place where a value lies on the axis; 0 at 0, growing
 * @returns {number[]} values, not places
 */
export function bentTicks(end, place) {
  const far = place(end);
  const round = [];
  for (let power = 0.1; power < end; power *= 10) round.push(power, 3 * power);
  const fits = (/** @type {number} */ value) => place(value) < 0.87 * far && place(value) > 0.1 * far;
  return [
    0,
    ...round.map((value) => Number(value.toPrecision(1))).filter((value) => value !== 0.3 && fits(value)),
    end,
  ];
}

/**
 * Which of `count` things in a row get a name: every one, every second … so that at most `most` do.
 * @param {number} count
 * @param {number} [most]
 * @returns {number[]}
 */
export function everySo(count, most = 16) {
  return multiples(0, count - 1, Math.ceil(count / most));
}
