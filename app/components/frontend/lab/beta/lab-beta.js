// What β does: the models of a sweep, each with its network in the page. Every picture is decoded once, in idle slices, so
// that moving β only puts ready pictures on the screen. Numbers are those of trained models; between two of them the
// pictures cross-fade, and there are no numbers.

import { colourOf } from "../../kit/colours.js";
import { makeButton, makeSlider } from "../../kit/controls.js";
import { h, later } from "../../kit/dom.js";
import { Hand } from "../../kit/hand.js";
import { rowsByLabel } from "../../kit/images.js";
import { adding, decimal, shortest, weighed, within } from "../../kit/numbers.js";
import { normals } from "../../kit/random.js";
import { Question } from "../../kit/question.js";
import { everySo, ticks } from "../../kit/ticks.js";
import { view } from "../../kit/view.js";
import { compile } from "../../net/engine.js";
import { Chart } from "../../paint/chart.js";
import { formula, live, mo, mtext } from "../../paint/formula.js";
import { tensorOf } from "../../net/safetensors.js";
import { paintSheet, penOf, resizeCanvas, Sheet } from "../../paint/picture.js";
import { betaText, sweepSlider } from "../lab-sweep.js";

/**
 * @import { Host } from "../../kit/view.js"
 * @import { Arrays, Network } from "../../types.d.ts"
 * @import { BetaData, BetaModel } from "./types.d.ts"
 */

/** @typedef {"reconstructions" | "samples" | "plane"} Kind */
/** @typedef {{ beta: number, set: number, seed: number, plane: boolean, noise: number }} Stands what is kept of it */

/**
 * @typedef {object} Opened a model of the sweep and what is here of it
 * @property {BetaModel} facts
 * @property {Network | null} net
 * @property {Arrays | null} codes
 * @property {number} reach how far from 0 its plane is shown
 * @property {Partial<Record<Kind, Decoded>>} sheets
 * @property {number} set which images and codes its sheets are of; −1: none yet
 * @property {number} seed
 */

const SAMPLE_ROWS = 4;
const GAP = 2; // pixels of the picture's own raster between two pictures
const CELLS = 25; // pictures on a side of the decoded plane
const SLICE = 7; // ms of decoding before the page gets its turn
const HOLD = 0.3; // of the way to the next stop, a trained model is shown as it is
const BARS = 10; // eigenvalues
/** @type {[low: number, high: number]} of σ */
const NOISE = [0.1, 2];

/** @param {number} at @returns {[low: number, mix: number]} */
const mixOf = (at) => {
  const low = Math.floor(at);
  const mix = within((at - low - HOLD) / (1 - 2 * HOLD), 0, 1);
  return mix === 1 ? [low + 1, 0] : [low, mix];
};

/** Pictures of one kind of one model, on a canvas of their own; `step()` decodes one more and says whether it did. */
class Decoded extends Sheet {
  /** @param {Network} net @param {Float32Array} codes (N, D) @param {number} columns @param {number} gap */
  constructor(net, codes, columns, gap) {
    super(net.shape, codes.length / net.D, { columns, gap });
    this.net = net;
    this.codes = codes;
    this.done = 0;
  }

  step() {
    if (this.done === this.count) return false;
    const { net, done } = this;
    this.put(net.decode(this.codes.subarray(done * net.D, (done + 1) * net.D)), done);
    this.show(done);
    this.done += 1;
    return true;
  }
}

class BetaView {
  /** @type {BetaData} */
  data = later();
  key = ""; // which models
  at = 0; // where in the sweep, a whole number at a model
  set = 0;
  seed = 0;
  showsPlane = false;
  D = 0;
  /** @type {Opened[]} */
  models = [];
  /** @type {number[]} the dimensions, as they are shown */
  order = [];
  /** @type {number[]} the images that are shown */
  rows = [];
  /** @type {Arrays | null} */
  images = null;
  /** @type {number[] | null} */
  eigenvalues = null;
  klTop = 1; // nats
  noise = 0.5; // σ of the decoder of a linear VAE
  /** @type {ReturnType<typeof makeSlider>} */
  noiseSlider = later();
  legendFor = "";
  scheduled = false;
  /** @type {(() => void)[]} */
  stops = [];
  /** @type {ReturnType<typeof sweepSlider>} */
  slider = later();
  /** @type {Record<"objective" | "elbo", ReturnType<typeof live>[]>} */
  numbers = later();
  /** @type {Record<"originals" | "reconstructions" | "samples", HTMLCanvasElement>} */
  canvases = later();
  /** @type {Record<"plane" | "kl" | "pca", Chart>} */
  charts = later();
  /** @type {Record<"active" | "legend" | "toggle", HTMLElement>} */
  parts = later();

