// Owns the arrays of the page: fetches them by address, once for all components, and keeps the latest of them.

import { parseSafetensors } from "./safetensors.js";

/** @import { Arrays, Blobs } from "../types.d.ts" */

// Components that come and go ask for the same arrays; the browser's own cache has the bytes, this one the parsed arrays.
const LIMIT = 128 * 2 ** 20;
/** @type {Map<string, { blob: Arrays, size: number }>} address -> what is there, the one used longest ago first */
const kept = new Map();
/** @type {Map<string, Promise<Arrays>>} address -> what is on its way */
const coming = new Map();
const RETRIES = [500, 1000, 2000, 4000, 8000]; // ms: a server that is starting again has everything back in a moment

/** @param {string} address @param {Arrays} blob @param {number} size */
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

/**
 * An address such as "blobs/1f…" is relative to the server's own routes, three folders above this file's.
 * @param {string} address
 */
export const resolve = (address) => new URL(address, new URL("../../../", import.meta.url));

/** @param {string} address */
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

/** @type {(address: string) => Uint8Array | DataView | undefined | Promise<Uint8Array>} */
let read = fetchBytes;

/**
 * Take blobs from elsewhere than the server: for a page that carries them itself.
 * @param {(address: string) => Uint8Array | DataView | undefined} source
 */
export function takeBlobsFrom(source) {
  read = source;
}

/**
 * What `read` gives, as bytes.
 * @param {string} address
 */
async function bytesOf(address) {
  const found = await read(address);
  if (!found) throw new Error(`nothing is here at ${address}`);
  return found instanceof Uint8Array ? found : new Uint8Array(found.buffer, found.byteOffset, found.byteLength);
}

/**
 * The blob at an address. Fetched once however many ask; rejects with an error in words.
 * @param {string} address @returns {Promise<Arrays>}
 */
export function loadBlob(address) {
  const found = kept.get(address);
  if (found) {
    keep(address, found.blob, found.size);
    return Promise.resolve(found.blob);
  }
  const expected = coming.get(address);
  if (expected) return expected;
  const blob = bytesOf(address).then((bytes) => {
    const parsed = parseSafetensors(bytes);
    keep(address, parsed, bytes.byteLength);
    return parsed;
  });
  coming.set(address, blob);
  blob.finally(() => coming.delete(address)).catch(() => {});
  return blob;
}

/**
 * Calls `ready(...blobs)` once, as soon as all are there: at once if they are; null addresses give null. Returns a stop
 * function. What cannot be had goes to `failed(error)`, or is said at the foot of the page.
 * @template {(string | null | undefined)[]} Addresses
 * @param {readonly [...Addresses]} addresses
 * @param {(...blobs: Blobs<Addresses>) => void} ready
 * @param {(error: Error) => void} [failed]
 * @returns {() => void}
 */
export function whenBlobs(addresses, ready, failed = say) {
  const blobs = addresses.map((address) => (address == null ? null : kept.get(address)?.blob));
  if (!blobs.includes(undefined)) {
    ready(.../** @type {Blobs<Addresses>} */ (blobs));
    return () => {};
  }
  let wanted = true;
  Promise.all(addresses.map((address) => (address == null ? null : loadBlob(address)))).then(
    (blobs) => wanted && ready(.../** @type {Blobs<Addresses>} */ (blobs)),
    (error) => wanted && failed(error),
  );
  return () => {
    wanted = false;
  };
}

/** @type {HTMLElement | null} */
let notice = null;

/**
 * One sentence for the whole page, whoever misses something: a page that is older than its server starts anew.
 * @param {Error} error
 */
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
