// Reads safetensors byte strings: 8 bytes little-endian header length, JSON header, raw little-endian data
// (https://github.com/huggingface/safetensors#format).

/** @import { Arrays, Dtype, Tensor } from "../types.d.ts" */

/** @type {Record<string, { size: number, view(buffer: ArrayBufferLike, at: number, n: number): Tensor["data"] } | undefined>} */
const DTYPES = {
  F32: { size: 4, view: (buffer, at, n) => new Float32Array(buffer, at, n) },
  I32: { size: 4, view: (buffer, at, n) => new Int32Array(buffer, at, n) },
  U8: { size: 1, view: (buffer, at, n) => new Uint8Array(buffer, at, n) },
  F16: { size: 2, view: (buffer, at, n) => halvesToFloats(new Uint16Array(buffer, at, n)) },
};

/** @typedef {{ dtype: Dtype, shape: number[], data_offsets: [begin: number, end: number] }} Entry one tensor in the header */

/** @param {Uint16Array} halves */
function halvesToFloats(halves) {
  return Float32Array.from(halves, (h) => {
    const sign = h & 0x8000 ? -1 : 1;
    const exponent = (h >> 10) & 0x1f;
    const fraction = h & 0x3ff;
    if (exponent === 0) return sign * fraction * 2 ** -24;
    if (exponent === 31) return fraction ? NaN : sign * Infinity;
    return sign * (1 + fraction / 1024) * 2 ** (exponent - 15);
  });
}

/**
 * Views of the bytes where alignment allows, copies elsewhere.
 * @param {Uint8Array} bytes @returns {Arrays}
 */
export function parseSafetensors(bytes) {
  const word = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (bytes.byteLength < 8)
    throw new Error(`a blob of ${bytes.byteLength} bytes is too short for a safetensors header`);
  const headerLength = Number(word.getBigUint64(0, true));
  const dataStart = 8 + headerLength;
  if (dataStart > bytes.byteLength) {
    throw new Error(`the blob is cut short: its header says ${headerLength} bytes, ${bytes.byteLength - 8} came`);
  }
  const header = JSON.parse(new TextDecoder().decode(bytes.subarray(8, dataStart)));
  const { __metadata__: metadata = {}, ...entries } = header;
  /** @type {Arrays["tensors"]} */
  const tensors = new Map();
  for (const [name, entry] of /** @type {[string, Entry][]} */ (Object.entries(entries))) {
    const kind = DTYPES[entry.dtype];
    if (!kind) throw new Error(`tensor ${name} is ${entry.dtype}; this page reads ${Object.keys(DTYPES).join(", ")}`);
    const [begin, end] = entry.data_offsets;
    const count = entry.shape.reduce((product, size) => product * size, 1);
    if (begin < 0 || end - begin !== count * kind.size || dataStart + end > bytes.byteLength) {
      throw new Error(`tensor ${name} of shape [${entry.shape}] does not fit its ${end - begin} bytes`);
    }
    const at = bytes.byteOffset + dataStart + begin;
    // A typed array must start at a multiple of its element size; the message it came in guarantees nothing.
    const aligned = at % kind.size === 0;
    const buffer = aligned ? bytes.buffer : bytes.buffer.slice(at, at + count * kind.size);
    tensors.set(name, { dtype: entry.dtype, shape: entry.shape, data: kind.view(buffer, aligned ? at : 0, count) });
  }
  return { metadata, tensors };
}

/**
 * A tensor that must be there, of the kind that is expected.
 * @template {Tensor["data"]} Data
 * @param {Arrays} arrays
 * @param {string} name
 * @param {new (length: number) => Data} kind such as Float32Array
 * @returns {Tensor<Data>}
 */
export function tensorOf({ tensors }, name, kind) {
  const found = tensors.get(name);
  if (!found) throw new Error(`the tensor ${name} is missing; there is ${[...tensors.keys()].join(", ") || "none"}`);
  if (!(found.data instanceof kind)) throw new Error(`the tensor ${name} is ${found.dtype}, not a ${kind.name}`);
  return /** @type {Tensor<Data>} */ (found);
}

/**
 * A byte 0 … 255 of a picture as a number in [0, 1].
 * @param {number} byte
 */
export const toUnit = (byte) => byte / 255;
