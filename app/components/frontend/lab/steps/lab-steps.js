// "Training, step by step": a small VAE that trains in the page; every stage of a step, and which way each term pulls.
//
// `TrainerCourse` does the mathematics. What is drawn of a batch is a copy of it, `shot`: while the steps fly by it is renewed
// three times a second, all its numbers together. The faint dots, the curves and the step count follow every frame.

import { colourOf } from "../../kit/colours.js";
import { makeButton, makeChoice, makeSlider } from "../../kit/controls.js";
import { h, isCalm, later } from "../../kit/dom.js";
import { Hand } from "../../kit/hand.js";
import { isPlain, letterOf } from "../../kit/keys.js";
import { adding, decimal, shortest, weighed } from "../../kit/numbers.js";
import { normals } from "../../kit/random.js";
import { Question } from "../../kit/question.js";
import { roomOf } from "../../kit/room.js";
import { ticks } from "../../kit/ticks.js";
import { view } from "../../kit/view.js";
import { TrainerCourse, trainerPass } from "../../net/trainer.js";
import { Chart } from "../../paint/chart.js";
import { formula, live, m, mo, mtext } from "../../paint/formula.js";
import { tensorOf } from "../../net/safetensors.js";
import { paintPicture, paintRow } from "../../paint/picture.js";
import { STEPS_DECODE, STEPS_DRAW, STEPS_PULL, STEPS_TERMS, STEPS_UPDATE, StepsPlane } from "./lab-steps-plane.js";

/**
 * @import { Point } from "../../paint/chart.js"
 * @import { Host } from "../../kit/view.js"
 * @import { Pass } from "../../net/trainer.js"
 * @import { BetaFrom, StepsData } from "./types.d.ts"
 * @import { Tensor } from "../../types.d.ts"
 * @import { Arrows, Copy, Shot } from "./lab-steps-plane.js"
 */

/** @typedef {{ seed: number, image: number, step: number, path: BetaFrom[] }} Stands what is kept of it */

/**
 * @typedef {object} Training a course and what it works with
 * @property {TrainerCourse} course
 * @property {Pass} single the image that is followed
 * @property {Pass} moved the batch, after the weights have moved
 * @property {Pass} slice
 * @property {Float64Array} means (N, D) of all images
 * @property {Record<"reconstruction" | "kl", Float64Array>} history nats, by step
 */

const STEPS_STAGES = [
  ["encode", "Each of the 64 images becomes a Gaussian Q(z|X): its mean μ (dot), its width σ (ellipse)."],
  ["draw z", "From each Gaussian one code is drawn: z = μ + σ·ε, with noise ε from N(0, 1)."],
  ["decode", "The decoder paints a picture from each code z."],
  ["two terms", "Reconstruction: how well the picture explains X. KL: how far Q(z|X) is from the prior N(0, I)."],
  ["pull", "The KL pulls each code to the middle, reconstruction to where its picture gets better."],
  ["update", "All weights move a little, and the codes with them (arrows: 10 times as long as the move)."],
];
const STEPS_WHOLE = "Every step takes a new batch of 64 images through all six stages.";
const STEPS_SHOWN = 12; // images of the batch with their reconstructions
const STEPS_SLICE = 250; // images encoded at a time; a divisor of the 1,500
const STEPS_BUDGET = 10; // ms of training in one frame
const STEPS_REST = 330; // ms between two batches on the screen: fewer than three flashes a second
const ASKED = 300; // steps after which the question asks for the ELBO
const STEPS_PATH = 40; // changes of β that a link carries

/**
 * What is shown of a pass.
 * @param {Pass} pass @returns {Copy}
 */
const copyOf = ({ mu, sigma, epsilon, z, pull, picture, reconstruction, kl }) => ({
  mu: mu.slice(),
  sigma: sigma.slice(),
  epsilon: epsilon.slice(),
  z: z.slice(),
  pull: pull.slice(),
  picture: picture.slice(),
  reconstruction: reconstruction.slice(),
  kl: kl.slice(),
});

/**
 * A part of the pipeline; `stage` is the first of a step that has it.
 * @param {number} stage @param {string} title @param {...(Node | string)} content
 */
