// Owns the Explore component: the code z, the picture it decodes to, and everything that moves it. While a control is held
// nothing leaves the page; on release one message, "view": {z, image}, says where it stands.

import { h, isCalm } from "../kit/dom.js";
import { alike, Hand } from "../kit/hand.js";
import { nats } from "../kit/numbers.js";
import { indexOf, labelOf } from "../kit/images.js";
import { gaussian } from "../kit/random.js";
import { view } from "../kit/view.js";
import { compile } from "../net/engine.js";
import { gaussianKL } from "../net/likelihoods.js";
import { paintPicture, penOf, pictureAt, writePicture } from "../paint/picture.js";
import { makePicker } from "./picker.js";
import { CELLS, Plane } from "./plane.js";
import { Rows } from "./rows.js";

const ROUNDING = 0.0051; // codes that differ by less than a link's rounding are the same code
const SWING = 2.5; // how far a dimension that plays goes

// Between two draws from N(0, I) along the sphere: a straight line would cut through codes shorter than the prior has them.
function slerp(a, b, t, out) {
  let [dot, aa, bb] = [0, 0, 0];
  for (let d = 0; d < a.length; d++) {
    dot += a[d] * b[d];
    aa += a[d] * a[d];
    bb += b[d] * b[d];
  }
  const angle = Math.acos(Math.min(1, Math.max(-1, dot / Math.sqrt(aa * bb || 1))));
  const sine = Math.sin(angle);
  const [s, u] =
    sine < 1e-3 || aa * bb === 0 ? [1 - t, t] : [Math.sin((1 - t) * angle) / sine, Math.sin(t * angle) / sine];
  for (let d = 0; d < a.length; d++) out[d] = s * a[d] + u * b[d];
  return out;
}

