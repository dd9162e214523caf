// The hidden β: switches for how a loss is averaged, the β that it has, and the model of a trained sweep that is nearest.

import { colourOf } from "../../kit/colours.js";
import { makeButton, makeChoice, makeSlider } from "../../kit/controls.js";
import { h, later } from "../../kit/dom.js";
import { draggable } from "../../kit/drag.js";
import { Hand } from "../../kit/hand.js";
import { decimal, figures, shortest, within } from "../../kit/numbers.js";
import { Question } from "../../kit/question.js";
import { roomFor } from "../../kit/room.js";
import { view } from "../../kit/view.js";
import { tensorOf } from "../../net/safetensors.js";
import { Chart } from "../../paint/chart.js";
import { formula, live, mfrac, mo, mtext } from "../../paint/formula.js";
import { paintSheet } from "../../paint/picture.js";
import { betaOf, codeOf, factorsOf, lettersOf, lossOf, presets, weightFor } from "./loss.js";

/**
 * @import { Host } from "../../kit/view.js"
 * @import { Arrays } from "../../types.d.ts"
 * @import { HiddenBetaData, HiddenBetaModel } from "./types.d.ts"
 * @import { Loss, Over, Per } from "./loss.js"
 */

const SPAN = 5; // powers of ten of β, to either side of 1
const FAR = 4; // how much farther than its neighbour a β is "beyond"

/** @typedef {{ loss: string, weight: number, variance: number }} Kept */

/** A number of any size as a person would write it. @param {number} value */
const said = (value) => (value >= 100 ? decimal(value, 0) : shortest(value, 3));

class HiddenBeta {
  /** @type {HiddenBetaData} */
  data = later();
  /** @type {Loss} */
  loss = lossOf("", 1, 1);
  key = "";
  /** @type {Map<string, Arrays>} by run */
  pictures = new Map();
  painted = "";
  /** @type {Chart} */
  chart = later();
  /** @type {Record<"beta" | "sentence" | "beyond" | "model", HTMLElement>} */
  words = later();
  /** @type {HTMLElement} */
  code = later();
  /** @type {Record<"originals" | "reconstructions", HTMLCanvasElement>} */
  sheets = later();
  above = live("kl");
  below = live("reconstruction");
  /** @type {(() => void)[]} each brings a control to what the loss says */
  follow = [];

  /** @param {HTMLElement} root @param {Host} host */
  constructor(root, host) {
    this.root = root;
    this.host = host;
    this.hand = new Hand((/** @type {Kept} */ kept) => host.keep("view", kept), { tolerance: 1e-5 });
    this.question = new Question(root, {
      name: "hidden-beta",
      asks: () =>
        this.data
          ? `A loss takes the mean over the ${this.data.pixels} pixels, and the sum of the KL. How much KL is left in the nearest model that was trained here?`
          : null,
      range: () => [0, Math.ceil(1.5 * this.nearest(1).rate)],
      truth: () => this.nearest(betaOf(this.averaged(), this.sizes())).rate,
      look: () => {
        this.move(this.averaged());
        this.release();
      },
      because: () =>
        `Its hidden β is ${this.data.pixels}: that is the price of a nat of code, and hardly any is bought.`,
    });
  }

  /** @param {HiddenBetaData} data */
  update(data) {
    const fresh = data.sweep !== this.key;
    this.data = data;
    if (fresh) this.hand.forget();
    const kept = { loss: data.loss, weight: data.weight, variance: data.variance };
    if (this.hand.hears(kept)) this.loss = lossOf(data.loss, data.weight, data.variance);
    if (fresh) {
      this.key = data.sweep;
      this.build();
      for (const model of data.models) {
        this.host.blobs(
          [model.pictures],
          (blob) => {
            this.pictures.set(model.run, blob);
            this.host.redraw();
          },
          () => {}, // a damaged model has no pictures, and Models says why
        );
      }
    }
    this.show();
  }

  // ---- controls

  build() {
    this.follow = [];
    this.chart = new Chart({
      x: { min: -SPAN, max: SPAN, label: "log₁₀ of the hidden β" },
      y: { min: 0, max: 1, label: "nats per image" },
      label: "Rate and distortion of the trained models by β, and where this loss stands. Drag, or use the arrow keys.",
      height: 200,
    });
    this.listen();
    this.words = {
      beta: h("output", { "data-testid": "hidden-beta" }),
      sentence: h("p", { "data-testid": "sentence" }),
      beyond: h("p", { class: "note" }),
      model: h("b", { "data-testid": "nearest" }),
    };
    this.code = h("pre", { "data-testid": "code" });
    const sheet = (/** @type {string} */ label) => h("canvas", { class: "sheet", role: "img", "aria-label": label });
    this.sheets = {
      originals: sheet("Test images, one of each label"),
      reconstructions: sheet("Their reconstructions by the nearest trained model"),
    };
    this.root.replaceChildren(
      this.question.element,
      h("div", { class: "hidden-beta" }, this.makeSwitches(), this.makeAnswer()),
    );
  }

