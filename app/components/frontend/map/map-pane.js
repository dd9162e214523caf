// One map: where its points are, how far one has zoomed in, and what is drawn of it. What is picked, pointed at, lassoed and
// hidden is the same on every map of the view, and is `map.js`'s.
//
// Two canvases lie on each other. The lower one is an image the points are written into (map-points.js); the upper one holds
// what follows the pointer, so that hovering never redraws the points. Zoomed in far enough, points become their pictures.

import { parseColour } from "../kit/colours.js";
import { find, h, isCalm, later } from "../kit/dom.js";
import { count, within } from "../kit/numbers.js";
import { tensorOf } from "../net/safetensors.js";
import { paintRow, penOf } from "../paint/picture.js";
import { findInside, findNearest } from "./map-find.js";
import { listenToPane } from "./map-input.js";
import { drawAxes, drawLasso, drawRing } from "./map-marks.js";
import { paintGround, paintPictures, paintPoints, pictureSide } from "./map-points.js";
import { MapView } from "./map-view.js";

/**
 * @import { Arrays, MapPanel, Numbers } from "../types.d.ts"
 * @import { LatentMap } from "./map.js"
 * @import { Raster } from "./map-points.js"
 * @import { Bounds, Tick } from "./map-view.js"
 */

/**
 * @typedef {object} MapCloud
 * @property {string} id address of the points
 * @property {number} n
 * @property {Float32Array} target (n, 2) where the points go
 * @property {Float32Array} at (n, 2) where they are now
 * @property {Int32Array} indices (n) in the test set
 * @property {Uint8Array} labels (n)
 * @property {Float32Array | null} values (n)
 * @property {Uint8Array} shade (n) a point's row in `shades`
 * @property {Uint8Array} shades 256 × 3 bytes
 * @property {Set<number>} muted labels that are hidden
 * @property {Uint8Array | null} inLasso (n), null without a lasso
 */
/** @typedef {{ from: Float32Array, boundsFrom: Bounds, boundsTo: Bounds, start: number | null }} Tween */

/**
 * @param {Numbers} indices in the test set
 * @returns {Map<number, number>} index -> row
 */
export const rowsByIndex = (indices) => new Map(Array.from(indices, (index, row) => [index, row]));

const TWEEN_MS = 350; // shorter than the half second between two states of a running projection
const REACH_PX = 14; // how far from a point the pointer may be
const LASSO_PX = 8; // a lasso smaller than this was a click

const HTML = `
<figcaption class="map-title" hidden></figcaption>
<div class="map-stage">
  <canvas class="map-points" tabindex="0" role="application"></canvas>
  <canvas class="map-marks" aria-hidden="true"></canvas>
  <div class="map-wait">The map is on its way …</div>
  <div class="map-progress" role="status" hidden><span></span><i></i></div>
  <div class="map-card" aria-hidden="true" hidden><canvas></canvas><div></div></div>
</div>`;

export class MapPane {
  /** @type {MapPanel} */
  panel = later();
  /** @type {MapCloud | null} */
  cloud = null;
  /** @type {Tween | null} */
  tween = null;
  side = 0; // of a point's picture in CSS px, 0 while points are discs
  /** @type {[number, number][] | null} the lasso being drawn, in CSS px */
  path = null;
  pointsStale = false;
  /** @type {{ address: string, stop: () => void } | null} the points that are wanted */
  wanted = null;
  /** @type {{ address: string, blob: Arrays } | null} the points that came last */
  coordinates = null;
  /** @type {{ image: ImageData, raster: Raster } | null} what the points are written into */
  ground = null;
  /** @type {{ x: Tick[], y: Tick[] } | null} */
  ticks = null;
  cardState = ""; // what the card shows

  /** @param {LatentMap} map */
  constructor(map) {
    this.map = map;
    this.root = h("figure", { class: "map-pane" });
    this.root.innerHTML = HTML;
    this.stage = find(this.root, ".map-stage");
    this.points = find(this.root, ".map-points", HTMLCanvasElement);
    this.marks = find(this.root, ".map-marks", HTMLCanvasElement);
    this.card = find(this.root, ".map-card");
    // Written on by the processor alone: kept out of the graphics card, where every putImageData would be an upload.
    this.pen = penOf(this.points, { alpha: false, willReadFrequently: true });
    this.markPen = penOf(this.marks);
    this.view = new MapView();
    listenToPane(this);
  }

