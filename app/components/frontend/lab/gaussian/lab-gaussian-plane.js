// Owns "two dimensions": q as an ellipse over the prior's circles, and the KL as a sum over the dimensions.

import { makeButton, makeSlider } from "../../kit/controls.js";
import { colourOf } from "../../kit/colours.js";
import { h } from "../../kit/dom.js";
import { draggable } from "../../kit/drag.js";
import { adding, rounded, within } from "../../kit/numbers.js";
import { Chart } from "../../paint/chart.js";
import { bracket, formula, live, mfrac, mi, mn, mo, mrow, msub, msup } from "../../paint/formula.js";
import {
  drawGaussian,
  drawGrip,
  drawPrior,
  gripAt,
  grips,
  klNats,
  klPull,
  sharedNats,
  Waterfall,
} from "../lab-normal.js";
import { arrowOf, DESCENT, descend, MU, SIGMA } from "./lab-gaussian-line.js";

/**
 * @import { Point } from "../../paint/chart.js"
 * @import { PanelHost } from "./lab-gaussian.js"
 */

const RHO = { min: -0.95, max: 0.95, step: 0.01 };
const RANGES = [MU, MU, SIGMA, SIGMA, RHO];

/**
 * −∂KL/∂(μ1, μ2, σ1, σ2, ρ): the KL is that of each dimension, plus −½ log(1 − ρ²).
 * @param {number[]} values
 */
function planePull([mu1, mu2, sigma1, sigma2, rho]) {
  const [first, second] = [klPull(mu1, sigma1), klPull(mu2, sigma2)];
  return [first[0], second[0], first[1], second[1], -rho / (1 - rho * rho)];
}

/**
 * The KL of one dimension, in signs.
 * @param {string} number @param {string} term
 */
const klOf = (number, term) =>
  mrow(
    mfrac(mn("1"), mn("2")),
    bracket("("),
    msup(msub(mi("μ", term), mn(number, term)), mn("2")),
    mo("+"),
    msup(msub(mi("σ", term), mn(number, term)), mn("2")),
    mo("−"),
    mn("1"),
    mo("−"),
    mi("log"),
    msup(msub(mi("σ", term), mn(number, term)), mn("2")),
    bracket(")"),
  );

export class GaussianPlane {
  values = [1.5, 0.8, 0.5, 0.9, 0]; // μ1, μ2, σ1, σ2, ρ
  /** @type {number[][]} where a descent has been */
  trail = [];
  grip = 0;

  /** @param {PanelHost} host */
  constructor(host) {
    this.host = host;
    this.chart = new Chart({
      x: { min: -4, max: 4, label: "code z1" },
      y: { min: -3.6, max: 3.6, label: "code z2" },
      label: "Q as an ellipse over the prior's circles. Drag its centre or its edges, or use the sliders.",
    });
    draggable(this.chart.canvas, {
      at: (event) => this.chart.at(event),
      begin: (place) => {
        this.grip = gripAt(this.chart, this.q, place);
      },
      move: (place) => this.drag(place),
      end: () => host.released(),
      save: () => this.values,
      restore: (values) => this.move(values),
    });
    this.sliders = ["mean μ1", "mean μ2", "width σ1", "width σ2", "tilt ρ"].map((label, i) => this.slider(label, i));
    this.follow = makeButton("Follow the gradient", () => host.follow(this), { "data-testid": "follow" });
    this.bars = new Waterfall(
      [
        { label: "KL of z1", term: "part-first", testid: "bar-first" },
        { label: "KL of z2", term: "part-second", testid: "bar-second" },
        { label: "tilt", term: "part-shared", testid: "bar-shared" },
        { label: "KL", term: "kl", testid: "bar-kl" },
      ],
      { min: 0, max: 12 },
    );
    this.shown = {
      first: live("part-first", { testid: "kl-first" }),
      second: live("part-second", { testid: "kl-second" }),
      shared: live("part-shared", { testid: "kl-shared" }),
      kl: live("kl", { unit: "nats", testid: "kl" }),
    };
    const side = h(
      "div",
      { class: "side" },
      ...this.sliders.map((each) => each.element),
      h(
        "div",
        { class: "buttons" },
        this.follow,
        h("span", { class: "note" }, "The arrows, at half their length, are where the KL alone would pull Q."),
      ),
      this.bars.element,
    );
    this.row = [this.chart.element, side];
    this.element = h("div", { class: "gaussian-plane" }, this.chart.element, side, this.klFormula());
  }

