// A run while it is trained: it follows the run's stream by itself, so that the page around it need not run again until the end.

import { colourOf } from "../kit/colours.js";
import { makeButton, makeSlider } from "../kit/controls.js";
import { h, later } from "../kit/dom.js";
import { decimal } from "../kit/numbers.js";
import { view } from "../kit/view.js";
import { follow } from "../net/events.js";
import { tensorOf } from "../net/safetensors.js";
import { Sheet } from "../paint/picture.js";
import { Curves } from "./curves.js";
import { Hero } from "./hero.js";
import { Queue } from "./queue.js";
import { Status } from "./status.js";
import { Story } from "./story.js";

/**
 * @import { Host } from "../kit/view.js"
 * @import { Arrays, LiveData, RunMessage, QueueRow, Tensor } from "../types.d.ts"
 */

const COLUMNS = 8;
const PAIRS = 16;
const SAMPLES = 16;

class Train {
  /** @type {LiveData} */
  data = later();
  story = new Story();
  /** @type {string | null} whose stream is followed, and what it was when it began */
  followed = null;
  leave = () => {};
  leaveQueue = () => {};
  queued = "";
  /** @type {string | null} the moment whose pictures are shown, and the one that is on its way */
  shown = null;
  /** @type {string | null} */
  coming = null;
  /** @type {number | null} index of a moment that was rewound to */
  moment = null;
  /** @type {Tensor<Uint8Array> | null} */
  originals = null;
  /** @type {Sheet | null} */
  pairs = null;
  /** @type {Sheet | null} */
  samples = null;

  /** @param {HTMLElement} root @param {Host} host */
  constructor(root, host) {
    this.root = root;
    this.host = host;
    this.status = new Status((wish) => this.host.ask("wish", { wish, run: this.data.run, moment: this.moment }));
    this.queue = new Queue((run) => this.host.ask("show", { run }));
    this.hero = new Hero(() => host.redraw());
    this.curves = new Curves();
    this.other = h("p", { class: "note other" });
    this.empty = h(
      "p",
      { class: "note" },
      "Press Train: the latent plane, the pictures and the curves appear here, and move as the model learns.",
    );
    this.layers = h("div", { class: "layers", role: "img" });
    this.result = h("p", { class: "result" });
    this.pictures = {
      pairs: h("canvas", {
        class: "picture pairs",
        role: "img",
        "aria-label": "Test images, and under each what comes back",
      }),
      samples: h("canvas", {
        class: "picture samples",
        role: "img",
        "aria-label": "Pictures decoded from random codes",
      }),
    };
    this.rewind = makeSlider({
      label: "Rewind",
      min: 0,
      max: 1,
      step: 1,
      value: 1,
      format: (at) => this.momentText(at),
      oninput: (at) => this.rewindTo(at),
    });
    this.from = makeButton("Explore this moment →", () =>
      host.ask("wish", { wish: "explore", run: this.data.run, moment: this.moment }),
    );
    this.back = h("div", { class: "rewind" }, this.rewind.element, this.from);
    this.heroTitle = h("figcaption", {}, h("b", {}, "Encoded test images"));
    root.append(
      this.queue.element,
      this.status.element,
      this.other,
      this.empty,
      this.result,
      this.layers,
      this.stage(),
      this.curves.element,
      this.curves.says,
    );
  }

  stage() {
    const shown = (/** @type {string} */ title, /** @type {string} */ text, /** @type {HTMLElement} */ canvas) =>
      h("figure", {}, h("figcaption", {}, h("b", {}, title), ` ${text}`), canvas);
    return h(
      "div",
      { class: "stage" },
      h("figure", { class: "plane" }, this.heroTitle, this.hero.element),
      h(
        "div",
        { class: "made" },
        shown("Test images", "and under each what comes back", this.pictures.pairs),
        shown("Samples from the prior", "z ∼ N(0, I), always the same z", this.pictures.samples),
        this.back,
      ),
    );
  }