function card(stage, title, ...content) {
  const element = h("div", { class: "card" }, h("header", {}, title), ...content);
  element.dataset.stage = String(stage);
  return element;
}

/** The way of one image through the network, with its numbers. */
function makePipeline() {
  const input = h("canvas", { class: "picture", role: "img" });
  const output = h("canvas", { class: "picture", role: "img", "aria-label": "What the decoder paints from z" });
  const pair = (/** @type {string} */ name) =>
    [1, 2].map((d) => h("td", { class: "number", "data-testid": `${name}${d}` }));
  const cells = { mu: pair("mu"), sigma: pair("sigma"), epsilon: pair("epsilon"), z: pair("z") };
  const row = (/** @type {keyof typeof cells} */ name, /** @type {string} */ symbol) =>
    h("tr", {}, h("th", { scope: "row" }, symbol), ...cells[name]);
  const table = (/** @type {string} */ label, /** @type {HTMLElement[]} */ ...rows) =>
    h(
      "table",
      { "aria-label": label },
      h("tr", {}, h("td", {}), h("th", { scope: "col" }, "z1"), h("th", { scope: "col" }, "z2")),
      ...rows,
    );
  const oneKl = h("b", { class: "kl", "data-testid": "one-kl" });
  const oneReconstruction = h("b", { class: "reconstruction", "data-testid": "one-reconstruction" });
  const name = h("span", {});
  const to = (/** @type {number} */ stage) =>
    h("span", { class: "to", "aria-hidden": "true", "data-stage": stage }, "→");
  const cards = [
    card(0, "image X", input, h("footer", {}, name)),
    to(0),
    card(
      0,
      "Q(z|X): μ and σ",
      table("Mean and width", row("mu", "μ"), row("sigma", "σ")),
      h("footer", { "data-stage": STEPS_TERMS }, h("span", { class: "kl" }, "KL "), oneKl),
    ),
    to(STEPS_DRAW),
    card(
      STEPS_DRAW,
      "z = μ + σ·ε",
      table("Noise and code", row("epsilon", "ε"), row("z", "z")),
      h("footer", {}, "one draw from Q"),
    ),
    to(STEPS_DECODE),
    card(
      STEPS_DECODE,
      "picture of z",
      output,
      h(
        "footer",
        { "data-stage": STEPS_TERMS },
        h("span", { class: "reconstruction" }, "reconstruction "),
        oneReconstruction,
      ),
    ),
  ];
  return { cards, cells, input, output, oneKl, oneReconstruction, name };
}

/** The ELBO of the batch as a sum, and what is maximised. */
function makeFormulas() {
  const figures = {
    elbo: live("elbo", { testid: "elbo" }),
    reconstruction: live("reconstruction", { testid: "reconstruction" }),
    kl: live("kl", { testid: "kl" }),
    objective: live("", { testid: "objective" }),
    termReconstruction: live("reconstruction"),
    termKl: live("kl"),
    weight: live("", { digits: 0 }),
  };
  const term = (/** @type {"elbo" | "reconstruction" | "kl"} */ of, /** @type {string} */ title) =>
    m("munder", {}, figures[of].element, mtext(title, of));
  const named = (/** @type {ReturnType<typeof live>} */ { element }, /** @type {string} */ title, of = "") =>
    m("munder", {}, element, mtext(title, of));
  const formulas = h(
    "div",
    { class: "steps-terms", "data-stage": STEPS_TERMS },
    formula(term("elbo", "ELBO"), mo("="), term("reconstruction", "reconstruction"), mo("−"), term("kl", "KL")),
    // What is maximised: only with β ≠ 1 is it another number than the ELBO.
    formula(
      named(figures.objective, "maximised"),
      mo("="),
      named(figures.termReconstruction, "reconstruction", "reconstruction"),
      mo("−"),
      named(figures.weight, "β"),
      mo("·"),
      named(figures.termKl, "KL", "kl"),
    ),
  );
  return { figures, formulas };
}

