// Two to four models side by side: a row for each dimension of the first, in it every model's film strip of the dimension that is
// matched with it. Whichever is dragged, the first model's code moves, and all follow. The networks run here; the server is told
// where a strip was let go.

import { makeButton } from "../kit/controls.js";
import { h, later } from "../kit/dom.js";
import { alike, Hand, LINK_ROUNDS } from "../kit/hand.js";
import { LINK_DIGITS } from "../kit/numbers.js";
import { roomFor } from "../kit/room.js";
import { view } from "../kit/view.js";
import { Model } from "./model.js";
import { Strips } from "./strips.js";

/**
 * @import { Host } from "../kit/view.js"
 * @import { CompareData } from "../types.d.ts"
 */

// CSS pixels beside type of the usual size: the columns of a row that are no strip, and what lies between all of them.
const [NAME, JOIN, RESET, GAP] = [104, 96, 28, 10];
const SCROLLBAR = 18;
const LONGEST_JOIN = 200;
/** How many pictures a strip has, and how wide each is at least. @type {[count: number, least: number][]} */
const STRIPS = [
  [13, 24],
  [7, 20],
  [5, 20],
];
const WIDEST = 60; // a picture on a strip
const LOWEST = 240; // the list before it scrolls

class CompareView {
  /** @type {CompareData} */
  data = later();
  z = new Float32Array(0);
  /** @type {Model[]} */
  models = [];
  /** @type {Strips} */
  strips = later();
  /** @type {number | null} the dimension that has moved alone since the last picture, -1 for several, null for none */
  moved = -1;
  subject = "";
  /** @type {(() => void)[]} */
  stops = [];

  /** @param {HTMLElement} root @param {Host} host */
  constructor(root, host) {
    this.root = root;
    this.host = host;
    this.element = h("div", { class: "compare" });
    root.append(this.element);
    this.hand = new Hand((/** @type {{ z: number[] }} */ view) => host.keep("view", view), { tolerance: LINK_ROUNDS });
  }

  /** @param {CompareData} data */
  update(data) {
    const models = data.models.map(({ links, waiting, ...subject }) => subject);
    const subject = JSON.stringify([models, data.dims, data.inactive]);
    if (subject !== this.subject) {
      this.subject = subject;
      this.hand.forget();
      this.build(data);
    }
    data.models.forEach(({ links, waiting }, i) => {
      const model = this.models[i];
      if (model.match(links)) {
        this.strips.match(i);
        this.touch(-1);
      }
      if (!model.failed) model.say(waiting);
    });
    if (this.hand.hears({ z: data.z }) && !alike(data.z, this.z)) this.adopt(data.z);
  }

  /** @param {CompareData} data */
  build(data) {
    this.leave();
    this.data = data;
    this.z = Float32Array.from(data.z);
    this.models = data.models.map(
      (model, i) =>
        new Model(model, i === 0, {
          strip: (dim, pixels, sign) => this.strips.paintStrip(i, dim, pixels, sign),
          ask: (wish) => this.host.ask(wish, data.models[i].letter),
          share: 1 / data.models.length,
        }),
    );
    this.strips = new Strips(this.models, data.dims, data.inactive, {
      value: (dim) => this.z[dim],
      input: (dim, value) => {
        this.z[dim] = value;
        this.hand.takes();
        this.strips.show(dim);
        this.touch(dim);
      },
      release: () => this.keep(),
      opened: () => this.showRows(),
    });
    const centre = makeButton("Centre", () => this.home(), { class: "centre", title: "z = 0, the mean of the prior" });
    const heads = h("div", { class: "heads" }, centre, ...this.models.map(({ element }) => element));
    this.element.replaceChildren(heads, this.strips.element);
    this.models.forEach(({ element }, i) => {
      element.style.cssText = `--i: ${i + 1}; --side: ${(i % 2) + 1}; --pair: ${Math.floor(i / 2) + 1}`;
    });
    this.layout();
    this.showRows();
    this.load(data);
  }

