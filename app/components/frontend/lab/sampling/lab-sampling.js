// "Why sample from Q": log P(X) estimated from K weights, K = 1 … 5,000, with z from the prior and with z from Q. The
// weights come from the server; every sum over them is made here.

import { colourOf } from "../../kit/colours.js";
import { makeButton, makeSlider } from "../../kit/controls.js";
import { find, h, isCalm, later } from "../../kit/dom.js";
import { draggable } from "../../kit/drag.js";
import { Hand } from "../../kit/hand.js";
import { count, decimal } from "../../kit/numbers.js";
import { Question } from "../../kit/question.js";
import { roomOf } from "../../kit/room.js";
import { view } from "../../kit/view.js";
import { Chart } from "../../paint/chart.js";
import { formula, live, m, mfrac, mi, mn, mo, mrow, msub, signs } from "../../paint/formula.js";
import { paintRow } from "../../paint/picture.js";
import { tensorOf } from "../../net/safetensors.js";
import { LAB_GREY, LabImages, labPicture } from "../lab-images.js";
import { boundOf, runningEstimates } from "./estimates.js";

/**
 * @import { Host } from "../../kit/view.js"
 * @import { Arrays } from "../../types.d.ts"
 * @import { SamplingData } from "./types.d.ts"
 */

/** @typedef {{ image: number, seed: number, k: number | null }} Stands what is kept of it */

const SAMPLING_SECONDS = 7; // from K = 1 to the last
const SAMPLING_FLOOR = 260; // nats below log P(X) that the chart reaches at most

/** The weights' formula with its running value, and what the samples are worth. */
class SamplingSource {
  /** @type {Float32Array} */
  logWeights = new Float32Array(0);
  curve = runningEstimates([]);
  /** @type {{ element: HTMLElement, canvas: HTMLCanvasElement, bar: HTMLElement, number: HTMLElement }[]} */
  cells = [];

  /**
   * @param {"prior" | "q"} name @param {string} title @param {string} term @param {(Node | string)[]} weight
   * @param {string} drawn
   */
  constructor(name, title, term, weight, drawn) {
    this.name = name;
    this.estimate = live(term, { unit: "nats", testid: `estimate-${name}` });

    this.worth = h("b", { "data-testid": `ess-${name}` });
    this.of = h("span", {});
    this.meter = h("i", { class: `fill ${term}` });
    this.element = h(
      "div",
      { class: `source of-${name}` },
      formula(
        mi("log"),
        m("mspace", { width: "0.17em" }),
        mfrac(mn("1"), mi("K")),
        m("munderover", {}, mo("∑"), mrow(mi("k"), mo("="), mn("1")), mi("K")),
        ...weight,
        mo("="),
        this.estimate.element,
      ),
      h("p", { class: "worth" }, drawn, " worth ", this.worth, this.of, h("span", { class: "meter" }, this.meter)),
    );
    this.grid = h("div", { class: "cells" });
    this.heaviest = h("span", { class: "note" });
    this.strip = h(
      "div",
      { class: `strip of-${name}` },
      h("div", { class: "about" }, h("b", { class: term }, title), this.heaviest),
      this.grid,
    );
  }

  /** @param {Arrays} blob */
  update(blob) {
    const logWeights = tensorOf(blob, `${this.name}_log_weight`, Float32Array).data;
    const pictures = tensorOf(blob, `${this.name}_pictures`, Uint8Array);
    const likelihood = Array.from(tensorOf(blob, `${this.name}_log_likelihood`, Float32Array).data);
    this.logWeights = logWeights;
    this.curve = runningEstimates(logWeights);
    if (this.cells.length !== likelihood.length) {
      this.cells = likelihood.map((_, i) => {
        const canvas = labPicture(`Sample ${i + 1}`, `${this.name}-picture`);
        const bar = h("i", {});
        const number = h("span", { class: "number" });
        const element = h("div", { class: "cell" }, canvas, h("span", { class: "weight" }, bar), number);
        return { element, canvas, bar, number };
      });
      this.grid.replaceChildren(...this.cells.map((cell) => cell.element));
    }
    this.cells.forEach((cell, i) => {
      paintRow(cell.canvas, pictures, i);
      cell.number.textContent = decimal(likelihood[i], 0);
    });
  }

