// The byte strings in which arrays travel: every dtype, wherever they begin in memory, and what is wrong with a bad one.

import assert from "node:assert/strict";
import { test } from "node:test";
import { parseSafetensors } from "../../app/components/frontend/net/safetensors.js";

/** header (object or text) and data as one byte string that begins `shift` bytes into its buffer. */
function packed(header, data = [], { shift = 0, length } = {}) {
  const text = new TextEncoder().encode(typeof header === "string" ? header : JSON.stringify(header));
  const bytes = new Uint8Array(shift + 8 + text.length + data.length);
  new DataView(bytes.buffer).setBigUint64(shift, length ?? BigInt(text.length), true);
  bytes.set(text, shift + 8);
  bytes.set(data, shift + 8 + text.length);
  return bytes.subarray(shift);
}
const bytesOf = (array) => new Uint8Array(array.buffer);
const one = (dtype, shape, end) => ({ t: { dtype, shape, data_offsets: [0, end] } });

test("every dtype, at every alignment", () => {
  const cases = {
    F32: Float32Array.of(1.5, -2, Infinity),
    I32: Int32Array.of(1, -70000, 2 ** 31 - 1),
    U8: Uint8Array.of(0, 127, 255),
  };
  for (const [dtype, values] of Object.entries(cases)) {
    for (let shift = 0; shift < 8; shift++) {
      const { tensors } = parseSafetensors(packed(one(dtype, [3], values.byteLength), bytesOf(values), { shift }));
      assert.deepEqual(tensors.get("t"), { dtype, shape: [3], data: values });
    }
  }
});

test("half floats: zero, the smallest, the largest, infinite, not a number", () => {
  const halves = Uint16Array.of(0x0000, 0x3c00, 0xc000, 0x0001, 0x03ff, 0x0400, 0x7bff, 0x7c00, 0xfc00, 0x7e00, 0x3555);
  const expected = [0, 1, -2, 2 ** -24, 1023 * 2 ** -24, 2 ** -14, 65504, Infinity, -Infinity, NaN, 0.333251953125];
  const { tensors } = parseSafetensors(packed(one("F16", [11], 22), bytesOf(halves), { shift: 1 }));
  assert.deepEqual([...tensors.get("t").data], expected);
});

test("several tensors, a scalar, an empty one, and what is said of them", () => {
  const header = {
    __metadata__: { id: "m", manifest: "{}" },
    a: { dtype: "U8", shape: [2, 1], data_offsets: [0, 2] },
    scalar: { dtype: "F32", shape: [], data_offsets: [4, 8] },
    nothing: { dtype: "F32", shape: [0, 3], data_offsets: [8, 8] },
  };
  const { metadata, tensors } = parseSafetensors(packed(header, [5, 6, 0, 0, ...bytesOf(Float32Array.of(0.5))]));
  assert.deepEqual(metadata, { id: "m", manifest: "{}" });
  assert.deepEqual([...tensors.keys()], ["a", "scalar", "nothing"]);
  assert.deepEqual([...tensors.get("a").data], [5, 6]);
  assert.deepEqual([...tensors.get("scalar").data], [0.5]);
  assert.equal(tensors.get("nothing").data.length, 0);
  assert.deepEqual(parseSafetensors(packed({})).metadata, {});
});

test("what cannot be read is said", () => {
  const cut = packed(one("F32", [2], 8), bytesOf(Float32Array.of(1, 2)));
  const said = [
    [new Uint8Array(3), /3 bytes is too short/],
    [packed("{}", [], { length: 1000n }), /cut short: its header says 1000 bytes, 2 came/],
    [packed("{}", [], { length: 2n ** 63n }), /cut short/],
    [cut.subarray(0, cut.length - 1), /tensor t of shape \[2\] does not fit its 8 bytes/],
    [packed(one("F32", [3], 8), new Array(8).fill(0)), /tensor t of shape \[3\] does not fit its 8 bytes/],
    [packed({ t: { dtype: "U8", shape: [4], data_offsets: [-4, 0] } }), /tensor t of shape \[4\] does not fit/],
    [packed(one("BF16", [1], 2), [0, 0]), /tensor t is BF16; this page reads F32, I32, U8, F16/],
  ];
  for (const [bytes, sentence] of said) assert.throws(() => parseSafetensors(bytes), sentence);
});
