// Owns "one dimension": q = N(μ, σ²) and the prior as densities, and the KL over the plane of (μ, σ) with its pull.

import { makeButton, makeSlider } from "../../kit/controls.js";
import { colourOf } from "../../kit/colours.js";
import { h } from "../../kit/dom.js";
import { draggable } from "../../kit/drag.js";
import { decimal, rounded, within } from "../../kit/numbers.js";
import { Chart } from "../../paint/chart.js";
import { formula, live, m, mfrac, mi, mn, mo, mrow, msup } from "../../paint/formula.js";
import { drawGrip, klContour, klNats, klPrinted, klPull, klTerms, Waterfall } from "../lab-normal.js";

/**
 * @import { Drag } from "../../kit/drag.js"
 * @import { Point } from "../../paint/chart.js"
 * @import { PanelHost } from "./lab-gaussian.js"
 */

export const MU = { min: -3, max: 3, step: 0.01 };
export const SIGMA = { min: 0.05, max: 2.5, step: 0.01 };
/** Size of one step of gradient descent, and how near the prior it ends. */
export const DESCENT = { rate: 0.05, near: 0.005, most: 400 };
/** Arrows are drawn at this fraction of the gradient, and no longer than so much. */
const ARROW = { scale: 0.5, longest: 1.6 };

const LEVELS = [0.1, 0.5, 1, 2, 3, 4, 5];
const NORMAL = 1 / Math.sqrt(2 * Math.PI);

/**
 * A step against the KL's gradient; null once that is as good as zero.
 * @template {number[]} Values
 * @param {Values} values @param {number[]} pull @param {(values: number[]) => Values} clamp @returns {Values | null}
 */
export function descend(values, pull, clamp) {
  if (Math.hypot(...pull) < DESCENT.near) return null;
  return clamp(values.map((value, i) => value + DESCENT.rate * pull[i]));
}

/**
 * A vector at the arrows' scale.
 * @param {number[]} pull
 */
export function arrowOf(pull) {
  const length = ARROW.scale * Math.hypot(...pull);
  const scale = ARROW.scale * Math.min(1, ARROW.longest / (length || 1));
  return pull.map((value) => scale * value);
}

export class GaussianLine {
  /** @type {[mu: number, sigma: number]} */
  values = [1.2, 0.4];
  /** @type {[mu: number, sigma: number][]} where a descent has been */
  trail = [];
  grip = "mean";

  /** @param {PanelHost} host */
  constructor(host) {
    this.host = host;
    this.density = new Chart({
      x: { min: -5, max: 5, label: "code z" },
      y: { min: 0, max: 1.2, label: "density" },
      label: "Densities of Q and of the prior. Drag the peak, or use the sliders.",
    });
    this.plane = new Chart({
      x: { min: -3.4, max: 3.4, label: "mean μ of Q" },
      y: { min: 0, max: 2.6, label: "width σ of Q" },
      label: "KL for every mean and width, in contours of equal nats, with the pull of its gradient. Drag the dot.",
    });
    this.contours = LEVELS.map(klContour);
    this.letDrag(this.density, { begin: (place) => this.grasp(place), move: (place) => this.dragDensity(place) });
    this.letDrag(this.plane, { move: (place) => this.move(place) });
    this.sliders = [this.slider("mean μ", MU, 0), this.slider("width σ", SIGMA, 1)];
    this.follow = makeButton("Follow the gradient", () => host.follow(this), { "data-testid": "follow" });
    this.bars = new Waterfall(
      [
        { label: "½ μ²", term: "part-mean", testid: "bar-mean" },
        { label: "½ σ²", term: "part-width", testid: "bar-width" },
        { label: "− ½", term: "part-constant", testid: "bar-constant" },
        { label: "− log σ", term: "part-log", testid: "bar-log" },
        { label: "KL", term: "kl", testid: "bar-kl" },
      ],
      { min: -1, max: 8 },
    );
    this.shown = {
      mean: live("part-mean", { testid: "part-mean" }),
      width: live("part-width", { testid: "part-width" }),
      log: live("part-log", { testid: "part-log" }),
      kl: live("kl", { unit: "nats", testid: "kl" }),
      pullMean: live("kl", { testid: "pull-mean" }),
      pullWidth: live("kl", { testid: "pull-width" }),
    };
    this.row = [this.density.element, this.plane.element];
    this.element = h(
      "div",
      { class: "gaussian-line" },
      ...this.row,
      h(
        "div",
        { class: "side" },
        ...this.sliders.map((each) => each.element),
        h(
          "div",
          { class: "buttons" },
          this.follow,
          h(
            "span",
            { class: "note" },
            "The arrow: where the KL alone would pull Q (drawn half as long, so that it stays in view).",
          ),
        ),
      ),
      this.bars.element,
      h("div", { class: "formulas" }, this.klFormula(), this.pullFormula()),
    );
  }

