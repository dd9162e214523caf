// Owns the sliders: one row per latent dimension, its traversal strip as the slider's track.

import { h } from "../kit/dom.js";
import { keyed, movementOf } from "../kit/keys.js";
import { decimal, nats, rounded, within } from "../kit/numbers.js";
import { penOf } from "../paint/picture.js";

export const FRAMES = 13; // pictures on a strip, at −3 … 3
const LIMIT = 3;
const SIDE = 112; // the column beside the track, as in the style sheet

// The prior's density and the ticks, one drawing for all rows: x is z, the track's ends half a frame beyond ±3.
const half = LIMIT / (FRAMES - 1);
const densityPath = Array.from({ length: 66 }, (_, n) => {
  const z = -LIMIT - half + (n * (2 * LIMIT + 2 * half)) / 65;
  return `${z.toFixed(3)} ${(1 - Math.exp(-0.5 * z * z)).toFixed(3)}`;
}).join(" L");
const PRIOR = `<svg class="prior" viewBox="${-LIMIT - half} 0 ${2 * (LIMIT + half)} 1" preserveAspectRatio="none" aria-hidden="true">
<path d="M${-LIMIT - half} 1 L${densityPath} L${LIMIT + half} 1 Z"/>
${[-2, -1, 0, 1, 2].map((z) => `<line x1="${z}" x2="${z}" y1="0" y2="1"/>`).join("")}</svg>`;

/** @import { DimensionKL } from "../types.d.ts" */

/**
 * @typedef {object} RowsHost
 * @property {(dim: number) => number} value
 * @property {(dim: number, value: number) => void} input
 * @property {() => void} release
 * @property {(dim: number) => void} play
 * @property {(dims: number[]) => void} opened the dimensions whose strips can be seen by now
 */

/**
 * @typedef {object} Row
 * @property {HTMLElement} element
 * @property {HTMLInputElement} input
 * @property {HTMLElement} value
 * @property {HTMLElement} now
 * @property {HTMLElement} under what stands under the handle and goes with it
 * @property {CanvasRenderingContext2D} picture the one in the handle
 * @property {CanvasRenderingContext2D} strip
 */

export class Rows {
  /** @type {Map<number, Row>} by dimension */
  rows = new Map();
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
        if (details.open && !this.rows.has(inactive[0].dim)) {
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
    const numbers = [-3, -2, -1, 0, 1, 2, 3].map((z) => {
      const left = ((z + LIMIT + half) / (2 * (LIMIT + half))) * 100;
      return h("span", { style: `left:${left}%` }, decimal(z, 0));
    });
    return h(
      "div",
      { class: "row axis", "aria-hidden": "true" },
      h("span"),
      h("div", { class: "numbers" }, ...numbers),
    );
  }

  /** @param {DimensionKL} entry @param {number} loudest the largest KL of all */
  row({ dim, kl }, loudest) {
    const name = `z${dim + 1}`;
    const { host } = this;
    const [, H, W] = this.shape;
    const value = h("output", { class: "value" });
    const strip = h("canvas", { class: "strip", width: FRAMES * W, height: H, "aria-hidden": "true" });
    // The handle is a window that shows the picture of now, between the two that the strip has there.
    const now = h("canvas", { class: "now", width: W, height: H, "aria-hidden": "true" });
    const reset = () => {
      host.input(dim, 0);
      host.release();
    };
    const input = h("input", {
      type: "range",
      min: -LIMIT,
      max: LIMIT,
      step: 0.01,
      "aria-label": name,
      // While z is beyond ±3 the handle stays at the end; the first touch takes it from there.
      oninput: () => host.input(dim, Number(input.value)),
      onchange: () => host.release(),
      ondblclick: reset,
    });
    keyed(input, {
      move(event) {
        if (event.key === " ") {
          host.play(dim);
          return "done";
        }
        const movement = movementOf(event, { page: 5 });
        if (!movement) return false;
        const before = host.value(dim);
        const reach = Math.max(LIMIT, Math.abs(before)); // codes beyond ±3 are kept, but keys lead no farther out
        const after = "end" in movement ? movement.end * LIMIT : before + 0.1 * (movement.x + movement.y);
        host.input(dim, rounded(within(after, -reach, reach)));
        return true;
      },
      release: () => host.release(),
    });
    const figure = kl == null ? "" : nats(kl);
    const bar = h("span", { class: "bar" }, h("i", { style: `width:${(100 * (kl ?? 0)) / loudest}%` }));
    const track = h("div", { class: "track" }, strip, input, now);
    track.insertAdjacentHTML("beforeend", PRIOR);
    const back = h(
      "button",
      { type: "button", class: "reset", title: `${name} = 0`, "aria-label": `Reset ${name}`, onclick: reset },
      "⟲",
    );
    const under = h("div", { class: "under" }, value, back);
    const ends = [-LIMIT, LIMIT].map((z) => h("span", { class: "end" }, decimal(z, 0)));
    track.append(h("div", { class: "ends", "aria-hidden": "true" }, ...ends), under); // where the finger is
    const element = h(
      "div",
      { class: "row" },
      h(
        "div",
        { class: "name", title: "KL of this dimension: what the code says here, averaged over images" },
        h("b", {}, name),
        h("span", { class: "kl" }, figure),
        kl == null ? null : bar,
      ),
      track,
    );
    this.rows.set(dim, { element, input, value, now, under, picture: penOf(now), strip: penOf(strip) });
    return element;
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
    for (const dim of this.rows.keys()) this.show(dim, this.host.value(dim));
  }

  /** @param {number} dim @param {number} z */
  show(dim, z) {
    const row = this.rows.get(dim);
    if (!row) return;
    row.input.value = String(z);
    row.value.textContent = decimal(z);
    const at = (within(z, -LIMIT, LIMIT) + LIMIT) / (2 * LIMIT);
    row.now.style.transform = row.under.style.transform = `translateX(${at * (FRAMES - 1) * this.frame}px)`;
    const beyond = Math.abs(z) > LIMIT;
    row.element.classList.toggle("beyond", beyond);
    row.element.dataset.side = z < 0 ? "left" : z > 0 ? "right" : "middle";
    row.element.dataset.near = at < 0.12 ? "left" : at > 0.88 ? "right" : ""; // where the value stands on an end's number
    if (beyond) row.input.setAttribute("aria-valuetext", decimal(z));
    else row.input.removeAttribute("aria-valuetext");
  }

  /**
   * The picture of now into every handle.
   * @param {ImageData} image
   */
  paintNow(image) {
    for (const row of this.rows.values()) row.picture.putImageData(image, 0, 0);
  }

  /** @param {number} dim @param {Uint8ClampedArray<ArrayBuffer>} pixels */
  paintStrip(dim, pixels) {
    const [, H, W] = this.shape;
    this.rows.get(dim)?.strip.putImageData(new ImageData(pixels, FRAMES * W, H), 0, 0);
  }
}
