// The latent map: up to 10,000 codes as points that show their picture, can be picked and lassoed.
//
// Two canvases lie on each other. The lower one is an image the points are written into (map-points.js); the upper one holds
// what follows the pointer, so that hovering never redraws the points. Zoomed in far enough, points become their pictures.
// This file owns the state: what Python says, what a person does to it, and when what is redrawn.

import { colourRamp, parseColour, sequential } from "../kit/colours.js";
import { find, h, isCalm, later } from "../kit/dom.js";
import { Hand } from "../kit/hand.js";
import { rowsByLabel } from "../kit/images.js";
import { count, significant, within } from "../kit/numbers.js";
import { view } from "../kit/view.js";
import { tensorOf } from "../net/safetensors.js";
import { paintRow, penOf } from "../paint/picture.js";
import { findInside, findNearest } from "./map-find.js";
import { listenToMap } from "./map-input.js";
import { drawAxes, drawLasso, drawRing } from "./map-marks.js";
import { paintGround, paintPictures, paintPoints, pictureSide } from "./map-points.js";
import { MapView } from "./map-view.js";

/**
 * @import { RGB } from "../kit/colours.js"
 * @import { Host } from "../kit/view.js"
 * @import { Arrays, MapData, Numbers, Tensor } from "../types.d.ts"
 * @import { Look } from "./map-marks.js"
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
const rowsByIndex = (indices) => new Map(Array.from(indices, (index, row) => [index, row]));

const TWEEN_MS = 350; // shorter than the half second between two states of a running projection
const REACH_PX = 14; // how far from a point the pointer may be
const LASSO_PX = 8; // a lasso smaller than this was a click

const ICONS = {
  in: '<path d="M10 4v12M4 10h12"/>',
  out: '<path d="M4 10h12"/>',
  reset: '<path d="M4 4v4h4M4.4 7.8A6.5 6.5 0 1 1 3.6 11"/>',
  lasso:
    '<path d="M6.5 12.5C4 11.8 2.5 10.2 2.5 8.2 2.5 5.3 5.9 3 10 3s7.5 2.3 7.5 5.2-3.4 5.2-7.5 5.2c-.6 0-1.2 0-1.7-.1"/><circle cx="7.3" cy="13.3" r="1.7"/><path d="M7.3 15c0 1.5-.7 2.3-2 2.5"/>',
};
const icon = (/** @type {keyof typeof ICONS} */ name) =>
  `<svg viewBox="0 0 20 20" aria-hidden="true">${ICONS[name]}</svg>`;

const HTML = `
<div class="map-bar">
  <div class="map-scale" hidden><b></b><span class="map-scale-bar"><span class="low"></span><span class="map-scale-track"><i hidden></i></span><span class="high"></span></span></div>
  <div class="map-legend" role="group" aria-label="Labels: click to hide or show one, double click to show only that one"></div>
  <div class="map-tools" role="toolbar" aria-label="Map">
    <button class="map-clear" data-do="clear" title="Clear the lasso (Esc)" hidden></button>
    <button data-do="in" title="Zoom in (+)" aria-label="Zoom in">${icon("in")}</button>
    <button data-do="out" title="Zoom out (−)" aria-label="Zoom out">${icon("out")}</button>
    <button data-do="reset" title="Show all (0, or double click)" aria-label="Show all">${icon("reset")}</button>
    <button data-do="lasso" title="Lasso (L, or shift and drag)" aria-label="Lasso" aria-pressed="false">${icon("lasso")}</button>
  </div>
</div>
<div class="map-stage">
  <canvas class="map-points" tabindex="0" role="application"></canvas>
  <canvas class="map-marks" aria-hidden="true"></canvas>
  <div class="map-wait">The map is on its way …</div>
  <div class="map-progress" role="status" hidden><span></span><i></i></div>
  <div class="map-card" aria-hidden="true" hidden><canvas></canvas><div></div></div>
</div>
<p class="map-caption" hidden></p>
<div class="map-live" aria-live="polite"></div>`;

// Zoom and hidden labels are the page's own: kept here, by key, so that a remount comes up as it was left.
/** @type {Map<string, { zoom: number, x: number, y: number, muted: Set<number> }>} */
const remembered = new Map();