  /** @param {Chart} chart @param {Pick<Drag, "begin" | "move">} more */
  letDrag(chart, more) {
    draggable(chart.canvas, {
      at: (event) => chart.at(event),
      end: () => this.host.released(),
      save: () => this.values,
      restore: (values) => this.move(values),
      ...more,
    });
  }

  /** @param {string} label @param {typeof MU} range @param {0 | 1} i which value */
  slider(label, range, i) {
    return makeSlider({
      label,
      ...range,
      value: this.values[i],
      oninput: (value) => this.move(this.values.with(i, value)),
      onrelease: () => this.host.released(),
    });
  }

  klFormula() {
    const half = (/** @type {Node[]} */ ...rest) => mrow(mfrac(mn("1"), mn("2")), ...rest);
    return formula(
      mi("KL", "kl"),
      mo("="),
      half(msup(mi("μ", "part-mean"), mn("2", "part-mean"))),
      mo("+"),
      half(msup(mi("σ", "part-width"), mn("2", "part-width"))),
      mo("−"),
      half(),
      mo("−"),
      mrow(mi("log", "part-log"), mi("σ", "part-log")),
      mo("="),
      this.shown.mean.element,
      mo("+"),
      this.shown.width.element,
      mo("−"),
      mn("0.50"),
      mo("+"),
      this.shown.log.element,
      mo("="),
      this.shown.kl.element,
    );
  }

  pullFormula() {
    const gap = () => m("mspace", { width: "1.2em" });
    const slope = (/** @type {string} */ letter) =>
      mrow(mo("−"), mfrac(mrow(mo("∂"), mi("KL", "kl")), mrow(mo("∂"), mi(letter))));
    return formula(
      slope("μ"),
      mo("="),
      mo("−"),
      mi("μ"),
      mo("="),
      this.shown.pullMean.element,
      gap(),
      slope("σ"),
      mo("="),
      mfrac(mn("1"), mi("σ")),
      mo("−"),
      mi("σ"),
      mo("="),
      this.shown.pullWidth.element,
    );
  }

  /** @param {number[]} values @returns {[mu: number, sigma: number]} */
  clamp([mu, sigma]) {
    return [within(mu, MU.min, MU.max), within(sigma, SIGMA.min, SIGMA.max)];
  }

  /**
   * By hand: to hundredths, and away from a descent's trail.
   * @param {number[]} values
   */
  move(values) {
    this.trail = [];
    this.adopt(values);
    this.host.moved();
  }

  /** @param {number[]} values */
  adopt(values) {
    const [mu, sigma] = this.clamp(values);
    this.values = [rounded(mu), rounded(sigma)];
    this.sliders.forEach((slider, i) => slider.set(this.values[i]));
  }

  step() {
    const next = descend(this.values, klPull(...this.values), (values) => this.clamp(values));
    if (!next || this.trail.length > DESCENT.most) return false;
    this.trail.push(this.values);
    this.values = next;
    this.sliders.forEach((slider, i) => slider.set(next[i]));
    return true;
  }

  /** Of the peak's grip and of the one at μ + σ: on the curve, or where that leaves the plot, within it. */
  gripHeights() {
    const peak = NORMAL / this.values[1];
    return [Math.min(peak, 0.93 * this.density.y.max), Math.min(peak * Math.exp(-0.5), 0.6 * this.density.y.max)];
  }

  /**
   * What is taken hold of there.
   * @param {Point} place
   */
  grasp([z, height]) {
    const [mu, sigma] = this.values;
    const { density } = this;
    const near = (/** @type {number} */ x, /** @type {number} */ y) =>
      Math.hypot(density.px(x) - density.px(z), density.py(y) - density.py(height));
    const [top, side] = this.gripHeights();
    const [peak, flank] = [near(mu, top), near(mu + sigma, side)];
    this.grip = flank < Math.min(24, peak) ? "width" : peak < 24 && NORMAL / sigma <= density.y.max ? "peak" : "mean";
  }

  /** @param {Point} place */
  dragDensity([z, height]) {
    const [mu, sigma] = this.values;
    if (this.grip === "width") this.move([mu, z - mu]);
    // The peak of a normal density is 1 / (σ √2π) high, so its height says σ.
    else if (this.grip === "peak") this.move([z, NORMAL / Math.max(height, 0.01)]);
    else this.move([z, sigma]);
  }

  /** The charts take what height there is. */
  /** @param {number} room CSS px */
  fit(room) {
    this.density.height = this.plane.height = within(room, 200, 640);
  }