/** The curve over the steps, and the legend above it. */
function makeCurve() {
  const terms = h(
    "p",
    { class: "curve-legend" },
    h(
      "span",
      {},
      h("b", { class: "reconstruction" }, "reconstruction"),
      " − ",
      h("b", { class: "kl" }, "KL (the band)"),
      " = ",
      h("b", { class: "elbo" }, "ELBO"),
    ),
    h("span", { class: "note" }, "nats per image · grey pixels: not a true log-likelihood"),
  );
  const curve = new Chart({
    x: { min: 0, max: 100, label: "step" },
    y: { min: -30, max: -20, label: "nats" },
    label: "Reconstruction and ELBO over the steps; the band between them is the KL",
  });
  return { curve, terms };
}

class StepsView {
  /** @type {StepsData} */
  data = later();
  /** @type {Training | null} */
  training = null;
  /** @type {Tensor<Uint8Array>} */
  images = later();
  /** @type {Uint8Array} */
  labels = new Uint8Array(0);
  playing = false;
  stage = STEPS_PULL;
  walking = false;
  seed = 0;
  image = -1; // the one that is followed
  target = 0; // the step that a link asks for; below it, steps are computed again
  /** @type {BetaFrom[]} */
  path = [[0, 1]];
  speed = 10; // steps a second
  owed = 0; // steps that the time that has passed asks for
  sliceStart = 0;
  /** @type {Shot | null} */
  shot = null;
  shotAt = 0; // when it was copied, ms
  fresh = true; // whether there is something newer than the shot
  /** @type {Arrows} */
  arrows = "two";
  frame = 0; // the one to come
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  timer;
  planeSide = 0; // CSS px
  /** @type {(() => void) | null} */
  stop = null;
  /** @type {ReturnType<StepsView["build"]>} */
  parts = later();

  /** @param {HTMLElement} root @param {Host} host */
  constructor(root, host) {
    this.root = root;
    this.host = host;
    this.hand = new Hand((/** @type {Stands} */ view) => host.keep("view", view));
    document.addEventListener("keydown", (event) => this.key(event), { signal: host.signal });
    this.question = new Question(root, {
      name: "steps",
      asks: () =>
        this.training && this.training.course.step < ASKED
          ? `The weights are random, and the ELBO of an image is ${decimal(this.elboAt(0), 1)} nats. Where is it after ${ASKED} steps?`
          : null,
      range: () => [Math.floor(this.elboAt(0)), Math.floor(this.elboAt(0)) + 12],
      truth: () => (this.training && this.training.course.step >= ASKED ? this.elboAt(ASKED) : null),
      look: () => {
        this.hand.takes();
        this.playing = false;
        this.target = ASKED;
        this.run();
      },
      because: () => `A third of the way, at step ${ASKED / 3}, it was ${decimal(this.elboAt(ASKED / 3), 1)} already.`,
    });
  }

  destroy() {
    cancelAnimationFrame(this.frame);
    clearTimeout(this.timer);
  }

  // ---- what it consists of

  /** @param {StepsData} data */
  build({ stops }) {
    const { controls, ...dials } = this.makeControls(stops);
    const { plane, legend } = this.makePlane();
    const stages = STEPS_STAGES.map(([name]) => h("li", {}, name));
    const sentence = h("p", { class: "sentence", "data-testid": "sentence", "aria-live": "polite" }, STEPS_WHOLE);
    const { cards, ...pipeline } = makePipeline();
    const { figures, formulas } = makeFormulas();
    const { curve, terms } = makeCurve();
    const strip = this.makeStrip();
    const side = h(
      "div",
      { class: "steps-side" },
      h("ol", { class: "stages", "aria-label": "Stages of one step" }, ...stages),
      sentence,
      h("div", { class: "pipeline" }, ...cards),
      h(
        "div",
        { class: "steps-batch" },
        h(
          "div",
          { class: "rows", "aria-hidden": "true" },
          h("span", {}, "batch"),
          h("span", { "data-stage": STEPS_DECODE }, "pictures"),
        ),
        ...strip.map(({ element }) => element),
      ),
      formulas,
      terms,
      curve.element,
    );
    const main = h("div", { class: "steps-main" }, h("div", {}, legend, plane.element), side);
    const whole = h("div", { class: "steps" }, controls, main);
    this.root.append(this.question.element, whole);
    return { ...dials, ...pipeline, controls, plane, legend, stages, sentence, figures, curve, strip, side, whole };
  }

