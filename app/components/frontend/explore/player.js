// Owns the Explore component: the code z, the picture it decodes to, and everything that moves it. While a control is held
// nothing leaves the page; on release one message, "view": {z, image}, says where it stands.

import { around, h, isCalm, later } from "../kit/dom.js";
import { draggable } from "../kit/drag.js";
import { alike, Hand, LINK_ROUNDS } from "../kit/hand.js";
import { decimal, nats, rounded, within } from "../kit/numbers.js";
import { indexOf, labelOf } from "../kit/images.js";
import { normal, slerp } from "../kit/random.js";
import { view } from "../kit/view.js";
import { Beside } from "../net/beside.js";
import { compile } from "../net/engine.js";
import { gaussianKL } from "../net/posterior.js";
import { tensorOf } from "../net/safetensors.js";
import { paintPicture, penOf, pictureAt, writePicture } from "../paint/picture.js";
import { clearest } from "./clear.js";
import { invitation, isFirstVisit, swing } from "./invite.js";
import { makePicker } from "./picker.js";
import { CELLS, Plane } from "./plane.js";
import { Rows } from "./rows.js";

/**
 * @import { Host } from "../kit/view.js"
 * @import { Arrays, DimensionKL, Manifest, Network, PlayerData, Tensor, WorkerRequest } from "../types.d.ts"
 */

/**
 * @typedef {object} Parts what stands on the page while a model does
 * @property {Network} net
 * @property {Manifest} manifest
 * @property {HTMLCanvasElement} canvas
 * @property {CanvasRenderingContext2D} context
 * @property {ImageData} pixels
 * @property {Rows} rows
 * @property {Plane | null} plane
 * @property {HTMLElement} stage
 * @property {HTMLElement} panel of the start image
 * @property {{ pick: HTMLElement, play: HTMLElement }} buttons
 */
/**
 * @typedef {object} Start the image that z started from
 * @property {Float32Array} x
 * @property {Float32Array} code
 * @property {HTMLElement} here −log P(X|z) at the dragged code
 * @property {HTMLElement} back
 */

const SWING = 2.5; // how far a dimension that plays goes
const CANDIDATES = 16; // images, from all labels, among which the first picture is looked for
const REACH = 3; // how far the large picture leads

/** For the large picture. @param {number} width @param {number} height */
const makeCanvas = (width, height) =>
  h("canvas", { "data-testid": "decoded", width, height, role: "img", "aria-label": "Decoded picture" });

class Player {
  /** @type {Parts | null} */
  parts = null;
  /** @type {PlayerData} */
  data = later();
  z = new Float32Array(0);
  home = new Float32Array(0); // where it stands when nobody says where
  /** @type {number | null} index into the images blob of the image that z started from */
  image = null;
  /** @type {Arrays | null} */
  images = null;
  /** @type {Start | null} */
  start = null;
  /** @type {Beside | null} */
  beside = null;
  /** @type {HTMLElement | null} */
  picker = null;
  /** @type {number | null} the frame to come while it plays */
  playing = null;
  /** @type {number | null} the frame to come while the handle shows that it moves */
  inviting = null;
  /** @type {(() => void)[]} */
  stops = [];
  subject = "";
  height = 0;
  paints = 0;

  /** @param {HTMLElement} root @param {Host} host */
  constructor(root, host) {
    this.root = root;
    this.host = host;
    this.hand = new Hand(
      (/** @type {{ z: number[] | null, image: number | null }} */ view) => host.keep("view", view),
      {
        tolerance: LINK_ROUNDS,
      },
    );
    for (const touch of ["mousedown", "touchstart"])
      root.addEventListener(touch, () => this.stopInviting(), { capture: true, passive: true });
    root.addEventListener("keydown", (event) => {
      this.stopInviting();
      // Space plays, except where it already means something: on a button or the fold.
      if (event.key !== " " || around(event, "button, summary")) return;
      event.preventDefault();
      this.togglePlay(null);
    });
  }

  destroy() {
    this.leaveModel();
  }

  resize() {
    this.layout();
  }

  leaveModel() {
    this.stopPlay(false);
    if (this.inviting !== null) cancelAnimationFrame(this.inviting);
    this.inviting = null;
    for (const stop of this.stops.splice(0)) stop();
    this.beside?.stop();
    this.beside = this.parts = this.start = this.images = null;
    this.closePicker();
  }

  // ---- what Python says -------------------------------------------------------------------------------------------

