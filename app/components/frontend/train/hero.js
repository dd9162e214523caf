// The latent plane while it is learnt: what the decoder makes of it, for two dimensions, and over it the codes of a thousand test
// images, which wander from where they were to where they are.

import { h, isCalm } from "../kit/dom.js";
import { rowsByLabel } from "../kit/images.js";
import { decimal } from "../kit/numbers.js";
import { tensorOf } from "../net/safetensors.js";
import { penOf, resizeCanvas, Sheet } from "../paint/picture.js";

/**
 * @import { Arrays, Tensor } from "../types.d.ts"
 */

const WANDER = 350; // ms from one moment's place to the next
const REACH = 3; // the decoded plane shows −3 … 3

export class Hero {
  /** @type {Float32Array | Int32Array | Uint8Array | null} where the dots go, (N, 2) */
  to = null;
  /** @type {Float32Array | null} where they come from */
  from = null;
  began = 0;
  /** @type {Map<number, number[]>} label -> rows */
  rows = new Map();
  dims = [0, 1];
  reach = REACH;
  /** @type {Sheet | null} */
  sheet = null;
  plane = false;

  /** @param {() => void} redraw */
  constructor(redraw) {
    this.redraw = redraw;
    this.canvas = h("canvas", { class: "plane", role: "img", "aria-label": "Encoded test images, by label" });
    this.x = h("span", { class: "axis x" });
    this.y = h("span", { class: "axis y" });
    this.element = h("div", { class: "hero" }, this.canvas, this.x, this.y);
  }

  /** Another run: nothing wanders from one to the other. */
  clear() {
    this.to = this.from = null;
    this.plane = false;
    this.reach = REACH;
  }

  /** @param {Arrays} arrays of a frame or a snapshot */
  show(arrays) {
    const { tensors } = arrays;
    const means = tensors.get("means");
    const labels = tensors.get("labels");
    if (!means || !labels) return;
    // A frame names its two dimensions; a moment that is gone back to has all of them, and shows the same two.
    const dims = [...(tensors.get("dims")?.data ?? (this.to ? this.dims : widest(means)))];
    const same = this.to && dims.join() === this.dims.join();
    const next = pairsOf(means, tensors.get("dims") ? [0, 1] : dims);
    this.from = same && !isCalm() ? this.places(performance.now()) : next;
    this.to = next;
    this.began = performance.now();
    this.dims = dims;
    this.rows = rowsByLabel(/** @type {Uint8Array} */ (labels.data));
    this.showPlane(tensors.has("plane") ? tensorOf(arrays, "plane", Uint8Array) : null);
    const far = Math.max(REACH, ...next.map(Math.abs));
    this.reach = this.plane ? REACH * (1 + 1 / 14) : Math.max(far, 0.9 * this.reach);
    this.x.textContent = `z${(dims[0] ?? 0) + 1}`;
    this.y.textContent = means.shape[1] === 1 ? "" : `z${(dims[1] ?? 1) + 1}`;
    this.redraw();
  }

  /** @param {Tensor<Uint8Array> | null} plane */
  showPlane(plane) {
    this.plane = Boolean(plane);
    if (!plane) return;
    const one = plane.shape.slice(1);
    const side = Math.round(Math.sqrt(plane.shape[0] ?? 1));
    this.sheet ??= new Sheet(one, side * side, { columns: side, gap: 0 });
    const pixels = one.reduce((a, b) => a * b, 1);
    for (let n = 0; n < side * side; n++) this.sheet.put(plane.data, n, { from: n * pixels });
    this.sheet.show();
  }

  /**
   * Where the dots are now.
   * @param {number} now ms
   * @returns {Float32Array}
   */
  places(now) {
    const { from, to } = this;
    if (!to) return new Float32Array();
    const t = Math.min(1, (now - this.began) / WANDER);
    if (!from || t === 1) return Float32Array.from(to);
    const ease = t * (2 - t);
    return Float32Array.from(to, (value, i) => (from[i] ?? value) + ease * (value - (from[i] ?? value)));
  }

  /**
   * @param {number} now ms
   * @param {string[]} palette
   * @param {string} line colour of the axes
   */
  draw(now, palette, line) {
    const scale = globalThis.devicePixelRatio || 1;
    const side = Math.round(this.element.clientWidth * scale);
    if (!side) return;
    resizeCanvas(this.canvas, side, side);
    const context = penOf(this.canvas);
    context.clearRect(0, 0, side, side);
    const at = (/** @type {number} */ z) => ((z + this.reach) / (2 * this.reach)) * side;
    if (this.plane && this.sheet) {
      context.imageSmoothingEnabled = side < this.sheet.width;
      context.drawImage(this.sheet.canvas, 0, 0, side, side);
    } else drawAxes(context, side, at, line);
    if (!this.to) return;
    const places = this.places(now);
    const size = Math.max(3, Math.round(side / 150));
    for (const [label, rows] of this.rows) {
      context.fillStyle = palette[label % palette.length] ?? line;
      for (const n of rows)
        context.fillRect(at(places[2 * n] ?? 0) - size / 2, side - at(places[2 * n + 1] ?? 0) - size / 2, size, size);
    }
    if (now - this.began < WANDER) this.redraw();
  }

  /** What is seen, for who does not see it. @param {number} epoch */
  say(epoch) {
    const [a = 0, b = 1] = this.dims;
    const what = this.plane ? "The decoded plane with encoded test images" : "Encoded test images";
    const text = `${what} in z${a + 1} and z${b + 1} after ${decimal(epoch, 1)} epochs`;
    if (this.canvas.getAttribute("aria-label") !== text) this.canvas.setAttribute("aria-label", text);
  }
}

/**
 * @param {CanvasRenderingContext2D} context @param {number} side @param {(z: number) => number} at
 * @param {string} line
 */
function drawAxes(context, side, at, line) {
  context.strokeStyle = line;
  context.lineWidth = 1;
  context.setLineDash([]);
  context.beginPath();
  for (const p of [at(0)]) {
    context.moveTo(p, 0);
    context.lineTo(p, side);
    context.moveTo(0, side - p);
    context.lineTo(side, side - p);
  }
  context.stroke();
  context.setLineDash([6, 5]);
  for (const radius of [1, 2]) {
    context.beginPath(); // the prior, at one and two standard deviations
    context.arc(at(0), side - at(0), at(radius) - at(0), 0, 2 * Math.PI);
    context.stroke();
  }
  context.setLineDash([]);
}

/**
 * The two columns of the means that spread most, in their own order.
 * @param {Tensor} means (N, D)
 */
function widest({ shape: [N = 0, D = 1], data }) {
  const spread = Array.from({ length: D }, (_, d) => {
    let [sum, squares] = [0, 0];
    for (let n = 0; n < N; n++) {
      const value = data[n * D + d] ?? 0;
      sum += value;
      squares += value * value;
    }
    return squares / N - (sum / N) ** 2;
  });
  return [...spread.keys()]
    .sort((a, b) => (spread[b] ?? 0) - (spread[a] ?? 0))
    .slice(0, 2)
    .sort((a, b) => a - b);
}

/**
 * Two columns of the means, side by side; a one-dimensional code lies on a line.
 * @param {Tensor} means (N, D)
 * @param {number[]} dims
 */
function pairsOf({ shape: [N = 0, D = 1], data }, [a = 0, b = 1]) {
  const pairs = new Float32Array(2 * N);
  for (let n = 0; n < N; n++) {
    pairs[2 * n] = data[n * D + a] ?? 0;
    pairs[2 * n + 1] = D > 1 ? (data[n * D + b] ?? 0) : 0;
  }
  return pairs;
}