  /** The buttons, β, and how far it is. @param {number[]} stops the values of β */
  makeControls(stops) {
    const play = makeButton("Play", () => this.toggle(), { class: "primary", title: "Space" });
    const one = makeButton("One step", () => this.oneStep(), { title: "→ or s" });
    const walk = makeButton("One stage", () => this.oneStage());
    const again = makeButton("Restart", () => this.restart(this.seed));
    const other = makeButton("New seed", () => this.restart(this.seed + 1), {
      title: "Other initial weights, other noise",
    });
    const pace = makeChoice({
      label: "Steps per second",
      options: /** @type {[number, string][]} */ ([
        [1, "1"],
        [10, "10"],
        [100, "100"],
      ]),
      value: this.speed,
      onpick: (speed) => {
        this.speed = speed;
      },
    });
    const beta = makeSlider({
      label: "β",
      min: 0,
      max: stops.length - 1,
      step: 1,
      value: stops.indexOf(1),
      format: (at) => String(stops[Math.round(at)]),
      oninput: (at) => this.weigh(stops[Math.round(at)]),
      onrelease: () => this.keepSoon(),
    });
    const count = h("b", { "data-testid": "step" }, "0");
    const passes = h("span", { class: "passes" });
    const controls = h(
      "div",
      { class: "steps-controls" },
      play,
      one,
      walk,
      again,
      other,
      h("span", { class: "pace" }, "steps per second", pace.element),
      beta.element,
      h("span", { class: "count" }, "step ", count, passes),
    );
    return { controls, play, one, walk, beta, count, passes };
  }

  /** The plane of codes, and the legend of its arrows. */
  makePlane() {
    const axis = (/** @type {string} */ label) => ({ min: -3.2, max: 3.2, label });
    const plane = new StepsPlane({ x: axis("z1"), y: axis("z2"), square: true, label: "The plane of codes" });
    plane.canvas.classList.add("pick");
    plane.canvas.addEventListener("click", (event) => this.pick(plane.at(event)));
    const sum = makeChoice({
      label: "Arrows",
      options: /** @type {[Arrows, string][]} */ ([
        ["two", "two pulls"],
        ["sum", "sum"],
      ]),
      value: this.arrows,
      onpick: (arrows) => {
        this.arrows = arrows;
        this.host.redraw();
      },
    });
    const legend = h(
      "div",
      { class: "steps-legend" },
      h("span", { class: "reconstruction" }, h("i", { class: "arrow" }), "reconstruction pulls"),
      h("span", { class: "kl" }, h("i", { class: "arrow" }), "KL pulls"),
      sum.element,
    );
    return { plane, legend };
  }

  /** Some images of the batch, with their reconstructions. */
  makeStrip() {
    return Array.from({ length: STEPS_SHOWN }, (_, b) => {
      const [above, below] = [
        h("canvas", { class: "picture" }),
        h("canvas", { class: "picture", "data-stage": STEPS_DECODE }),
      ];
      const element = h(
        "button",
        { type: "button", onclick: () => this.shot && this.follow(this.shot.indices[b]) },
        above,
        below,
      );
      return { element, above, below };
    });
  }

  // ---- data and links

  /** @param {StepsData} data */
  update(data) {
    const { seed, image, step, path } = data;
    const led = this.hand.hears({ seed, image, step, path });
    this.data = data;
    if (!this.stop) {
      this.parts = this.build(data);
      this.stop = this.host.blobs([data.images], (blob) => {
        this.images = tensorOf(blob, "images", Uint8Array);
        this.labels = tensorOf(blob, "labels", Uint8Array).data;
        this.adopt(this.data);
      });
    } else if (led && this.training) this.adopt(data);
  }

  /** @param {Stands} stands */
  adopt({ seed, image, step, path }) {
    const course = this.training?.course;
    const there = course && seed === this.seed && step === course.step && String(path) === String(this.path);
    if (!there) {
      this.begin(seed, path);
      this.target = step;
    }
    if (image !== this.image) {
      this.image = image;
      this.leaveUpdate();
    }
    this.run();
  }