  // ---- state in ------------------------------------------------------------------------------------------------

  /** @param {MapPanel} panel */
  update(panel) {
    this.panel = panel;
    this.view.meaningful = this.map.data.axes.meaningful;
    const title = find(this.root, ".map-title");
    title.textContent = panel.title;
    title.hidden = !panel.title;
    const progress = find(this.root, ".map-progress");
    progress.hidden = panel.progress === null;
    if (panel.progress !== null) {
      find(progress, "span").textContent = panel.progressText;
      find(progress, "i").style.setProperty("--done", `${Math.round(100 * panel.progress)}%`);
    }
    this.want(panel.points);
    this.load();
  }

  /**
   * Get these points; those of the blob before stay until they are there.
   * @param {string} address
   */
  want(address) {
    if (this.wanted?.address === address) return;
    this.wanted?.stop();
    let now = true;
    const stop = this.map.host.blobs([address], (blob) => {
      this.coordinates = { address, blob };
      if (!now) this.map.load();
    });
    now = false;
    this.wanted = { address, stop };
  }

  load() {
    if (this.coordinates && this.cloud?.id !== this.coordinates.address) this.move(this.coordinates);
    find(this.root, ".map-wait").hidden = this.cloud !== null;
  }

  remove() {
    this.wanted?.stop();
    this.root.remove();
  }

  /**
   * Give the points new places; those that were on the map travel there.
   * @param {{ address: string, blob: Arrays }} coordinates
   */
  move({ address, blob }) {
    const target = tensorOf(blob, "points", Float32Array).data;
    const indices = tensorOf(blob, "indices", Int32Array).data;
    const n = target.length / 2;
    let [left, right, bottom, top] = [Infinity, -Infinity, Infinity, -Infinity];
    for (let i = 0; i < n; i++) {
      left = Math.min(left, target[2 * i]);
      right = Math.max(right, target[2 * i]);
      bottom = Math.min(bottom, target[2 * i + 1]);
      top = Math.max(top, target[2 * i + 1]);
    }
    /** @type {Bounds} */
    const bounds =
      n === 0
        ? [0, 0, 1, 1]
        : [(left + right) / 2, (bottom + top) / 2, (right - left) / 2 || 1, (top - bottom) / 2 || 1];

    const old = this.cloud;
    const oldRows = rowsByIndex(old?.indices ?? []);
    const from = Float32Array.from(target);
    let known = 0;
    if (old)
      for (let i = 0; i < n; i++) {
        const row = oldRows.get(indices[i]);
        if (row === undefined) continue;
        known++;
        from[2 * i] = old.at[2 * row];
        from[2 * i + 1] = old.at[2 * row + 1];
      }
    const strangers = !old || known < n / 2;
    // Most of them new: another model or data set, where a journey would tell a story that is not true.
    if (old && strangers) this.view.reset();
    if (strangers || isCalm()) {
      from.set(target);
      this.view.bounds = bounds;
      this.tween = null;
    } else this.tween = { from: Float32Array.from(from), boundsFrom: this.view.bounds, boundsTo: bounds, start: null };
    this.cloud = {
      id: address,
      n,
      target,
      at: from,
      indices,
      labels: tensorOf(blob, "labels", Uint8Array).data,
      values: blob.tensors.has("values") ? tensorOf(blob, "values", Float32Array).data : null,
      shade: new Uint8Array(n),
      shades: new Uint8Array(768),
      muted: this.map.muted,
      inLasso: null,
    };
    this.view.count = n;
    this.point(-1);
  }

  /** @param {Tween} tween @param {MapCloud} cloud @param {number} now */
  step(tween, { at, target }, now) {
    tween.start ??= now;
    const time = Math.min((now - tween.start) / TWEEN_MS, 1);
    const ease = 1 - (1 - time) ** 3;
    for (let i = 0; i < at.length; i++) at[i] = tween.from[i] + ease * (target[i] - tween.from[i]);
    const bounds = tween.boundsFrom.map((value, i) => value + ease * (tween.boundsTo[i] - value));
    this.view.bounds = /** @type {Bounds} */ (bounds);
    if (time === 1) this.tween = null;
    this.pointsStale = true;
  }