class Player {
  constructor(root, host) {
    this.root = root;
    this.host = host;
    this.hand = new Hand((view) => host.keep("view", view), { tolerance: ROUNDING });
    this.stops = [];
    root.addEventListener("keydown", (event) => {
      // Space plays, except where it already means something: on a button or the fold.
      if (event.key !== " " || event.composedPath()[0].closest?.("button, summary")) return;
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
    for (const stop of this.stops.splice(0)) stop();
    this.worker?.terminate();
    this.worker = this.net = this.rows = this.plane = this.start = this.images = null;
    this.closePicker();
  }

  // ---- what Python says -------------------------------------------------------------------------------------------

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
    this.plane?.drawDots(); // the theme may have changed
    if (!this.hand.hears({ z, image })) return;
    this.stopPlay(false);
    if (this.net && z.length !== this.net.D) {
      this.fail(new Error(`a code of ${z.length} numbers came for ${this.net.D} latent dimensions`));
      return;
    }
    if (!alike(z, this.z, ROUNDING)) this.z = Float32Array.from(z);
    this.image = image;
    if (this.net) this.begin();
  }

  open(data) {
    this.leaveModel();
    this.data = data;
    this.z = Float32Array.from(data.z);
    this.image = data.image ?? null;
    this.root.replaceChildren(h("div", { class: "waiting", role: "status" }, "Loading the model …"));
    const ready = (blob) => {
      try {
        this.build(blob);
      } catch (error) {
        this.fail(error);
      }
    };
    this.stops.push(this.host.blobs([data.model], ready));
  }

  fail(error) {
    this.leaveModel();
    const sentence = `This model cannot be shown: ${error.message}.`;
    this.root.replaceChildren(h("p", { class: "error", role: "alert" }, sentence));
  }

  // ---- the page ---------------------------------------------------------------------------------------------------

  build(blob) {
    const { data } = this;
    const manifest = JSON.parse(blob.metadata.manifest);
    this.manifest = manifest;
    this.net = compile(manifest, blob.tensors);
    const { D, shape } = this.net;
    if (this.z.length !== D) throw new Error(`a code of ${this.z.length} numbers came for ${D} latent dimensions`);
    const [, H, W] = shape;

    const known = [...data.dims, ...data.inactive];
    const unlisted = Array.from({ length: D }, (_, dim) => dim).filter(
      (dim) => !known.some((entry) => entry.dim === dim),
    );
    const active = [...data.dims, ...unlisted.map((dim) => ({ dim, kl: null }))];

    this.canvas = h("canvas", {
      "data-testid": "decoded",
      width: W,
      height: H,
      role: "img",
      "aria-label": "Decoded picture",
    });
    this.context = penOf(this.canvas);
    this.pixels = new ImageData(W, H);
    this.canvas.dataset.paints = "0";
    this.paints = 0;

    this.rows = new Rows(active, data.inactive, shape, {
      value: (dim) => this.z[dim],
      input: (dim, value) => this.moveOne(dim, value),
      release: () => this.release(),
      play: (dim) => this.togglePlay(dim),
      opened: (dims) => {
        this.rows.paintNow(this.pixels);
        this.worker?.postMessage({ type: "dims", dims });
      },
    });
    this.plane =
      D === 2
        ? new Plane(shape, data.palette, {
            value: (dim) => this.z[dim],
            move: (z1, z2) => this.moveAll([z1, z2]),
            release: () => this.release(),
          })
        : null;

    this.buttons = this.makeButtons();
    this.startPanel = h("div", { class: "start", hidden: true });
    const picture = h("div", { class: "picture" }, this.canvas);
    const parts = this.plane
      ? [
          h("div", { class: "left" }, picture, this.rows.element),
          this.plane.element,
          h("div", { class: "side" }, this.buttons, this.plane.toggles, this.plane.legend, this.startPanel),
        ]
      : [h("div", { class: "left" }, picture, this.buttons, this.startPanel), this.rows.element];
    this.stage = h("div", { class: this.plane ? "stage two" : "stage" }, ...parts);
    this.root.replaceChildren(this.stage);
    this.layout();

    this.paint(-1); // the picture first, everything else after it
    this.startWorker(manifest, blob.tensors);
    this.stops.push(this.host.blobs([data.images], (images) => images && this.haveImages(images)));
    if (this.plane) this.stops.push(this.host.blobs([data.means], (means) => means && this.plane?.setMeans(means)));
  }

  makeButtons() {
    const button = (text, title, onclick) => h("button", { type: "button", title, onclick }, text);
    this.pickButton = button("Test image…", "Encode an image of the test set, here in the page", () =>
      this.openPicker(),
    );
    this.pickButton.hidden = true; // until the images and an encoder are there
    this.playButton = button("▶ Play", "Walk through the prior (space); space on a slider plays that dimension", () =>
      this.togglePlay(null),
    );
    this.copyButton = button("Copy link", "A link to this model and this code", () => this.copyLink());
    return h(
      "div",
      { class: "buttons" },
      button("Prior mean", "z = 0", () => this.jump(new Float32Array(this.net.D))),
      button("Random sample", "z ∼ N(0, I)", () => this.jump(Float32Array.from(this.z, () => gaussian()))),
      this.pickButton,
      this.playButton,
      this.copyButton,
      button("Save PNG", "The picture, 16 times as large", () => this.savePNG()),
    );
  }

  layout() {
    if (!this.stage) return;
    const width = this.root.clientWidth;
    if (!width || !this.rows) return;
    const [, H, W] = this.net.shape;
    const stacked = width < 820;
    const style = getComputedStyle(this.root);
    const unit = parseFloat(style.fontSize) / 14; // presenter mode has larger type
    // Streamlit's header and the model's line take about 130 px above, the tour some below; the rest of the window is ours.
    const around = parseFloat(style.scrollMarginTop);
    const room = Math.max(this.height - (around - 146), globalThis.innerHeight - around);
    const below = (this.plane ? 150 : 176) * unit; // what stands under the picture
    const target = Math.min(0.32 * width, room - below, 640);
    // Whole pixels of the picture make it crisp: 28 pixels at 12 CSS px each.
    const zoom = Math.max(Math.ceil(320 / W), Math.floor(Math.max(320, target) / W));
    const side = zoom * W;
    this.root.style.setProperty("--picture", `${side}px`);
    this.root.style.setProperty("--picture-height", `${zoom * H}px`);
    this.stage.classList.toggle("stacked", stacked);
    if (this.plane) {
      const left = Math.min(side, width);
      this.rows.layout(left, 1e4, true, unit);
      const free = stacked ? width - 40 * unit : width - left - 40 * unit - 2 * 24 - 190 * unit;
      this.plane.layout(Math.floor(Math.max(260, Math.min(free, room - 40 * unit))));
    } else if (stacked) {
      this.rows.layout(width, 1e4, true, unit);
    } else {
      this.rows.layout(width - side - 28, room, false, unit);
    }
  }

  // ---- the code and the picture -----------------------------------------------------------------------------------

  // Paints synchronously. moved: the dimension that changed alone, or -1.
  paint(moved) {
    const picture = this.net.decode(this.z);
    writePicture(this.pixels.data, picture, this.net.shape);
    this.context.putImageData(this.pixels, 0, 0);
    this.canvas.dataset.paints = String(++this.paints);
    if (moved >= 0) this.rows.show(moved, this.z[moved]);
    else for (let d = 0; d < this.net.D; d++) this.rows.show(d, this.z[d]);
    this.rows.paintNow(this.pixels);
    this.plane?.show();
    this.showFigures();
    this.worker?.postMessage({ type: "z", z: this.z, moved });
  }

  moveOne(dim, value) {
    this.stopPlay(false);
    this.hand.takes();
    this.z[dim] = value;
    this.paint(dim);
  }

  moveAll(z) {
    this.stopPlay(false);
    this.hand.takes();
    this.z.set(z);
    this.paint(-1);
  }

  jump(z, image = null) {
    this.stopPlay(false);
    this.hand.takes();
    this.z.set(z);
    this.image = image;
    this.begin();
    this.release();
  }

  // Takes up z and the start image, both already set.
  begin() {
    this.showStart();
    this.paint(-1);
  }

  release() {
    this.hand.lets({ z: Array.from(this.z, (value) => Number(value.toFixed(4))), image: this.image });
  }

  // ---- the start image --------------------------------------------------------------------------------------------

  haveImages(blob) {
    this.images = blob;
    const [N, ...shape] = blob.tensors.get("images").shape;
    if (String(shape) !== String(this.net.shape)) {
      this.fail(new Error(`its pictures are [${this.net.shape}], the test images [${shape}]`));
      return;
    }
    if (this.image != null && this.image >= N) this.image = null;
    this.pickButton.hidden = !this.net.encode;
    this.showStart();
  }

  showStart() {
    const panel = this.startPanel;
    this.start = null;
    panel.hidden = this.image == null || !this.images || !this.net.encode;
    if (panel.hidden) return;
    const { net, images, image } = this;
    const x = pictureAt(images.tensors.get("images"), image);
    const { mu, logvar, lower } = net.encode(x);
    const code = mu.slice();
    this.start = { x, code };
    const [original, reconstruction] = [h("canvas"), h("canvas")];
    paintPicture(original, x, net.shape);
    paintPicture(reconstruction, net.decode(code), net.shape);
    const label = labelOf(images, image);
    const figure = (caption, canvas) => h("figure", {}, canvas, h("figcaption", {}, caption));
    this.distortion = h("dd");
    this.back = h(
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
        h(
          "dl",
          {},
          h(
            "dt",
            { title: net.isLogLikelihood ? null : "Bernoulli on grey pixels: an objective, not the log of a density" },
            "−log P(X|z)",
          ),
          this.distortion,
          h("dt", { title: "D[Q(z|X) ‖ P(z)] of this image" }, "KL"),
          h("dd", {}, nats(gaussianKL(mu, logvar, lower))),
        ),
        this.back,
      ),
    );
    this.showFigures();
  }

