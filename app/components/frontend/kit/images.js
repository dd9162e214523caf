// A blob of test images: `images` (N, C, H, W), and for each its `labels` and its `indices` in the test set, where they are known.

/** @import { Arrays } from "../types.d.ts" */

/**
 * @param {Arrays} blob
 * @param {number} row
 * @returns {number | undefined}
 */
export const labelOf = (blob, row) => blob.tensors.get("labels")?.data[row];

/**
 * Which image of the test set it is.
 * @param {Arrays} blob
 * @param {number} row
 * @returns {number}
 */
export const indexOf = (blob, row) => blob.tensors.get("indices")?.data[row] ?? row;

/**
 * Label -> the rows of its images, labels in order.
 * @param {ArrayLike<number>} labels
 * @returns {Map<number, number[]>}
 */
export function rowsByLabel(labels) {
  /** @type {Map<number, number[]>} */
  const found = new Map();
  for (const label of [...new Set(Array.from(labels))].sort((a, b) => a - b)) found.set(label, []);
  Array.from(labels).forEach((label, row) => found.get(label)?.push(row));
  return found;
}