  /** @param {HTMLElement} root @param {Host} host */
  constructor(root, host) {
    this.root = root;
    this.host = host;
    this.turn = new MessageChannel();
    this.turn.port1.onmessage = () => this.slice();
    this.hand = new Hand((/** @type {Stands} */ view) => host.keep("view", view));
    const last = () => this.data.models[this.data.models.length - 1];
    const one = () => this.data.models[this.placeOf(1)];
    this.question = new Question(root, {
      name: "beta",
      asks: () =>
        last().beta > one().beta
          ? `At β = ${betaText(one().beta)} the KL is ${decimal(one().kl, 1)} nats. How much of it is left at β = ${betaText(last().beta)}?`
          : null,
      range: () => [0, Math.ceil(one().kl)],
      truth: () => last().kl,
      look: () => this.slider.go(this.models.length - 1),
      because: () => `Each nat of code must save ${betaText(last().beta)} nats of reconstruction now, and most do not.`,
    });
  }

  /** @param {BetaData} data */
  update(data) {
    this.data = data;
    const { beta, set, seed, plane, noise } = data;
    const models = data.models.map((model) => model.decoder).join();
    const other = models !== this.key;
    if (other) this.hand.forget();
    const led = this.hand.hears({ beta, set, seed, plane, noise });
    if (other) {
      this.key = models;
      this.begin(data);
    } else if (led) this.adopt(data);
  }

  destroy() {
    this.turn.port1.close();
    if (this.models.length) this.slider.stop();
  }

  /** @param {BetaData} data */
  begin(data) {
    if (this.models.length) this.slider.stop();
    for (const stop of this.stops) stop();
    this.set = data.set;
    this.seed = data.seed;
    this.showsPlane = data.plane;
    this.noise = within(data.noise, ...NOISE);
    this.images = this.eigenvalues = null;
    this.models = data.models.map((facts) => ({
      facts,
      net: null,
      codes: null,
      reach: 4,
      sheets: {},
      set: -1,
      seed: -1,
    }));
    this.D = data.models[0].latentDim;
    this.at = this.placeOf(data.beta);
    this.order = this.fixedOrder();
    this.build();
    this.stops = [
      this.host.blobs([data.images], (blob) => {
        this.images = blob;
        this.plan();
      }),
      this.host.blobs([data.eigenvalues], (blob) => {
        this.eigenvalues = Array.from(tensorOf(blob, "values", Float32Array).data);
        this.host.redraw();
      }),
      ...this.models.map((model) =>
        this.host.blobs([model.facts.decoder, model.facts.encoded], (decoder, encoded) => {
          try {
            model.net = compile(JSON.parse(decoder.metadata.manifest), decoder.tensors);
          } catch (error) {
            this.slider.state.textContent = error instanceof Error ? error.message : String(error);
            return;
          }
          model.codes = encoded;
          model.reach = reachOf(tensorOf(encoded, "means", Float32Array).data);
          this.shareReach();
          this.plan();
        }),
      ),
    ];
  }

  /** @param {number} beta */
  placeOf(beta) {
    return Math.max(
      0,
      this.data.models.findIndex((model) => model.beta === beta),
    );
  }

  /**
   * Another place in the same sweep.
   * @param {Stands} stands
   */
  adopt({ beta, set, seed, plane, noise }) {
    this.slider.stop();
    this.at = this.placeOf(beta);
    this.slider.set(this.at);
    Object.assign(this, { set, seed, noise: within(noise, ...NOISE) });
    this.noiseSlider.set(this.noise);
    this.showPlane(plane);
  }

  /** The dimension that lives in the most models first, then the one with the largest KL where β is 1 or next to it. */
  fixedOrder() {
    const { models } = this.data;
    const reference = models.reduce((best, model) =>
      Math.abs(model.beta - 1) < Math.abs(best.beta - 1) ? model : best,
    );
    const lives = (/** @type {number} */ dim) =>
      models.filter((model) => model.klPerDim[dim] >= this.data.threshold).length;
    const dims = Array.from({ length: this.D }, (_, dim) => dim);
    return dims.sort((a, b) => lives(b) - lives(a) || reference.klPerDim[b] - reference.klPerDim[a]);
  }