  /** @param {PlayerData} data */
  update(data) {
    const { model, images, means, dims, inactive, palette, z, image = null } = data;
    const subject = JSON.stringify([model, images, means, dims, inactive, palette]);
    this.height = data.height;
    if (subject !== this.subject) {
      this.subject = subject;
      this.hand.forget();
      this.hand.hears({ z, image });
      this.open(data);
      return;
    }
    this.parts?.plane?.drawDots(); // the theme may have changed
    if (!this.hand.hears({ z, image })) return;
    this.stopPlay(false);
    this.stopInviting();
    const D = this.parts?.net.D ?? z?.length;
    if (z && z.length !== D) {
      this.fail(new Error(`a code of ${z.length} numbers came for ${D} latent dimensions`));
      return;
    }
    const next = z ?? this.home;
    if (!alike(next, this.z, LINK_ROUNDS)) this.z = Float32Array.from(next);
    this.image = image;
    this.begin();
  }

  /** @param {PlayerData} data */
  open(data) {
    this.leaveModel();
    this.data = data;
    this.image = data.image ?? null;
    this.root.replaceChildren(h("div", { class: "waiting", role: "status" }, "Loading the model …"));
    const ready = (/** @type {Arrays} */ blob, /** @type {Arrays | null | undefined} */ images) => {
      try {
        this.build(blob, images ?? null);
      } catch (error) {
        this.fail(error);
      }
    };
    // A link says where to stand; without one the pictures are needed to know.
    this.stops.push(this.host.blobs([data.model, data.z ? null : data.images], ready));
  }

  /** @param {unknown} error */
  fail(error) {
    this.leaveModel();
    const sentence = `This model cannot be shown: ${error instanceof Error ? error.message : error}.`;
    this.root.replaceChildren(h("p", { class: "error", role: "alert" }, sentence));
  }

  // ---- the page ---------------------------------------------------------------------------------------------------

  /** @param {Arrays} blob @param {Arrays | null} images where they had to be waited for */
  build(blob, images) {
    const { data } = this;
    /** @type {Manifest} */
    const manifest = JSON.parse(blob.metadata.manifest);
    const net = compile(manifest, blob.tensors);
    const { D, shape } = net;
    if (data.z && data.z.length !== D)
      throw new Error(`a code of ${data.z.length} numbers came for ${D} latent dimensions`);
    this.home = homeOf(net, images, this.image);
    this.z = Float32Array.from(data.z ?? this.home);
    const [, H, W] = shape;

    const known = [...data.dims, ...data.inactive];
    const unlisted = Array.from({ length: D }, (_, dim) => dim).filter(
      (dim) => !known.some((entry) => entry.dim === dim),
    );
    const active = [...data.dims, ...unlisted.map((dim) => ({ dim, kl: null }))];

    const canvas = makeCanvas(W, H);
    const pixels = new ImageData(W, H);
    canvas.dataset.paints = "0";
    this.paints = 0;

    const rows = this.makeRows(active, shape, pixels);
    const plane = D === 2 ? this.makePlane(shape) : null;

    const { element: row, ...buttons } = this.makeButtons(D);
    const panel = h("div", { class: "start", hidden: true });
    const picture = h("div", { class: "picture", tabindex: 0, role: "application" }, canvas);
    this.dragPicture(
      picture,
      [...known, ...unlisted.map((dim) => ({ dim }))].map(({ dim }) => dim),
    );
    const children = plane
      ? [
          h("div", { class: "left" }, picture, rows.element),
          plane.element,
          h("div", { class: "side" }, row, plane.toggles, plane.legend, panel),
        ]
      : [h("div", { class: "left" }, picture, row, panel), rows.element];
    const stage = h("div", { class: plane ? "stage two" : "stage" }, ...children);
    const sentence = h(
      "p",
      { class: "invite", "data-testid": "invitation" },
      h("b", {}, "Elbo Room"),
      ` · ${invitation(D, data.thing)}`,
    );
    this.parts = { net, manifest, canvas, context: penOf(canvas), pixels, rows, plane, stage, panel, buttons };
    this.root.replaceChildren(sentence, stage);
    this.layout();

    this.paint(-1); // the picture first, everything else after it
    this.startWorker(this.parts, blob.tensors);
    this.stops.push(this.host.blobs([data.images], (images) => images && this.haveImages(images)));
    if (plane) this.stops.push(this.host.blobs([data.means], (means) => means && plane.setMeans(means)));
    if (!data.z && this.image === null && isFirstVisit()) this.startInviting();
  }

