// Owns "a whole data set": where a model puts every image, and the density Q(z) of all its codes together against the
// prior; β is the dial between models.

import { makeButton } from "../../kit/controls.js";
import { colourOf, parseColour } from "../../kit/colours.js";
import { h } from "../../kit/dom.js";
import { draggable } from "../../kit/drag.js";
import { rowsByLabel } from "../../kit/images.js";
import { adding, within } from "../../kit/numbers.js";
import { Chart } from "../../paint/chart.js";
import { bracket, formula, live, m, mi, mo, mrow } from "../../paint/formula.js";
import { tensorOf } from "../../net/safetensors.js";
import { penOf } from "../../paint/picture.js";
import { drawGaussian, drawPrior, klNats, Waterfall } from "../lab-normal.js";
import { sweepSlider } from "../lab-sweep.js";

/**
 * @import { Point } from "../../paint/chart.js"
 * @import { AggregateData, AggregateModel } from "./types.d.ts"
 * @import { Arrays } from "../../types.d.ts"
 * @import { PanelHost } from "./lab-gaussian.js"
 */

const SHOWN_REACH = 1.02; // a little more than the density is given for
const PRIOR = "prior: 1, 2, 3 σ";

export class GaussianData {
  at = 0; // which model of the sweep
  /** @type {number | null} row of the image whose Q is drawn */
  chosen = null;
  /** @type {AggregateModel[]} */
  models = [];
  /** @type {string[]} */
  palette = [];
  /** @type {Arrays | null} */
  blob = null;
  address = "";
  stop = () => {};
  options = ""; // what the choice of families and the dial were made for
  betas = "";
  /** @type {ReturnType<typeof sweepSlider> | null} */
  dial = null;
  /** @type {{ colour: string, canvas: HTMLCanvasElement }[]} of each model */
  images = [];

  /** @param {PanelHost} host */
  constructor(host) {
    this.host = host;
    this.layers = { codes: true, density: true };
    this.chart = new Chart({
      x: { min: -4, max: 4, label: "code z1" },
      y: { min: -4, max: 4, label: "code z2" },
      label:
        "Codes of the test images and the density of all of them, over the prior's circles. Drag over it to see one image's Q.",
    });
    draggable(this.chart.canvas, { at: (event) => this.chart.at(event), move: (place) => this.pick(place) });
    this.dialHolder = h("div", {});
    this.legend = h("span", { class: "legend" });
    this.sweeps = h("select", { "aria-label": "Family of models" });
    this.sweeps.addEventListener("change", () => host.pickSweep(this.sweeps.value));
    this.bars = new Waterfall(
      [
        { label: "tells images apart", term: "part-first", testid: "bar-information" },
        { label: "Q(z) off the prior", term: "part-second", testid: "bar-marginal" },
        { label: "mean KL", term: "kl", testid: "bar-rate" },
      ],
      { min: 0, max: 10 },
    );
    this.shown = {
      rate: live("kl", { testid: "rate" }),
      information: live("part-first", { testid: "information" }),
      marginal: live("part-second", { unit: "nats", testid: "marginal" }),
    };
    this.missing = h(
      "p",
      { class: "note" },
      "How this mean splits is not worked out for this model yet; the command elbo evaluate does it.",
    );
    this.one = {
      title: h("span", {}),
      first: live("part-first"),
      second: live("part-second"),
      kl: live("kl", { unit: "nats", testid: "one-kl" }),
    };
    this.oneLine = this.makeOneLine();
    this.error = h("p", { class: "error", hidden: true });
    this.sum = this.makeSum();
    const side = h(
      "div",
      { class: "side" },
      this.sweeps,
      this.dialHolder,
      h(
        "div",
        { class: "buttons" },
        this.toggle("codes", "Codes"),
        this.toggle("density", "Density Q(z)"),
        this.legend,
      ),
      this.bars.element,
      this.missing,
      this.sum,
      h(
        "p",
        { class: "note" },
        "The KL of a code pays for two things: for telling which image it came from, ",
        "and for all codes together not lying as the prior does.",
      ),
      this.oneLine,
    );
    this.row = [this.chart.element, side];
    this.element = h("div", { class: "gaussian-data" }, this.chart.element, side, this.error);
  }

  /**
   * A button that shows and hides a layer of the chart.
   * @param {"codes" | "density"} name @param {string} text
   */
  toggle(name, text) {
    const flip = () => {
      this.layers[name] = !this.layers[name];
      button.setAttribute("aria-pressed", String(this.layers[name]));
      this.host.changed();
    };
    const button = makeButton(text, flip, { "aria-pressed": "true" });
    return button;
  }