  build() {
    const { models } = this.data;
    this.slider = sweepSlider({
      betas: models.map((model) => model.beta),
      index: this.at,
      onmove: (at) => {
        this.hand.takes();
        this.at = at;
        this.host.redraw();
      },
      onrelease: () => this.hand.lets(this.stands()),
    });
    const formulas = this.makeFormulas();
    const pictures = this.makePictures();
    const { plane, planeChart, legend, toggle } = this.makePlane();
    this.klTop = this.klScale();
    const { bars, klChart, pcaChart, active } = this.makeBars();
    this.charts = { plane: planeChart, kl: klChart, pca: pcaChart };
    this.parts = { active, legend, toggle };
    this.root.replaceChildren(
      this.question.element,
      h(
        "div",
        { class: "lab-beta" },
        h("div", { class: "top" }, this.slider.element, formulas),
        h("div", { class: "three" }, pictures, plane, bars),
      ),
    );
    this.legendFor = "";
  }

  /** What was trained and the ELBO, as sums. */
  makeFormulas() {
    const figure = (/** @type {string} */ term) => live(term, { digits: 1 });
    this.numbers = {
      objective: [figure("reconstruction"), live(), figure("kl"), figure("")],
      elbo: [figure("reconstruction"), figure("kl"), figure("elbo")],
    };
    const [or, ob, ok, oo] = this.numbers.objective.map((number) => number.element);
    const [er, ek, ee] = this.numbers.elbo.map((number) => number.element);
    er.dataset.testid = "reconstruction";
    ek.dataset.testid = "kl";
    ee.dataset.testid = "elbo";
    oo.dataset.testid = "objective";
    const name = mtext;
    const trained = formula(
      name("objective"),
      mo("="),
      name("reconstruction", "reconstruction"),
      mo("−"),
      mtext("β"),
      mo("·"),
      name("KL", "kl"),
      mo("="),
      or,
      mo("−"),
      ob,
      mo("·"),
      ok,
      mo("="),
      oo,
    );
    const elbo = formula(
      name("ELBO", "elbo"),
      mo("="),
      name("reconstruction", "reconstruction"),
      mo("−"),
      name("KL", "kl"),
      mo("="),
      er,
      mo("−"),
      ek,
      mo("="),
      ee,
      mtext("\u2002nats per image", "prior"),
    );
    return h("div", { class: "formulas" }, trained, elbo);
  }

  /** Test images, their reconstructions and samples. */
  makePictures() {
    const picture = (/** @type {string} */ label, /** @type {string} */ testid) =>
      h("canvas", { class: "sheet", role: "img", "aria-label": label, "data-testid": testid });
    const originals = picture("Test images, one of each label", "originals");
    const reconstructions = picture("Their reconstructions", "reconstructions");
    const samples = picture("Pictures decoded from codes drawn from the prior", "samples");
    this.canvases = { originals, reconstructions, samples };
    return h(
      "section",
      {},
      h(
        "header",
        {},
        h("h4", {}, "Test images"),
        makeButton("Other images", () => this.otherImages()),
      ),
      originals,
      h("header", {}, h("h4", {}, "Reconstructions"), h("span", { class: "prior" }, "decoded from the mean of Q(z|X)")),
      reconstructions,
      h(
        "header",
        {},
        h("h4", {}, "Samples from the prior"),
        makeButton("Other codes", () => this.otherCodes()),
      ),
      samples,
    );
  }

  /** Where images are encoded. */
  makePlane() {
    const planeChart = new Chart({
      x: { min: -4, max: 4, label: "z1" },
      y: { min: -4, max: 4, label: "z2" },
      square: true,
      label: "Where test images are encoded, coloured by label, with circles of the prior",
    });
    const toggle = makeButton("Decoded plane", () => this.togglePlane(), {
      "aria-pressed": String(this.showsPlane),
    });
    toggle.hidden = this.D !== 2;
    const legend = h("div", { class: "legend" });
    const plane = h(
      "section",
      {},
      h("header", {}, h("h4", {}, "Where images are encoded"), toggle),
      planeChart.element,
      legend,
    );
    return { plane, planeChart, legend, toggle };
  }