  /** @param {DimensionKL[]} active @param {number[]} shape @param {ImageData} pixels of the large picture */
  makeRows(active, shape, pixels) {
    const rows = new Rows(active, this.data.inactive, shape, {
      value: (dim) => this.z[dim],
      input: (dim, value) => this.moveOne(dim, value),
      release: () => this.release(),
      play: (dim) => this.togglePlay(dim),
      opened: (dims) => {
        rows.paintNow(pixels);
        this.ask({ type: "dims", dims });
      },
    });
    return rows;
  }

  /** @param {number[]} shape of a picture */
  makePlane(shape) {
    return new Plane(shape, this.data.palette, {
      value: (dim) => this.z[dim],
      move: (z1, z2) => this.moveAll([z1, z2]),
      release: () => this.release(),
    });
  }

  /**
   * Dragging the large picture moves the two dimensions that change it most: right and left one, up and down the other.
   * @param {HTMLElement} picture @param {number[]} order the dimensions, most active first
   */
  dragPicture(picture, order) {
    const [first, second] = this.z.length === 2 ? [0, 1] : order;
    const names = second === undefined ? `z${first + 1}` : `z${first + 1} and z${second + 1}`;
    picture.setAttribute("aria-label", `Decoded picture: drag, or use the arrow keys, to move ${names}`);
    picture.title = `Drag: ${names}`;
    /** @type {{ place: [number, number], z: number[] }} where it was taken hold of: small steps do not add up their rounding */
    let grip = { place: [0, 0], z: [] };
    const move = (/** @type {number} */ x, /** @type {number} */ y) => {
      const z = grip.z.slice();
      const led = (/** @type {number} */ from, /** @type {number} */ by) => {
        const reach = Math.max(REACH, Math.abs(from)); // a code beyond stays there, and goes no farther
        return rounded(within(from + by, -reach, reach));
      };
      z[first] = led(z[first], x);
      if (second !== undefined) z[second] = led(z[second], y);
      this.moveAll(z);
    };
    const take = (/** @type {[number, number]} */ place) => {
      grip = { place, z: Array.from(this.z) };
    };
    draggable(picture, {
      at: (event) => {
        const { width, height } = picture.getBoundingClientRect();
        return [(2 * REACH * event.clientX) / width, (-2 * REACH * event.clientY) / height];
      },
      begin: take,
      move: ([x, y]) => {
        const [x0, y0] = grip.place;
        if (x !== x0 || y !== y0) move(x - x0, y - y0);
      },
      nudge: ({ x, y }) => {
        take([0, 0]);
        move(0.1 * x, 0.1 * y);
      },
      end: () => this.release(),
      save: () => Array.from(this.z),
      restore: (z) => this.moveAll(z),
    });
  }

  // ---- the first visit --------------------------------------------------------------------------------------------

  /** The handle goes out and back once, to say that it can be moved; nothing of it is kept. */
  startInviting() {
    const from = this.z.slice();
    const two = this.data.dims.slice(0, 2).map(({ dim }) => dim);
    const [first, second] = from.length === 2 ? [0, 1] : two;
    if (first === undefined) return;
    /** @type {number | null} */
    let begun = null;
    const step = (/** @type {number} */ now) => {
      begun ??= now;
      const away = swing((now - begun) / 1000);
      this.z.set(from);
      if (away) {
        this.z[first] += away[0];
        if (second !== undefined) this.z[second] += away[1];
      }
      this.inviting = away && requestAnimationFrame(step);
      this.paint(-1);
    };
    this.inviting = requestAnimationFrame(step);
  }

  /** A hand is there: it stands still, where it was caught. */
  stopInviting() {
    if (this.inviting === null) return;
    cancelAnimationFrame(this.inviting);
    this.inviting = null;
  }

  /** @param {number} D */
  makeButtons(D) {
    /** @param {string} text @param {string} title @param {() => void} onclick */
    const button = (text, title, onclick) => h("button", { type: "button", title, onclick }, text);
    const pick = button("Test image…", "Encode an image of the test set, here in the page", () => this.openPicker());
    pick.hidden = true; // until the images and an encoder are there
    const play = button("▶ Play", "Walk through the prior (space); space on a slider plays that dimension", () =>
      this.togglePlay(null),
    );
    const copy = button("Copy link", "A link to this model and this code", () => copyLink(copy));
    const element = h(
      "div",
      { class: "buttons" },
      button("Centre", "z = 0, the mean of the prior: between all kinds", () => this.jump(new Float32Array(D))),
      button("Random sample", "z ∼ N(0, I), drawn from the prior", () =>
        this.jump(Float32Array.from(this.z, () => normal())),
      ),
      pick,
      play,
      copy,
      button("Save PNG", "The picture, 16 times as large", () => this.savePNG()),
    );
    return { element, pick, play };
  }