  /** The KL of the chosen image. */
  makeOneLine() {
    return h(
      "div",
      { class: "one" },
      this.one.title,
      m(
        "math",
        {},
        mrow(
          mi("KL", "kl"),
          mo("="),
          this.one.first.element,
          mo("+"),
          this.one.second.element,
          mo("="),
          this.one.kl.element,
        ),
      ),
    );
  }

  /** The mean KL of all images, and how it splits. */
  makeSum() {
    return formula(
      mi("E"),
      bracket("["),
      mi("KL", "kl"),
      bracket("]"),
      mo("="),
      this.shown.rate.element,
      mo("="),
      this.shown.information.element,
      mo("+"),
      m("munder", {}, this.shown.marginal.element, m("mtext", {}, "D[Q(z) ‖ P(z)]")),
    );
  }

  /** @param {AggregateData} data @param {boolean} fresh whether the outside says something new */
  receive(
    { error = "", models = [], options: families = [], palette = [], key = "", run = "", blob: address = "" },
    fresh,
  ) {
    this.models = models;
    this.palette = palette;
    this.error.textContent = error;
    this.error.hidden = !error;
    this.element.classList.toggle("empty", models.length === 0);
    this.sum.hidden = true; // until there is something to add up
    if (models.length === 0) return;
    const options = JSON.stringify(families);
    if (options !== this.options) {
      this.options = options;
      this.sweeps.replaceChildren(...families.map(([key, title]) => h("option", { value: key }, title)));
    }
    this.sweeps.value = key;
    const betas = models.map(({ beta }) => beta);
    if (String(betas) !== this.betas) {
      this.betas = String(betas);
      this.dial?.stop();
      const turn = (/** @type {number} */ at) => {
        if (Math.round(at) === this.at) return;
        this.show(Math.round(at));
        this.host.moved();
      };
      this.dial = sweepSlider({ betas, index: 0, onmove: turn, onrelease: () => this.host.released() });
      this.dial.element.classList.toggle("lone", betas.length < 2);
      this.dialHolder.replaceChildren(this.dial.element);
    }
    const other = address !== this.address;
    if (other) {
      this.address = address;
      this.stop();
      this.blob = null;
      this.images = [];
      this.stop = this.host.blobs([address], (blob) => {
        this.blob = blob;
        const present = [...rowsByLabel(tensorOf(blob, "labels", Uint8Array).data).keys()];
        const colour = (/** @type {number} */ label) => palette[label % palette.length];
        this.legend.replaceChildren(
          ...present.map((label) => h("span", {}, h("i", { style: `background:${colour(label)}` }), String(label))),
        );
        this.show(this.at);
        this.host.changed();
      });
    }
    if (!other && !fresh) {
      this.show(this.at);
      return;
    }
    this.show(
      Math.max(
        0,
        models.findIndex((model) => model.run === run),
      ),
    );
    this.dial?.set(this.at);
  }

  /** @returns {AggregateModel | undefined} */
  get model() {
    return this.models[this.at];
  }

  /** @param {number} at */
  show(at) {
    this.at = Math.min(at, this.models.length - 1);
    const { rate, information, marginal } = this.models[this.at];
    const known = marginal !== null;
    const parts = known ? [information ?? NaN, marginal] : [NaN, NaN];
    const printed = known ? adding(parts) : [NaN, NaN, rate];
    this.bars.range(0, [2, 5, 10, 20, 50, 100, 200, 500].find((top) => top >= rate) ?? rate);
    this.bars.set([...parts, rate], printed);
    this.shown.information.set(printed[0]);
    this.shown.marginal.set(printed[1]);
    this.shown.rate.set(printed[2]);
    this.missing.hidden = known;
    this.sum.hidden = !known;
  }

  /**
   * Row n of the model shown.
   * @param {Arrays} blob @param {"means" | "sigma"} name a tensor (models, images, 2) @param {number} n @returns {Point}
   */
  code(blob, name, n) {
    const { data, shape } = tensorOf(blob, name, Float32Array);
    const from = 2 * (this.at * shape[1] + n);
    return [data[from], data[from + 1]];
  }

  /** @param {Point} place */
  pick([x, y]) {
    if (!this.blob) return;
    const { shape } = tensorOf(this.blob, "means", Float32Array);
    let best = Infinity;
    for (let n = 0; n < shape[1]; n++) {
      const [z1, z2] = this.code(this.blob, "means", n);
      const distance = (z1 - x) ** 2 + (z2 - y) ** 2;
      if (distance < best) [best, this.chosen] = [distance, n];
    }
    this.host.changed();
  }