  // The reconstruction term at the current z, live: what leaving the image's own code costs.
  showFigures() {
    if (!this.start) return;
    const { x, code } = this.start;
    this.distortion.textContent = nats(this.net.distortion(this.z, x));
    this.back.style.visibility = alike(this.z, code, ROUNDING) ? "hidden" : "visible";
  }

  openPicker() {
    if (this.picker) {
      this.closePicker();
      return;
    }
    this.stopPlay(true);
    this.picker = makePicker(
      this.images,
      (row) => {
        this.closePicker();
        this.jump(this.net.encode(pictureAt(this.images.tensors.get("images"), row)).mu.slice(), row);
      },
      () => this.closePicker(),
    );
    this.stage.append(this.picker);
    this.picker.querySelector(`[data-row="${this.image ?? 0}"]`)?.focus();
  }

  closePicker() {
    if (!this.picker) return;
    this.picker.remove();
    this.picker = null;
    this.pickButton?.focus();
  }

  // ---- play -------------------------------------------------------------------------------------------------------

  // dim: the dimension that swings, or null for a walk through the prior.
  togglePlay(dim) {
    if (!this.net) return;
    if (this.playing) {
      this.stopPlay(true);
      return;
    }
    const still = isCalm();
    const phase = dim === null ? 0 : Math.asin(Math.min(1, Math.max(-1, this.z[dim] / SWING)));
    let from = this.z.slice();
    let to = Float32Array.from(this.z, () => gaussian());
    let leg = 0;
    let begun = null;
    let shown = -1;
    const step = (now) => {
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
            to = Float32Array.from(this.z, () => gaussian());
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
    this.playButton.textContent = "❚❚ Stop";
    this.playButton.setAttribute("aria-pressed", "true");
  }

  stopPlay(send) {
    if (!this.playing) return;
    cancelAnimationFrame(this.playing);
    this.playing = null;
    this.playButton.textContent = "▶ Play";
    this.playButton.removeAttribute("aria-pressed");
    if (send) this.release();
  }

  // ---- out of the page --------------------------------------------------------------------------------------------

  async copyLink() {
    const said = (text) => {
      this.copyButton.textContent = text;
      setTimeout(() => (this.copyButton.textContent = "Copy link"), 1500);
    };
    try {
      await navigator.clipboard.writeText(location.href);
      said("Copied");
    } catch {
      // Plain http on a classroom network has no clipboard; the address bar holds the same link.
      said("See address bar");
    }
  }

  savePNG() {
    const [, H, W] = this.net.shape;
    const large = h("canvas", { width: 16 * W, height: 16 * H });
    const context = penOf(large);
    context.imageSmoothingEnabled = false;
    context.drawImage(this.canvas, 0, 0, large.width, large.height);
    const name = `${this.manifest.run_id}_z_${Array.from(this.z, (value) => value.toFixed(2)).join("_")}`.slice(0, 120);
    large.toBlob((png) => {
      const url = URL.createObjectURL(png);
      h("a", { href: url, download: `${name}.png` }).click();
      setTimeout(() => URL.revokeObjectURL(url), 1000);
    });
  }

  // ---- beside the page --------------------------------------------------------------------------------------------

  startWorker(manifest, tensors) {
    this.worker = new Worker(new URL("../net/worker.js", import.meta.url), { type: "module" });
    // Only the decoder, in copies of its own: a view would drag the blob's whole buffer along.
    const names = manifest.decoder.flatMap((layer) => (layer.weight ? [layer.weight, layer.bias] : []));
    const own = new Map(
      names.map((name) => [name, { shape: tensors.get(name).shape, data: tensors.get(name).data.slice() }]),
    );
    const { format, latent_dim, image_shape, output, decoder } = manifest;
    this.worker.postMessage({
      type: "model",
      manifest: { format, latent_dim, image_shape, output, decoder },
      tensors: own,
      dims: this.rows.shown(),
    });
    this.worker.postMessage({ type: "z", z: this.z, moved: -1 });
    if (this.plane) this.worker.postMessage({ type: "plane", cells: CELLS });

    // Strips come faster than the screen shows them: keep the newest of each, draw once a frame.
    const strips = new Map();
    let frame = null;
    const draw = () => {
      frame = null;
      for (const [dim, pixels] of strips) this.rows?.paintStrip(dim, pixels);
      strips.clear();
    };
    this.worker.onmessage = ({ data }) => {
      if (data.type === "cells") {
        this.plane?.paintCells(data.cells, data.pixels);
        return;
      }
      strips.set(data.dim, data.pixels);
      if (frame === null) frame = requestAnimationFrame(draw);
    };
  }
}

export default view(Player, { name: "player" });
