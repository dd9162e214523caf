// Owns the arrays of the page: fetches them by address, once for all components, and keeps the latest of them.
// A blob is a safetensors byte string: 8 bytes little-endian header length, JSON header, raw little-endian data
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

// Components that come and go ask for the same arrays; the browser's own cache has the bytes, this one the parsed arrays.
const LIMIT = 128 * 2 ** 20;
const kept = new Map(); // address -> {blob, size}, the one used longest ago first
const coming = new Map(); // address -> promise
const RETRIES = [500, 1000, 2000, 4000, 8000]; // ms: a server that is starting again has everything back in a moment

function keep(address, blob, size) {
  kept.delete(address);
  kept.set(address, { blob, size });
  let total = 0;
  for (const entry of kept.values()) total += entry.size;
  for (const [oldest, entry] of kept) {
    if (total <= LIMIT || oldest === address) break;
    kept.delete(oldest);
    total -= entry.size;
  }
}

// An address such as "blobs/1f…" is relative to the server's own routes, three folders above this file's.
const resolve = (address) => new URL(address, new URL("../../../", import.meta.url));

async function fetchBytes(address) {
  for (let attempt = 0; ; attempt++) {
    let said = "the server does not answer";
    try {
      const response = await fetch(resolve(address));
      if (response.ok) return new Uint8Array(await response.arrayBuffer());
      said = (await response.text()).slice(0, 300) || `the server answers ${response.status}`;
    } catch (error) {
      if (!(error instanceof TypeError)) throw error; // not the network
    }
    if (attempt === RETRIES.length) throw new Error(said);
    await new Promise((later) => setTimeout(later, RETRIES[attempt]));
  }
}

/** The blob at an address: {metadata, tensors}. Fetched once however many ask; rejects with an error in words. */
export function loadBlob(address) {
  const found = kept.get(address);
  if (found) {
    keep(address, found.blob, found.size);
    return Promise.resolve(found.blob);
  }
  if (!coming.has(address)) {
    const blob = fetchBytes(address).then((bytes) => {
      const parsed = parseSafetensors(bytes);
      keep(address, parsed, bytes.byteLength);
      return parsed;
    });
    coming.set(address, blob);
    blob.finally(() => coming.delete(address)).catch(() => {});
  }
  return coming.get(address);
}

/**
 * Calls `ready(...blobs)` once, as soon as all are there: at once if they are; null addresses give null. Returns a stop
 * function. What cannot be had goes to `failed(error)`, or is said at the foot of the page.
 */
export function whenBlobs(addresses, ready, failed = say) {
  if (addresses.every((address) => address == null || kept.has(address))) {
    ready(...addresses.map((address) => (address == null ? null : kept.get(address).blob)));
    return () => {};
  }
  let wanted = true;
  Promise.all(addresses.map((address) => (address == null ? null : loadBlob(address)))).then(
    (blobs) => wanted && ready(...blobs),
    (error) => wanted && failed(error),
  );
  return () => (wanted = false);
}

let notice = null;

// One sentence for the whole page, whoever misses something: a page that is older than its server starts anew.
function say(error) {
  if (notice?.isConnected) return;
  notice = document.createElement("div");
  notice.setAttribute("role", "alert");
  notice.style.cssText =
    "position:fixed;inset:auto 0 0 0;z-index:1000000;padding:0.7rem 1rem;background:#8a1c1c;color:#fff;" +
    "font:500 1rem/1.4 sans-serif;text-align:center";
  const again = document.createElement("button");
  again.textContent = "Reload the page";
  again.style.cssText =
    "margin-left:1rem;padding:0.2rem 0.8rem;font:inherit;color:inherit;background:none;border:1px solid";
  again.onclick = () => location.reload();
  notice.append(`A part of this page could not be loaded: ${error.message}.`, again);
  document.body.append(notice);
}