  draw() {
    this.drawDensity();
    this.drawPlane();
    const printed = klPrinted(...this.values);
    const pull = klPull(...this.values);
    this.bars.set([...klTerms(...this.values), klNats(...this.values)], printed);
    this.shown.mean.set(printed[0]);
    this.shown.width.set(printed[1]);
    this.shown.log.set(printed[3]);
    this.shown.kl.set(printed[4]);
    this.shown.pullMean.set(pull[0]);
    this.shown.pullWidth.set(pull[1]);
  }

  drawDensity() {
    const {
      density: chart,
      values: [mu, sigma],
      element,
    } = this;
    const [accent, prior, kl] = ["--accent", "--prior", "--kl"].map((name) => colourOf(element, name));
    chart.begin();
    const zs = Array.from({ length: 121 }, (_, i) => -6 + i / 10);
    chart.line(
      zs,
      zs.map((z) => NORMAL * Math.exp((-z * z) / 2)),
      prior,
      { width: 3, fill: 0.16, dash: [7, 5] },
    );
    const near = zs.map((z) => mu + sigma * z);
    chart.line(
      near,
      zs.map((z) => (NORMAL / sigma) * Math.exp((-z * z) / 2)),
      accent,
      { width: 3, fill: 0.2 },
    );
    const peak = NORMAL / sigma;
    const [top, flank] = this.gripHeights();
    const pull = klPull(mu, sigma);
    const [along] = arrowOf([pull[0]]);
    const [wider] = arrowOf([pull[1]]);
    chart.arrow(mu, top, mu + along, top, kl, 4);
    chart.arrow(mu + sigma, flank, mu + sigma + wider, flank, kl, 4);
    drawGrip(chart, mu, top, accent, 8);
    drawGrip(chart, mu + sigma, flank, accent, 6);
    const side = mu > 0 ? -1 : 1;
    const align = side > 0 ? "right" : "left";
    const edge = side > 0 ? chart.x.max - 0.15 : chart.x.min + 0.15;
    chart.label(edge, chart.y.max, "━ Q(z|X) = N(μ, σ²)", accent, align, 16);
    chart.label(edge, chart.y.max, "╍ prior P(z) = N(0, 1)", chart.colours.ink, align, 16 + 1.5 * chart.text);
    if (peak > chart.y.max) {
      chart.label(
        mu - side * 0.3,
        chart.y.max,
        `peak at ${decimal(peak, 1)} ↑`,
        accent,
        side > 0 ? "right" : "left",
        18,
      );
    }
    chart.end();
  }

  drawPlane() {
    const {
      plane: chart,
      values: [mu, sigma],
      element,
    } = this;
    const [accent, kl] = ["--accent", "--kl"].map((name) => colourOf(element, name));
    const context = chart.begin();
    const { left, top, right, bottom } = chart.box;
    this.contours.forEach((points, i) => {
      const path = new Path2D();
      points.forEach(([x, y], n) => path[n ? "lineTo" : "moveTo"](chart.px(x), chart.py(y)));
      path.closePath();
      context.strokeStyle = context.fillStyle = kl;
      context.lineWidth = 1.25;
      context.stroke(path);
      path.rect(left, top, right - left, bottom - top);
      context.globalAlpha = 0.07; // outside each contour once more: the dearer, the darker
      context.fill(path, "evenodd");
      context.globalAlpha = 1;
      const at = Math.sqrt(2 * LEVELS[i]);
      if (LEVELS[i] < 0.5 || at > chart.x.max - 0.5) return;
      const text = String(LEVELS[i]);
      context.font = `${chart.text}px ${chart.font}`;
      const half = context.measureText(text).width / 2 + 3;
      context.fillStyle = chart.colours.paper;
      context.globalAlpha = 0.85;
      context.fillRect(chart.px(-at) - half, chart.py(1) - 0.65 * chart.text, 2 * half, 1.3 * chart.text);
      context.globalAlpha = 1;
      chart.label(-at, 1, text, chart.colours.ink, "center");
    });
    chart.label(chart.x.min + 0.1, chart.y.max, "contours: KL in nats", chart.colours.ink, "left", chart.text);
    chart.dot(0, 1, chart.colours.ink, 5);
    chart.label(0, 1, "prior", chart.colours.ink, "center", -1.1 * chart.text);
    for (const [x, y] of this.trail) chart.dot(x, y, accent, 2.5);
    const [across, up] = arrowOf(klPull(mu, sigma));
    chart.arrow(mu, sigma, mu + across, sigma + up, kl, 4);
    drawGrip(chart, mu, sigma, accent, 8);
    chart.end();
  }
}