  /** What a loss can be, and how it is written in code. */
  makeSwitches() {
    /** @type {[Over, string][]} */
    const over = [
      ["sum", "sum"],
      ["mean", "mean"],
    ];
    /** @type {[Per, string][]} */
    const per = [
      ["sum", "sum"],
      ["batch", "mean of the batch"],
      ["data", "÷ data set"],
    ];
    const weight = makeSlider({
      label: "weight as written",
      min: -SPAN - 1,
      max: SPAN - 1,
      step: 0.05,
      value: Math.log10(this.loss.weight),
      format: (power) => said(10 ** power),
      oninput: (power) => this.move({ weight: figures(10 ** power, 6) }),
      onrelease: () => this.release(),
    });
    this.follow.push(() => weight.set(Math.log10(this.loss.weight)));
    const variance = this.choice(
      "σ² that the squared error stands for",
      "variance",
      [0.01, 0.1, 0.5, 1].map((value) => /** @type {[number, string]} */ ([value, shortest(value)])),
    );
    this.follow.push(() => variance.forEach((one) => one.toggleAttribute("hidden", this.loss.form !== "squared")));
    const offered = this.makePresets();
    return h(
      "div",
      { class: "part" },
      h("div", { class: "presets", role: "group", "aria-label": "Losses that are often written" }, ...offered),
      weight.element, // before the switches: on a phone it is the first thing to drag
      h(
        "dl",
        {},
        ...this.choice("reconstruction", "form", [
          ["bernoulli", "cross-entropy"],
          ["squared", "squared error"],
        ]),
        ...this.choice("… over pixels", "pixels", over),
        ...this.choice("… over images", "reconstruction", per),
        ...variance,
        ...this.choice("KL over dimensions", "dims", over),
        ...this.choice("… over images", "kl", per),
      ),
      this.code,
    );
  }

  /** Losses that are often written. */
  makePresets() {
    return presets(this.sizes()).map(({ name, letters, weight: given, variance: sigma }) => {
      const button = makeButton(name, () => {
        this.hand.takes();
        this.loss = lossOf(letters, given, sigma);
        this.show();
        this.release();
      });
      this.follow.push(() => {
        const stands = letters === lettersOf(this.loss) && Math.abs(Math.log(given / this.loss.weight)) < 1e-4;
        button.setAttribute("aria-pressed", String(stands));
      });
      return button;
    });
  }

  /** The β that the loss has, and the model that is nearest. */
  makeAnswer() {
    return h(
      "div",
      { class: "part" },
      h("div", { class: "answer" }, h("span", {}, "this loss has "), this.words.beta),
      formula(
        mtext("β"),
        mo("="),
        mfrac(mtext("before the KL", "kl"), mtext("before −log P(X|z)", "reconstruction")),
        mo("="),
        mfrac(this.above.element, this.below.element),
      ),
      this.words.sentence,
      this.chart.element,
      this.words.model,
      this.sheets.originals,
      this.sheets.reconstructions,
      this.words.beyond,
    );
  }

  /**
   * One switch of the loss, as a term and its buttons.
   * @template {"form" | "pixels" | "dims" | "reconstruction" | "kl" | "variance"} K
   * @param {string} label @param {K} name @param {[Loss[K], string][]} options
   * @returns {HTMLElement[]}
   */
  choice(label, name, options) {
    const made = makeChoice({
      label: name === "kl" ? "KL over images" : label,
      options,
      value: this.loss[name],
      onpick: (value) => {
        this.hand.takes();
        this.move(/** @type {Partial<Loss>} */ ({ [name]: value }));
        this.release();
      },
    });
    this.follow.push(() => made.set(this.loss[name]));
    return [h("dt", {}, label), h("dd", {}, made.element)];
  }

  listen() {
    const { canvas } = this.chart;
    canvas.setAttribute("role", "application"); // it has keys
    const to = (/** @type {number} */ power) => {
      this.hand.takes();
      this.move({ weight: weightFor(this.loss, this.sizes(), 10 ** within(power, -SPAN, SPAN)) });
    };
    draggable(canvas, {
      at: (event) => {
        const { left, right } = this.chart.box;
        const x = event.clientX - canvas.getBoundingClientRect().left;
        return [((x - left) / (right - left)) * 2 * SPAN - SPAN, 0];
      },
      move: ([power]) => to(power),
      nudge: ({ x }) => to(this.power() + 0.1 * x),
      end: () => this.release(),
      save: () => this.loss.weight,
      restore: (weight) => this.move({ weight }),
    });
  }

  /** @param {Partial<Loss>} change */
  move(change) {
    this.hand.takes();
    this.loss = { ...this.loss, ...change };
    this.show();
  }

  release() {
    const { weight, variance } = this.loss;
    this.hand.lets({ loss: lettersOf(this.loss), weight: figures(weight, 6), variance });
  }

  /** The loss that the question is about. @returns {Loss} */
  averaged() {
    return { ...lossOf("", 1, this.loss.variance), pixels: "mean" };
  }

  sizes() {
    const { pixels, dims, batch, images } = this.data;
    return { pixels, dims, batch, images };
  }

  power() {
    return Math.log10(betaOf(this.loss, this.sizes()));
  }

  // ---- what is said