  /** @param {CompareData} data */
  load(data) {
    this.models.forEach((model, i) => {
      const { blob, images } = data.models[i];
      const stop = this.host.blobs(
        [blob, images],
        (...blobs) => {
          try {
            model.ready(...blobs);
          } catch (error) {
            model.fail(error);
          }
          this.touch(-1);
        },
        (error) => model.fail(error),
      );
      this.stops.push(stop);
    });
  }

  leave() {
    for (const stop of this.stops.splice(0)) stop();
    for (const model of this.models) model.stop();
  }

  /** Other rows are there, or other strips in them. */
  showRows() {
    const dims = this.strips.shown();
    for (const model of this.models) model.watch(dims);
    this.layout();
    this.paintAgain();
  }

  /** What is decoded already, into strips that are new. */
  paintAgain() {
    this.models.forEach((model, i) => {
      if (model.z) this.strips.paintNow(i, model.picture.image);
      model.tellStrips();
    });
  }

  resize() {
    if (this.models.length) this.layout();
  }

  layout() {
    const width = this.root.clientWidth;
    if (!width) return;
    const unit = Number.parseFloat(getComputedStyle(this.root).fontSize) / 15; // presenter mode has larger type
    const count = this.models.length;
    const between = (count - 1) * JOIN * unit;
    const free = width - (NAME + RESET) * unit - 2 * count * GAP - SCROLLBAR;
    const each = (free - between) / count;
    const fits = STRIPS.find(([frames, least]) => each / frames >= least);
    const stacked = !fits;
    const frames = fits?.[0] ?? (width / 13 < 18 ? 7 : 13);
    const frame = Math.floor(Math.min((stacked ? width : each) / frames, stacked ? 0.8 * WIDEST : WIDEST));
    const strip = frame * frames;
    const join = Math.min(LONGEST_JOIN * unit, (free - count * strip) / (count - 1));
    const columns = [
      NAME * unit,
      strip,
      ...Array(count - 1)
        .fill([join, strip])
        .flat(),
      RESET * unit,
    ];
    const side = this.layoutPictures(stacked ? width / 2 - 48 * unit : strip, stacked);
    const pairs = Math.ceil(count / 2);
    for (const [name, value] of Object.entries({
      "--columns": columns.map((column) => `${column}px`).join(" "),
      "--strip": `${strip}px`,
      "--count": String(count),
      "--pairs": String(pairs),
      "--rows": `repeat(${count}, auto) repeat(${pairs}, ${side + 12}px)`,
    }))
      this.element.style.setProperty(name, value);
    this.element.classList.toggle("stacked", stacked);
    this.element.classList.toggle("roomy", !stacked && strip - side - 16 >= 190 * unit);
    if (this.strips.layout(frames, frame)) this.paintAgain();
    const list = this.strips.element;
    list.style.maxHeight = stacked ? "" : `${Math.max(LOWEST, roomFor(this.root, [list]))}px`;
  }

  /**
   * The large pictures in columns so wide: whole pixels of them make them crisp. Returns their height.
   * @param {number} most CSS px @param {boolean} stacked they stay in view while their strips go by
   */
  layoutPictures(most, stacked) {
    const tall = globalThis.innerHeight;
    const [, H, W] = this.models[0].shape;
    const each = this.models.length > 2 ? 0.14 : 0.2; // two rows of them take little more than one
    const target = Math.min(most, stacked ? each * tall : Math.min(420, Math.max(112, 0.28 * tall)));
    const side = Math.max(1, Math.floor(target / W)) * W;
    this.element.style.setProperty("--picture", `${side}px`);
    return (side * H) / W;
  }

  /**
   * The code has changed.
   * @param {number} dim that changed alone, or -1
   */
  touch(dim) {
    this.moved = this.moved === null || this.moved === dim ? dim : -1;
    this.host.redraw();
  }

  /** @param {ArrayLike<number>} z */
  adopt(z) {
    this.z = Float32Array.from(z);
    this.strips.showAll();
    this.touch(-1);
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
    const { moved } = this;
    if (moved === null) return;
    this.moved = null;
    this.models.forEach((model, i) => {
      if (model.paint(this.z, moved)) this.strips.paintNow(i, model.picture.image);
    });
  }

  destroy() {
    this.leave();
  }
}

export default view(CompareView);