  destroy() {
    this.leave();
    this.leaveQueue();
  }

  /** @param {LiveData} data */
  update(data) {
    this.data = data;
    const { host } = this;
    if (this.followed !== this.subject() || (this.story.ended && isUnderWay(data))) this.begin();
    this.status.granted();
    this.layers.replaceChildren(
      ...data.layers.flatMap((text, i) => (i ? [" ▸ ", h("span", {}, text)] : [h("span", {}, text)])),
    );
    this.layers.setAttribute("aria-label", `The network: ${data.layers.join(", then ")}`);
    this.other.textContent = data.other;
    this.other.hidden = !data.other;
    this.empty.hidden = data.run !== null;
    this.result.textContent = data.result;
    this.result.hidden = !data.result;
    this.heroTitle.replaceChildren(
      h("b", {}, data.dims === 2 ? "The latent plane" : "Encoded test images"),
      data.dims === 2 ? " as the decoder draws it; each dot a test image" : " in the two dimensions that carry most",
    );
    host.blobs([data.images], (blob) => {
      this.originals = tensorOf(blob, "images", Uint8Array);
      if (this.shown === null) this.paintPairs(this.originals, blank(this.originals));
      this.shown = null;
      this.look();
    });
    this.followQueue();
    host.redraw();
  }

  /** Which run is followed, and whether as one that is under way. */
  subject() {
    return `${this.data.run} ${isUnderWay(this.data)}`;
  }

  /** Another run, or one that goes on again: its story from the start. */
  begin() {
    const { data, host } = this;
    this.leave();
    this.leave = () => {};
    if (this.followed?.split(" ")[0] !== data.run) {
      this.hero.clear();
      this.shown = this.coming = this.moment = null;
      this.pairs = this.samples = null;
    }
    this.followed = this.subject();
    this.story = new Story();
    if (data.run === null) return;
    const expected = isUnderWay(data);
    this.leave = follow(`events/${data.run}`, (message) => {
      const news = this.story.hear(/** @type {RunMessage} */ (message));
      if (news === "status") this.status.granted();
      if (this.story.ended && expected) host.ask("ended", { run: data.run });
      if (news) this.look();
      host.redraw();
    });
  }

  /** Where the other models of the sweep stand. */
  followQueue() {
    const { data } = this;
    const waiting = data.queue.some(({ status }) => status === "queued" || status === "running");
    const runs = data.queue.length > 1 && waiting ? data.queue.map(({ run }) => run) : [];
    if (runs.join() === this.queued) return;
    this.queued = runs.join();
    this.leaveQueue();
    this.leaveQueue = () => {};
    if (!runs.length) return;
    const query = runs.map((run) => `run=${encodeURIComponent(run)}`).join("&");
    this.leaveQueue = follow(`standing?${query}`, (message) => {
      const stands = /** @type {Record<string, Partial<QueueRow>>} */ (message);
      let done = false;
      for (const row of data.queue) {
        const now = stands[row.run];
        done ||= now?.status === "finished" && row.status !== "finished";
        Object.assign(row, now);
      }
      if (done) this.moveOn();
      this.host.redraw();
    });
  }

  /** A model of the sweep is done: the form says so, and the next that is trained is shown in place of one that is done. */
  moveOn() {
    const { data } = this;
    const next = data.queue.find(({ sibling, status }) => sibling && status === "running");
    const done = data.queue.find(({ run }) => run === data.run)?.status === "finished";
    if (done && next && this.moment === null) this.host.ask("show", { run: next.run });
    else this.host.ask("ended", { run: data.run });
  }

  /** @param {number} at place on the slider */
  momentText(at) {
    const moment = this.story.moments[Math.round(at)];
    return moment ? `${decimal(moment.epoch, moment.epoch < 10 ? 1 : 0)} epochs` : "now";
  }

