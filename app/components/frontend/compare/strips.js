// The rows: one for each dimension of the first model, in it every model's film strip of the dimension that follows, and the lines
// that join them.

import { h } from "../kit/dom.js";
import { decimal } from "../kit/numbers.js";
import { axisOf, FRAMES, nameOf, resetOf, Track } from "../paint/track.js";

/**
 * @import { CompareData } from "../types.d.ts"
 * @import { Follower, Model } from "./model.js"
 */

/** @typedef {CompareData["dims"][number]} Dimension */
/** @typedef {{ cell: HTMLElement, join: HTMLElement | null, track: Track | null }} Place a model's in a row */

/**
 * @typedef {object} StripsHost
 * @property {(dim: number) => number} value
 * @property {(dim: number, value: number) => void} input
 * @property {() => void} release
 * @property {() => void} opened other rows can be seen by now
 */

export class Strips {
  /** @type {Map<number, Place[]>} by the first model's dimension: a place for each model */
  rows = new Map();
  /** @type {HTMLDetailsElement | null} the fold of the inactive ones */
  details = null;
  frame = 0; // CSS px, the width of one picture on a strip
  frames = FRAMES;

  /** @param {Model[]} models @param {Dimension[]} active @param {Dimension[]} inactive @param {StripsHost} host */
  constructor(models, active, inactive, host) {
    this.models = models;
    this.active = active;
    this.inactive = inactive;
    this.host = host;
    this.loudest = Math.max(...active.map(({ kl }) => kl), 1e-9);
    this.axis = h("div", { class: "row axis", "aria-hidden": "true" });
    this.number();
    const { letter } = models[0];
    const none = h(
      "p",
      { class: "note" },
      `No dimension of ${letter} is active: it gives the same picture for every code.`,
    );
    this.element = h(
      "div",
      { class: "list", role: "group", "aria-label": `Dimensions of model ${letter}, and those that follow` },
      this.axis,
      ...(active.length ? active.map((entry) => this.row(entry)) : [none]),
    );
    if (inactive.length) this.element.append(this.fold(letter));
  }

  /** @param {string} letter of the first model */
  fold(letter) {
    const { inactive, element } = this;
    const many = inactive.length > 1;
    const details = h(
      "details",
      {},
      h("summary", {}, `${inactive.length} inactive dimension${many ? "s" : ""} of ${letter} (KL < 0.01 nats)`),
      h("p", { class: "note" }, `${letter} ignores ${many ? "them" : "it"}; what another model has left may follow.`),
    );
    // Rows that nobody asked for cost nothing: they are made, and their strips decoded, when the fold opens.
    details.addEventListener("toggle", () => {
      if (details.open && !this.rows.has(inactive[0].dim)) details.append(...inactive.map((entry) => this.row(entry)));
      // What was unfolded should be seen, without moving the page.
      if (details.open) element.scrollTop = details.offsetTop - 24;
      this.host.opened();
    });
    this.details = details;
    return details;
  }

  /** The numbers over the strips. */
  number() {
    const cells = this.models.flatMap((_, i) => (i ? [h("span"), axisOf(this.frames)] : [axisOf(this.frames)]));
    this.axis.replaceChildren(h("span"), ...cells);
  }

  /** The dimensions whose strips can be seen, top to bottom. */
  shown() {
    const folded = this.details?.open ? this.inactive : [];
    return [...this.active, ...folded].map(({ dim }) => dim);
  }

  /** @param {Dimension} entry */
  row({ dim, kl }) {
    const name = `z${dim + 1}`;
    const places = this.models.map((model, i) => this.place(model, i));
    this.rows.set(dim, places);
    this.models.forEach((_, i) => this.fill(dim, i));
    const title = nameOf(name, kl, this.loudest);
    title.prepend(this.models[0].badge());
    const reset = resetOf(name, () => {
      this.host.input(dim, 0);
      this.host.release();
    });
    const cells = places.flatMap(({ cell, join }) => (join ? [join, cell] : [cell]));
    return h("div", { class: "row", "data-testid": `row-${dim}` }, title, ...cells, reset);
  }

  /** @param {Model} model @param {number} i @returns {Place} */
  place(model, i) {
    const [, H, W] = model.shape;
    const cell = h("div", { class: "cell", style: `--ratio: ${H / W}` });
    return { cell, join: i ? h("div", { class: "join" }) : null, track: null };
  }

