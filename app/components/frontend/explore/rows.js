// Owns the sliders: one row per latent dimension, its traversal strip as the slider's track.

import { h } from "../kit/dom.js";
import { axisOf, FRAMES, nameOf, resetOf, Track } from "../paint/track.js";

const SIDE = 112; // the column beside the track, as in the style sheet

/** @import { DimensionKL } from "../types.d.ts" */

/**
 * @typedef {object} RowsHost
 * @property {(dim: number) => number} value
 * @property {(dim: number, value: number) => void} input
 * @property {() => void} release
 * @property {(dim: number) => void} play
 * @property {(dims: number[]) => void} opened the dimensions whose strips can be seen by now
 */

export class Rows {
  /** @type {Map<number, Track>} by dimension */
  tracks = new Map();
  /** @type {HTMLDetailsElement | null} the fold of the inactive ones */
  details = null;
  frame = 0; // CSS px, the width of one picture on a strip
  /** @type {[width: number, height: number, stacked: boolean, unit: number]} what `layout` was told */
  given = [0, 0, false, 1];

  /** @param {DimensionKL[]} active @param {DimensionKL[]} inactive @param {number[]} shape @param {RowsHost} host */
  constructor(active, inactive, shape, host) {
    this.host = host;
    this.shape = shape;
    this.active = active;
    this.inactive = inactive;
    const loudest = Math.max(...active.map(({ kl }) => kl ?? 0), 1e-9);
    this.list = h("div", { class: "list" }, this.axis(), ...active.map((entry) => this.row(entry, loudest)));
    this.element = h("div", { class: "rows" }, this.list);
    if (!active.length && inactive.length) {
      this.list.replaceChildren(
        h("p", { class: "note" }, "No dimension is active: every code gives the same picture."),
      );
    }
    if (inactive.length) {
      const many = inactive.length > 1;
      const why =
        `Moving ${many ? "them" : "it"} changes nothing: the KL term has switched ${many ? "them" : "it"} off. ` +
        "The code there is just the prior, whatever the image, and the decoder has learnt not to listen.";
      const details = h(
        "details",
        {},
        h("summary", {}, `${inactive.length} inactive dimension${many ? "s" : ""} (KL < 0.01 nats)`),
        h("p", { class: "note" }, why),
      );
      // Rows that nobody asked for cost nothing: they are made, and their strips decoded, when the fold opens.
      details.addEventListener("toggle", () => {
        if (details.open && !this.tracks.has(inactive[0].dim)) {
          details.append(...inactive.map((entry) => this.row(entry, loudest)));
          this.layout(...this.given);
        }
        // What was unfolded should be seen, without moving the page.
        if (details.open) this.list.scrollTop = details.offsetTop - 24;
        host.opened(this.shown());
      });
      this.list.append(details);
      this.details = details;
    }
  }

  /** The dimensions whose strips can be seen, top to bottom. */
  shown() {
    const folded = this.details?.open ? this.inactive : [];
    return [...this.active, ...folded].map(({ dim }) => dim);
  }

  axis() {
    return h("div", { class: "row axis", "aria-hidden": "true" }, h("span"), axisOf(FRAMES));
  }

  /** @param {DimensionKL} entry @param {number} loudest the largest KL of all */
  row({ dim, kl }, loudest) {
    const name = `z${dim + 1}`;
    const { host } = this;
    const track = new Track(name, this.shape, {
      value: () => host.value(dim),
      input: (value) => host.input(dim, value),
      release: () => host.release(),
      play: () => host.play(dim),
    });
    this.tracks.set(dim, track);
    const reset = resetOf(name, () => {
      host.input(dim, 0);
      host.release();
    });
    track.under.append(reset); // where the finger is
    return h("div", { class: "row" }, nameOf(name, kl, loudest), track.element);
  }

  /**
   * The frame is whole pixels wide, and the handle is exactly one frame: at −3 … 3 it lies on the strip's pictures.
   * @param {number} width CSS px @param {number} height @param {boolean} stacked
   * @param {number} unit what a pixel is beside type of the usual size
   */
  layout(width, height, stacked, unit) {
    this.given = [width, height, stacked, unit];
    const [, H, W] = this.shape;
    const count = Math.max(1, this.active.length);
    const room = stacked ? width : width - SIDE * unit - 12;
    // Many rows stand closer and in smaller frames, down to a size at which a digit can still be read; then they scroll.
    const compact = !stacked && count > 6;
    const overhead = compact ? 18 : 22; // density and gap
    const tall = ((height - 56 * unit) / count - overhead) * (W / H);
    const frame = Math.floor(Math.max(18, Math.min(room / FRAMES, Math.max(31, tall), 84)));
    this.frame = frame;
    const style = this.element.style;
    style.setProperty("--frame", `${frame}px`);
    style.setProperty("--frame-height", `${Math.round((frame * H) / W)}px`);
    this.element.classList.toggle("stacked", stacked);
    this.element.classList.toggle("compact", compact);
    // Pictures larger than their frame are averaged down; smaller ones show their pixels.
    this.element.classList.toggle("smooth", W > frame * (globalThis.devicePixelRatio || 1));
    this.list.style.maxHeight = stacked ? "" : `${height}px`;
    for (const dim of this.tracks.keys()) this.show(dim, this.host.value(dim));
  }

  /** @param {number} dim @param {number} z */
  show(dim, z) {
    this.tracks.get(dim)?.show(z, this.frame);
  }

  /**
   * The picture of now into every handle.
   * @param {ImageData} image
   */
  paintNow(image) {
    for (const track of this.tracks.values()) track.paintNow(image);
  }

  /** @param {number} dim @param {Uint8ClampedArray<ArrayBuffer>} pixels */
  paintStrip(dim, pixels) {
    this.tracks.get(dim)?.paintStrip(pixels);
  }
}