export class LatentMap {
  /** @type {MapData} */
  data = later();
  /** @type {Look} */
  look = later();
  /** @type {RGB[]} of the labels */
  palette = [];
  /** @type {MapCloud | null} */
  cloud = null;
  /** @type {Tween | null} */
  tween = null;
  /** @type {[low: number, high: number] | null} of the colour scale, null while labels give the colour */
  range = null;
  /** @type {Set<number>} labels that are hidden */
  muted = new Set();
  /** @type {Arrays | null} */
  images = null;
  /** @type {Map<number, number>} test index -> row in the images blob */
  rows = new Map();
  /** @type {Map<number, HTMLCanvasElement>} row in the images blob -> its picture */
  thumbnails = new Map();
  /** @type {number | null} */
  selected = null;
  /** @type {number[]} */
  lasso = [];
  hover = -1; // row under the pointer or the keyboard's cursor
  side = 0; // of a point's picture in CSS px, 0 while points are discs
  /** @type {"pan" | "lasso"} */
  mode = "pan";
  /** @type {[number, number][] | null} the lasso being drawn, in CSS px */
  path = null;
  pointsStale = false;
  /** @type {{ address: string, blob: Arrays } | null} the points that came last */
  coordinates = null;
  /** @type {Partial<Record<"images" | "points", { address: string, stop: () => void }>>} */
  stops = {};
  /** @type {{ image: ImageData, raster: Raster } | null} what the points are written into */
  ground = null;
  /** @type {{ x: Tick[], y: Tick[] } | null} */
  ticks = null;
  legendState = ""; // what the legend and the card show
  cardState = "";

  /** @param {HTMLElement} root @param {Host} host */
  constructor(root, host) {
    this.root = root;
    this.host = host;
    root.innerHTML = HTML;
    this.stage = find(root, ".map-stage");
    this.points = find(root, ".map-points", HTMLCanvasElement);
    this.marks = find(root, ".map-marks", HTMLCanvasElement);
    this.card = find(root, ".map-card");
    this.legend = find(root, ".map-legend");
    // Written on by the processor alone: kept out of the graphics card, where every putImageData would be an upload.
    this.pen = penOf(this.points, { alpha: false, willReadFrequently: true });
    this.markPen = penOf(this.marks);

    this.view = new MapView();
    // Python names a picked image in a record: a state that is null would be none.
    this.selecting = new Hand((/** @type {number | null} */ index) =>
      host.keep("selected", index === null ? null : { index }),
    );
    this.lassoing = new Hand((/** @type {number[]} */ indices) => host.keep("lasso", indices));

    listenToMap(this);
    host.watch(this.stage);
  }

  // ---- state in ------------------------------------------------------------------------------------------------

  /** @param {MapData} data */
  update(data) {
    const before = this.data ? undefined : remembered.get(data.key);
    this.data = data;
    if (before) {
      const { zoom, x, y, muted } = before;
      Object.assign(this.view, { zoom, x, y });
      this.muted = muted;
    }
    this.root.style.height = `${data.height}px`;
    const style = getComputedStyle(this.root);
    const variable = (/** @type {string} */ name) => style.getPropertyValue(name);
    this.look = {
      background: parseColour(variable("--st-background-color")),
      ink: variable("--st-text-color"),
      line: variable("--st-border-color"),
      accent: variable("--st-primary-color"),
      font: variable("--st-font") || "sans-serif",
    };
    this.view.meaningful = data.axes.meaningful;
    this.palette = data.palette.map(parseColour);

    if (this.selecting.hears(data.selected)) this.selected = data.selected;
    if (this.lassoing.hears(data.lasso)) this.lasso = data.lasso;

    const caption = find(this.root, ".map-caption");
    caption.textContent = data.caption;
    caption.hidden = !data.caption;
    const progress = find(this.root, ".map-progress");
    progress.hidden = data.progress === null;
    if (data.progress !== null) {
      find(progress, "span").textContent = data.progressText;
      find(progress, "i").style.setProperty("--done", `${Math.round(100 * data.progress)}%`);
    }
    this.want("images");
    this.want("points");
    this.load();
    this.resize();
  }

  /**
   * Get a blob of the data; what is shown of the one before stays until it is there.
   * @param {"images" | "points"} name
   */
  want(name) {
    const address = this.data[name];
    if (this.stops[name]?.address === address) return;
    this.stops[name]?.stop();
    let now = true;
    const stop = this.host.blobs([address], (blob) => {
      if (name === "points") this.coordinates = { address, blob };
      else {
        this.images = blob;
        this.thumbnails.clear();
        this.rows = rowsByIndex(tensorOf(blob, "indices", Int32Array).data);
      }
      if (!now) this.load();
    });
    now = false;
    this.stops[name] = { address, stop };
  }