  /** KL per dimension, above the variance in the data. */
  makeBars() {
    const klChart = new Chart({
      x: {
        min: -0.5,
        max: this.D - 0.5,
        label: "latent dimension",
        ticks: everySo(this.D),
        format: (i) => `z${this.order[i] + 1}`,
      },
      y: { min: 0, max: this.klTop, label: "KL, nats" },
      label: "KL per dimension",
    });
    klChart.canvas.dataset.testid = "kl-bars";
    const active = h("span", { class: "prior", "data-testid": "active" });
    const pcaChart = new Chart({
      x: {
        min: -0.5,
        max: BARS - 0.5,
        label: "principal component of the images",
        ticks: everySo(BARS),
        format: (i) => String(i + 1),
      },
      y: { min: 0, max: 6, label: "variance" },
      label: "Variance of the data along its principal components",
    });
    this.noiseSlider = makeSlider({
      label: "σ",
      min: NOISE[0],
      max: NOISE[1],
      step: 0.05,
      value: this.noise,
      oninput: (value) => {
        this.noise = value;
        this.hand.takes();
        this.host.redraw();
      },
      onrelease: () => this.hand.lets(this.stands()),
    });
    this.noiseSlider.element.title =
      "Of a linear VAE with a Gaussian decoder N(Wz, σ²): a direction of the data is kept while its variance exceeds β·σ².";
    const bars = h(
      "section",
      {},
      h("header", {}, h("h4", {}, "KL per dimension"), active),
      klChart.element,
      h("header", { class: "later" }, h("h4", {}, "Variance in the data"), this.noiseSlider.element),
      pcaChart.element,
    );
    return { bars, klChart, pcaChart, active };
  }

  /** One scale for all β > 0, so that bars are seen to fall; where the KL is free, at β = 0, they may leave the plot. */
  klScale() {
    const paid = this.data.models.filter((model) => model.beta > 0);
    const top = Math.max(0.5, ...(paid.length ? paid : this.data.models).flatMap((model) => model.klPerDim));
    const step = ticks(0, 1.2 * top, 4)[1];
    return Math.ceil((1.16 * top) / (step / 2)) * (step / 2);
  }

  // ---- what is decoded, and when

  plan() {
    if (!this.images) return;
    const groups = rowsByLabel(tensorOf(this.images, "labels", Uint8Array).data);
    const rows = Array.from(groups.values(), (of) => of[this.set % of.length]);
    this.rows = rows;
    const columns = rows.length;
    const draw = normals(this.seed);
    const z = Float32Array.from({ length: SAMPLE_ROWS * columns * this.D }, draw);
    for (const model of this.models) {
      const { net, codes: encoded, sheets } = model;
      if (!net || !encoded) continue;
      if (model.set !== this.set) {
        const start = tensorOf(encoded, "start", Float32Array).data;
        const codes = Float32Array.from(
          rows.flatMap((row) => Array.from(start.subarray(row * net.D, (row + 1) * net.D))),
        );
        model.set = this.set;
        sheets.reconstructions = new Decoded(net, codes, columns, GAP);
      }
      if (model.seed !== this.seed) {
        model.seed = this.seed;
        sheets.samples = new Decoded(net, z, columns, GAP);
      }
      if (this.D === 2 && this.showsPlane && !sheets.plane) {
        /** @type {number[]} */
        const code = [];
        const middle = (/** @type {number} */ n) => ((2 * n + 1) / CELLS - 1) * model.reach;
        for (let row = 0; row < CELLS; row++)
          for (let column = 0; column < CELLS; column++) code.push(middle(column), -middle(row));
        sheets.plane = new Decoded(net, Float32Array.from(code), CELLS, 0);
      }
    }
    paintSheet(this.canvases.originals, tensorOf(this.images, "images", Uint8Array), { rows, gap: GAP });
    this.schedule();
    this.host.redraw();
  }

  schedule() {
    if (this.scheduled) return;
    this.scheduled = true;
    this.turn.port2.postMessage(null);
  }

