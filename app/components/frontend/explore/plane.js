// Owns the plane of a two-dimensional code: what the decoder makes of every (z1, z2), the encoded means over it, and the
// current code as a ring that can be dragged.

import { draggable } from "../kit/drag.js";
import { h } from "../kit/dom.js";
import { decimal, rounded, within } from "../kit/numbers.js";
import { penOf } from "../paint/picture.js";

export const CELLS = 21; // pictures per side, at −3 … 3
const REACH = 3 + 3 / (CELLS - 1); // the cells at ±3 are whole

// host: {move(z1, z2), release(), value(dim)}
export class Plane {
  constructor(shape, palette, host) {
    const [, H, W] = shape;
    this.shape = shape;
    this.palette = palette;
    this.host = host;
    this.means = null;
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
    const ticks = (axis) =>
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
    const go = (z1, z2) => host.move(...[z1, z2].map((z) => rounded(within(z, -3, 3))));
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
      save: () => [host.value(0), host.value(1)],
      restore: (place) => host.move(...place),
    });
  }

  // blob: means F32 (N, 2), labels U8 (N)
  setMeans(blob) {
    this.means = { codes: blob.tensors.get("means").data, labels: blob.tensors.get("labels").data };
    this.toggles.hidden = false;
    const present = [...new Set(this.means.labels)].sort((a, b) => a - b);
    this.legend.replaceChildren(
      ...present.map((label) => h("span", {}, h("i", { style: `background:${this.colour(label)}` }), String(label))),
    );
    this.drawDots();
  }

  colour(label) {
    return this.palette[label % this.palette.length] ?? "gray";
  }

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

  // cells: [[column, row, span], …], their pictures side by side in `pixels`
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
    const place = (z) => ((within(z, -REACH, REACH) + REACH) / (2 * REACH)) * this.size;
    const x = place(this.host.value(0));
    const y = this.size - place(this.host.value(1));
    this.ring.style.transform = `translate(${x}px, ${y}px)`;
  }
}