  layout() {
    const width = this.root.clientWidth;
    if (!width || !this.parts) return;
    const { net, rows, plane, stage } = this.parts;
    const [, H, W] = net.shape;
    const stacked = width < 620;
    const style = getComputedStyle(this.root);
    const unit = parseFloat(style.fontSize) / 14; // presenter mode has larger type
    // Streamlit's header and the model's line take about 130 px above, the tour some below; the rest of the window is ours.
    const around = parseFloat(style.scrollMarginTop);
    const sentence = 34 * unit;
    const room = Math.max(this.height - (around - 146), globalThis.innerHeight - around) - sentence;
    const below = (plane ? 150 : 176) * unit; // what stands under the picture
    // Stacked, the picture stays at the top while its sliders go by.
    const target = stacked ? Math.min(width, 0.32 * globalThis.innerHeight) : Math.min(0.32 * width, room - below, 640);
    // Whole pixels of the picture make it crisp: 28 pixels at 12 CSS px each.
    const zoom = Math.max(Math.ceil(190 / W), Math.floor(target / W));
    const side = zoom * W;
    this.root.style.setProperty("--picture", `${side}px`);
    this.root.style.setProperty("--picture-height", `${zoom * H}px`);
    stage.classList.toggle("stacked", stacked);
    if (plane) {
      const left = stacked ? width : Math.min(side, width);
      rows.layout(left, 1e4, true, unit);
      // Where the buttons beside the plane would leave too little of it, they stand below.
      const beside = width - left - 40 * unit - 2 * 24 - 190 * unit;
      const snug = !stacked && beside < 300;
      stage.classList.toggle("snug", snug);
      const free = stacked ? width - 40 * unit : snug ? width - left - 40 * unit - 24 : beside;
      plane.layout(Math.floor(Math.max(260, Math.min(free, room - 40 * unit))));
    } else if (stacked) {
      rows.layout(width, 1e4, true, unit);
    } else {
      rows.layout(width - side - 28, room, false, unit);
    }
  }

  // ---- the code and the picture -----------------------------------------------------------------------------------

  /**
   * Paints synchronously.
   * @param {number} moved the dimension that changed alone, or -1
   */
  paint(moved) {
    if (!this.parts) return;
    const { net, pixels, context, canvas, rows, plane } = this.parts;
    const picture = net.decode(this.z);
    writePicture(pixels.data, picture, net.shape);
    context.putImageData(pixels, 0, 0);
    canvas.dataset.paints = String(++this.paints);
    if (moved >= 0) rows.show(moved, this.z[moved]);
    else for (let d = 0; d < net.D; d++) rows.show(d, this.z[d]);
    rows.paintNow(pixels);
    plane?.show();
    this.showFigures();
    this.ask({ type: "z", z: this.z, moved });
  }

  /** @param {number} dim @param {number} value */
  moveOne(dim, value) {
    this.stopPlay(false);
    this.hand.takes();
    this.z[dim] = value;
    this.paint(dim);
  }

  /** @param {number[]} z */
  moveAll(z) {
    this.stopPlay(false);
    this.hand.takes();
    this.z.set(z);
    this.paint(-1);
  }

  /** @param {Float32Array} z @param {number | null} [image] */
  jump(z, image = null) {
    this.stopPlay(false);
    this.hand.takes();
    this.z.set(z);
    this.image = image;
    this.begin();
    this.release();
  }

  /** Takes up z and the start image, both already set. */
  begin() {
    this.showStart();
    this.paint(-1);
  }

  release() {
    this.hand.lets({ z: Array.from(this.z, (value) => Number(value.toFixed(4))), image: this.image });
  }

  // ---- the start image --------------------------------------------------------------------------------------------

  /** @param {Arrays} blob */
  haveImages(blob) {
    if (!this.parts) return;
    const { net, buttons } = this.parts;
    this.images = blob;
    const [N, ...shape] = tensorOf(blob, "images", Uint8Array).shape;
    if (String(shape) !== String(net.shape)) {
      this.fail(new Error(`its pictures are [${net.shape}], the test images [${shape}]`));
      return;
    }
    if (this.image != null && this.image >= N) this.image = null;
    buttons.pick.hidden = !net.encode;
    this.showStart();
  }