  load() {
    if (this.coordinates && this.cloud?.id !== this.coordinates.address) this.move(this.coordinates);
    find(this.root, ".map-wait").hidden = this.cloud !== null;
    this.colourPoints();
    this.markLasso();
    this.drawLegend();
    this.describe();
    this.redraw();
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
      muted: this.muted,
      inLasso: null,
    };
    this.view.count = n;
    this.hover = -1;
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

  // ---- colours and labels --------------------------------------------------------------------------------------

  colourPoints() {
    if (!this.cloud) return;
    const { n, labels, values } = this.cloud;
    const given = this.data.colourBy === "value" ? values : null;
    const scale = find(this.root, ".map-scale");
    scale.hidden = !given;
    const shade = new Uint8Array(n);
    const shades = new Uint8Array(768);
    if (given) {
      // The ends that would vanish on this background are left out; the extremes 1 % do not stretch the scale for the rest.
      const anchors = sequential(this.look.background);
      shades.set(colourRamp(anchors));
      const sorted = Float32Array.from(given).sort();
      const low = sorted[Math.floor(0.01 * (n - 1))];
      const high = sorted[Math.ceil(0.99 * (n - 1))];
      this.range = [low, high];
      for (let i = 0; i < n; i++) shade[i] = 255 * this.fraction(given[i]);
      const { colourTitle, colourUnit } = this.data;
      find(scale, "b").textContent = colourTitle;
      find(scale, ".low").textContent = (sorted[0] < low ? "≤ " : "") + significant(low);
      find(scale, ".high").textContent = `${(sorted[n - 1] > high ? "≥ " : "") + significant(high)} ${colourUnit}`;
      find(scale, ".map-scale-track").style.background =
        `linear-gradient(90deg, ${anchors.map((c) => `rgb(${c})`).join()})`;
    } else {
      this.range = null;
      for (let label = 0; label < 256; label++) shades.set(this.palette[label % this.palette.length], 3 * label);
      shade.set(labels);
    }
    Object.assign(this.cloud, { shade, shades });
  }

  /** @param {number} value on the colour scale */
  fraction(value) {
    const [low, high] = this.range ?? [0, 1];
    return within((value - low) / (high - low || 1), 0, 1);
  }

  /** @param {MapCloud} cloud @param {number} row */
  colourOf({ shade, shades }, row) {
    return `rgb(${shades.subarray(3 * shade[row], 3 * shade[row] + 3)})`;
  }

  drawLegend() {
    const labels = this.cloud ? [...rowsByLabel(this.cloud.labels).keys()] : [];
    const state = JSON.stringify([labels, this.data.names, this.data.palette, this.range !== null]);
    if (state !== this.legendState) {
      this.legendState = state;
      this.legend.classList.toggle("plain", this.range !== null);
      this.legend.replaceChildren(
        ...labels.map((label) => {
          const button = h("button");
          button.dataset.label = String(label);
          if (!this.range) {
            const dot = h("i");
            dot.style.setProperty("--swatch", this.data.palette[label % this.palette.length]);
            button.append(dot);
          }
          button.append(this.nameOf(label));
          button.title = "Click: hide or show. Double click: only this one";
          return button;
        }),
      );
    }
    for (const button of this.legendButtons())
      button.setAttribute("aria-pressed", String(!this.muted.has(Number(button.dataset.label))));
  }

  /** @returns {HTMLElement[]} */
  legendButtons() {
    return [...this.legend.querySelectorAll("button")];
  }

  /** @param {number} label */
  nameOf(label) {
    return this.data.names[label] ?? String(label);
  }

  /** @param {number} label @param {boolean} only */
  mute(label, only) {
    if (!this.cloud) return;
    const labels = this.legendButtons().map((button) => Number(button.dataset.label));
    if (only) {
      const alone = labels.every((other) => this.muted.has(other) === (other !== label));
      this.muted = new Set(alone ? [] : labels.filter((other) => other !== label));
    } else if (!this.muted.delete(label)) this.muted.add(label);
    this.cloud.muted = this.muted;
    this.hover = -1;
    this.drawLegend();
    this.redraw();
  }