  /**
   * What stands in the place of a model: its strip, that it has none, or, while that is not known, a block of the strip's size.
   * @param {number} dim @param {number} i the model
   */
  fill(dim, i) {
    const place = this.rows.get(dim)?.[i];
    if (!place) return;
    const model = this.models[i];
    const follower = model.follower(dim);
    place.track = follower && model.isMatched ? this.track(dim, model, follower) : null;
    const none = () => h("p", { class: "none" }, "no dimension left for it");
    place.cell.replaceChildren(place.track?.element ?? (model.isMatched ? none() : h("div", { class: "blank" })));
    if (place.join && follower) this.join(place.join, dim, model, follower);
  }

  /** @param {number} dim @param {Model} model @param {Follower} follower */
  track(dim, model, follower) {
    const { host } = this;
    const label = model.first ? `z${dim + 1}` : `${nameIn(follower)} of ${model.letter}`;
    return new Track(
      label,
      model.shape,
      {
        value: () => host.value(dim),
        input: (value) => host.input(dim, value),
        release: () => host.release(),
      },
      this.frames,
    );
  }

  /**
   * The line from the strip before to this one: as thick and as strong as |r|, dashed where there is none.
   * @param {HTMLElement} join @param {number} dim @param {Model} model @param {Follower} follower
   */
  join(join, dim, model, follower) {
    const first = this.models[0].letter;
    const { r } = follower;
    const own = nameIn(follower);
    const said = r === null ? "by KL" : `|r| ${decimal(r)}`;
    const why = r === null ? "ranked by KL, not matched" : `|r| ${decimal(r)}`;
    join.setAttribute("role", "img");
    join.setAttribute("aria-label", `${own} of ${model.letter} follows z${dim + 1} of ${first}: ${why}`);
    join.classList.toggle("ranked", r === null);
    join.style.setProperty("--r", decimal(r ?? 0));
    join.replaceChildren(
      h("i", { class: "line" }),
      h("span", { class: "r", "data-testid": `r-${model.letter}-${dim}` }, said),
      model.badge(),
      h("b", {}, own),
    );
    // With a third model the line before it is not the |r| of its neighbour.
    if (r !== null && model !== this.models[1]) join.append(h("span", { class: "with" }, `with ${first}`));
  }

  /** It is known what follows what in this model. @param {number} i */
  match(i) {
    for (const dim of this.rows.keys()) this.fill(dim, i);
    this.showAll();
  }

  /**
   * So many pictures on a strip, each so wide. Returns whether the strips are new, and empty.
   * @param {number} frames @param {number} frame CSS px
   */
  layout(frames, frame) {
    this.frame = frame;
    const other = frames !== this.frames;
    this.frames = frames;
    const { style } = this.element;
    style.setProperty("--frames", String(frames));
    style.setProperty("--frame", `${frame}px`);
    style.setProperty("--tallest", String(Math.max(...this.models.map(({ shape: [, H, W] }) => H / W))));
    for (const places of this.rows.values()) {
      places.forEach(({ cell }, i) => {
        // Pictures larger than their frame are averaged down; smaller ones show their pixels.
        const smooth = this.models[i].shape[2] > frame * (globalThis.devicePixelRatio || 1);
        cell.classList.toggle("smooth", smooth);
      });
    }
    if (other) {
      this.number();
      for (const dim of this.rows.keys()) this.models.forEach((_, i) => this.fill(dim, i));
    }
    this.showAll();
    return other;
  }

  /** @param {number} dim */
  show(dim) {
    for (const { track } of this.rows.get(dim) ?? []) track?.show(this.host.value(dim), this.frame);
  }

  showAll() {
    for (const dim of this.rows.keys()) this.show(dim);
  }

  /**
   * The picture of now into every handle of a model.
   * @param {number} i @param {ImageData} image
   */
  paintNow(i, image) {
    for (const places of this.rows.values()) places[i].track?.paintNow(image);
  }

  /** @param {number} i the model @param {number} dim @param {Uint8ClampedArray<ArrayBuffer>} pixels @param {number} sign */
  paintStrip(i, dim, pixels, sign) {
    this.rows.get(dim)?.[i].track?.paintStrip(pixels, sign);
  }
}

/** "−z2" for what runs against the first model's. @param {Follower} follower */
const nameIn = ({ other, sign }) => `${sign < 0 ? "−" : ""}z${other + 1}`;