  /**
   * The density as a picture, once for each model and colour: the darker, the denser, by the root, which shows thin parts.
   * @param {Arrays} blob @param {string} colour
   */
  image(blob, colour) {
    const kept = this.images[this.at];
    if (kept?.colour === colour) return kept.canvas;
    const { data, shape } = tensorOf(blob, "density", Float32Array); // (models, H, W)
    const [, H, W] = shape;
    const area = H * W;
    const from = this.at * area;
    // The densest cells, a few in a thousand, may be cut: one narrow code would make all others pale.
    const top = data.slice(from, from + area).sort()[Math.floor(0.995 * area)] || 1;
    const canvas = h("canvas", { width: W, height: H });
    const context = penOf(canvas);
    const image = context.createImageData(W, H);
    const [r, g, b] = parseColour(colour);
    for (let i = 0; i < area; i++) {
      image.data[4 * i] = r;
      image.data[4 * i + 1] = g;
      image.data[4 * i + 2] = b;
      image.data[4 * i + 3] = Math.min(235, 200 * Math.sqrt(data[from + i] / top));
    }
    context.putImageData(image, 0, 0);
    this.images[this.at] = { colour, canvas };
    return canvas;
  }

  /** @param {number} room CSS px */
  fit(room) {
    this.chart.height = within(room, 320, 1000);
  }

  draw() {
    const { chart, element, blob } = this;
    if (!this.model) return;
    const { reach, wide } = this.model;
    chart.roundScale(SHOWN_REACH * reach);
    const accent = colourOf(element, "--accent");
    const context = chart.begin();
    if (blob) {
      if (this.layers.density) {
        context.imageSmoothingEnabled = true;
        context.drawImage(
          this.image(blob, accent),
          chart.px(-wide),
          chart.py(reach),
          chart.px(wide) - chart.px(-wide),
          chart.py(-reach) - chart.py(reach),
        );
      }
      if (this.layers.codes) this.drawCodes(context, blob);
    }
    drawPrior(chart, chart.colours.ink);
    this.nameThePrior(context);
    if (blob && this.chosen !== null) {
      const [mu, sigma] = [this.code(blob, "means", this.chosen), this.code(blob, "sigma", this.chosen)];
      for (const outline of [1, 2, 3])
        drawGaussian(chart, { mu, sigma }, outline, chart.colours.ink, { width: outline > 1 ? 1 : 2 });
      chart.dot(...mu, chart.colours.ink, 3);
      context.beginPath(); // a ring to find it by: its own outline may be smaller than a dot
      context.arc(chart.px(mu[0]), chart.py(mu[1]), 13, 0, 2 * Math.PI);
      context.lineWidth = 2;
      context.stroke();
      const parts = [klNats(mu[0], sigma[0]), klNats(mu[1], sigma[1])];
      const label = tensorOf(blob, "labels", Uint8Array).data[this.chosen];
      this.one.title.textContent = `Test image ${this.chosen}, a ${label}: `;
      const printed = adding(parts);
      this.one.first.set(printed[0]);
      this.one.second.set(printed[1]);
      this.one.kl.set(printed[2]);
    }
    this.oneLine.classList.toggle("none", this.chosen === null);
    chart.end();
  }

  destroy() {
    this.dial?.stop();
  }

  /**
   * Below the circles, on paper, so that it is read among the codes.
   * @param {CanvasRenderingContext2D} context
   */
  nameThePrior(context) {
    const { chart } = this;
    const [x, y] = [chart.px(0), chart.py(-3) + 0.9 * chart.text];
    context.font = `${chart.text}px ${chart.font}`;
    const half = context.measureText(PRIOR).width / 2 + 4;
    context.fillStyle = chart.colours.paper;
    context.globalAlpha = 0.85;
    context.fillRect(x - half, y - 0.7 * chart.text, 2 * half, 1.4 * chart.text);
    context.globalAlpha = 1;
    chart.label(0, -3, PRIOR, chart.colours.ink, "center", 0.9 * chart.text);
  }

  /** @param {CanvasRenderingContext2D} context @param {Arrays} blob */
  drawCodes(context, blob) {
    const { data: labels } = tensorOf(blob, "labels", Uint8Array);
    const { chart, palette } = this;
    const radius = this.layers.density ? 1.6 : 2.4;
    context.globalAlpha = 0.85;
    for (let n = 0; n < labels.length; n++) {
      const [z1, z2] = this.code(blob, "means", n);
      context.fillStyle = palette[labels[n] % palette.length];
      context.fillRect(chart.px(z1) - radius, chart.py(z2) - radius, 2 * radius, 2 * radius);
    }
    context.globalAlpha = 1;
  }
}
