// Follows a stream of server-sent events, by address; the browser reconnects by itself and says where it was.

import { resolve } from "./blob.js";

/**
 * @param {string} address such as "events/<run>"
 * @param {(message: unknown) => void} hear each message's data, parsed
 * @returns {() => void} stops it
 */
export function follow(address, hear) {
  if (typeof EventSource === "undefined" || !resolve(address).protocol.startsWith("http")) return () => {};
  const source = new EventSource(resolve(address));
  const listen = (/** @type {MessageEvent<string>} */ event) => hear(JSON.parse(event.data));
  source.addEventListener("message", listen);
  source.addEventListener("end", (event) => {
    source.close(); // else the browser would ask anew
    listen(event);
  });
  return () => source.close();
}