  showStart() {
    if (!this.parts) return;
    const { net, panel } = this.parts;
    const { images, image } = this;
    this.start = null;
    panel.hidden = true;
    if (image === null || !images || !net.encode) return;
    panel.hidden = false;
    const x = pictureAt(tensorOf(images, "images", Uint8Array), image);
    const { mu, logvar, lower } = net.encode(x);
    const code = mu.slice();
    const [original, reconstruction] = [h("canvas"), h("canvas")];
    paintPicture(original, x, net.shape);
    paintPicture(reconstruction, net.decode(code), net.shape);
    const label = labelOf(images, image);
    /** @param {string} caption @param {HTMLElement} canvas */
    const figure = (caption, canvas) => h("figure", {}, canvas, h("figcaption", {}, caption));
    const here = h("td", { "data-testid": "here" });
    const back = h(
      "button",
      { type: "button", class: "link", onclick: () => this.jump(code, image) },
      "Back to its code",
    );
    panel.replaceChildren(
      figure("start", original),
      figure("at its code", reconstruction),
      h(
        "div",
        {},
        h(
          "div",
          { class: "which" },
          `Test image ${indexOf(images, image)}${label === undefined ? "" : ` · label ${label}`}`,
        ),
        termsTable(net.distortion(code, x), gaussianKL(mu, logvar, lower), here, net.isLogLikelihood),
        back,
      ),
    );
    this.start = { x, code, here, back };
    this.showFigures();
  }

  /** The reconstruction term at the current z, live: what leaving the image's own code costs. */
  showFigures() {
    if (!this.start || !this.parts) return;
    const { x, code, here, back } = this.start;
    here.textContent = nats(this.parts.net.distortion(this.z, x));
    back.style.visibility = alike(this.z, code, LINK_ROUNDS) ? "hidden" : "visible";
  }

  openPicker() {
    if (this.picker) {
      this.closePicker();
      return;
    }
    const { parts, images } = this;
    const encode = parts?.net.encode;
    if (!encode || !images) return;
    this.stopPlay(true);
    const pictures = tensorOf(images, "images", Uint8Array);
    this.picker = makePicker(
      images,
      (row) => {
        this.closePicker();
        this.jump(encode(pictureAt(pictures, row)).mu.slice(), row);
      },
      () => this.closePicker(),
    );
    parts.stage.append(this.picker);
    const row = this.picker.querySelector(`[data-row="${this.image ?? 0}"]`);
    if (row instanceof HTMLElement) row.focus();
  }

  closePicker() {
    if (!this.picker) return;
    this.picker.remove();
    this.picker = null;
    this.parts?.buttons.pick.focus();
  }

  // ---- play -------------------------------------------------------------------------------------------------------

  /** @param {number | null} dim the dimension that swings, or null for a walk through the prior */
  togglePlay(dim) {
    if (!this.parts) return;
    const { play } = this.parts.buttons;
    if (this.playing !== null) {
      this.stopPlay(true);
      return;
    }
    const still = isCalm();
    const phase = dim === null ? 0 : Math.asin(Math.min(1, Math.max(-1, this.z[dim] / SWING)));
    let from = this.z.slice();
    let to = Float32Array.from(this.z, () => normal());
    let leg = 0;
    /** @type {number | null} */
    let begun = null;
    let shown = -1;
    const step = (/** @type {number} */ now) => {
      begun ??= now;
      let seconds = (now - begun) / 1000;
      // Without motion: one picture a second instead of an animation.
      if (still) seconds = Math.floor(seconds);
      if (seconds !== shown) {
        shown = seconds;
        if (dim === null) {
          const legs = still ? seconds : seconds / 1.5;
          while (Math.floor(legs) > leg) {
            from = to;
            to = Float32Array.from(this.z, () => normal());
            leg += 1;
          }
          slerp(from, to, legs - leg, this.z);
        } else {
          this.z[dim] = SWING * Math.sin(phase + (2 * Math.PI * seconds) / 6);
        }
        this.paint(dim ?? -1);
      }
      this.playing = requestAnimationFrame(step);
    };
    this.hand.takes({ yields: true });
    this.playing = requestAnimationFrame(step);
    play.textContent = "❚❚ Stop";
    play.setAttribute("aria-pressed", "true");
  }