  show() {
    for (const follow of this.follow) follow();
    this.host.redraw();
    const { words } = this;
    const beta = betaOf(this.loss, this.sizes());
    const { reconstruction, kl } = factorsOf(this.loss, this.sizes());
    const product = (/** @type {[string, number][]} */ factors) => factors.map(([name]) => name).join(" · ") || "1";
    this.above.element.textContent = product(kl);
    this.below.element.textContent = product(reconstruction);
    words.beta.textContent = `β = ${said(beta)}`;
    words.sentence.textContent = meaning(beta);
    const nearest = this.nearest(beta);
    words.model.textContent = `The nearest model trained here: β = ${shortest(nearest.beta)}`;
    words.beyond.textContent = this.distance(beta, nearest);
    words.beyond.hidden = !words.beyond.textContent;
    this.code.textContent = codeOf(this.loss).join("\n");
    this.root.dataset.run = nearest.run;
  }

  /** @param {number} beta @returns {HiddenBetaModel} nearest by ratio; β = 0 stands for what is far below all others */
  nearest(beta) {
    const { models } = this.data;
    const paid = models.filter((model) => model.beta > 0);
    const least = Math.min(...paid.map((model) => model.beta));
    const none = models.find((model) => model.beta === 0);
    if (none && beta < least / (2 * FAR)) return none;
    const away = (/** @type {HiddenBetaModel} */ model) => Math.abs(Math.log(model.beta / beta));
    return paid.reduce((best, model) => (away(model) < away(best) ? model : best));
  }

  /** @param {number} beta @param {HiddenBetaModel} nearest */
  distance(beta, nearest) {
    const parts = [];
    if (nearest.beta > 0 && beta > FAR * nearest.beta)
      parts.push(
        `β = ${said(beta)} is far beyond the largest that was trained here: still less would be left of the code.`,
      );
    if (this.loss.form === "squared") parts.push("These models were trained with the likelihood that their name says.");
    return parts.join(" ");
  }

  // ---- drawing

  draw() {
    if (!this.data) return;
    this.question.refresh();
    this.paint();
    this.drawChart();
  }

  paint() {
    const { run } = this.nearest(betaOf(this.loss, this.sizes()));
    const arrays = this.pictures.get(run);
    if (!arrays || this.painted === run) return;
    this.painted = run;
    paintSheet(this.sheets.originals, tensorOf(arrays, "images", Uint8Array));
    paintSheet(this.sheets.reconstructions, tensorOf(arrays, "reconstructions", Uint8Array));
    this.sheets.reconstructions.dataset.run = run;
  }

  drawChart() {
    const { chart, data } = this;
    const paid = data.models.filter((model) => model.beta > 0);
    const powers = paid.map((model) => Math.log10(model.beta));
    chart.y.max = 1.12 * Math.max(...paid.map((model) => Math.max(model.rate, model.distortion)));
    const [left, right] = [...this.root.querySelectorAll(".part")].map((part) => part.getBoundingClientRect().height);
    const slack = Math.max(0, left - right); // the chart's own column is the shorter one
    chart.height = Math.min(320, Math.max(130, roomFor(this.root, [chart.element]) + slack));
    const context = chart.begin();
    const colour = (/** @type {string} */ name) => colourOf(this.root, name);
    /** @type {["distortion" | "rate", string][]} */
    const terms = [
      ["distortion", "--reconstruction"],
      ["rate", "--kl"],
    ];
    for (const [term, name] of terms) {
      const values = paid.map((model) => model[term]);
      chart.line(powers, values, colour(name), { width: 3 });
      context.fillStyle = colour(name);
      values.forEach((value, i) => {
        context.beginPath();
        context.arc(chart.px(powers[i]), chart.py(value), 4, 0, 2 * Math.PI);
        context.fill();
      });
      context.font = `600 ${chart.text}px ${chart.font}`;
      context.fillStyle = colour("--ink");
      context.textAlign = "left";
      context.textBaseline = "middle";
      const low = chart.box.bottom - 0.7 * chart.text;
      const high = Math.min(low, chart.py(values[values.length - 1]));
      context.fillText(term, chart.px(powers[powers.length - 1]) + 12, high);
    }
    const x = chart.px(within(this.power(), -SPAN, SPAN));
    context.strokeStyle = colour("--ink");
    context.lineWidth = 2;
    context.beginPath();
    context.moveTo(x, chart.box.top);
    context.lineTo(x, chart.box.bottom);
    context.stroke();
    context.fillStyle = colour("--accent");
    context.beginPath();
    context.arc(x, chart.box.top + 8, 8, 0, 2 * Math.PI);
    context.fill();
    chart.end();
  }
}

/** What such a β asks for. @param {number} beta */
function meaning(beta) {
  if (Math.abs(beta - 1) < 1e-6) return "β = 1: minus the ELBO, up to a constant factor.";
  if (beta > 1) return `Each nat of code costs as much as ${said(beta)} nats of reconstruction: dimensions collapse.`;
  return `A nat of code costs only ${said(beta)} nats of reconstruction: close to an autoencoder, with holes in its plane.`;
}

export default view(HiddenBeta);