  /** The model that is shown comes first, then its neighbours; pictures before planes. */
  slice() {
    this.scheduled = false;
    const near = this.models.filter((model) => model.net).sort((a, b) => this.distance(a) - this.distance(b));
    const kinds = /** @type {Kind[]} */ (["reconstructions", "samples", "plane"]);
    const sheets = kinds.flatMap((kind) => near.map((model) => model.sheets[kind]));
    const end = performance.now() + SLICE;
    for (const sheet of sheets) {
      while (sheet && performance.now() < end && sheet.step());
      if (performance.now() >= end) break;
    }
    this.host.redraw();
    if (sheets.some((sheet) => sheet && sheet.done < sheet.count)) setTimeout(() => this.schedule(), 4);
    else if (this.models.every((model) => model.net)) this.root.dataset.decoded = "all";
  }

  /** @param {Opened} model */
  distance(model) {
    return Math.abs(this.models.indexOf(model) - this.at);
  }

  // ---- controls

  otherImages() {
    this.set = (this.set + 1) % 10;
    this.again();
    this.hand.says(this.stands());
  }

  otherCodes() {
    this.seed = (this.seed + 1) % 1000;
    this.again();
    this.hand.says(this.stands());
  }

  togglePlane() {
    this.showPlane(!this.showsPlane);
    this.hand.says(this.stands());
  }

  /** @param {boolean} shown */
  showPlane(shown) {
    this.showsPlane = shown;
    this.parts.toggle.setAttribute("aria-pressed", String(shown));
    this.again();
  }

  /** Other pictures are wanted. */
  again() {
    delete this.root.dataset.decoded;
    this.plan();
  }

  /** @returns {Stands} */
  stands() {
    const { beta } = this.data.models[Math.round(this.at)];
    return { beta, set: this.set, seed: this.seed, plane: this.showsPlane, noise: this.noise };
  }

  // ---- drawing

  draw() {
    if (!this.data) return;
    this.question.refresh();
    const [low, mix] = mixOf(this.at);
    const a = this.models[low];
    const b = this.models[Math.min(low + 1, this.models.length - 1)];
    this.root.dataset.beta = mix ? "" : betaText(a.facts.beta);
    this.write(a.facts, b.facts, mix);
    this.fade("reconstructions", a, b, mix);
    this.fade("samples", a, b, mix);
    this.drawPlane(a, b, mix);
    this.drawKL(a.facts, b.facts, mix);
    this.drawPCA(a.facts.beta + mix * (b.facts.beta - a.facts.beta));
  }

  /** One plane for all models whose code costs something: axes that move would hide what β does. */
  shareReach() {
    const paid = this.models.filter((model) => model.codes && model.facts.beta > 0);
    const reach = Math.max(...paid.map((model) => model.reach));
    for (const model of paid) {
      if (model.reach === reach) continue;
      model.reach = reach;
      delete model.sheets.plane;
    }
  }

  /** @param {BetaModel} a @param {BetaModel} b @param {number} mix */
  write(a, b, mix) {
    const { objective, elbo } = this.numbers;
    const none = mix ? NaN : 0; // between two models there is nothing to compute them from
    const [reconstruction, lessKl, bound] = adding([a.reconstruction, -a.kl], 1);
    const { kl, klDigits, whole } = weighed(reconstruction, a.beta, a.kl, 1);
    [reconstruction, -lessKl, bound].forEach((value, i) => elbo[i].set(value + none));
    objective[0].set(reconstruction + none);
    objective[1].element.textContent = mix ? "–" : betaText(a.beta);
    objective[2].set(kl + none, klDigits);
    objective[3].set(whole + none);
    const { active } = this.parts;
    const lively = a.klPerDim.filter((kl) => kl >= this.data.threshold).length;
    const counted = mix ? "" : `${lively} of ${this.D} active: above ${this.data.threshold} nats`;
    if (active.textContent !== counted) active.textContent = counted;
    const text = mix
      ? `cross-fade from β = ${betaText(a.beta)} to ${betaText(b.beta)}: no model in between`
      : a.beta
        ? "a trained model"
        : "an autoencoder: the KL costs nothing, so its codes leave holes";
    const { state } = this.slider;
    if (state.textContent !== text) state.textContent = text;
  }