  /**
   * After k samples.
   * @param {number} k
   */
  draw(k) {
    const ess = this.curve.ess[k - 1];
    this.estimate.set(this.curve.estimate[k - 1]);
    this.worth.textContent = ess < 100 ? decimal(ess, 1) : count(Math.round(ess));
    this.of.textContent = ` of ${count(k)} sample${k === 1 ? "" : "s"}`;
    this.meter.style.width = `${(100 * ess) / k}%`;
    const seen = Math.min(k, this.cells.length);
    const shown = this.logWeights.subarray(0, seen);
    const most = shown.reduce((a, b) => Math.max(a, b), -Infinity);
    const sum = shown.reduce((total, w) => total + Math.exp(w - most), 0);
    this.heaviest.textContent = `the heaviest has ${decimal(100 / sum, 0)} % of the weight of ${seen === 1 ? "this one" : `these ${seen}`}`;
    this.cells.forEach(({ element, bar }, i) => {
      element.classList.toggle("later", i >= seen);
      bar.style.width = i < seen ? `${100 * Math.exp(this.logWeights[i] - most)}%` : "0";
    });
  }
}

const NARROW = 880; // CSS px, as in the style sheet: below it nothing stands beside the chart but the image
const LOWEST = 200; // CSS px of the chart there
const LADDER = [1, 10, 100, 5000]; // K of the bounds that are shown as bars

/** Where samples come from: the prior, and Q. */
function makeSources() {
  const zk = () => msub(mi("z"), mi("k"));
  const likelihood = () => [...signs("", "P", "(", "X", "|"), zk(), ...signs("", ")")];
  const ratio = mfrac(
    mrow(...likelihood(), ...signs("", "P", "("), zk(), ...signs("", ")")),
    mrow(...signs("", "Q", "("), zk(), ...signs("", "|", "X", ")")),
  );
  return {
    prior: new SamplingSource("prior", "z from the prior", "from-prior", likelihood(), "z from the prior P(z):"),
    q: new SamplingSource("q", "z from Q", "elbo", [ratio], "z from Q(z|X):"),
  };
}

/** The bounds as bars, from the ELBO up. */
function makeLadder() {
  const rungs = LADDER.map((k) => {
    const [value, bar] = [h("output", { "data-testid": `bound-${k}` }), h("i", {})];
    const name = k === 1 ? h("b", {}, "ELBO") : h("b", {}, "L", h("sub", {}, count(k)));
    return { k, value, bar, element: h("div", { class: "rung" }, name, h("span", { class: "meter" }, bar), value) };
  });
  const ladder = h(
    "div",
    {
      class: "ladder",
      role: "group",
      "aria-label": "Bounds by samples of Q, nats",
      hidden: true,
      "data-answer": true,
    },
    h(
      "span",
      { class: "note", title: "Each the mean over groups of K of the samples below" },
      "by samples of Q, nats:",
    ),
    ...rungs.map(({ element }) => element),
  );
  return { rungs, ladder };
}

class SamplingView {
  /** @type {SamplingData} */
  data = later();
  k = 1;
  end = 1; // log₁₀ of all samples
  /** @type {number[]} the samples at which a curve has points */
  marks = [];
  /** @type {number | null} the frame to come while it plays */
  playing = null;
  wanted = "";
  near = false; // whether the chart shows the last nats alone
  stop = () => {};

