// Owns the plane of a two-dimensional code: what the decoder makes of every (z1, z2), the encoded means over it, and the
// current code as a ring that can be dragged.

import { draggable } from "../kit/drag.js";
import { h } from "../kit/dom.js";
import { decimal, rounded, within } from "../kit/numbers.js";
import { tensorOf } from "../net/safetensors.js";
import { penOf } from "../paint/picture.js";

export const CELLS = 21; // pictures per side, at −3 … 3
const REACH = 3 + 3 / (CELLS - 1); // the cells at ±3 are whole

/**
 * @import { Arrays, Cell } from "../types.d.ts"
 */

/**
 * @typedef {object} PlaneHost
 * @property {(z1: number, z2: number) => void} move
 * @property {() => void} release
 * @property {(dim: number) => number} value
 */

export class Plane {
  /** @type {{ codes: Float32Array, labels: Uint8Array } | null} */
  means = null;
  size = 0; // CSS px on a side

  /** @param {number[]} shape of a picture @param {string[]} palette @param {PlaneHost} host */
  constructor(shape, palette, host) {
    const [, H, W] = shape;
    this.shape = shape;
    this.palette = palette;
    this.host = host;
    this.pictures = h("canvas", { class: "pictures", width: CELLS * W, height: CELLS * H });
    this.dots = h("canvas", { class: "dots" });
    this.ring = h("div", { class: "ring" });
    this.field = h(
      "div",
      {
        class: "field",
        tabindex: 0,
        role: "application",
        "aria-label": "Latent plane: drag, or use the arrow keys, to move the code",
      },
      this.pictures,
      this.dots,
      this.ring,
    );
    const ticks = (/** @type {"x" | "y"} */ axis) =>
      [-3, -2, -1, 0, 1, 2, 3].map((z) => {
        const at = ((z + REACH) / (2 * REACH)) * 100;
        return h("span", { style: axis === "x" ? `left:${at}%` : `bottom:${at}%` }, decimal(z, 0));
      });
    this.element = h(
      "div",
      { class: "plane" },
      h("div", { class: "ticks y", "aria-hidden": "true" }, ...ticks("y"), h("b", {}, "z2")),
      this.field,
      h("div", { class: "ticks x", "aria-hidden": "true" }, ...ticks("x"), h("b", {}, "z1")),
    );
    this.legend = h("div", { class: "legend" });
    this.toggles = h(
      "div",
      { class: "toggles" },
      this.toggle("Pictures", this.pictures),
      this.toggle("Means", this.dots),
    );
    this.toggles.hidden = true; // until there are means to choose between
    this.listen();
  }

  /** @param {string} name @param {HTMLElement} layer */
  toggle(name, layer) {
    const button = h("button", { type: "button", "aria-pressed": "true" }, name);
    button.addEventListener("click", () => {
      layer.hidden = !layer.hidden;
      button.setAttribute("aria-pressed", String(!layer.hidden));
    });
    return button;
  }

  listen() {
    const { field, host } = this;
    const kept = (/** @type {number} */ z) => rounded(within(z, -3, 3));
    const go = (/** @type {number} */ z1, /** @type {number} */ z2) => host.move(kept(z1), kept(z2));
    draggable(field, {
      at(event) {
        const box = field.getBoundingClientRect();
        return [
          ((event.clientX - box.left) / box.width) * 2 * REACH - REACH,
          REACH - ((event.clientY - box.top) / box.height) * 2 * REACH,
        ];
      },
      move: (place) => go(...place),
      nudge: ({ x, y }) => go(host.value(0) + 0.1 * x, host.value(1) + 0.1 * y),
      end: () => host.release(),
      save: () => /** @type {[number, number]} */ ([host.value(0), host.value(1)]),
      restore: (place) => host.move(...place),
    });
  }

  /** @param {Arrays} blob `means` F32 (N, 2), `labels` U8 (N) */
  setMeans(blob) {
    const labels = tensorOf(blob, "labels", Uint8Array).data;
    this.means = { codes: tensorOf(blob, "means", Float32Array).data, labels };
    this.toggles.hidden = false;
    const present = [...new Set(labels)].sort((a, b) => a - b);
    const colours = present.map((label) =>
      h("span", {}, h("i", { style: `background:${this.colour(label)}` }), String(label)),
    );
    this.legend.replaceChildren(
      h("p", {}, "Each dot: where the encoder puts a test image. Its colour: the label."),
      ...colours,
    );
    this.drawDots();
  }

  /** @param {number} label */
  colour(label) {
    return this.palette[label % this.palette.length] ?? "gray";
  }

  /** @param {number} size CSS px on a side */
  layout(size) {
    this.element.style.setProperty("--plane", `${size}px`);
    const scale = globalThis.devicePixelRatio || 1;
    this.dots.width = this.dots.height = Math.round(size * scale);
    this.size = size;
    this.drawDots();
    this.show();
  }

  drawDots() {
    if (!this.means || !this.size) return;
    const context = penOf(this.dots);
    const side = this.dots.width;
    const scale = side / this.size;
    context.clearRect(0, 0, side, side);
    const { codes, labels } = this.means;
    const radius = 2 * scale;
    // A dark hairline keeps every dot apart from the pictures and from its neighbours.
    context.lineWidth = 0.75 * scale;
    context.strokeStyle = "rgb(0 0 0 / 60%)";
    for (let n = 0; n < labels.length; n++) {
      const x = ((codes[2 * n] + REACH) / (2 * REACH)) * side;
      const y = ((REACH - codes[2 * n + 1]) / (2 * REACH)) * side;
      if (x < 0 || y < 0 || x > side || y > side) continue;
      context.beginPath();
      context.arc(x, y, radius, 0, 2 * Math.PI);
      context.fillStyle = this.colour(labels[n]);
      context.fill();
      context.stroke();
    }
  }

  /**
   * Pictures of cells, side by side in `pixels`.
   * @param {Cell[]} cells @param {Uint8ClampedArray<ArrayBuffer>} pixels
   */
  paintCells(cells, pixels) {
    const [, H, W] = this.shape;
    const batch = h("canvas", { width: cells.length * W, height: H });
    penOf(batch).putImageData(new ImageData(pixels, cells.length * W, H), 0, 0);
    const context = penOf(this.pictures);
    context.imageSmoothingEnabled = false;
    cells.forEach(([column, row, span], n) => {
      context.drawImage(batch, n * W, 0, W, H, column * W, row * H, span * W, span * H);
    });
  }

  show() {
    if (!this.size) return;
    const place = (/** @type {number} */ z) => ((within(z, -REACH, REACH) + REACH) / (2 * REACH)) * this.size;
    const x = place(this.host.value(0));
    const y = this.size - place(this.host.value(1));
    this.ring.style.transform = `translate(${x}px, ${y}px)`;
  }
}