  /** @param {string} label @param {number} i which value */
  slider(label, i) {
    return makeSlider({
      label,
      ...RANGES[i],
      value: this.values[i],
      oninput: (value) => this.move(this.values.with(i, value)),
      onrelease: () => this.host.released(),
    });
  }

  klFormula() {
    return formula(
      mi("KL", "kl"),
      mo("="),
      klOf("1", "part-first"),
      mo("+"),
      klOf("2", "part-second"),
      mo("−"),
      mfrac(mn("1"), mn("2")),
      mi("log", "part-shared"),
      bracket("(", "part-shared"),
      mn("1", "part-shared"),
      mo("−"),
      msup(mi("ρ", "part-shared"), mn("2", "part-shared")),
      bracket(")", "part-shared"),
      mo("="),
      this.shown.first.element,
      mo("+"),
      this.shown.second.element,
      mo("+"),
      this.shown.shared.element,
      mo("="),
      this.shown.kl.element,
    );
  }

  get q() {
    const [mu1, mu2, sigma1, sigma2, rho] = this.values;
    return { mu: [mu1, mu2], sigma: [sigma1, sigma2], rho };
  }

  /** @param {number[]} values */
  clamp(values) {
    return values.map((value, i) => within(value, RANGES[i].min, RANGES[i].max));
  }

  /** @param {number[]} values */
  move(values) {
    this.trail = [];
    this.adopt(values);
    this.host.moved();
  }

  /** @param {number[]} values */
  adopt(values) {
    this.values = this.clamp(values).map((value) => rounded(value));
    this.sliders.forEach((slider, i) => slider.set(this.values[i]));
  }

  step() {
    const next = descend(this.values, planePull(this.values), (values) => this.clamp(values));
    if (!next || this.trail.length > DESCENT.most) return false;
    this.trail.push(this.values);
    this.values = next;
    this.sliders.forEach((slider, i) => slider.set(next[i]));
    return true;
  }

  /** @param {Point} place */
  drag([x, y]) {
    const { values } = this;
    if (this.grip === 1) this.move(values.with(2, x - values[0]));
    else if (this.grip === 2) this.move(values.with(3, y - values[1]));
    else this.move([x, y, ...values.slice(2)]);
  }

  /** @param {number} room CSS px */
  fit(room) {
    this.chart.height = within(room, 300, 900);
  }

  draw() {
    const { chart, values, q, element } = this;
    chart.roundScale(3.4);
    const [accent, prior, kl] = ["--accent", "--prior", "--kl"].map((name) => colourOf(element, name));
    chart.begin();
    drawPrior(chart, prior);
    chart.label(0, -3, "prior P(z)", chart.colours.ink, "center", -0.9 * chart.text);
    drawGaussian(chart, q, 2, accent, { width: 1.5, fill: 0.12 });
    drawGaussian(chart, q, 1, accent, { width: 3, fill: 0.2 });
    for (const [mu1, mu2] of this.trail) chart.dot(mu1, mu2, accent, 2.5);
    const pull = planePull(values);
    const [centre, right, top] = grips(q);
    const [across, up] = arrowOf(pull.slice(0, 2));
    chart.arrow(...centre, centre[0] + across, centre[1] + up, kl, 4);
    chart.arrow(...right, right[0] + arrowOf([pull[2]])[0], right[1], kl, 4);
    chart.arrow(...top, top[0], top[1] + arrowOf([pull[3]])[0], kl, 4);
    [centre, right, top].forEach(([x, y], i) => drawGrip(chart, x, y, accent, i ? 6 : 8));
    chart.end();

    const parts = [klNats(values[0], values[2]), klNats(values[1], values[3]), sharedNats(values[4])];
    const printed = adding(parts);
    this.bars.set([...parts, parts[0] + parts[1] + parts[2]], printed);
    this.shown.first.set(printed[0]);
    this.shown.second.set(printed[1]);
    this.shown.shared.set(printed[2]);
    this.shown.kl.set(printed[3]);
  }
}
