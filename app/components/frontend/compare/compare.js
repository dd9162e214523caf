// Two to four models side by side: one set of sliders, of the first model's dimensions; every other model's picture follows
// its own matched dimensions. The networks run here; the server is told where a slider was let go.

import { makeButton, makeSlider } from "../kit/controls.js";
import { h, later } from "../kit/dom.js";
import { alike, Hand, LINK_ROUNDS } from "../kit/hand.js";
import { decimal, LINK_DIGITS, within } from "../kit/numbers.js";
import { view } from "../kit/view.js";
import { compile } from "../net/engine.js";
import { tensorOf } from "../net/safetensors.js";
import { pictureAt, Sheet } from "../paint/picture.js";

/**
 * @import { Host } from "../kit/view.js"
 * @import { Arrays, Attributes, CompareData, CompareModel, Network } from "../types.d.ts"
 */

/** @typedef {{ other: number, sign: number, r: number | null }} Link the own dimension that follows one of the first model's */
/** @typedef {{ element: HTMLElement, row: Sheet, mark: HTMLElement, link: Link | undefined }} Strip */
/** @typedef {{ net: Network, z: Float32Array, picture: Sheet, box: HTMLElement }} Opened what a model is once it is there */

const RANGE = 3; // the strips and the sliders show z from −3 to 3
const STEPS = 9; // pictures in a strip
const SHOWN = 8; // test images
const STRIPS = 3; // dimensions that always have a strip
const REST = 120; // ms without a move until the strips are decoded anew
const BUDGET = 8; // ms of each frame for them

/**
 * Pictures of this shape in a row, on a canvas with these attributes.
 * @param {number[]} shape @param {number} count @param {Attributes} attributes
 */
const pictureRow = (shape, count, attributes) =>
  new Sheet(shape, count, { canvas: h("canvas", { class: "picture", role: "img", ...attributes }) });

/** One model's column. */
class Column {
  /** @type {Opened | null} */
  opened = null;
  /** @type {Map<number, Strip>} by the first model's dimension */
  strips = new Map();

  /** @param {CompareModel} data @param {boolean} first */
  constructor(data, first) {
    this.data = data;
    this.first = first;
    this.body = h("div", { class: "body" });
    this.element = h(
      "section",
      { class: "column", "aria-label": `Model ${data.letter}: ${data.title}` },
      h("h4", {}, h("i", { style: `background: ${data.colour}` }, data.letter), h("span", {}, data.title)),
      this.body,
    );
    /** @type {Map<number, Link>} by the first model's dimension */
    this.follows = new Map(data.links.map(([dim, other, sign, r]) => [dim, { other, sign, r }]));
  }

  /** @param {Arrays} model @param {Arrays} images */
  ready(model, images) {
    const { letter } = this.data;
    const net = compile(JSON.parse(model.metadata.manifest), model.tensors);
    const picture = pictureRow(net.shape, 1, {
      "data-testid": `picture-${letter}`,
      "aria-label": `What model ${letter} decodes`,
    });
    const box = h("div", { class: "strips" });
    this.body.replaceChildren(picture.canvas, this.reconstructions(net, images), box);
    this.opened = { net, z: new Float32Array(net.D), picture, box };
  }

  /** @param {unknown} error */
  fail(error) {
    this.opened = null;
    const reason = error instanceof Error ? error.message : error;
    this.body.replaceChildren(h("p", { class: "error" }, `This model cannot be opened here: ${reason}.`));
  }

  /**
   * Test images, and under each what comes back from the mean of its code.
   * @param {Network} net @param {Arrays} images
   */
  reconstructions(net, images) {
    const { shape } = net;
    const given = tensorOf(images, "images", Uint8Array);
    const [count] = given.shape;
    const shown = Math.min(SHOWN, count);
    const above = pictureRow(shape, shown, { "aria-label": "Test images" });
    const below = pictureRow(shape, shown, {
      "aria-label": `Their reconstructions by model ${this.data.letter}`,
      "data-testid": `again-${this.data.letter}`,
    });
    for (let n = 0; n < shown; n++) {
      const x = pictureAt(given, Math.floor((n * count) / shown));
      above.put(x, n);
      if (net.encode) below.put(net.decode(net.encode(x).mu), n);
    }
    above.show();
    below.show();
    return h("div", { class: "again" }, above.canvas, below.canvas);
  }