  /** @param {"reconstructions" | "samples"} kind @param {Opened} a @param {Opened} b @param {number} mix */
  fade(kind, a, b, mix) {
    const canvas = this.canvases[kind];
    const [first, second] = [a.sheets[kind]?.canvas, b.sheets[kind]?.canvas];
    if (!first) return;
    resizeCanvas(canvas, first.width, first.height);
    const context = penOf(canvas);
    context.globalAlpha = 1;
    context.clearRect(0, 0, canvas.width, canvas.height);
    context.drawImage(first, 0, 0);
    if (!mix || !second) return;
    context.globalAlpha = mix;
    context.drawImage(second, 0, 0);
    context.globalAlpha = 1;
  }

  /** @param {Opened} a @param {Opened} b @param {number} mix */
  drawPlane(a, b, mix) {
    const chart = this.charts.plane;
    const reach = !a.codes || !b.codes ? a.reach : a.reach + mix * (b.reach - a.reach);
    chart.x.min = chart.y.min = -reach;
    chart.x.max = chart.y.max = reach;
    const widened = a.facts.beta === 0 && this.models.some((model) => model.codes && model.reach < a.reach);
    const why = widened ? " (axes widened: codes that cost nothing go far)" : "";
    chart.x.label = mix ? " " : `z${a.facts.axes[0] + 1}${why}`;
    chart.y.label = mix ? " " : `z${a.facts.axes[1] + 1}`;
    const context = chart.begin();
    if (this.showsPlane && this.D === 2) {
      const paint = (/** @type {Opened} */ model, /** @type {number} */ alpha) => {
        const sheet = model.sheets.plane;
        if (!sheet || !alpha) return;
        context.globalAlpha = alpha;
        context.drawImage(
          sheet.canvas,
          chart.px(-model.reach),
          chart.py(model.reach),
          chart.px(model.reach) - chart.px(-model.reach),
          chart.py(-model.reach) - chart.py(model.reach),
        );
        context.globalAlpha = 1;
      };
      paint(a, 1);
      if (mix) paint(b, mix);
    }
    if (a.codes) this.dots(context, a.codes, b.codes, mix);
    const prior = this.showsPlane && this.D === 2 ? "#ffffff" : colourOf(this.root, "--ink");
    for (const radius of [1, 2]) chart.ellipse(0, 0, radius, radius, 0, prior, { width: 2, dash: [6, 4] });
    const paper = prior === "#ffffff" ? "#000000" : colourOf(this.root, "--paper");
    const top = chart.py(Math.min(2, 0.93 * reach)) - 0.8 * chart.text;
    chart.write("prior: 1 and 2 σ", chart.px(0), top, { colour: prior, align: "center", weight: 600, halo: paper });
    chart.end();
  }

  /**
   * A thousand dots, label by label: the same image goes from its place in one model to that in the next.
   * @param {CanvasRenderingContext2D} context @param {Arrays} a @param {Arrays | null} b @param {number} mix
   */
  dots(context, a, b, mix) {
    const chart = this.charts.plane;
    const { palette } = this.data;
    const from = tensorOf(a, "means", Float32Array).data;
    const to = mix && b ? tensorOf(b, "means", Float32Array).data : from;
    const labels = tensorOf(a, "labels", Uint8Array).data;
    const size = chart.box.right - chart.box.left > 420 ? 5 : 4;
    const present = [...rowsByLabel(labels).keys()];
    for (const label of present) {
      context.fillStyle = palette[label % palette.length];
      for (let n = 0; n < labels.length; n++) {
        if (labels[n] !== label) continue;
        const x = from[2 * n] + mix * (to[2 * n] - from[2 * n]);
        const y = from[2 * n + 1] + mix * (to[2 * n + 1] - from[2 * n + 1]);
        context.fillRect(chart.px(x) - size / 2, chart.py(y) - size / 2, size, size);
      }
    }
    if (this.legendFor !== present.join()) {
      this.legendFor = present.join();
      this.parts.legend.replaceChildren(
        ...present.map((label) =>
          h("span", {}, h("i", { style: `background:${palette[label % palette.length]}` }), String(label)),
        ),
      );
    }
  }

