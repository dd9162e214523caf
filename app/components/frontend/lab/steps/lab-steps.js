// "Training, step by step": a small VAE that trains in the page; every stage of a step, and which way each term pulls.
//
// `TrainerCourse` does the mathematics. What is drawn of a batch is a copy of it, `shot`: while the steps fly by it is renewed
// three times a second, all its numbers together. The faint dots, the curves and the step count follow every frame.

import { colourOf } from "../../kit/colours.js";
import { makeButton, makeChoice, makeSlider } from "../../kit/controls.js";
import { h, isCalm } from "../../kit/dom.js";
import { Hand } from "../../kit/hand.js";
import { isPlain, letterOf } from "../../kit/keys.js";
import { decimal } from "../../kit/numbers.js";
import { normals } from "../../kit/random.js";
import { roomOf } from "../../kit/room.js";
import { ticks } from "../../kit/ticks.js";
import { view } from "../../kit/view.js";
import { TrainerCourse, trainerPass } from "../../net/trainer.js";
import { Chart } from "../../paint/chart.js";
import { formula, live, m, mo, mtext } from "../../paint/formula.js";
import { paintPicture, paintRow } from "../../paint/picture.js";
import { STEPS_DECODE, STEPS_DRAW, STEPS_PULL, STEPS_TERMS, STEPS_UPDATE, StepsPlane } from "./lab-steps-plane.js";

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
const STEPS_PATH = 40; // changes of β that a link carries

const STEPS_KEPT = ["mu", "sigma", "epsilon", "z", "pull", "picture", "reconstruction", "kl"];

class StepsView {
  constructor(root, host) {
    Object.assign(this, { root, host, course: null, playing: false, stage: STEPS_PULL, walking: false });
    this.hand = new Hand((view) => host.keep("view", view));
    this.speed = 10;
    this.target = 0; // the step that a link asks for; below it, steps are computed again
    this.path = [[0, 1]]; // [step, β from that step on]
    document.addEventListener("keydown", (event) => this.key(event), { signal: host.signal });
  }

  destroy() {
    cancelAnimationFrame(this.frame);
    clearTimeout(this.timer);
  }

  // ---- what it consists of