  /** @param {number} seed @param {BetaFrom[]} path */
  begin(seed, path) {
    const { hidden: H, latentDim: D, batch: B, rate, limit, stops } = this.data;
    const P = this.images.data.length / this.labels.length;
    Object.assign(this, { seed, path, target: 0, owed: 0, playing: false, walking: false, stage: STEPS_PULL });
    this.training = {
      course: new TrainerCourse({ images: this.images.data, P, H, D, B, rate, seed, normals }),
      single: trainerPass(1, P, H, D),
      moved: trainerPass(B, P, H, D),
      slice: trainerPass(STEPS_SLICE, P, H, D),
      means: new Float64Array(this.labels.length * D),
      history: { reconstruction: new Float64Array(limit + 1), kl: new Float64Array(limit + 1) },
    };
    this.parts.plane.shrink();
    this.record(this.training);
    this.encodeAll(this.training);
    this.shot = null;
    this.fresh = true;
    this.parts.beta.set(Math.max(0, stops.indexOf(this.betaAt(0))));
  }

  /** @param {number} seed */
  restart(seed) {
    if (!this.training) return;
    this.hand.takes();
    this.begin(seed % 1000, [[0, this.betaAt(this.training.course.step)]]);
    this.keepSoon();
    this.refresh();
  }