  /** @param {HTMLElement} root @param {Host} host */
  constructor(root, host) {
    this.root = root;
    this.host = host;
    this.hand = new Hand((/** @type {Stands} */ view) => host.keep("view", view));
    this.images = new LabImages(host, (image) => this.tell({ image }));
    this.chart = this.makeChart();
    this.sources = makeSources();
    this.original = labPicture("The image X", "sampling-image");
    this.play = this.makePlay();
    this.zoom = makeButton("Last nats", () => this.lookNear(!this.near), {
      title: "From the ELBO to log P(X): what samples from Q win",
      "aria-pressed": "false",
    });
    const { rungs, ladder } = makeLadder();
    this.rungs = rungs;
    this.ladder = ladder;
    this.reference = h("output", { "data-testid": "reference" });
    this.about = h("span", {});
    this.slider = makeSlider({
      label: "K samples",
      min: 0,
      max: 1,
      step: 0.01,
      value: 0,
      format: (value) => count(Math.round(10 ** value)),
      oninput: (value) => this.drag(10 ** value),
      onrelease: () => this.release(),
    });
    this.warning = h("p", { class: "note", hidden: true }, LAB_GREY);
    this.stage = h(
      "div",
      { class: "stage" },
      h("figure", {}, this.original, h("figcaption", {}, "image X")),
      h("div", { "data-answer": true }, this.chart.element),
      h(
        "div",
        { class: "side", "data-answer": true },
        this.sources.prior.element,
        this.sources.q.element,
        h("p", { class: "truth" }, this.about, this.reference),
      ),
    );
    this.question = this.makeQuestion();
    root.append(this.question.element, this.arrange());
  }

  makeChart() {
    const chart = new Chart({
      x: { min: 0, max: 1, label: "K, number of samples so far" },
      y: { min: -1, max: 0, label: "log P(X), nats" },
      label: "The running estimates of log P(X) over the number of samples, from the prior and from Q",
    });
    chart.canvas.dataset.testid = "sampling-chart";
    draggable(chart.canvas, {
      at: (event) => chart.at(event),
      move: ([x]) => this.drag(10 ** x),
      end: () => this.release(),
      save: () => this.k,
      restore: (k) => this.to(k),
    });
    return chart;
  }

  makePlay() {
    return makeButton(
      "Pause",
      () => {
        if (this.playing === null) this.start();
        else {
          this.halt();
          this.hand.says(this.stands());
          this.host.redraw();
        }
      },
      { "data-testid": "play" },
    );
  }

  makeQuestion() {
    return new Question(this.root, {
      name: "sampling",
      asks: () =>
        this.data ? "One code z is drawn from the prior. How far below log P(X) of the image is its log P(X|z)?" : null,
      range: () => [0, 300],
      truth: () => (this.data.reference === null ? null : this.data.reference - this.sources.prior.curve.estimate[0]),
      look: () => {
        this.drag(1);
        this.release();
      },
      because: () =>
        "Most codes of the prior do not explain the image at all. Drag K to see how many it takes, and how few from Q.",
    });
  }

  /** All parts of the page in their places. */
  arrange() {
    return h(
      "div",
      { class: "sampling" },
      h(
        "div",
        { class: "top" },
        this.images.element,
        h(
          "p",
          { class: "note" },
          "Averaged over many runs, an estimate lies below log P(X) and rises with K: from the prior it waits for the rare z that explains X.",
        ),
      ),
      this.stage,
      h(
        "div",
        { class: "control" },
        this.play,
        this.slider.element,
        this.zoom,
        makeButton("New samples", () => this.tell({ seed: (this.data.seed + 1) % 1000000 })),
      ),
      this.ladder,
      this.sources.prior.strip,
      this.sources.q.strip,
      h(
        "p",
        { class: "note" },
        "The first 24 pictures of each kind; below each its weight, against the heaviest of its row, and log P(X|z) in nats.",
      ),
      this.warning,
    );
  }

  /** @param {Partial<Stands>} more what has changed */
  tell(more) {
    this.hand.says({ ...this.stands(), ...more });
  }

  /** @param {SamplingData} data */
  update(data) {
    this.images.update(data.image, data.labels);
    const { image, seed, k } = data;
    const led = this.hand.hears({ image, seed, k });
    if (led && k && this.data) this.to(k);
    if (this.wanted === data.blob) return;
    this.wanted = data.blob;
    this.stop();
    this.stop = this.host.blobs([data.blob], (blob) => this.receive(data, blob));
  }