  build({ stops }) {
    this.stops = stops;
    this.play = makeButton("Play", () => this.toggle(), { class: "primary", title: "Space" });
    this.one = makeButton("One step", () => this.oneStep(), { title: "→ or s" });
    this.walk = makeButton("One stage", () => this.oneStage());
    this.again = makeButton("Restart", () => this.restart(this.seed));
    this.other = makeButton("New seed", () => this.restart(this.seed + 1), {
      title: "Other initial weights, other noise",
    });
    this.pace = makeChoice({
      label: "Steps per second",
      options: [
        [1, "1"],
        [10, "10"],
        [100, "100"],
      ],
      value: this.speed,
      onpick: (speed) => (this.speed = speed),
    });
    this.beta = makeSlider({
      label: "β",
      min: 0,
      max: stops.length - 1,
      step: 1,
      value: stops.indexOf(1),
      format: (at) => String(stops[Math.round(at)]),
      oninput: (at) => this.weigh(stops[Math.round(at)]),
      onrelease: () => this.keepSoon(),
    });
    this.count = h("b", { "data-testid": "step" }, "0");
    this.passes = h("span", { class: "passes" });
    this.controls = h(
      "div",
      { class: "steps-controls" },
      this.play,
      this.one,
      this.walk,
      this.again,
      this.other,
      h("span", { class: "pace" }, "steps per second", this.pace.element),
      this.beta.element,
      h("span", { class: "count" }, "step ", this.count, this.passes),
    );

    const axis = (label) => ({ min: -3.2, max: 3.2, label });
    this.plane = new StepsPlane({ x: axis("z1"), y: axis("z2"), square: true, label: "The plane of codes" });
    this.plane.canvas.classList.add("pick");
    this.plane.canvas.addEventListener("click", (event) => this.pick(this.plane.at(event)));
    this.sum = makeChoice({
      label: "Arrows",
      options: [
        ["two", "two pulls"],
        ["sum", "sum"],
      ],
      value: "two",
      onpick: (arrows) => {
        this.arrows = arrows;
        this.host.redraw();
      },
    });
    this.arrows = "two";
    this.legend = h(
      "div",
      { class: "steps-legend" },
      h("span", { class: "reconstruction" }, h("i", { class: "arrow" }), "reconstruction pulls"),
      h("span", { class: "kl" }, h("i", { class: "arrow" }), "KL pulls"),
      this.sum.element,
    );

    this.stages = STEPS_STAGES.map(([name]) => h("li", {}, name));
    this.sentence = h("p", { class: "sentence", "data-testid": "sentence", "aria-live": "polite" }, STEPS_WHOLE);
    this.input = h("canvas", { class: "picture", role: "img" });
    this.output = h("canvas", { class: "picture", role: "img", "aria-label": "What the decoder paints from z" });
    this.cells = {};
    const row = (name, symbol) =>
      h(
        "tr",
        {},
        h("th", { scope: "row" }, symbol),
        ...[0, 1].map(
          (d) => (this.cells[`${name}${d + 1}`] = h("td", { class: "number", "data-testid": `${name}${d + 1}` })),
        ),
      );
    const table = (label, ...rows) =>
      h(
        "table",
        { "aria-label": label },
        h("tr", {}, h("td", {}), h("th", { scope: "col" }, "z1"), h("th", { scope: "col" }, "z2")),
        ...rows,
      );
    this.oneKl = h("b", { class: "kl", "data-testid": "one-kl" });
    this.oneReconstruction = h("b", { class: "reconstruction", "data-testid": "one-reconstruction" });
    this.name = h("span", {});
    const card = (stage, title, ...content) => {
      const element = h("div", { class: "card" }, h("header", {}, title), ...content);
      element.dataset.stage = stage;
      return element;
    };
    const to = (stage) => h("span", { class: "to", "aria-hidden": "true", "data-stage": stage }, "→");
    this.cards = [
      card(0, "image X", this.input, h("footer", {}, this.name)),
      to(0),
      card(
        0,
        "Q(z|X): μ and σ",
        table("Mean and width", row("mu", "μ"), row("sigma", "σ")),
        h("footer", { "data-stage": STEPS_TERMS }, h("span", { class: "kl" }, "KL "), this.oneKl),
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
        this.output,
        h(
          "footer",
          { "data-stage": STEPS_TERMS },
          h("span", { class: "reconstruction" }, "reconstruction "),
          this.oneReconstruction,
        ),
      ),
    ];

    const term = (name, title) => {
      this[name] = live(name);
      this[name].element.dataset.testid = name;
      return m("munder", {}, this[name].element, mtext(title, name));
    };
    this.formulas = h(
      "div",
      { class: "steps-terms", "data-stage": STEPS_TERMS },
      formula(term("elbo", "ELBO"), mo("="), term("reconstruction", "reconstruction"), mo("−"), term("kl", "KL")),
      this.objectiveBox(),
    );
    this.terms = h(
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
    this.curve = new Chart({
      x: { min: 0, max: 100, label: "step" },
      y: { min: -30, max: -20, label: "nats" },
      label: "Reconstruction and ELBO over the steps; the band between them is the KL",
    });
    this.strip = Array.from({ length: STEPS_SHOWN }, (_, b) => {
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
    this.side = h(
      "div",
      { class: "steps-side" },
      h("ol", { class: "stages", "aria-label": "Stages of one step" }, ...this.stages),
      this.sentence,
      h("div", { class: "pipeline" }, ...this.cards),
      h(
        "div",
        { class: "steps-batch" },
        h(
          "div",
          { class: "rows", "aria-hidden": "true" },
          h("span", {}, "batch"),
          h("span", { "data-stage": STEPS_DECODE }, "pictures"),
        ),
        ...this.strip.map(({ element }) => element),
      ),
      this.formulas,
      this.terms,
      this.curve.element,
    );
    this.main = h("div", { class: "steps-main" }, h("div", {}, this.legend, this.plane.element), this.side);
    this.root.append(h("div", { class: "steps" }, this.controls, this.main));
  }

  // What is maximised: only with β ≠ 1 is it another number than the ELBO.
  objectiveBox() {
    this.objective = live();
    this.objective.element.dataset.testid = "objective";
    [this.termReconstruction, this.termKl] = [live("reconstruction"), live("kl")];
    this.weight = live("", { digits: 0 });
    const named = ({ element }, ...name) => m("munder", {}, element, mtext(...name));
    return formula(
      named(this.objective, "maximised"),
      mo("="),
      named(this.termReconstruction, "reconstruction", "reconstruction"),
      mo("−"),
      named(this.weight, "β"),
      mo("·"),
      named(this.termKl, "KL", "kl"),
    );
  }

  // ---- data and links

  update(data) {
    const { seed, image, step, path } = data;
    const led = this.hand.hears({ seed, image, step, path });
    this.data = data;
    if (!this.stop) {
      this.build(data);
      this.stop = this.host.blobs([data.images], ({ tensors }) => {
        this.images = tensors.get("images");
        this.labels = tensors.get("labels").data;
        this.adopt(this.data);
      });
    } else if (led && this.course) this.adopt(data);
  }

  adopt({ seed, image, step, path }) {
    const there = this.course && seed === this.seed && step === this.course.step && String(path) === String(this.path);
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

  begin(seed, path) {
    const { hidden: H, latent_dim: D, batch: B, rate, limit } = this.data;
    const P = this.images.data.length / this.labels.length;
    Object.assign(this, { seed, path, target: 0, owed: 0, playing: false, walking: false, stage: STEPS_PULL });
    this.course = new TrainerCourse({ images: this.images.data, P, H, D, B, rate, seed, normals });
    this.single = trainerPass(1, P, H, D);
    this.moved = trainerPass(B, P, H, D);
    this.slice = trainerPass(STEPS_SLICE, P, H, D);
    this.means = new Float64Array(this.labels.length * D);
    this.sliceStart = 0;
    this.plane.shrink();
    this.history = { reconstruction: new Float64Array(limit + 1), kl: new Float64Array(limit + 1) };
    this.record();
    this.encodeAll();
    this.shot = null;
    this.fresh = true;
    this.beta.set(Math.max(0, this.stops.indexOf(this.betaAt(0))));
  }

  restart(seed) {
    if (!this.course) return;
    this.hand.takes();
    this.begin(seed % 1000, [[0, this.betaAt(this.course.step)]]);
    this.keepSoon();
    this.refresh();
  }

  keepSoon() {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => {
      if (this.playing || !this.ready) return; // a moment that has passed when the answer comes; the pause is kept
      const early = this.path.length - STEPS_PATH; // a longer history is cut: its first β counts from the start
      const path = early > 0 ? [[0, this.path[early][1]], ...this.path.slice(early + 1)] : this.path;
      this.hand.lets({ seed: this.seed, image: this.image, step: this.course.step, path });
    }, 300);
  }

  // ---- training

  betaAt(step) {
    return this.path.findLast(([from]) => from <= step)[1];
  }

  /** Another β, from the step that comes next. */
  weigh(beta) {
    if (!this.course || beta === this.betaAt(this.course.step)) return;
    this.hand.takes();
    const { step } = this.course;
    this.path = this.path.filter(([from]) => from < step);
    if (this.path.at(-1)?.[1] !== beta) this.path.push([step, beta]);
    this.refresh();
  }

  record() {
    const { reconstruction, kl } = this.course.terms();
    this.history.reconstruction[this.course.step] = reconstruction;
    this.history.kl[this.course.step] = kl;
  }

  get ended() {
    return this.course.step >= this.data.limit;
  }

  /** One update of the weights; then the next batch is encoded and decoded. */
  advance() {
    this.course.learn(this.betaAt(this.course.step));
    this.course.prepare();
    this.record();
    this.fresh = true;
  }

  /** The next batch, where the stage "update" has already used this one. */
  nextBatch() {
    if (this.stage !== STEPS_UPDATE) return;
    this.course.prepare();
    this.record();
    this.fresh = true;
  }

  get ready() {
    return this.course !== null && this.target <= this.course.step;
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
    if (!this.ready || this.ended) return;
    this.hand.takes();
    this.nextBatch();
    Object.assign(this, { playing: false, walking: false, stage: STEPS_PULL });
    this.advance();
    this.settle();
  }

  /** The next of the six stages; the last one changes the weights. */
  oneStage() {
    if (!this.ready || (this.ended && this.stage === STEPS_PULL)) return;
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
      this.snap();
      this.course.learn(this.betaAt(this.course.step));
      this.course.load(this.moved, this.shot.indices);
      this.course.net.encode(this.moved);
      this.shot.moved = this.moved.mu.slice();
      this.course.load(this.single, [this.image]);
      this.course.net.encode(this.single);
      this.shot.one.moved = this.single.mu.slice();
      this.fresh = false;
      this.encodeAll();
      this.refresh();
      this.keepSoon();
    } else this.settle();
  }

  /** Everything shown is that of this very moment. */
  settle() {
    this.fresh = true;
    this.encodeAll();
    this.keepSoon();
    this.refresh();
  }

  refresh() {
    if (this.stage !== STEPS_UPDATE) this.fresh = true;
    this.host.redraw();
  }

  encodeAll() {
    for (let start = 0; start < this.labels.length; start += STEPS_SLICE)
      this.course.encode(this.slice, start, this.means);
    this.sliceStart = 0;
  }

  /** Train in every frame as long as there is something to do. */
  run() {
    cancelAnimationFrame(this.frame);
    let before = null;
    const frame = (now) => {
      if (!this.playing && this.ready) return;
      const until = performance.now() + STEPS_BUDGET;
      if (!this.ready) {
        do this.advance();
        while (!this.ready && performance.now() < until);
        if (this.ready) this.settle();
      } else {
        this.owed += before === null ? 1 : (Math.min(now - before, 1100) / 1000) * this.speed;
        for (; this.owed >= 1 && !this.ended; this.owed--) {
          if (performance.now() > until) {
            this.owed = 0; // a slow machine trains more slowly, it does not freeze
            break;
          }
          this.advance();
        }
        if (this.ended) {
          this.playing = false;
          this.settle();
        }
      }
      before = now;
      this.course.encode(this.slice, this.sliceStart, this.means);
      this.sliceStart = (this.sliceStart + STEPS_SLICE) % this.labels.length;
      this.host.redraw();
      this.frame = requestAnimationFrame(frame);
    };
    this.owed = 0;
    this.host.redraw();
    this.frame = requestAnimationFrame(frame);
  }

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

  /** The image whose mean lies nearest. */
  pick([z1, z2]) {
    if (!this.course) return;
    let [best, least] = [0, Infinity];
    for (let n = 0; n < this.labels.length; n++) {
      const far = (this.means[2 * n] - z1) ** 2 + (this.means[2 * n + 1] - z2) ** 2;
      if (far < least) [best, least] = [n, far];
    }
    this.follow(best);
  }

  key(event) {
    if (!isPlain(event) || event.shiftKey || event.defaultPrevented) return;
    const at = event.composedPath()[0];
    const isSlider = at instanceof HTMLInputElement && at.type === "range";
    if (!isSlider && (at.matches?.("input, textarea, select") || at.isContentEditable || at.getAttribute?.("role")))
      return;
    if (event.key === " " && !(at instanceof HTMLButtonElement) && !(at instanceof HTMLAnchorElement)) {
      if (!event.repeat) this.toggle();
    } else if (letterOf(event) === "s" || (event.key === "ArrowRight" && !isSlider)) this.oneStep();
    else return;
    event.preventDefault();
  }

  // ---- what is shown

  /** Copy what is shown of the batch. */
  snap() {
    const { course, single, image } = this;
    course.net.pulls(course.pass);
    course.run(single, [image]);
    course.net.pulls(single);
    const copy = (pass) => Object.fromEntries(STEPS_KEPT.map((name) => [name, pass[name].slice()]));
    this.shot = { ...copy(course.pass), indices: course.batch.slice(), terms: course.terms(), one: copy(single) };
    this.fresh = false;
    this.shotAt = performance.now();
  }

  draw() {
    if (!this.course) return;
    const moving = this.playing || !this.ready;
    if (moving && isCalm() && this.shot && performance.now() - this.shotAt < STEPS_REST) return;
    if (!this.shot || (this.fresh && (!moving || performance.now() - this.shotAt >= STEPS_REST))) {
      this.snap();
      this.drawNumbers();
      this.drawPictures();
    } else if (!moving) {
      this.drawNumbers();
    }
    this.drawState();
    this.fit();
    this.drawPlane();
    this.drawCurve();
  }

  // The plane takes the height that the window leaves; the curve what is left beside it.
  fit() {
    const element = this.root.firstChild;
    const wide = element.clientWidth;
    const narrow = wide < 900;
    const high = Math.max(300, roomOf(this.root) - this.controls.offsetHeight - this.legend.offsetHeight - 20);
    const side = Math.round(narrow ? Math.min(wide, 520) : Math.min(high, 0.46 * wide));
    if (side !== this.planeSide) {
      this.planeSide = side;
      element.style.setProperty("--plane", `${side}px`);
    }
    const left = this.plane.element.parentElement.offsetHeight;
    const others = [...this.side.children].filter((child) => child !== this.curve.element);
    const used = others.reduce((sum, child) => sum + child.offsetHeight, 0) + 8 * others.length;
    this.curve.height = narrow ? 200 : Math.max(84, 8 * (this.curve.text ?? 0), left - used);
  }

  drawState() {
    const { course, playing, ready, ended, stage, walking } = this;
    this.play.textContent = playing ? "Pause" : "Play";
    for (const button of [this.play, this.one, this.walk]) button.disabled = !ready || ended;
    if (stage === STEPS_UPDATE || (walking && stage < STEPS_PULL)) this.walk.disabled = !ready;
    this.beta.input.disabled = !ready;
    const at = this.stops.indexOf(this.betaAt(Math.max(0, course.step)));
    if (Math.round(this.beta.value) !== at) this.beta.set(at);
    this.count.textContent = String(course.step);
    const epochs = (course.step * course.B) / course.N;
    this.passes.textContent = ready ? ` · ${decimal(epochs, 1)} epochs` : ` of ${this.target}, computed again`;
    this.stages.forEach((chip, n) => {
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
    if (this.sentence.textContent !== sentence) this.sentence.textContent = sentence;
    for (const element of this.root.querySelectorAll("[data-stage]")) {
      const from = Number(element.dataset.stage);
      element.classList.toggle("later", walking && stage < from);
      element.classList.toggle("now", walking && stage === from);
    }
    this.root.firstChild.dataset.state = playing ? "playing" : ready ? "ready" : "replaying";
  }

  drawNumbers() {
    const { shot, image } = this;
    const { one } = shot;
    for (const name of ["mu", "sigma", "epsilon", "z"]) {
      for (const d of [0, 1]) this.cells[`${name}${d + 1}`].textContent = decimal(one[name][d]);
    }
    this.oneKl.textContent = decimal(one.kl[0]);
    this.oneReconstruction.textContent = decimal(one.reconstruction[0]);
    this.name.textContent = `no. ${image}, a ${this.labels[image]}`;
    const { reconstruction, kl } = shot.terms;
    const beta = this.betaAt(this.course.step - (this.stage === STEPS_UPDATE));
    this.reconstruction.set(reconstruction);
    this.termReconstruction.set(reconstruction);
    this.kl.set(kl);
    this.termKl.set(kl);
    this.elbo.set(reconstruction - kl);
    this.objective.set(reconstruction - beta * kl);
    this.weight.element.textContent = String(beta);
  }

  drawPictures() {
    const { shot, images, image, labels } = this;
    const shape = images.shape.slice(1);
    const size = shape.reduce((product, length) => product * length);
    paintRow(this.input, images, image);
    this.input.setAttribute("aria-label", `Training image ${image}, a ${labels[image]}`);
    paintPicture(this.output, shot.one.picture, shape);
    this.strip.forEach(({ element, above, below }, b) => {
      const index = shot.indices[b];
      paintRow(above, images, index);
      paintPicture(below, shot.picture, shape, { from: b * size });
      element.setAttribute("aria-label", `Follow training image ${index}, a ${labels[index]}`);
      element.setAttribute("aria-pressed", String(index === image));
    });
  }

  drawPlane() {
    const { plane, shot, means, labels, stage, walking, data, arrows, image } = this;
    const beta = this.betaAt(this.course.step);
    plane.paint({ shot, means, labels, palette: data.palette, stage, walking, beta, arrows, image });
  }

  drawCurve() {
    const { curve, course, history } = this;
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
    steps.forEach((x, n) => context.lineTo(curve.px(x), curve.py(reconstruction[n])));
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