  keepSoon() {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => {
      if (this.playing || !this.training || !this.ready) return; // a moment that has passed when the answer comes; the pause is kept
      const early = this.path.length - STEPS_PATH; // a longer history is cut: its first β counts from the start
      /** @type {BetaFrom[]} */
      const path = early > 0 ? [[0, this.path[early][1]], ...this.path.slice(early + 1)] : this.path;
      this.hand.lets({ seed: this.seed, image: this.image, step: this.training.course.step, path });
    }, 300);
  }

  // ---- training

  /** @param {number} step */
  betaAt(step) {
    return this.path.findLast(([from]) => from <= step)?.[1] ?? 1;
  }

  /**
   * Another β, from the step that comes next.
   * @param {number} beta
   */
  weigh(beta) {
    if (!this.training) return;
    const { step } = this.training.course;
    if (beta === this.betaAt(step)) return;
    this.hand.takes();
    this.path = this.path.filter(([from]) => from < step);
    if (this.path.at(-1)?.[1] !== beta) this.path.push([step, beta]);
    this.refresh();
  }

  /** Of the batch of that step, nats. @param {number} step */
  elboAt(step) {
    const { history } = /** @type {Training} */ (this.training);
    return history.reconstruction[step] - history.kl[step];
  }

  /** @param {Training} training */
  record({ course, history }) {
    const { reconstruction, kl } = course.terms();
    history.reconstruction[course.step] = reconstruction;
    history.kl[course.step] = kl;
  }

  get ended() {
    return this.training !== null && this.training.course.step >= this.data.limit;
  }

  /**
   * One update of the weights; then the next batch is encoded and decoded.
   * @param {Training} training
   */
  advance(training) {
    const { course } = training;
    course.learn(this.betaAt(course.step));
    course.prepare();
    this.record(training);
    this.fresh = true;
  }

  /** The next batch, where the stage "update" has already used this one. */
  nextBatch() {
    if (this.stage !== STEPS_UPDATE || !this.training) return;
    this.training.course.prepare();
    this.record(this.training);
    this.fresh = true;
  }

  get ready() {
    return this.training !== null && this.target <= this.training.course.step;
  }

  toggle() {
    if (!this.ready || this.ended) return;
    this.hand.takes();
    this.nextBatch();
    this.walking = false;
    this.stage = STEPS_PULL;
    this.playing = !this.playing;
    if (!this.playing) this.settle();
    this.run();
  }

  oneStep() {
    if (!this.training || !this.ready || this.ended) return;
    this.hand.takes();
    this.nextBatch();
    Object.assign(this, { playing: false, walking: false, stage: STEPS_PULL });
    this.advance(this.training);
    this.settle();
  }

  /** The next of the six stages; the last one changes the weights. */
  oneStage() {
    if (!this.training || !this.ready || (this.ended && this.stage === STEPS_PULL)) return;
    this.hand.takes();
    if (this.playing) {
      this.playing = false;
      this.stage = 0;
    } else if (!this.walking) {
      this.stage = 0;
    } else if (this.stage === STEPS_UPDATE) {
      this.nextBatch();
      this.stage = 0;
    } else {
      this.stage++;
    }
    this.walking = true;
    if (this.stage === STEPS_UPDATE) {
      const { course, moved, single } = this.training;
      const shot = this.snap(this.training);
      course.learn(this.betaAt(course.step));
      course.load(moved, shot.indices);
      course.net.encode(moved);
      shot.moved = moved.mu.slice();
      course.load(single, [this.image]);
      course.net.encode(single);
      shot.one.moved = single.mu.slice();
      this.fresh = false;
      this.encodeAll(this.training);
      this.refresh();
      this.keepSoon();
    } else this.settle();
  }

  /** Everything shown is that of this very moment. */
  settle() {
    this.fresh = true;
    if (this.training) this.encodeAll(this.training);
    this.keepSoon();
    this.refresh();
  }

  refresh() {
    if (this.stage !== STEPS_UPDATE) this.fresh = true;
    this.host.redraw();
  }

  /** @param {Training} training */
  encodeAll({ course, slice, means }) {
    for (let start = 0; start < this.labels.length; start += STEPS_SLICE) course.encode(slice, start, means);
    this.sliceStart = 0;
  }

  /** Train in every frame as long as there is something to do. */
  run() {
    cancelAnimationFrame(this.frame);
    /** @type {number | null} */
    let before = null;
    const frame = (/** @type {number} */ now) => {
      const { training } = this;
      if (!training || (!this.playing && this.ready)) return;
      const until = performance.now() + STEPS_BUDGET;
      if (!this.ready) {
        do this.advance(training);
        while (!this.ready && performance.now() < until);
        if (this.ready) this.settle();
      } else {
        this.owed += before === null ? 1 : (Math.min(now - before, 1100) / 1000) * this.speed;
        for (; this.owed >= 1 && !this.ended; this.owed--) {
          if (performance.now() > until) {
            this.owed = 0; // a slow machine trains more slowly, it does not freeze
            break;
          }
          this.advance(training);
        }
        if (this.ended) {
          this.playing = false;
          this.settle();
        }
      }
      before = now;
      training.course.encode(training.slice, this.sliceStart, training.means);
      this.sliceStart = (this.sliceStart + STEPS_SLICE) % this.labels.length;
      this.host.redraw();
      this.frame = requestAnimationFrame(frame);
    };
    this.owed = 0;
    this.host.redraw();
    this.frame = requestAnimationFrame(frame);
  }

  /** @param {number} image */
  follow(image) {
    if (!this.ready) return;
    this.hand.takes();
    this.image = image;
    this.leaveUpdate();
    this.refresh();
    this.keepSoon();
  }

  leaveUpdate() {
    this.nextBatch();
    if (this.stage === STEPS_UPDATE) this.stage = 0;
    this.fresh = true;
  }

  /**
   * The image whose mean lies nearest.
   * @param {Point} place
   */
  pick([z1, z2]) {
    if (!this.training) return;
    const { means } = this.training;
    let [best, least] = [0, Infinity];
    for (let n = 0; n < this.labels.length; n++) {
      const far = (means[2 * n] - z1) ** 2 + (means[2 * n + 1] - z2) ** 2;
      if (far < least) [best, least] = [n, far];
    }
    this.follow(best);
  }

  /** @param {KeyboardEvent} event */
  key(event) {
    if (!isPlain(event) || event.shiftKey || event.defaultPrevented) return;
    const [at] = event.composedPath();
    const isSlider = at instanceof HTMLInputElement && at.type === "range";
    const isTaken =
      at instanceof HTMLElement &&
      (at.matches("input, textarea, select") || at.isContentEditable || at.getAttribute("role"));
    if (!isSlider && isTaken) return;
    if (event.key === " " && !(at instanceof HTMLButtonElement) && !(at instanceof HTMLAnchorElement)) {
      if (!event.repeat) this.toggle();
    } else if (letterOf(event) === "s" || (event.key === "ArrowRight" && !isSlider)) this.oneStep();
    else return;
    event.preventDefault();
  }

  // ---- what is shown

  /**
   * Copy what is shown of the batch.
   * @param {Training} training
   */
  snap({ course, single }) {
    course.net.pulls(course.pass);
    course.run(single, [this.image]);
    course.net.pulls(single);
    /** @type {Shot} */
    const shot = {
      ...copyOf(course.pass),
      indices: course.batch.slice(),
      terms: course.terms(),
      one: copyOf(single),
    };
    this.shot = shot;
    this.fresh = false;
    this.shotAt = performance.now();
    return shot;
  }

  draw() {
    const { training } = this;
    if (!training) return;
    this.question.refresh();
    const moving = this.playing || !this.ready;
    if (moving && isCalm() && this.shot && performance.now() - this.shotAt < STEPS_REST) return;
    let { shot } = this;
    if (!shot || (this.fresh && (!moving || performance.now() - this.shotAt >= STEPS_REST))) {
      shot = this.snap(training);
      this.drawNumbers(training, shot);
      this.drawPictures(shot);
    } else if (!moving) {
      this.drawNumbers(training, shot);
    }
    this.drawState(training.course);
    this.fit();
    this.drawPlane(training, shot);
    this.drawCurve(training);
  }

  /** The plane takes the height that the window leaves; the curve what is left beside it. */
  fit() {
    const { whole, controls, legend, plane, curve, side: beside } = this.parts;
    const wide = whole.clientWidth;
    const narrow = wide < 900;
    const high = Math.max(
      300,
      roomOf(this.root) - this.question.height - controls.offsetHeight - legend.offsetHeight - 20,
    );
    const needed = Math.max(600, 39.5 * Number.parseFloat(getComputedStyle(whole).fontSize)); // what stands there needs as much
    const side = Math.round(narrow ? Math.min(wide, 520) : Math.min(high, 0.46 * wide, wide - needed));
    if (side !== this.planeSide) {
      this.planeSide = side;
      whole.style.setProperty("--plane", `${side}px`);
    }
    const left = plane.element.parentElement?.offsetHeight ?? 0;
    const used = Array.from(beside.children, (child) =>
      child instanceof HTMLElement && child !== curve.element ? child.offsetHeight + 8 : 0,
    ).reduce((sum, height) => sum + height, 0);
    curve.height = narrow ? 200 : Math.max(84, 8 * curve.text, left - used);
  }

  /** @param {TrainerCourse} course */
  drawState(course) {
    const { playing, ready, ended, stage, walking } = this;
    const { play, one, walk, beta, count, passes, stages, sentence: words, whole } = this.parts;
    play.textContent = playing ? "Pause" : "Play";
    for (const button of [play, one, walk]) button.disabled = !ready || ended;
    if (stage === STEPS_UPDATE || (walking && stage < STEPS_PULL)) walk.disabled = !ready;
    beta.input.disabled = !ready;
    const at = this.data.stops.indexOf(this.betaAt(Math.max(0, course.step)));
    if (Math.round(beta.value) !== at) beta.set(at);
    count.textContent = String(course.step);
    const epochs = (course.step * course.B) / course.N;
    passes.textContent = ready ? ` · ${decimal(epochs, 1)} epochs` : ` of ${this.target}, computed again`;
    stages.forEach((chip, n) => {
      chip.classList.toggle("done", !walking || n < stage);
      if (walking && n === stage) chip.setAttribute("aria-current", "step");
      else chip.removeAttribute("aria-current");
    });
    const sentence =
      !walking && ended
        ? `The end: ${course.step} steps. Restart, or take another seed.`
        : walking
          ? STEPS_STAGES[stage][1]
          : STEPS_WHOLE;
    if (words.textContent !== sentence) words.textContent = sentence;
    for (const element of this.root.querySelectorAll("[data-stage]")) {
      const from = Number(element.getAttribute("data-stage"));
      element.classList.toggle("later", walking && stage < from);
      element.classList.toggle("now", walking && stage === from);
    }
    whole.dataset.state = playing ? "playing" : ready ? "ready" : "replaying";
  }

  /** @param {Training} training @param {Shot} shot */
  drawNumbers({ course }, { one, terms }) {
    const { image } = this;
    const { cells, oneKl, oneReconstruction, name, figures } = this.parts;
    for (const of of /** @type {(keyof typeof cells)[]} */ (Object.keys(cells))) {
      cells[of].forEach((cell, d) => {
        cell.textContent = decimal(one[of][d]);
      });
    }
    oneKl.textContent = decimal(one.kl[0]);
    oneReconstruction.textContent = decimal(one.reconstruction[0]);
    name.textContent = `no. ${image}, a ${this.labels[image]}`;
    const { reconstruction, kl } = terms;
    const beta = this.betaAt(course.step - (this.stage === STEPS_UPDATE ? 1 : 0));
    const [first, lessKl, elbo] = adding([reconstruction, -kl]);
    figures.reconstruction.set(first);
    figures.kl.set(-lessKl);
    figures.elbo.set(elbo);
    const maximised = weighed(first, beta, kl, 2);
    figures.termReconstruction.set(first);
    figures.weight.element.textContent = shortest(maximised.beta);
    figures.termKl.set(maximised.kl, maximised.klDigits);
    figures.objective.set(maximised.whole);
  }

  /** @param {Shot} shot */
  drawPictures(shot) {
    const { images, image, labels } = this;
    const { input, output, strip } = this.parts;
    const shape = images.shape.slice(1);
    const size = shape.reduce((product, length) => product * length);
    paintRow(input, images, image);
    input.setAttribute("aria-label", `Training image ${image}, a ${labels[image]}`);
    paintPicture(output, shot.one.picture, shape);
    strip.forEach(({ element, above, below }, b) => {
      const index = shot.indices[b];
      paintRow(above, images, index);
      paintPicture(below, shot.picture, shape, { from: b * size });
      element.setAttribute("aria-label", `Follow training image ${index}, a ${labels[index]}`);
      element.setAttribute("aria-pressed", String(index === image));
    });
  }

  /** @param {Training} training @param {Shot} shot */
  drawPlane({ course, means }, shot) {
    const { labels, stage, walking, data, arrows, image } = this;
    const beta = this.betaAt(course.step);
    this.parts.plane.paint({ shot, means, labels, palette: data.palette, stage, walking, beta, arrows, image });
  }

  /** @param {Training} training */
  drawCurve({ course, history }) {
    const { curve } = this.parts;
    const count = course.step + (this.stage === STEPS_UPDATE ? 0 : 1);
    const reconstruction = history.reconstruction.subarray(0, count);
    const elbo = reconstruction.map((value, n) => value - history.kl[n]);
    const steps = Float64Array.from({ length: count }, (_, n) => n);
    const low = elbo.reduce((least, value) => Math.min(least, value), -28);
    const high = reconstruction.reduce((most, value) => Math.max(most, value), -24);
    curve.y.min = Math.floor(low - 0.2);
    curve.y.max = Math.ceil(high + 0.2);
    const end = [50, 100, 200, 500, 1000, 2000].find((steps) => steps >= count) ?? this.data.limit;
    curve.x.max = 1.03 * end; // room for half of the last number
    curve.x.ticks = ticks(0, end, 5);
    curve.y.ticks = ticks(curve.y.min, curve.y.max, Math.max(3, curve.height / 50));
    const context = curve.begin();
    const [blue, orange, violet] = ["--reconstruction", "--kl", "--elbo"].map((name) => colourOf(this.root, name));
    context.beginPath();
    steps.forEach((x, n) => {
      context.lineTo(curve.px(x), curve.py(reconstruction[n]));
    });
    for (let n = count - 1; n >= 0; n--) context.lineTo(curve.px(n), curve.py(elbo[n]));
    context.globalAlpha = 0.45;
    context.fillStyle = orange;
    context.fill();
    context.globalAlpha = 1;
    curve.line(steps, reconstruction, blue, { width: 2 });
    curve.line(steps, elbo, violet, { width: 2 });
    curve.end();
  }
}

export default view(StepsView);