  /** @param {BetaModel} a @param {BetaModel} b @param {number} mix */
  drawKL(a, b, mix) {
    const chart = this.charts.kl;
    chart.height = 0.58 * this.charts.plane.canvas.clientHeight;
    const context = chart.begin();
    const [kl, grey, ink] = ["--kl", "--prior", "--ink"].map((name) => colourOf(this.root, name));
    const { threshold } = this.data;
    const values = this.order.map((dim) => a.klPerDim[dim] + mix * (b.klPerDim[dim] - a.klPerDim[dim]));
    const width = Math.min(64, chart.px(0.36) - chart.px(-0.36));
    values.forEach((value, i) => {
      const top = chart.py(Math.min(value, this.klTop));
      context.fillStyle = value >= threshold ? kl : grey;
      context.fillRect(chart.px(i) - width / 2, top, width, Math.max(1, chart.py(0) - top));
    });
    chart.line([-0.5, this.D - 0.5], [threshold, threshold], ink, { width: 1, dash: [4, 3] });
    if (!mix && this.D <= 16) {
      context.font = `${chart.text}px ${chart.font}`;
      const times = Math.min(1, (chart.px(0.92) - chart.px(0)) / context.measureText("0.00").width); // not into the next one's
      values.forEach((value, i) => {
        const beyond = value > this.klTop;
        const text = beyond ? `↑${decimal(value, 0)}` : decimal(value, this.D > 6 && value >= 9.95 ? 1 : 2);
        const top = chart.py(Math.min(value, this.klTop)) + (beyond ? 0.8 : -0.7) * chart.text;
        const look = beyond ? { colour: "#000", halo: null } : { colour: ink };
        chart.write(text, chart.px(i), top, { align: "center", times, ...look });
      });
    }
    chart.end();
    const said = mix
      ? "KL per dimension, between two models"
      : `KL per dimension in nats: ${this.order.map((dim) => `z${dim + 1} ${decimal(a.klPerDim[dim], 2)}`).join(", ")}`;
    if (chart.canvas.getAttribute("aria-label") !== said) chart.canvas.setAttribute("aria-label", said);
  }

  /**
   * The line that a direction's variance has to reach, and how many do.
   * @param {Chart} chart @param {number[]} values the variances, largest first @param {number} threshold
   */
  drawThreshold(chart, values, threshold) {
    const kept = values.filter((value) => value > threshold).length;
    const count = kept === values.length ? `all of these ${kept}` : kept ? `the first ${kept}` : "none";
    const text = `β·σ² = ${shortest(threshold, 3)}: a linear VAE keeps ${count}`;
    const at = Math.min(threshold, chart.y.max);
    const ink = colourOf(this.root, "--ink");
    chart.line([-0.5, BARS - 0.5], [at, at], ink, { width: 2, dash: [6, 4] });
    chart.write(text, chart.box.right, chart.box.top + 0.8 * chart.text, { align: "right" }); // the last bars are the lowest
    return text;
  }

  /**
   * A linear VAE keeps a direction of the data while its variance exceeds β·σ² (Lucas et al. 2019, with σ² times β).
   * @param {number} beta
   */
  drawPCA(beta) {
    const chart = this.charts.pca;
    chart.height = 0.4 * this.charts.plane.canvas.clientHeight;
    const values = this.eigenvalues;
    if (values) chart.y.max = 1.12 * values[0];
    const context = chart.begin();
    if (values) {
      const [kept, dropped] = ["--kl", "--prior"].map((name) => colourOf(this.root, name));
      const threshold = beta * this.noise ** 2;
      const width = chart.px(0.36) - chart.px(-0.36);
      values.forEach((value, i) => {
        context.fillStyle = value > threshold ? kept : dropped;
        context.fillRect(chart.px(i) - width / 2, chart.py(value), width, chart.py(0) - chart.py(value));
      });
      const rule = this.drawThreshold(chart, values, threshold);
      const said = `Variance of the data along its first principal components: ${values.map((value) => decimal(value, 2)).join(", ")}. ${rule}`;
      if (chart.canvas.getAttribute("aria-label") !== said) chart.canvas.setAttribute("aria-label", said);
    } else chart.label(BARS / 2 - 0.5, 3, "computing …", undefined, "center");
    chart.end();
  }
}

/**
 * How far from 0 the plane is shown: all but a hundredth of the codes, and at least the prior.
 * @param {Float32Array} means
 */
function reachOf(means) {
  const sizes = Float32Array.from(means, Math.abs).sort();
  return Math.max(3.2, Math.ceil(10.5 * sizes[Math.floor(0.99 * (sizes.length - 1))]) / 10);
}

export default view(BetaView);