  describe() {
    const by = this.map.range ? this.map.data.colourTitle : "label";
    const title = this.panel.title && `, ${this.panel.title}`;
    this.points.setAttribute(
      "aria-label",
      `Latent map${title}: ${count(this.cloud?.n ?? 0)} test images as points, coloured by ${by}. ` +
        `${this.map.data.caption} Arrow keys go to the nearest point in that direction, Enter selects it, plus and minus ` +
        "zoom, 0 shows all, Escape clears.",
    );
    this.points.classList.toggle("lassoing", this.map.mode === "lasso");
  }

  /** @param {Set<number>} members test indices */
  markLasso(members) {
    if (!this.cloud) return;
    this.cloud.inLasso = members.size
      ? Uint8Array.from(this.cloud.indices, (index) => (members.has(index) ? 1 : 0))
      : null;
  }

  // ---- where things are ----------------------------------------------------------------------------------------

  /** @param {number} x CSS px @param {number} y */
  near(x, y) {
    return this.cloud ? findNearest(this.view, this.cloud, x, y, Math.max(REACH_PX, this.side / 2)) : -1;
  }

  /** @param {number | null} index */
  rowOf(index) {
    return this.cloud && index !== null ? this.cloud.indices.indexOf(index) : -1;
  }

  /** @param {MapCloud} cloud @param {number} row */
  placeOf({ at }, row) {
    return this.view.place(at[2 * row], at[2 * row + 1]);
  }

  /** The row that is pointed at, here or on the other map; −1 without. */
  get hover() {
    return this.rowOf(this.map.hover);
  }

  /** @param {number} factor @param {number} x CSS px @param {number} y */
  zoomAt(factor, x, y) {
    this.view.zoomAt(factor, x, y);
    this.redraw();
  }

  /** @param {number} row */
  point(row) {
    this.map.point(this, row);
  }

  /**
   * What a button or a key means.
   * @param {string} action
   */
  zoom(action) {
    if (action === "in") this.zoomAt(1.6, ...this.view.middle());
    if (action === "out") this.zoomAt(1 / 1.6, ...this.view.middle());
    if (action === "reset") this.resetView();
  }

  /** @param {number} dx CSS px @param {number} dy */
  pan(dx, dy) {
    this.view.pan(dx, dy);
    this.redraw();
  }

  resetView() {
    this.view.reset();
    this.redraw();
  }

  // ---- drawing -------------------------------------------------------------------------------------------------

  resize() {
    const { clientWidth, clientHeight } = this.stage;
    const ratio = devicePixelRatio || 1;
    const { width, height } = this.view;
    if (width !== clientWidth || height !== clientHeight || this.ground?.raster.ratio !== ratio) {
      this.view.resize(clientWidth, clientHeight);
      for (const canvas of [this.points, this.marks]) {
        canvas.width = Math.max(1, Math.round(clientWidth * ratio));
        canvas.height = Math.max(1, Math.round(clientHeight * ratio));
      }
      const image = this.pen.createImageData(this.points.width, this.points.height);
      const raster = { pixels: new Uint32Array(image.data.buffer), width: this.points.width, ratio };
      this.ground = { image, raster };
      this.pointsStale = true;
      this.draw(performance.now()); // at once: a canvas that was resized is empty
    } else this.redraw();
  }

  redraw(marksOnly = false) {
    if (!marksOnly) this.pointsStale = true;
    this.map.host.redraw();
  }

  /** @param {number} now */
  draw(now) {
    const { cloud, ground } = this;
    if (!ground) return;
    if (!cloud) {
      this.pen.fillStyle = `rgb(${this.map.look.background})`;
      this.pen.fillRect(0, 0, this.points.width, this.points.height);
      return;
    }
    if (this.tween) this.step(this.tween, cloud, now);
    if (this.pointsStale) this.drawPoints(cloud, ground);
    this.pointsStale = false;
    this.drawMarks(cloud, ground.raster);
    if (this.tween) this.redraw();
  }