  /** @param {SamplingData} data @param {Arrays} blob */
  receive(data, blob) {
    const first = !this.data;
    this.data = data;
    for (const source of Object.values(this.sources)) source.update(blob);
    paintRow(this.original, tensorOf(blob, "pixels", Uint8Array), 0);
    this.warning.hidden = data.isLogLikelihood;
    this.scale();
    this.climb();
    if (!first) this.host.redraw();
    else if (data.k) this.set(data.k);
    else if (isCalm()) this.set(data.samples);
    else this.start();
    if (data.refine) this.host.askAfterPaint("refine", data.refine);
  }

  /** @param {boolean} near */
  lookNear(near) {
    this.near = near;
    this.zoom.setAttribute("aria-pressed", String(near));
    if (!this.data) return;
    this.scale();
    this.host.redraw();
  }

  /** ELBO, L_10, … as bars, of which the ELBO's is the shortest and log P(X) would fill its own. */
  climb() {
    const { logWeights } = this.sources.q;
    const here = this.rungs.filter(({ k }) => k <= logWeights.length);
    this.ladder.hidden = here.length < this.rungs.length; // the others are still drawn
    if (this.ladder.hidden) return;
    const bounds = this.rungs.map(({ k }) => boundOf(logWeights, k));
    const top = Math.max(this.data.reference ?? -Infinity, ...bounds);
    const span = Math.max(1e-6, top - bounds[0]) / 0.85;
    this.rungs.forEach(({ value, bar }, i) => {
      value.textContent = decimal(bounds[i]);
      bar.style.width = `${100 * (1 - (top - bounds[i]) / span)}%`;
    });
  }

  /** The chart's reach: from log P(X) down to where both estimates begin, but no further than SAMPLING_FLOOR. */
  scale() {
    const { samples, reference } = this.data;
    const curves = Object.values(this.sources).map((source) => source.curve.estimate);
    const high = Math.max(reference ?? -Infinity, ...curves.map((curve) => curve.at(-1) ?? -Infinity));
    const far = Math.max(high - SAMPLING_FLOOR, Math.min(...curves.map((curve) => Math.min(...curve))));
    const low = this.near ? boundOf(this.sources.q.logWeights, 1) : far;
    const reach = Math.max(this.near ? 0.1 : 2, high - low);
    [this.chart.y.min, this.chart.y.max] = [high - 1.06 * reach, high + 0.1 * reach];
    this.end = Math.log10(samples);
    this.chart.x.ticks = [0, 1, 2, 3].filter((tick) => tick < this.end - 0.1).concat(this.end);
    this.chart.x.format = (tick) => count(Math.round(10 ** tick));
    this.slider.input.max = String(this.end);
    // So many points of a curve are enough: even on the logarithmic axis.
    this.marks = [...new Set(Array.from({ length: 500 }, (_, i) => Math.round(samples ** (i / 499))))];
  }

  /** @param {number} k */
  set(k) {
    this.k = Math.min(this.data.samples, Math.max(1, Math.round(k)));
    this.host.redraw();
  }

  /**
   * Moved by hand.
   * @param {number} k
   */
  drag(k) {
    if (!this.data) return; // there is nothing yet that it could be moved along
    this.hand.takes();
    this.to(k);
  }

  release() {
    if (this.data) this.hand.lets(this.stands());
  }

  /** @param {number} k */
  to(k) {
    this.halt();
    this.set(k);
  }

  start() {
    if (this.k >= this.data.samples) this.set(1);
    const from = Math.log(this.k) / Math.log(this.data.samples);
    /** @type {number | null} */
    let begun = null;
    const step = (/** @type {number} */ now) => {
      begun ??= now;
      const at = Math.min(1, from + (now - begun) / 1000 / SAMPLING_SECONDS);
      this.set(this.data.samples ** at);
      this.playing = at < 1 ? requestAnimationFrame(step) : null;
      if (at === 1) this.host.redraw();
    };
    this.playing = requestAnimationFrame(step);
  }

