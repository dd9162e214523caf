// Where the points lie on the stage: fit, zoom and pan. px = scale·x + left and py = −scale·y + top; nothing else knows the zoom.

import { within } from "../kit/numbers.js";
import { multiples, stepFor, tickText } from "../kit/ticks.js";

const ZOOM_MAX = 400;
const GUTTER = { left: 56, bottom: 44 }; // room for ticks and titles, where the axes mean something
const TICK_PX = 72; // ticks are at least this far apart

/** @typedef {{ value: number, px: number, text: string }} Tick */
/** @typedef {[cx: number, cy: number, halfWidth: number, halfHeight: number]} Bounds */

export class MapView {
  constructor() {
    this.zoom = 1; // 1: all points are seen
    this.x = 0; // pan, CSS px
    this.y = 0;
    this.width = 0; // of the stage, CSS px
    this.height = 0;
    this.meaningful = false; // whether there are axes
    /** @type {Bounds} of the points */
    this.bounds = [0, 0, 1, 1];
    this.count = 1; // how many points there are
  }

  /** The part of the stage that holds points, in CSS px. */
  plot() {
    const left = this.meaningful ? GUTTER.left : 0;
    const bottom = this.meaningful ? GUTTER.bottom : 0;
    return { left, top: 0, width: Math.max(this.width - left, 1), height: Math.max(this.height - bottom, 1) };
  }

  /** px = scale·x + left, py = −scale·y + top: one scale for both axes, so distances look alike in every direction. */
  affine() {
    const plot = this.plot();
    const [cx, cy, halfWidth, halfHeight] = this.bounds;
    const room = 18 + this.radius(); // the outermost discs are whole
    const fit = Math.min((plot.width / 2 - room) / halfWidth, (plot.height / 2 - room) / halfHeight);
    const scale = Math.max(fit, 1e-6) * this.zoom;
    return {
      scale,
      left: plot.left + plot.width / 2 + this.x - scale * cx,
      top: plot.top + plot.height / 2 + this.y + scale * cy,
    };
  }

  radius() {
    // 10,000 points want small discs, 300 can have larger ones; zooming in makes them grow slowly.
    const base = within(60 / Math.sqrt(Math.max(this.count, 1)) + 1.1, 1.7, 4.5);
    return Math.min(base * this.zoom ** 0.3, 7);
  }

  /** @param {number} factor @param {number} x CSS px @param {number} y */
  zoomAt(factor, x, y) {
    const plot = this.plot();
    const zoom = within(this.zoom * factor, 1, ZOOM_MAX);
    const ratio = zoom / this.zoom;
    const px = x - plot.left - plot.width / 2;
    const py = y - plot.top - plot.height / 2;
    this.zoom = zoom;
    this.x = px - (px - this.x) * ratio;
    this.y = py - (py - this.y) * ratio;
    this.pan(0, 0);
  }

  /** @param {number} dx CSS px @param {number} dy */
  pan(dx, dy) {
    const plot = this.plot();
    // The middle of the stage stays over the map: it cannot be lost.
    const limit = (/** @type {number} */ value, /** @type {number} */ size) =>
      within(value, (-this.zoom * size) / 2, (this.zoom * size) / 2);
    this.x = limit(this.x + dx, plot.width);
    this.y = limit(this.y + dy, plot.height);
  }

  reset() {
    this.zoom = 1;
    this.x = 0;
    this.y = 0;
  }

  /** {x, y}: marks at round numbers, at least TICK_PX apart. */
  ticks() {
    const plot = this.plot();
    const { scale, left, top } = this.affine();
    const step = stepFor(TICK_PX / scale);
    /** @param {number} low @param {number} high @param {(value: number) => number} toPx @returns {Tick[]} */
    const along = (low, high, toPx) =>
      multiples(low, high, step).map((value) => ({ value, px: toPx(value), text: tickText(value, step) }));
    return {
      x: along((plot.left + 1 - left) / scale, (plot.left + plot.width - 2 - left) / scale, (v) => scale * v + left),
      y: along((top - plot.height + 2) / scale, (top - 1) / scale, (v) => top - scale * v),
    };
  }

  /**
   * (x, y) -> its place on the stage.
   * @param {number} x @param {number} y @returns {[number, number]}
   */
  place(x, y) {
    const { scale, left, top } = this.affine();
    return [scale * x + left, top - scale * y];
  }

  /** @param {number} width CSS px @param {number} height */
  resize(width, height) {
    // A pan is in px: it keeps its place in the picture when the stage grows or shrinks.
    if (this.width) {
      this.x *= width / this.width;
      this.y *= height / this.height;
    }
    this.width = width;
    this.height = height;
  }

  /**
   * The middle of the plot, CSS px.
   * @returns {[number, number]}
   */
  middle() {
    const plot = this.plot();
    return [plot.left + plot.width / 2, plot.top + plot.height / 2];
  }
}
