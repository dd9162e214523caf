// Owns the arrays of the page. A blob is a safetensors byte string that travels once, in a component
// call of its own, and is shared by every other component through `globalThis.elboRoom.blobs`.
// Format: 8 bytes little-endian header length, JSON header, raw little-endian data
// (https://github.com/huggingface/safetensors#format).

const DTYPES = {
  F32: { size: 4, view: (buffer, at, n) => new Float32Array(buffer, at, n) },
  I32: { size: 4, view: (buffer, at, n) => new Int32Array(buffer, at, n) },
  U8: { size: 1, view: (buffer, at, n) => new Uint8Array(buffer, at, n) },
  F16: { size: 2, view: (buffer, at, n) => halvesToFloats(new Uint16Array(buffer, at, n)) },
};

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

// Uint8Array -> {metadata, tensors: Map<name, {dtype, shape, data}>}. Views where alignment allows, copies elsewhere.
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
  const tensors = new Map();
  for (const [name, entry] of Object.entries(header)) {
    if (name === "__metadata__") continue;
    const kind = DTYPES[entry.dtype];
    if (!kind) throw new Error(`tensor ${name} is ${entry.dtype}; this page reads ${Object.keys(DTYPES).join(", ")}`);
    const [begin, end] = entry.data_offsets;
    const count = entry.shape.reduce((product, size) => product * size, 1);
    if (end - begin !== count * kind.size || dataStart + end > bytes.byteLength) {
      throw new Error(`tensor ${name} of shape [${entry.shape}] does not fit its ${end - begin} bytes`);
    }
    const at = bytes.byteOffset + dataStart + begin;
    // A typed array must start at a multiple of its element size; the message it came in guarantees nothing.
    const aligned = at % kind.size === 0;
    const buffer = aligned ? bytes.buffer : bytes.buffer.slice(at, at + count * kind.size);
    tensors.set(name, { dtype: entry.dtype, shape: entry.shape, data: kind.view(buffer, aligned ? at : 0, count) });
  }
  return { metadata: header.__metadata__ ?? {}, tensors };
}

// The registry outlives this module: every component carries its own copy of this file, so the Map lives on globalThis.
export function blobRegistry() {
  globalThis.elboRoom ??= {};
  globalThis.elboRoom.blobs ??= new Map();
  return globalThis.elboRoom.blobs;
}

// Calls `ready(...blobs)` once, as soon as every id is there (perhaps at once); null ids give null. Returns a stop function.
export function whenBlobs(ids, ready) {
  const blobs = blobRegistry();
  const complete = () => ids.every((id) => id == null || blobs.has(id));
  const deliver = () => ready(...ids.map((id) => (id == null ? null : blobs.get(id))));
  if (complete()) {
    deliver();
    return () => {};
  }
  const stop = () => globalThis.removeEventListener("elbo-room-blob", check);
  function check() {
    if (!complete()) return;
    stop();
    deliver();
  }
  globalThis.addEventListener("elbo-room-blob", check);
  return stop;
}

// parentElement -> id of the blob it holds. A blob leaves the registry with the last component that holds it, so
// walking through many models does not fill the tab; whoever uses one keeps its own reference.
const held = new WeakMap();

function release(parentElement) {
  const id = held.get(parentElement);
  if (id === undefined) return;
  held.delete(parentElement);
  const entry = blobRegistry().get(id);
  if (!entry) return;
  entry.holders.delete(parentElement);
  if (entry.holders.size === 0) blobRegistry().delete(id);
}

// The component `elbo_room_blob`: its data is the byte string itself. It shows nothing.
export default function mountBlob({ data, parentElement }) {
  // An element of height 0 would still cost its column one gap. Out of the flow it costs none.
  const host = parentElement.host ?? parentElement;
  const element = host.closest('[data-testid="stElementContainer"]') ?? host;
  element.style.position = "absolute";
  element.style.pointerEvents = "none";

  if (!(data instanceof Uint8Array)) return undefined;
  const blob = parseSafetensors(data);
  const id = blob.metadata.id;
  if (!id) throw new Error("a blob needs an id in its metadata");
  if (held.get(parentElement) !== id) release(parentElement);
  const blobs = blobRegistry();
  if (!blobs.has(id)) blobs.set(id, { ...blob, holders: new Set() });
  blobs.get(id).holders.add(parentElement);
  held.set(parentElement, id);
  globalThis.dispatchEvent(new CustomEvent("elbo-room-blob", { detail: id }));
  return () => release(parentElement);
}
