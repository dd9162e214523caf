// One of the models that are compared: its network, its code as it follows the first model's, and what stands over its strips.

import { makeButton } from "../kit/controls.js";
import { h } from "../kit/dom.js";
import { alike } from "../kit/hand.js";
import { Beside } from "../net/beside.js";
import { compile } from "../net/engine.js";
import { tensorOf } from "../net/safetensors.js";
import { pictureAt, Sheet } from "../paint/picture.js";

/** @import { Arrays, Attributes, CompareModel, Link, Network, Waiting } from "../types.d.ts" */

/** @typedef {{ other: number, sign: number, r: number | null }} Follower the own dimension that follows one of the first model's */
/** @typedef {(dim: number, pixels: Uint8ClampedArray<ArrayBuffer>, sign: number) => void} OnStrip of the first model's dimension */

const SHOWN = 8; // test images

/**
 * Pictures of this shape in a row. Until there are some it is a quiet block of their size.
 * @param {number[]} shape @param {number} count @param {Attributes} attributes
 */
const pictureRow = (shape, count, attributes) =>
  new Sheet(shape, count, { canvas: h("canvas", { class: "picture", role: "img", ...attributes }) });

export class Model {
  /** @type {Network | null} */
  net = null;
  /** @type {Beside | null} the same network, which decodes the strips */
  beside = null;
  /** @type {Map<number, Follower> | null} by the first model's dimension; null while it is not known */
  follows = null;
  /** @type {number[]} the first model's dimensions whose strips can be seen */
  seen = [];
  /** @type {Float32Array | null} the code whose picture is shown */
  z = null;
  /** @type {Map<number, Uint8ClampedArray<ArrayBuffer>>} its newest strips, by its own dimension */
  strips = new Map();
  failed = false;

  /**
   * @param {CompareModel} data @param {boolean} first
   * @param {{ strip: OnStrip, ask: (wish: string) => void, share: number }} host `share`: of one worker's time
   */
  constructor(data, first, host) {
    const { letter, title, colour, shape } = data;
    this.letter = letter;
    this.first = first;
    this.shape = shape;
    this.host = host;
    this.picture = pictureRow(shape, 1, {
      "data-testid": `picture-${letter}`,
      "aria-label": `What model ${letter} decodes`,
    });
    this.given = pictureRow(shape, SHOWN, { "aria-label": "Test images" });
    this.back = pictureRow(shape, SHOWN, {
      "aria-label": `Their reconstructions by model ${letter}`,
      "data-testid": `again-${letter}`,
    });
    this.badge = () => h("i", { class: "letter", style: `background: ${colour}` }, letter);
    this.notice = h("div", { class: "notice", role: "status", hidden: true });
    this.element = h(
      "section",
      { class: "column", "aria-label": `Model ${letter}: ${title}` },
      h("h4", {}, this.badge(), h("span", {}, title)),
      h(
        "div",
        { class: "body" },
        h("div", { class: "large" }, this.badge(), this.picture.canvas),
        h(
          "div",
          { class: "again" },
          h("p", {}, this.badge(), "Test images, reconstructed"),
          this.given.canvas,
          this.back.canvas,
        ),
        this.notice,
      ),
    );
  }

  /** Whether it can follow the first model. */
  get isMatched() {
    return this.first || this.follows !== null;
  }

  /**
   * Which dimension follows which. Returns whether that is news.
   * @param {Link[] | null} links
   */
  match(links) {
    if (this.first || this.follows || !links) return false;
    this.follows = new Map(links.map(([dim, other, sign, r]) => [dim, { other, sign, r }]));
    this.watch();
    return true;
  }

  /** @param {number} dim of the first model @returns {Follower | undefined} */
  follower(dim) {
    return this.first ? { other: dim, sign: 1, r: null } : this.follows?.get(dim);
  }