  /** @param {number} at place on the slider; its end is now */
  rewindTo(at) {
    this.moment = this.story.moments[Math.round(at)]?.index ?? null;
    this.look();
  }

  /** Fetch the pictures of the moment that is to be seen, one at a time: while they come, those before stay. */
  look() {
    const which = this.data.run === null ? null : this.story.picture(this.moment);
    if (which === null || which === this.shown || this.coming !== null || !this.originals) return;
    this.coming = which;
    const { run } = this.data;
    this.host.blobs(
      [`pictures/${run}/${which}`],
      (arrays) => {
        this.coming = null;
        if (run === this.data.run) this.take(which, arrays);
        this.look();
      },
      () => {
        // The frame of a run that has just ended is gone; its last moment is there.
        this.coming = null;
        this.shown = which;
      },
    );
  }

  /** @param {string} which @param {Arrays} arrays */
  take(which, arrays) {
    this.shown = which;
    this.root.dataset.shown = which; // for whoever waits for it
    this.hero.show(arrays);
    if (this.originals) this.paintPairs(this.originals, tensorOf(arrays, "reconstructions", Uint8Array));
    const samples = tensorOf(arrays, "samples", Uint8Array);
    this.samples = painted(this.samples, this.pictures.samples, samples, Math.min(SAMPLES, samples.shape[0] ?? 0));
    this.host.redraw();
  }

  /** Rows of eight test images, each over what comes back. @param {Tensor<Uint8Array>} originals @param {Tensor<Uint8Array>} made */
  paintPairs(originals, made) {
    const one = made.shape.slice(1);
    const pixels = one.reduce((a, b) => a * b, 1);
    this.pairs ??= new Sheet(one, 2 * PAIRS, { columns: COLUMNS, gap: 2, canvas: this.pictures.pairs });
    for (let n = 0; n < Math.min(PAIRS, made.shape[0] ?? 0); n++) {
      const place = 2 * COLUMNS * Math.floor(n / COLUMNS) + (n % COLUMNS);
      this.pairs.put(originals.data, place, { from: n * pixels });
      this.pairs.put(made.data, place + COLUMNS, { from: n * pixels });
    }
    this.pairs.show();
  }

  /** @param {number} now */
  draw(now) {
    const { data, story, rewind } = this;
    if (!data) return;
    this.status.show(story, data);
    this.queue.show(data.queue, data.run);
    this.hero.draw(now, data.palette, colourOf(this.root, "--prior"));
    this.hero.say(story.progress?.epoch ?? story.points.at(-1)?.epoch ?? 0);
    this.curves.draw(this.root, story, data);
    const last = story.moments.length;
    this.back.hidden = last < 2;
    rewind.input.max = String(last);
    const at = this.moment === null ? last : story.moments.findIndex(({ index }) => index === this.moment);
    rewind.set(at < 0 ? last : at);
    this.from.hidden = this.moment === null || !data.explorable;
    this.root.dataset.points = String(story.points.length);
  }
}

const isUnderWay = (/** @type {LiveData} */ { status }) => status === "queued" || status === "running";

/** What comes back before there is anything. @param {Tensor<Uint8Array>} tensor */
const blank = ({ dtype, shape, data }) => ({ dtype, shape, data: new Uint8Array(data.length) });

/**
 * Pictures (N, C, H, W), eight in a row.
 * @param {Sheet | null} sheet @param {HTMLCanvasElement} canvas @param {Tensor<Uint8Array>} tensor @param {number} count
 */
function painted(sheet, canvas, { shape, data }, count) {
  const one = shape.slice(1);
  const pixels = one.reduce((a, b) => a * b, 1);
  const kept = sheet ?? new Sheet(one, count, { columns: COLUMNS, gap: 2, canvas });
  for (let n = 0; n < count; n++) kept.put(data, n, { from: n * pixels });
  kept.show();
  return kept;
}

export default view(Train, { name: "lab train" });
