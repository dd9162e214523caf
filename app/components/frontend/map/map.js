// The latent map: up to 10,000 codes as points that show their picture, can be picked and lassoed.
//
// Two canvases lie on each other. The lower one is an image the points are written into (map-points.js); the upper one holds
// what follows the pointer, so that hovering never redraws the points. Zoomed in far enough, points become their pictures.
// This file owns the state: what Python says, what a person does to it, and when what is redrawn.

import { colourRamp, parseColour, sequential } from "../kit/colours.js";
import { h, isCalm } from "../kit/dom.js";
import { Hand } from "../kit/hand.js";
import { rowsByLabel } from "../kit/images.js";
import { count, significant, within } from "../kit/numbers.js";
import { view } from "../kit/view.js";
import { paintRow, penOf } from "../paint/picture.js";
import { findInside, findNearest } from "./map-find.js";
import { listenToMap } from "./map-input.js";
import { drawAxes, drawLasso, drawRing } from "./map-marks.js";
import { paintGround, paintPictures, paintPoints, pictureSide } from "./map-points.js";
import { MapView } from "./map-view.js";

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
const icon = (name) => `<svg viewBox="0 0 20 20" aria-hidden="true">${ICONS[name]}</svg>`;

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
const remembered = new Map();

class LatentMap {
  constructor(root, host) {
    this.root = root;
    this.host = host;
    root.innerHTML = HTML;
    const find = (name) => this.root.querySelector(name);
    this.stage = find(".map-stage");
    this.points = find(".map-points");
    this.marks = find(".map-marks");
    this.card = find(".map-card");
    this.legend = find(".map-legend");
    // Written on by the processor alone: kept out of the graphics card, where every putImageData would be an upload.
    this.pen = penOf(this.points, { alpha: false, willReadFrequently: true });
    this.markPen = penOf(this.marks);

    this.data = null;
    this.view = new MapView();
    // {id, n, indices, labels, values, target: where the points go, at: where they are now, shade: a point's row in shades,
    //  shades: 256 × 3 bytes, muted: Set of labels, inLasso: Uint8Array(n) or null without a lasso}
    this.cloud = null;
    this.tween = null;
    this.range = null; // [low, high] of the colour scale, null while labels give the colour
    this.muted = new Set();
    this.images = null;
    this.rows = new Map(); // test index -> row in the images blob
    this.thumbnails = new Map(); // row in the images blob -> canvas
    this.selected = null;
    this.lasso = [];
    // Python names a picked image in a record: a state that is null would be none.
    this.selecting = new Hand((index) => host.keep("selected", index === null ? null : { index }));
    this.lassoing = new Hand((indices) => host.keep("lasso", indices));
    this.hover = -1; // row under the pointer or the keyboard's cursor
    this.side = 0; // of a point's picture in CSS px, 0 while points are discs
    this.mode = "pan";
    this.path = null; // the lasso being drawn, in CSS px
    this.pointsStale = false;
    this.coordinates = null; // {address, blob}: the points that came last
    this.stops = {};

    listenToMap(this);
    host.watch(this.stage);
  }

  // ---- state in ------------------------------------------------------------------------------------------------

  update(data) {
    const first = this.data === null;
    this.data = data;
    if (first && remembered.has(data.key)) {
      const { zoom, x, y, muted } = remembered.get(data.key);
      Object.assign(this.view, { zoom, x, y });
      this.muted = muted;
    }
    this.root.style.height = `${data.height}px`;
    const style = getComputedStyle(this.root);
    const variable = (name) => style.getPropertyValue(name);
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

    const caption = this.root.querySelector(".map-caption");
    caption.textContent = data.caption;
    caption.hidden = !data.caption;
    const progress = this.root.querySelector(".map-progress");
    progress.hidden = data.progress === null;
    if (data.progress !== null) {
      progress.querySelector("span").textContent = data.progressText;
      progress.querySelector("i").style.setProperty("--done", `${Math.round(100 * data.progress)}%`);
    }
    this.want("images");
    this.want("points");
    this.load();
    this.resize();
  }