  /**
   * This model's own code for the first model's, into `own`.
   * @param {Float32Array} z @param {Float32Array} own
   */
  follow(z, own) {
    own.fill(0);
    if (this.first) own.set(z);
    else for (const [dim, { other, sign }] of this.follows) own[other] = sign * z[dim];
    return own;
  }

  /** @param {Float32Array} z of the first model */
  paint(z) {
    if (!this.opened) return;
    const { net, picture, z: own } = this.opened;
    picture.put(net.decode(this.follow(z, own)), 0);
    picture.show();
  }

  /**
   * The rows for these dimensions of the first model, in this order.
   * @param {number[]} dims @param {number} chosen
   */
  layOut(dims, chosen) {
    if (!this.opened) return;
    const { net, box } = this.opened;
    const strips = dims.map((dim) => {
      const strip = this.strips.get(dim) ?? this.strip(net, dim);
      this.strips.set(dim, strip);
      return strip.element;
    });
    box.replaceChildren(...strips);
    for (const [dim, { element }] of this.strips) element.classList.toggle("chosen", dim === chosen);
  }

  /** @param {Network} net @param {number} dim of the first model */
  strip(net, dim) {
    const link = this.first ? { other: dim, sign: 1, r: null } : this.follows.get(dim);
    const name = link ? `${link.sign < 0 ? "−" : ""}z${link.other + 1}` : "";
    const row = pictureRow(net.shape, STEPS, {
      "aria-label": link ? `${name} from −${RANGE} to ${RANGE}` : `no dimension follows z${dim + 1}`,
      "data-testid": `strip-${this.data.letter}-${dim}`,
    });
    const mark = h("i", { class: "mark" });
    const said = link?.r == null ? "" : `|r| ${decimal(link.r)}`;
    const text = link
      ? h(
          "div",
          { class: "name" },
          h("b", {}, name),
          h("span", { "data-testid": `r-${this.data.letter}-${dim}` }, said),
        )
      : h("div", { class: "name" }, h("span", {}, "no dimension left for it"));
    const frame = h("div", { class: "frame" }, row.canvas, mark);
    frame.hidden = !link;
    return { element: h("div", { class: "strip" }, text, frame), row, mark, link };
  }

  /**
   * One picture of a strip.
   * @param {Float32Array} z of the first model @param {number} dim @param {number} n
   */
  step(z, dim, n) {
    const strip = this.strips.get(dim);
    if (!this.opened || !strip?.link) return;
    const { row, link } = strip;
    const code = this.follow(z, this.opened.z);
    code[link.other] = link.sign * (-RANGE + (2 * RANGE * n) / (STEPS - 1));
    row.put(this.opened.net.decode(code), n);
    if (n === STEPS - 1) row.show();
  }

  /**
   * Where the code stands on each strip: its ends are the middles of the outermost pictures.
   * @param {Float32Array} z
   */
  marks(z) {
    for (const [dim, { mark }] of this.strips) {
      const share = (within(z[dim], -RANGE, RANGE) + RANGE) / (2 * RANGE);
      mark.style.left = `${(100 * (0.5 + share * (STEPS - 1))) / STEPS}%`;
    }
  }
}

class CompareView {
  /** @type {CompareData} */
  data = later();
  z = new Float32Array(0);
  /** @type {Column[]} */
  columns = [];
  /** @type {Map<number, ReturnType<typeof makeSlider>>} by dimension */
  sliders = new Map();
  /** @type {number[]} the dimensions that have strips */
  rows = [];
  chosen = 0;
  /** @type {[column: Column, dim: number, n: number][] | null} pictures of strips still to decode; null: not planned yet */
  todo = null;
  moved = 0;
  dirty = false;
  shape = "";
  stop = () => {};
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  timer;

  /** @param {HTMLElement} root @param {Host} host */
  constructor(root, host) {
    this.root = root;
    this.host = host;
    this.left = h("div", { class: "sliders", role: "group", "aria-label": "Dimensions of model A" });
    this.right = h("div", { class: "models" });
    root.append(h("div", { class: "compare" }, this.left, this.right));
    this.hand = new Hand((/** @type {{ z: number[] }} */ view) => host.keep("view", view), { tolerance: LINK_ROUNDS });
  }

  /** @param {CompareData} data */
  update(data) {
    const shape = JSON.stringify([data.models, data.dims, data.inactive]);
    if (shape !== this.shape) {
      this.shape = shape;
      this.hand.forget();
      this.build(data);
    }
    if (this.hand.hears({ z: data.z }) && !alike(data.z, this.z)) this.adopt(data.z);
  }