  /** @param {MapCloud} cloud @param {{ image: ImageData, raster: Raster }} ground */
  drawPoints(cloud, { image, raster }) {
    const { view } = this;
    const { look, pictures } = this.map;
    const ink = parseColour(look.ink);
    this.ticks = view.meaningful ? view.ticks() : null;
    paintGround(raster, view, this.ticks, look.background, ink);
    const visible = paintPoints(raster, view, cloud, ink);
    this.pen.putImageData(image, 0, 0);
    const [, , height, width] = pictures?.shape ?? [0, 0, 1, 1];
    this.side = pictures && !this.tween && visible > 0 ? pictureSide(view, visible, height, width) : 0;
    if (this.side && pictures) {
      const thumbnail = (/** @type {number} */ row) => this.map.thumbnail(pictures, cloud.indices[row]);
      paintPictures(this.pen, raster.ratio, view, cloud, this.side, thumbnail);
    }
  }

  /** @param {MapCloud} cloud @param {Raster} raster */
  drawMarks(cloud, { ratio }) {
    const { markPen: pen, view } = this;
    const { look, selected, data } = this.map;
    pen.setTransform(ratio, 0, 0, ratio, 0, 0);
    pen.clearRect(0, 0, view.width, view.height);
    if (this.ticks) drawAxes(pen, view, this.ticks, data.axes, look);
    const plot = view.plot();
    pen.save();
    pen.beginPath();
    pen.rect(plot.left, plot.top, plot.width, plot.height);
    pen.clip();
    const chosen = this.rowOf(selected);
    const ring = (/** @type {number} */ row, /** @type {boolean} */ strong) =>
      drawRing(pen, this.placeOf(cloud, row), view.radius(), this.side, this.map.colourOf(cloud, row), strong, look);
    if (chosen >= 0) ring(chosen, true);
    const { hover } = this;
    // Where no pointer leads the eye to it, the ring has to.
    if (hover >= 0 && hover !== chosen) ring(hover, this.map.over !== this);
    if (this.path) drawLasso(pen, this.path, look);
    pen.restore();
    this.drawCard(cloud);
  }

  // ---- the card ------------------------------------------------------------------------------------------------

  /**
   * Of the point under the pointer; the other map has a ring around it.
   * @param {MapCloud} cloud
   */
  drawCard(cloud) {
    const row = this.map.over === this ? this.hover : -1;
    this.card.hidden = row < 0 || this.path !== null;
    if (row < 0) return;
    const { pictures, rows, range, data } = this.map;
    const colour = this.map.colourOf(cloud, row);
    const cardState = `${row} ${cloud.id} ${data.colourTitle} ${data.colourUnit} ${pictures !== null} ${colour}`;
    if (cardState !== this.cardState) {
      this.cardState = cardState;
      const [canvas, words] = [find(this.card, "canvas", HTMLCanvasElement), find(this.card, "div")];
      const picture = rows.get(cloud.indices[row]);
      canvas.hidden = picture === undefined;
      if (picture !== undefined && pictures) paintRow(canvas, pictures, picture);
      const title = h("strong");
      if (!range) {
        const dot = h("i");
        dot.style.setProperty("--swatch", colour);
        title.append(dot);
      }
      const [name, ...lines] = this.map.wordsOf(cloud, row);
      title.append(name);
      words.replaceChildren(title, ...lines.map((line) => h("span", {}, line)));
    }
    // Beside the point, on the side where there is room, or on a narrow map above or below; never over it.
    const [x, y] = this.placeOf(cloud, row);
    const { offsetWidth: wide, offsetHeight: high } = this.card;
    const { width, height } = this.view;
    const gap = 14 + this.side / 2;
    const right = x + gap + wide < width;
    const isBeside = right || x - gap - wide > 0;
    const above = y - gap - high > 0 ? y - gap - high : y + gap;
    const left = isBeside ? (right ? x + gap : x - gap - wide) : within(x - wide / 2, 6, width - wide - 6);
    const top = isBeside ? within(y - high / 2, 6, height - high - 6) : above;
    this.card.style.transform = `translate(${Math.round(left)}px, ${Math.round(top)}px)`;
  }

  // ---- the lasso -----------------------------------------------------------------------------------------------

  closeLasso() {
    const { cloud, path, map } = this;
    if (!cloud || !path) return;
    this.path = null;
    map.setMode("pan");
    const extent = (/** @type {0 | 1} */ axis) =>
      Math.max(...path.map((p) => p[axis])) - Math.min(...path.map((p) => p[axis]));
    if (Math.max(extent(0), extent(1)) >= LASSO_PX)
      map.setLasso(findInside(this.view, cloud, path).map((row) => cloud.indices[row]));
    this.redraw();
  }
}
