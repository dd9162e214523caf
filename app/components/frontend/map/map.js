// The latent map: up to 10,000 codes as points that show their picture, can be picked and lassoed; or two maps of the same
// images, linked: what is pointed at, picked, lassoed or hidden on one is on the other.
//
// This file owns the state that the maps share: what Python says, what a person does to it, and when what is redrawn. A map of
// its own is in map-pane.js.

import { colourRamp, parseColour, sequential } from "../kit/colours.js";
import { find, h, later } from "../kit/dom.js";
import { Hand } from "../kit/hand.js";
import { rowsByLabel } from "../kit/images.js";
import { count, significant, within } from "../kit/numbers.js";
import { view } from "../kit/view.js";
import { tensorOf } from "../net/safetensors.js";
import { paintRow } from "../paint/picture.js";
import { listenToMap } from "./map-input.js";
import { MapPane, rowsByIndex } from "./map-pane.js";

/**
 * @import { RGB } from "../kit/colours.js"
 * @import { Host } from "../kit/view.js"
 * @import { Arrays, MapData, Tensor } from "../types.d.ts"
 * @import { Look } from "./map-marks.js"
 * @import { MapCloud } from "./map-pane.js"
 */

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
<div class="map-panes"></div>
<p class="map-caption" hidden></p>
<div class="map-live" aria-live="polite"></div>`;

/** @typedef {{ zoom: number, x: number, y: number }} Place of a view */

// Zoom and hidden labels are the page's own: kept here, by key, so that a remount comes up as it was left.
/** @type {Map<string, { places: Place[], muted: Set<number> }>} */
const remembered = new Map();

export class LatentMap {
  /** @type {MapData} */
  data = later();
  /** @type {Look} */
  look = later();
  /** @type {RGB[]} of the labels */
  palette = [];
  /** @type {MapPane[]} one or two */
  panes = [];
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
  /** @type {number | null} test index under the pointer or the keyboard's cursor */
  hover = null;
  /** @type {MapPane | null} where that is */
  over = null;
  /** @type {"pan" | "lasso"} */
  mode = "pan";
  /** @type {{ address: string, stop: () => void } | null} the images that are wanted */
  wanted = null;
  legendState = ""; // what the legend shows

  /** @param {HTMLElement} root @param {Host} host */
  constructor(root, host) {
    this.root = root;
    this.host = host;
    root.innerHTML = HTML;
    this.legend = find(root, ".map-legend");
    // Python names a picked image in a record: a state that is null would be none.
    this.selecting = new Hand((/** @type {number | null} */ index) =>
      host.keep("selected", index === null ? null : { index }),
    );
    this.lassoing = new Hand((/** @type {number[]} */ indices) => host.keep("lasso", indices));

    listenToMap(this);
    host.watch(find(root, ".map-panes"));
  }

  // ---- state in ------------------------------------------------------------------------------------------------

  /** @param {MapData} data */
  update(data) {
    const before = this.data ? undefined : remembered.get(data.key);
    this.data = data;
    if (before) this.muted = before.muted;
    this.arrange(before?.places ?? []);
    this.root.style.setProperty("--height", `${data.height}px`);
    const style = getComputedStyle(this.root);
    const variable = (/** @type {string} */ name) => style.getPropertyValue(name);
    this.look = {
      background: parseColour(variable("--st-background-color")),
      ink: variable("--st-text-color"),
      line: variable("--st-border-color"),
      accent: variable("--st-primary-color"),
      font: variable("--st-font") || "sans-serif",
    };
    this.palette = data.palette.map(parseColour);

    if (this.selecting.hears(data.selected)) this.selected = data.selected;
    if (this.lassoing.hears(data.lasso)) this.lasso = data.lasso;

    const caption = find(this.root, ".map-caption");
    caption.textContent = data.caption;
    caption.hidden = !data.caption;
    this.wantImages(data.images);
    this.panes.forEach((pane, n) => {
      pane.update(data.panels[n]);
    });
    this.load();
    this.resize();
  }

  /**
   * As many maps as there are panels.
   * @param {Place[]} places where the views of new ones were left
   */
  arrange(places) {
    const { panels } = this.data;
    while (this.panes.length > panels.length) this.panes.pop()?.remove();
    while (this.panes.length < panels.length) {
      const pane = new MapPane(this);
      Object.assign(pane.view, places[this.panes.length]);
      find(this.root, ".map-panes").append(pane.root);
      this.panes.push(pane);
    }
    this.root.classList.toggle("several", panels.length > 1);
    if (this.over && !this.panes.includes(this.over)) this.point(this.over, -1);
  }

  /**
   * Get the pictures; those of the blob before stay until they are there.
   * @param {string} address
   */
  wantImages(address) {
    if (this.wanted?.address === address) return;
    this.wanted?.stop();
    let now = true;
    const stop = this.host.blobs([address], (blob) => {
      this.images = blob;
      this.thumbnails.clear();
      this.rows = rowsByIndex(tensorOf(blob, "indices", Int32Array).data);
      if (!now) this.load();
    });
    now = false;
    this.wanted = { address, stop };
  }

  load() {
    for (const pane of this.panes) pane.load();
    this.colourPoints();
    this.markLasso();
    this.drawLegend();
    this.describe();
    this.redraw();
  }

  /** The points of the first map that has some: the images are the same on all. */
  get cloud() {
    return this.panes.find((pane) => pane.cloud)?.cloud ?? null;
  }

  // ---- colours and labels --------------------------------------------------------------------------------------

  colourPoints() {
    const values = this.data.colourBy === "value" ? (this.cloud?.values ?? null) : null;
    this.range = values && this.drawScale(values);
    find(this.root, ".map-scale").hidden = !values;
    for (const { cloud } of this.panes) {
      if (!cloud) continue;
      const given = this.range && cloud.values; // null while another colour's points are on their way
      const shade = given
        ? Uint8Array.from(given, (value) => 255 * this.fraction(value))
        : Uint8Array.from(cloud.labels);
      const shades = new Uint8Array(768);
      if (given) shades.set(colourRamp(sequential(this.look.background)));
      else for (let label = 0; label < 256; label++) shades.set(this.palette[label % this.palette.length], 3 * label);
      Object.assign(cloud, { shade, shades });
    }
  }

  /**
   * The scale of these values; its ends. The extremes 1 % do not stretch it for the rest.
   * @param {Float32Array} values
   * @returns {[low: number, high: number]}
   */
  drawScale(values) {
    const scale = find(this.root, ".map-scale");
    const sorted = Float32Array.from(values).sort();
    const last = sorted.length - 1;
    const low = sorted[Math.floor(0.01 * last)];
    const high = sorted[Math.ceil(0.99 * last)];
    const { colourTitle, colourUnit } = this.data;
    find(scale, "b").textContent = colourTitle;
    find(scale, ".low").textContent = (sorted[0] < low ? "≤ " : "") + significant(low);
    find(scale, ".high").textContent = `${(sorted[last] > high ? "≥ " : "") + significant(high)} ${colourUnit}`;
    // The ends that would vanish on this background are left out.
    const anchors = sequential(this.look.background);
    find(scale, ".map-scale-track").style.background =
      `linear-gradient(90deg, ${anchors.map((c) => `rgb(${c})`).join()})`;
    return [low, high];
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
    for (const { cloud } of this.panes) if (cloud) cloud.muted = this.muted;
    this.hover = this.over = null;
    this.drawLegend();
    this.redraw();
  }

  describe() {
    for (const pane of this.panes) pane.describe();
    const clear = find(this.root, ".map-clear");
    clear.hidden = this.lasso.length === 0;
    clear.innerHTML = `${count(this.lasso.length)} in the lasso <span aria-hidden="true">✕</span>`;
    find(this.root, '[data-do="lasso"]').setAttribute("aria-pressed", String(this.mode === "lasso"));
  }

  markLasso() {
    const members = new Set(this.lasso);
    for (const pane of this.panes) pane.markLasso(members);
  }

  // ---- drawing -------------------------------------------------------------------------------------------------

  resize() {
    for (const pane of this.panes) pane.resize();
  }

  redraw(marksOnly = false) {
    for (const pane of this.panes) pane.redraw(marksOnly);
  }

  /** @param {number} now */
  draw(now) {
    if (!this.data) return;
    for (const pane of this.panes) pane.draw(now);
    this.markScale();
    const places = this.panes.map(({ view: { zoom, x, y } }) => ({ zoom, x, y }));
    remembered.set(this.data.key, { places, muted: this.muted });
  }

  /** Where the point under the pointer lies on the colour scale. */
  markScale() {
    const mark = find(this.root, ".map-scale-track i");
    const row = this.over?.hover ?? -1;
    const values = this.range && this.over?.cloud?.values;
    mark.hidden = row < 0 || !values;
    if (!mark.hidden && values) mark.style.left = `${100 * this.fraction(values[row])}%`;
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

  /** @param {number | null} index in the test set */
  select(index) {
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

  /** @param {string} action */
  do(action) {
    for (const pane of this.panes) pane.zoom(action);
    if (action === "lasso") this.setMode(this.mode === "lasso" ? "pan" : "lasso");
    if (action === "clear") this.setLasso([]);
  }

  /**
   * Point at a row of a map; −1: at none there.
   * @param {MapPane} pane @param {number} row
   */
  point(pane, row) {
    const index = row < 0 || !pane.cloud ? null : pane.cloud.indices[row];
    if (index === null ? this.over !== pane : this.over === pane && this.hover === index) return;
    this.hover = index;
    this.over = index === null ? null : pane;
    for (const each of this.panes) each.points.classList.toggle("on-point", each === this.over);
    this.redraw(true);
  }

  /** @param {string} text */
  say(text) {
    find(this.root, ".map-live").textContent = text;
  }
}

export default view(LatentMap, { name: "map", tag: "section" });