  /** @param {CompareData} data */
  build(data) {
    this.stop();
    this.data = data;
    this.z = Float32Array.from(data.z);
    this.columns = data.models.map((model, i) => new Column(model, i === 0));
    this.right.replaceChildren(...this.columns.map((column) => column.element));
    this.right.style.setProperty("--models", String(this.columns.length));
    this.right.classList.toggle("many", this.columns.length > 3);
    this.sliders = new Map();
    const rows = (/** @type {CompareData["dims"]} */ dims) => dims.map(({ dim, kl }) => this.slider(dim, kl));
    this.chosen = (data.dims[0] ?? data.inactive[0]).dim;
    this.left.replaceChildren(
      ...rows(data.dims),
      data.inactive.length
        ? h(
            "details",
            {},
            h("summary", {}, `${data.inactive.length} inactive dimension${data.inactive.length > 1 ? "s" : ""}`),
            ...rows(data.inactive),
          )
        : "",
      makeButton("Centre", () => this.home()),
    );
    const ids = data.models.flatMap((model) => [model.blob, model.images]);
    this.stop = this.host.blobs(ids, (...blobs) => {
      this.columns.forEach((column, i) => {
        try {
          column.ready(blobs[2 * i], blobs[2 * i + 1]);
        } catch (error) {
          column.fail(error);
        }
      });
      this.layOut();
      this.touch();
    });
  }

  /** @param {number} dim @param {number} kl */
  slider(dim, kl) {
    const one = makeSlider({
      label: `z${dim + 1}`,
      min: -RANGE,
      max: RANGE,
      step: 0.05,
      value: this.z[dim],
      oninput: (value) => {
        this.z[dim] = value;
        this.hand.takes();
        if (this.chosen !== dim) {
          this.chosen = dim;
          this.layOut();
        }
        this.touch();
      },
      onrelease: () => this.keep(),
    });
    one.element.title = `${decimal(kl)} nats of KL in model A`;
    this.sliders.set(dim, one);
    return one.element;
  }

  /** Strips of the most active dimensions, and of the one that is dragged. */
  layOut() {
    const top = this.data.dims.slice(0, STRIPS).map(({ dim }) => dim);
    this.rows = top.includes(this.chosen) ? top : [this.chosen, ...top];
    for (const column of this.columns) column.layOut(this.rows, this.chosen);
  }

  /** The code has changed: the pictures now, the strips once it rests. */
  touch() {
    this.moved = performance.now();
    this.dirty = true;
    this.todo = null;
    this.host.redraw();
  }

  /** @param {ArrayLike<number>} z */
  adopt(z) {
    this.z = Float32Array.from(z);
    for (const [dim, slider] of this.sliders) slider.set(this.z[dim]);
    this.touch();
  }

  home() {
    this.hand.takes();
    this.adopt(this.z.map(() => 0));
    this.keep();
  }

  keep() {
    this.hand.lets({ z: Array.from(this.z, (value) => Number(value.toFixed(LINK_DIGITS))) });
  }

  draw() {
    if (!this.columns.some((column) => column.opened)) return;
    if (this.dirty) {
      this.dirty = false;
      for (const column of this.columns) {
        column.paint(this.z);
        column.marks(this.z);
      }
    }
    const rest = performance.now() - this.moved;
    if (rest < REST) {
      clearTimeout(this.timer);
      this.timer = setTimeout(() => this.host.redraw(), REST - rest + 1);
      return;
    }
    this.todo ??= this.plan();
    const end = performance.now() + BUDGET;
    while (performance.now() < end) {
      const next = this.todo.shift();
      if (!next) break;
      const [column, dim, n] = next;
      column.step(this.z, dim, n);
    }
    if (this.todo.length) this.host.redraw();
    else this.root.dataset.settled = JSON.stringify(Array.from(this.z));
  }

  /** @returns {[column: Column, dim: number, n: number][]} every picture of every strip */
  plan() {
    const columns = this.columns.filter((column) => column.opened);
    const steps = [...Array(STEPS).keys()];
    return this.rows.flatMap((dim) =>
      columns.flatMap((column) =>
        steps.map((n) => /** @type {[column: Column, dim: number, n: number]} */ ([column, dim, n])),
      ),
    );
  }

  destroy() {
    clearTimeout(this.timer);
  }
}

export default view(CompareView);