  /** Get the blob `name` of the data, "images" or "points"; what is shown of the one before stays until it is there. */
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
        this.rows = new Map(Array.from(blob.tensors.get("indices").data, (index, row) => [index, row]));
      }
      if (!now) this.load();
    });
    now = false;
    this.stops[name] = { address, stop };
  }

  load() {
    if (this.coordinates && this.cloud?.id !== this.coordinates.address) this.move(this.coordinates);
    this.root.querySelector(".map-wait").hidden = this.cloud !== null;
    this.colourPoints();
    this.markLasso();
    this.drawLegend();
    this.describe();
    this.redraw();
  }

  /** Give the points new places; those that were on the map travel there. */
  move({ address, blob }) {
    const tensor = (name) => blob.tensors.get(name)?.data;
    const target = tensor("points");
    const n = target.length / 2;
    const cloud = {
      id: address,
      n,
      target,
      indices: tensor("indices"),
      labels: tensor("labels"),
      values: tensor("values"),
    };
    let [left, right, bottom, top] = [Infinity, -Infinity, Infinity, -Infinity];
    for (let i = 0; i < n; i++) {
      left = Math.min(left, target[2 * i]);
      right = Math.max(right, target[2 * i]);
      bottom = Math.min(bottom, target[2 * i + 1]);
      top = Math.max(top, target[2 * i + 1]);
    }
    const bounds =
      n === 0
        ? [0, 0, 1, 1]
        : [(left + right) / 2, (bottom + top) / 2, (right - left) / 2 || 1, (top - bottom) / 2 || 1];

    const old = this.cloud;
    const oldRows = old && new Map(Array.from(old.indices, (index, row) => [index, row]));
    const from = Float32Array.from(target);
    let known = 0;
    if (old)
      for (let i = 0; i < n; i++) {
        const row = oldRows.get(cloud.indices[i]);
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
    this.cloud = { ...cloud, at: from, muted: this.muted, inLasso: null };
    this.view.count = n;
    this.hover = -1;
  }

  step(now) {
    const { tween } = this;
    const { at, target } = this.cloud;
    tween.start ??= now;
    const time = Math.min((now - tween.start) / TWEEN_MS, 1);
    const ease = 1 - (1 - time) ** 3;
    for (let i = 0; i < at.length; i++) at[i] = tween.from[i] + ease * (target[i] - tween.from[i]);
    this.view.bounds = tween.boundsFrom.map((value, i) => value + ease * (tween.boundsTo[i] - value));
    if (time === 1) this.tween = null;
    this.pointsStale = true;
  }

  // ---- colours and labels --------------------------------------------------------------------------------------

  colourPoints() {
    if (!this.cloud) return;
    const { n, labels, values } = this.cloud;
    const byValue = this.data.colourBy === "value" && values;
    const scale = this.root.querySelector(".map-scale");
    scale.hidden = !byValue;
    const shade = new Uint8Array(n);
    let shades = new Uint8Array(768);
    if (byValue) {
      // The ends that would vanish on this background are left out; the extremes 1 % do not stretch the scale for the rest.
      const anchors = sequential(this.look.background);
      shades = colourRamp(anchors);
      const sorted = Float32Array.from(values).sort();
      const low = sorted[Math.floor(0.01 * (n - 1))];
      const high = sorted[Math.ceil(0.99 * (n - 1))];
      this.range = [low, high];
      for (let i = 0; i < n; i++) shade[i] = 255 * this.fraction(values[i]);
      const { colourTitle, colourUnit } = this.data;
      scale.querySelector("b").textContent = colourTitle;
      scale.querySelector(".low").textContent = (sorted[0] < low ? "≤ " : "") + significant(low);
      scale.querySelector(".high").textContent =
        `${(sorted[n - 1] > high ? "≥ " : "") + significant(high)} ${colourUnit}`;
      scale.querySelector(".map-scale-track").style.background =
        `linear-gradient(90deg, ${anchors.map((c) => `rgb(${c})`).join()})`;
    } else {
      this.range = null;
      for (let label = 0; label < 256; label++) shades.set(this.palette[label % this.palette.length], 3 * label);
      shade.set(labels);
    }
    Object.assign(this.cloud, { shade, shades });
  }

  fraction(value) {
    const [low, high] = this.range;
    return within((value - low) / (high - low || 1), 0, 1);
  }

  colourOf(row) {
    const { shade, shades } = this.cloud;
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
          button.dataset.label = label;
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
    for (const button of this.legend.children)
      button.setAttribute("aria-pressed", String(!this.muted.has(Number(button.dataset.label))));
  }

  nameOf(label) {
    return this.data.names[label] ?? String(label);
  }

  mute(label, only) {
    const labels = [...this.legend.children].map((button) => Number(button.dataset.label));
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
    const clear = this.root.querySelector(".map-clear");
    clear.hidden = this.lasso.length === 0;
    clear.innerHTML = `${count(this.lasso.length)} in the lasso <span aria-hidden="true">✕</span>`;
    this.root.querySelector('[data-do="lasso"]').setAttribute("aria-pressed", String(this.mode === "lasso"));
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

  near(x, y) {
    return this.cloud ? findNearest(this.view, this.cloud, x, y, Math.max(REACH_PX, this.side / 2)) : -1;
  }

  rowOf(index) {
    return this.cloud && index !== null ? this.cloud.indices.indexOf(index) : -1;
  }

  placeOf(row) {
    return this.view.place(this.cloud.at[2 * row], this.cloud.at[2 * row + 1]);
  }

  zoomAt(factor, x, y) {
    this.view.zoomAt(factor, x, y);
    this.redraw();
  }

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
    if (width !== clientWidth || height !== clientHeight || this.raster?.ratio !== ratio) {
      this.view.resize(clientWidth, clientHeight);
      for (const canvas of [this.points, this.marks]) {
        canvas.width = Math.max(1, Math.round(clientWidth * ratio));
        canvas.height = Math.max(1, Math.round(clientHeight * ratio));
      }
      this.image = this.pen.createImageData(this.points.width, this.points.height);
      this.raster = { pixels: new Uint32Array(this.image.data.buffer), width: this.points.width, ratio };
      this.pointsStale = true;
      this.draw(performance.now()); // at once: a canvas that was resized is empty
    } else this.redraw();
  }

  redraw(marksOnly = false) {
    if (!marksOnly) this.pointsStale = true;
    this.host.redraw();
  }

  draw(now) {
    if (!this.data || !this.image) return;
    if (this.tween) this.step(now);
    if (!this.cloud) {
      this.pen.fillStyle = `rgb(${this.look.background})`;
      this.pen.fillRect(0, 0, this.points.width, this.points.height);
      return;
    }
    if (this.pointsStale) this.drawPoints();
    this.pointsStale = false;
    this.drawMarks();
    if (this.tween) this.redraw();
    const { zoom, x, y } = this.view;
    remembered.set(this.data.key, { zoom, x, y, muted: this.muted });
  }

  drawPoints() {
    const { raster, view, cloud } = this;
    const ink = parseColour(this.look.ink);
    this.ticks = view.meaningful ? view.ticks() : null;
    paintGround(raster, view, this.ticks, this.look.background, ink);
    const visible = paintPoints(raster, view, cloud, ink);
    this.pen.putImageData(this.image, 0, 0);
    const [, , height, width] = this.images?.tensors.get("images").shape ?? [0, 0, 1, 1];
    this.side = this.images && !this.tween && visible > 0 ? pictureSide(view, visible, height, width) : 0;
    if (this.side) paintPictures(this.pen, raster.ratio, view, cloud, this.side, (row) => this.thumbnail(row));
  }

  thumbnail(row) {
    const picture = this.rows.get(this.cloud.indices[row]);
    if (picture === undefined) return null;
    if (!this.thumbnails.has(picture)) {
      const canvas = h("canvas");
      paintRow(canvas, this.images.tensors.get("images"), picture);
      this.thumbnails.set(picture, canvas);
    }
    return this.thumbnails.get(picture);
  }

  drawMarks() {
    const { markPen: pen, view, look } = this;
    const { ratio } = this.raster;
    pen.setTransform(ratio, 0, 0, ratio, 0, 0);
    pen.clearRect(0, 0, view.width, view.height);
    if (this.ticks) drawAxes(pen, view, this.ticks, this.data.axes, look);
    const plot = view.plot();
    pen.save();
    pen.beginPath();
    pen.rect(plot.left, plot.top, plot.width, plot.height);
    pen.clip();
    const chosen = this.rowOf(this.selected);
    const ring = (row, strong) =>
      drawRing(pen, this.placeOf(row), view.radius(), this.side, this.colourOf(row), strong, look);
    if (chosen >= 0) ring(chosen, true);
    if (this.hover >= 0 && this.hover !== chosen) ring(this.hover, false);
    if (this.path) drawLasso(pen, this.path, look);
    pen.restore();
    this.drawCard();
  }

  // ---- the card ------------------------------------------------------------------------------------------------

  drawCard() {
    const row = this.hover;
    const mark = this.root.querySelector(".map-scale-track i");
    mark.hidden = row < 0 || !this.range;
    this.card.hidden = row < 0 || this.path !== null;
    if (row < 0) return;
    const { indices, values } = this.cloud;
    if (!mark.hidden) mark.style.left = `${100 * this.fraction(values[row])}%`;
    const cardState = `${row} ${this.cloud.id} ${this.data.colourTitle} ${this.data.colourUnit} ${this.images !== null} ${this.colourOf(row)}`;
    if (cardState !== this.cardState) {
      this.cardState = cardState;
      const [canvas, words] = this.card.children;
      const picture = this.rows.get(indices[row]);
      canvas.hidden = picture === undefined;
      if (picture !== undefined) paintRow(canvas, this.images.tensors.get("images"), picture);
      const title = h("strong");
      if (!this.range) {
        const dot = h("i");
        dot.style.setProperty("--swatch", this.colourOf(row));
        title.append(dot);
      }
      const [name, ...lines] = this.wordsOf(row);
      title.append(name);
      words.replaceChildren(title, ...lines.map((line) => h("span", {}, line)));
    }
    // Beside the point, on the side where there is room; never over it.
    const [x, y] = this.placeOf(row);
    const { offsetWidth, offsetHeight } = this.card;
    const gap = 14 + this.side / 2;
    const left = x + gap + offsetWidth < this.view.width ? x + gap : x - gap - offsetWidth;
    const top = Math.max(6, Math.min(this.view.height - offsetHeight - 6, y - offsetHeight / 2));
    this.card.style.transform = `translate(${Math.round(Math.max(6, left))}px, ${Math.round(top)}px)`;
  }

  /** What is said of a point: its label, its number, which image it is. */
  wordsOf(row) {
    const { indices, labels, values } = this.cloud;
    const { colourTitle, colourUnit } = this.data;
    const value = values && colourTitle ? [`${colourTitle} ${significant(values[row])} ${colourUnit}`] : [];
    return [this.nameOf(labels[row]), ...value, `test image ${indices[row]}`];
  }

  // ---- actions -------------------------------------------------------------------------------------------------

  select(row) {
    const index = row < 0 ? null : this.cloud.indices[row];
    if (index === this.selected) return;
    this.selected = index;
    this.redraw(true);
    this.selecting.says(index);
  }

  setLasso(indices) {
    if (indices.length === 0 && this.lasso.length === 0) return;
    this.lasso = indices;
    this.markLasso();
    this.describe();
    this.redraw();
    this.lassoing.says(indices);
  }

  setMode(mode) {
    this.mode = mode;
    this.describe();
  }

  closeLasso() {
    const path = this.path;
    this.path = null;
    this.setMode("pan");
    const extent = (axis) => Math.max(...path.map((p) => p[axis])) - Math.min(...path.map((p) => p[axis]));
    if (Math.max(extent(0), extent(1)) >= LASSO_PX)
      this.setLasso(findInside(this.view, this.cloud, path).map((row) => this.cloud.indices[row]));
    this.redraw();
  }

  do(action) {
    if (action === "in") this.zoomAt(1.6, ...this.view.middle());
    if (action === "out") this.zoomAt(1 / 1.6, ...this.view.middle());
    if (action === "reset") this.resetView();
    if (action === "lasso") this.setMode(this.mode === "lasso" ? "pan" : "lasso");
    if (action === "clear") this.setLasso([]);
  }

  point(row) {
    if (row === this.hover) return;
    this.hover = row;
    this.points.classList.toggle("on-point", row >= 0);
    this.redraw(true);
  }

  say(text) {
    this.root.querySelector(".map-live").textContent = text;
  }
}

export default view(LatentMap, { name: "map", tag: "section" });