  halt() {
    if (this.playing !== null) cancelAnimationFrame(this.playing);
    this.playing = null;
  }

  /** @returns {Stands} */
  stands() {
    return { image: this.data.image, seed: this.data.seed, k: this.k };
  }

  draw() {
    if (!this.data) return;
    const { data } = this;
    this.question.refresh();
    const k = Math.min(this.k, ...Object.values(this.sources).map((source) => source.logWeights.length)); // of those that are here
    this.slider.set(Math.log10(k)); // in the same frame as all that it stands for
    this.play.textContent = this.playing === null ? (k >= data.samples ? "Play again" : "Play") : "Pause";
    for (const source of Object.values(this.sources)) source.draw(k);
    this.about.textContent =
      data.reference === null
        ? ""
        : data.referenceSamples
          ? `best bound, ${count(data.referenceSamples)} other z from Q: `
          : "log P(X), integrated over z: ";
    this.reference.textContent = data.reference === null ? "…" : `${decimal(data.reference)} nats`;
    this.fit();
    this.drawChart(k);
  }

  /** The chart takes the height that the window leaves. */
  fit() {
    const { root, chart } = this;
    const heights = Array.from(find(root, ".sampling").children, (element) =>
      element instanceof HTMLElement && element !== this.stage && !element.hidden ? element.offsetHeight + 8 : 0,
    );
    const used = heights.reduce((sum, height) => sum + height, 0);
    const beside = root.clientWidth >= NARROW ? find(this.stage, ".side").offsetHeight : LOWEST;
    chart.height = Math.min(620, Math.max(beside, roomOf(root) - this.question.height - used));
    // Room for half of the last tick's name.
    const text = 0.9 * parseFloat(getComputedStyle(chart.element).fontSize);
    chart.x.max = this.end * (1 + (1.3 * text) / Math.max(80, chart.element.clientWidth - 6 * text));
  }

  /** The running estimates up to `k`. @param {number} k */
  drawChart(k) {
    const { data, root, chart } = this;
    const [posterior, violet, prior] = ["--posterior", "--elbo", "--from-prior"].map((name) => colourOf(root, name));
    const context = chart.begin();
    if (data.reference !== null) {
      chart.line([0, chart.x.max], [data.reference, data.reference], posterior, { width: 2.5, dash: [8, 5] });
    }
    for (const { source, colour } of [
      { source: this.sources.prior, colour: prior },
      { source: this.sources.q, colour: violet },
    ]) {
      const { estimate } = source.curve;
      const reached = this.marks.filter((mark) => mark <= k);
      chart.line(
        reached.map(Math.log10),
        reached.map((mark) => estimate[mark - 1]),
        colour,
        { width: 3.5 },
      );
      chart.dot(Math.log10(k), estimate[k - 1], colour, 6);
    }
    context.strokeStyle = chart.colours.ink;
    context.lineWidth = 1;
    chart.stroke([
      [chart.px(Math.log10(k)), chart.box.top],
      [chart.px(Math.log10(k)), chart.box.bottom],
    ]);
    const names = [
      ["z from Q", violet],
      ["z from the prior", prior],
      [data.referenceSamples ? "best bound" : "log P(X)", posterior],
    ];
    const roomy = chart.box.right - chart.box.left > 30 * chart.text; // the formulas and the rows have the same colours
    (roomy ? names : []).forEach(([name, colour], i) => {
      const y = chart.box.bottom - (3 - i - 0.4) * 1.45 * chart.text;
      context.strokeStyle = colour;
      context.lineWidth = 3.5;
      const x = chart.box.right - 13 * chart.text;
      chart.stroke([
        [x, y],
        [x + 1.6 * chart.text, y],
      ]);
      chart.write(name, x + 2 * chart.text, y);
    });
    chart.end();
  }

  destroy() {
    this.halt();
  }
}

export default view(SamplingView);
