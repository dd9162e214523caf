// A network that decodes beside the page, in a worker of its own (worker.js).

/** @import { Cell, Manifest, Tensor, WorkerAnswer, WorkerRequest } from "../types.d.ts" */

/**
 * @typedef {object} Listener
 * @property {(dim: number, pixels: Uint8ClampedArray<ArrayBuffer>) => void} strip the newest of a dimension, once a frame at most
 * @property {(cells: Cell[], pixels: Uint8ClampedArray<ArrayBuffer>) => void} [cells] of the plane
 */

export class Beside {
  /** @type {Map<number, Uint8ClampedArray<ArrayBuffer>>} strips come faster than the screen shows them: the newest of each */
  #strips = new Map();
  /** @type {number | null} */
  #frame = null;

  /**
   * @param {Manifest} manifest @param {Map<string, Tensor>} tensors @param {number[]} dims @param {Listener} listener
   * @param {number} [share] of its time that it works, where there are several
   */
  constructor(manifest, tensors, dims, listener, share = 1) {
    this.worker = new Worker(new URL("./worker.js", import.meta.url), { type: "module" });
    // Only the decoder, in copies of its own: a view would drag the blob's whole buffer along.
    /** @type {Map<string, Tensor>} */
    const own = new Map();
    for (const { name } of manifest.decoder.initializers) {
      const tensor = tensors.get(name);
      if (tensor) own.set(name, { ...tensor, data: tensor.data.slice() });
    }
    this.tell({ type: "model", manifest: { ...manifest, encoder: null }, tensors: own, dims, share });
    const draw = () => {
      this.#frame = null;
      for (const [dim, pixels] of this.#strips) listener.strip(dim, pixels);
      this.#strips.clear();
    };
    this.worker.onmessage = (/** @type {MessageEvent<WorkerAnswer>} */ { data }) => {
      if (data.type === "cells") {
        listener.cells?.(data.cells, data.pixels);
        return;
      }
      this.#strips.set(data.dim, data.pixels);
      this.#frame ??= requestAnimationFrame(draw);
    };
  }

  /** @param {WorkerRequest} request */
  tell(request) {
    this.worker.postMessage(request);
  }

  stop() {
    this.worker.terminate();
    if (this.#frame !== null) cancelAnimationFrame(this.#frame);
  }
}