  /** @param {Arrays} model @param {Arrays} images */
  ready(model, images) {
    const manifest = JSON.parse(model.metadata.manifest);
    const net = compile(manifest, model.tensors);
    if (String(net.shape) !== String(this.shape))
      throw new Error(`its pictures are [${net.shape}], those of its data set [${this.shape}]`);
    this.net = net;
    this.reconstruct(net, images);
    const strip = (/** @type {number} */ own, /** @type {Uint8ClampedArray<ArrayBuffer>} */ pixels) => {
      this.strips.set(own, pixels);
      this.tellStrips(own);
    };
    this.beside = new Beside(manifest, model.tensors, [], { strip }, this.host.share);
    this.watch();
  }

  /**
   * Test images, and under each what comes back from the mean of its code.
   * @param {Network} net @param {Arrays} images
   */
  reconstruct(net, images) {
    const pictures = tensorOf(images, "images", Uint8Array);
    const [count] = pictures.shape;
    const shown = Math.min(SHOWN, count);
    for (let n = 0; n < shown; n++) {
      const x = pictureAt(pictures, Math.floor((n * count) / shown));
      this.given.put(x, n);
      if (net.encode) this.back.put(net.decode(net.encode(x).mu), n);
    }
    this.given.show();
    this.back.show();
  }

  /**
   * What stands in its place until it can follow, or because it never will; null: nothing.
   * @param {Waiting | null} waiting
   */
  say(waiting) {
    this.element.classList.toggle("waits", waiting !== null);
    this.notice.hidden = waiting === null;
    if (!waiting || this.notice.dataset.said === JSON.stringify(waiting)) return;
    this.notice.dataset.said = JSON.stringify(waiting); // a button that stands there stays the one that is pressed
    const { text, failed, button } = waiting;
    this.notice.classList.toggle("failed", failed);
    this.notice.replaceChildren(h("p", {}, text));
    if (button)
      this.notice.append(makeButton(button === "retry" ? "Try again" : "Cancel", () => this.host.ask(button)));
  }

  /** @param {unknown} error */
  fail(error) {
    this.stop();
    this.net = null;
    this.failed = true;
    const reason = error instanceof Error ? error.message : error;
    this.say({ text: `This model cannot be opened here: ${reason}.`, failed: true, button: "" });
  }

  /**
   * The first model's dimensions whose strips can be seen.
   * @param {number[]} [dims]
   */
  watch(dims = this.seen) {
    this.seen = dims;
    const own = dims.flatMap((dim) => this.follower(dim)?.other ?? []);
    this.beside?.tell({ type: "dims", dims: own });
  }

  /**
   * The strips that are decoded, where they can be seen: all, or that of one own dimension.
   * @param {number} [own]
   */
  tellStrips(own) {
    for (const dim of this.seen) {
      const follower = this.follower(dim);
      if (!follower || (own !== undefined && follower.other !== own)) continue;
      const pixels = this.strips.get(follower.other);
      if (pixels) this.host.strip(dim, pixels, follower.sign);
    }
  }

  /**
   * This model's own code for the first model's.
   * @param {Float32Array} z @param {number} D
   */
  follow(z, D) {
    if (this.first) return z.slice();
    const own = new Float32Array(D);
    for (const [dim, { other, sign }] of this.follows ?? []) own[other] = sign * z[dim];
    return own;
  }

  /**
   * The picture now, the strips as soon as they are decoded. Returns whether there is another picture.
   * @param {Float32Array} z of the first model @param {number} moved its dimension that changed alone, or -1
   */
  paint(z, moved) {
    if (!this.net || !this.isMatched) return false;
    const own = this.follow(z, this.net.D);
    if (this.z && alike(this.z, own)) return false;
    this.z = own;
    this.picture.put(this.net.decode(own), 0);
    this.picture.show();
    this.beside?.tell({ type: "z", z: own, moved: this.follower(moved)?.other ?? -1 });
    return true;
  }

  stop() {
    this.beside?.stop();
    this.beside = null;
  }
}