  describe() {
    const n = this.cloud?.n ?? 0;
    const by = this.range ? this.data.colourTitle : "label";
    this.points.setAttribute(
      "aria-label",
      `Latent map: ${count(n)} test images as points, coloured by ${by}. ${this.data.caption} ` +
        "Arrow keys go to the nearest point in that direction, Enter selects it, plus and minus zoom, 0 shows all, Escape clears.",
    );
    const clear = find(this.root, ".map-clear");
    clear.hidden = this.lasso.length === 0;
    clear.innerHTML = `${count(this.lasso.length)} in the lasso <span aria-hidden="true">✕</span>`;
    find(this.root, '[data-do="lasso"]').setAttribute("aria-pressed", String(this.mode === "lasso"));
    this.points.classList.toggle("lassoing", this.mode === "lasso");
  }

  markLasso() {
    if (!this.cloud) return;
    const members = new Set(this.lasso);
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

  /** @param {number} factor @param {number} x CSS px @param {number} y */
  zoomAt(factor, x, y) {
    this.view.zoomAt(factor, x, y);
    this.redraw();
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
    this.host.redraw();
  }

  /** @param {number} now */
  draw(now) {
    const { cloud, ground } = this;
    if (!this.data || !ground) return;
    if (!cloud) {
      this.pen.fillStyle = `rgb(${this.look.background})`;
      this.pen.fillRect(0, 0, this.points.width, this.points.height);
      return;
    }
    if (this.tween) this.step(this.tween, cloud, now);
    if (this.pointsStale) this.drawPoints(cloud, ground);
    this.pointsStale = false;
    this.drawMarks(cloud, ground.raster);
    if (this.tween) this.redraw();
    const { zoom, x, y } = this.view;
    remembered.set(this.data.key, { zoom, x, y, muted: this.muted });
  }

  /** @param {MapCloud} cloud @param {{ image: ImageData, raster: Raster }} ground */
  drawPoints(cloud, { image, raster }) {
    const { view, pictures } = this;
    const ink = parseColour(this.look.ink);
    this.ticks = view.meaningful ? view.ticks() : null;
    paintGround(raster, view, this.ticks, this.look.background, ink);
    const visible = paintPoints(raster, view, cloud, ink);
    this.pen.putImageData(image, 0, 0);
    const [, , height, width] = pictures?.shape ?? [0, 0, 1, 1];
    this.side = pictures && !this.tween && visible > 0 ? pictureSide(view, visible, height, width) : 0;
    if (this.side && pictures) {
      const thumbnail = (/** @type {number} */ row) => this.thumbnail(pictures, cloud.indices[row]);
      paintPictures(this.pen, raster.ratio, view, cloud, this.side, thumbnail);
    }
  }

  get pictures() {
    return this.images && tensorOf(this.images, "images", Uint8Array);
  }

  /** @param {Tensor<Uint8Array>} pictures @param {number} index */
  thumbnail(pictures, index) {
    const row = this.rows.get(index);
    if (row === undefined) return null;
    const known = this.thumbnails.get(row);
    if (known) return known;
    const canvas = h("canvas");
    paintRow(canvas, pictures, row);
    this.thumbnails.set(row, canvas);
    return canvas;
  }

  /** @param {MapCloud} cloud @param {Raster} raster */
  drawMarks(cloud, { ratio }) {
    const { markPen: pen, view, look } = this;
    pen.setTransform(ratio, 0, 0, ratio, 0, 0);
    pen.clearRect(0, 0, view.width, view.height);
    if (this.ticks) drawAxes(pen, view, this.ticks, this.data.axes, look);
    const plot = view.plot();
    pen.save();
    pen.beginPath();
    pen.rect(plot.left, plot.top, plot.width, plot.height);
    pen.clip();
    const chosen = this.rowOf(this.selected);
    const ring = (/** @type {number} */ row, /** @type {boolean} */ strong) =>
      drawRing(pen, this.placeOf(cloud, row), view.radius(), this.side, this.colourOf(cloud, row), strong, look);
    if (chosen >= 0) ring(chosen, true);
    if (this.hover >= 0 && this.hover !== chosen) ring(this.hover, false);
    if (this.path) drawLasso(pen, this.path, look);
    pen.restore();
    this.drawCard(cloud);
  }

  // ---- the card ------------------------------------------------------------------------------------------------

  /** @param {MapCloud} cloud */
  drawCard(cloud) {
    const row = this.hover;
    const mark = find(this.root, ".map-scale-track i");
    mark.hidden = row < 0 || !this.range;
    this.card.hidden = row < 0 || this.path !== null;
    if (row < 0) return;
    const { indices, values } = cloud;
    const { pictures } = this;
    const colour = this.colourOf(cloud, row);
    if (!mark.hidden && values) mark.style.left = `${100 * this.fraction(values[row])}%`;
    const { colourTitle, colourUnit } = this.data;
    const cardState = `${row} ${cloud.id} ${colourTitle} ${colourUnit} ${pictures !== null} ${colour}`;
    if (cardState !== this.cardState) {
      this.cardState = cardState;
      const [canvas, words] = [find(this.card, "canvas", HTMLCanvasElement), find(this.card, "div")];
      const picture = this.rows.get(indices[row]);
      canvas.hidden = picture === undefined;
      if (picture !== undefined && pictures) paintRow(canvas, pictures, picture);
      const title = h("strong");
      if (!this.range) {
        const dot = h("i");
        dot.style.setProperty("--swatch", colour);
        title.append(dot);
      }
      const [name, ...lines] = this.wordsOf(cloud, row);
      title.append(name);
      words.replaceChildren(title, ...lines.map((line) => h("span", {}, line)));
    }
    // Beside the point, on the side where there is room; never over it.
    const [x, y] = this.placeOf(cloud, row);
    const { offsetWidth, offsetHeight } = this.card;
    const gap = 14 + this.side / 2;
    const left = x + gap + offsetWidth < this.view.width ? x + gap : x - gap - offsetWidth;
    const top = Math.max(6, Math.min(this.view.height - offsetHeight - 6, y - offsetHeight / 2));
    this.card.style.transform = `translate(${Math.round(Math.max(6, left))}px, ${Math.round(top)}px)`;
  }

  /**
   * What is said of a point: its label, its number, which image it is.
   * @param {MapCloud} cloud @param {number} row
   */
  wordsOf({ indices, labels, values }, row) {
    const { colourTitle, colourUnit } = this.data;
    const value = values && colourTitle ? [`${colourTitle} ${significant(values[row])} ${colourUnit}`] : [];
    return [this.nameOf(labels[row]), ...value, `test image ${indices[row]}`];
  }

  // ---- actions -------------------------------------------------------------------------------------------------

  /** @param {number} row */
  select(row) {
    const index = row < 0 || !this.cloud ? null : this.cloud.indices[row];
    if (index === this.selected) return;
    this.selected = index;
    this.redraw(true);
    this.selecting.says(index);
  }

  /** @param {number[]} indices */
  setLasso(indices) {
    if (indices.length === 0 && this.lasso.length === 0) return;
    this.lasso = indices;
    this.markLasso();
    this.describe();
    this.redraw();
    this.lassoing.says(indices);
  }

  /** @param {"pan" | "lasso"} mode */
  setMode(mode) {
    this.mode = mode;
    this.describe();
  }

  closeLasso() {
    const { cloud, path } = this;
    if (!cloud || !path) return;
    this.path = null;
    this.setMode("pan");
    const extent = (/** @type {0 | 1} */ axis) =>
      Math.max(...path.map((p) => p[axis])) - Math.min(...path.map((p) => p[axis]));
    if (Math.max(extent(0), extent(1)) >= LASSO_PX)
      this.setLasso(findInside(this.view, cloud, path).map((row) => cloud.indices[row]));
    this.redraw();
  }

  /** @param {string} action */
  do(action) {
    if (action === "in") this.zoomAt(1.6, ...this.view.middle());
    if (action === "out") this.zoomAt(1 / 1.6, ...this.view.middle());
    if (action === "reset") this.resetView();
    if (action === "lasso") this.setMode(this.mode === "lasso" ? "pan" : "lasso");
    if (action === "clear") this.setLasso([]);
  }

  /** @param {number} row */
  point(row) {
    if (row === this.hover) return;
    this.hover = row;
    this.points.classList.toggle("on-point", row >= 0);
    this.redraw(true);
  }

  /** @param {string} text */
  say(text) {
    find(this.root, ".map-live").textContent = text;
  }
}

export default view(LatentMap, { name: "map", tag: "section" });