  /** @param {boolean} send whether to say where it came to rest */
  stopPlay(send) {
    if (this.playing === null || !this.parts) return;
    const { play } = this.parts.buttons;
    cancelAnimationFrame(this.playing);
    this.playing = null;
    play.textContent = "▶ Play";
    play.removeAttribute("aria-pressed");
    if (send) this.release();
  }

  // ---- out of the page --------------------------------------------------------------------------------------------

  savePNG() {
    if (!this.parts) return;
    const { net, canvas } = this.parts;
    const [, H, W] = net.shape;
    const large = h("canvas", { width: 16 * W, height: 16 * H });
    const context = penOf(large);
    context.imageSmoothingEnabled = false;
    context.drawImage(canvas, 0, 0, large.width, large.height);
    const name = fileName(this.data.title, this.z);
    large.toBlob((png) => {
      if (!png) return;
      const url = URL.createObjectURL(png);
      h("a", { href: url, download: `${name}.png` }).click();
      setTimeout(() => URL.revokeObjectURL(url), 1000);
    });
  }

  // ---- beside the page --------------------------------------------------------------------------------------------

  /** @param {WorkerRequest} request */
  ask(request) {
    this.beside?.tell(request);
  }

  /** @param {Parts} parts @param {Map<string, Tensor>} tensors */
  startWorker({ manifest, rows, plane }, tensors) {
    this.beside = new Beside(manifest, tensors, rows.shown(), {
      strip: (dim, pixels) => rows.paintStrip(dim, pixels),
      cells: (cells, pixels) => plane?.paintCells(cells, pixels),
    });
    this.ask({ type: "z", z: this.z, moved: -1 });
    if (plane) this.ask({ type: "plane", cells: CELLS });
  }
}

/**
 * Where a visit begins: at the image that is asked for, else at one that comes out clear; z = 0 where nothing can be encoded.
 * @param {Network} net @param {Arrays | null} blob @param {number | null} image
 * @returns {Float32Array<ArrayBuffer>}
 */
function homeOf(net, blob, image) {
  const centre = new Float32Array(net.D);
  if (!blob || !net.encode) return centre;
  const pictures = tensorOf(blob, "images", Uint8Array);
  const [N, ...shape] = pictures.shape;
  if (!N || String(shape) !== String(net.shape)) return centre;
  const spread = Array.from({ length: CANDIDATES }, (_, n) => Math.floor((n * N) / CANDIDATES)); // they lie label by label
  const rows = image !== null && image < N ? [image] : spread;
  centre.set(
    clearest(
      net,
      rows.map((row) => pictureAt(pictures, row)),
    ).code,
  );
  return centre;
}

/**
 * The terms of one image, each at the code that it belongs to: the KL is that of the image's own, and does not move.
 * @param {number} distortion @param {number} kl @param {HTMLElement} here @param {boolean} isLog
 */
function termsTable(distortion, kl, here, isLog) {
  const why = isLog ? null : "Bernoulli on grey pixels: an objective, not the log of a density";
  const head = (/** @type {string} */ text) => h("th", { scope: "col" }, text);
  const label = (/** @type {string} */ text, /** @type {string | null} */ title) =>
    h("th", { scope: "row", title }, text);
  return h(
    "table",
    { "data-testid": "terms" },
    h("thead", {}, h("tr", {}, h("td"), head("at its code"), head("here"))),
    h(
      "tbody",
      {},
      h("tr", {}, label("−log P(X|z)", why), h("td", {}, nats(distortion)), here),
      h("tr", {}, label("KL", "D[Q(z|X) ‖ P(z)] of this image"), h("td", {}, nats(kl)), h("td", {}, "–")),
    ),
  );
}

/**
 * What a person would call the picture.
 * @param {string} title of the model @param {Float32Array} z
 */
function fileName(title, z) {
  const code = z.length <= 4 ? ` at (${Array.from(z, (value) => decimal(value)).join(", ")})` : "";
  return `${title}${code}`
    .replace(/[^\p{L}\p{N} ,.()×−-]+/gu, " ")
    .trim()
    .slice(0, 120);
}

/** @param {HTMLElement} button says what became of it */
async function copyLink(button) {
  const said = (/** @type {string} */ text) => {
    button.textContent = text;
    setTimeout(() => {
      button.textContent = "Copy link";
    }, 1500);
  };
  try {
    await navigator.clipboard.writeText(location.href);
    said("Copied");
  } catch {
    // Plain http on a classroom network has no clipboard; the address bar holds the same link.
    said("See address bar");
  }
}

export default view(Player, { name: "player" });
