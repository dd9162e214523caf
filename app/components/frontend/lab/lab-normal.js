// Owns N(μ, σ²) against the prior N(0, 1) for the lab: the KL's parts, its gradient, the bars that add them up, and a
// two-dimensional Gaussian that can be taken hold of.

import { h } from "../kit/dom.js";
import { ellipseOf } from "../kit/geometry.js";
import { adding, decimal, within } from "../kit/numbers.js";
import { ticks, tickTexts } from "../kit/ticks.js";

/** @import { Chart, Look, Point } from "../paint/chart.js" */

/** @typedef {{ mu: number[], sigma: number[], rho?: number }} Gaussian on a plane: two means, two widths, their correlation */
/** @typedef {{ label: string, term: string, testid: string }} Part `term` is the class that colours bar and number */

/**
 * D[N(μ, σ²) ‖ N(0, 1)] in its four parts, nats: ½μ², ½σ², −½, −log σ (Kingma & Welling 2014, appendix B).
 * @param {number} mu @param {number} sigma
 */
export const klTerms = (mu, sigma) => [(mu * mu) / 2, (sigma * sigma) / 2, -0.5, -Math.log(sigma)];

/**
 * The same as they are printed, and behind them the KL: the −½ is what it is, the others add up with it.
 * @param {number} mu @param {number} sigma
 */
export function klPrinted(mu, sigma) {
  const [mean, width, constant, log] = klTerms(mu, sigma);
  const [first, second, third, whole] = adding([mean, width, log]);
  return [first, second, constant, third, whole + constant];
}

/** @param {number} mu @param {number} sigma */
export const klNats = (mu, sigma) => klTerms(mu, sigma).reduce((sum, part) => sum + part, 0);

/**
 * −∂KL/∂(μ, σ): where the KL would move them.
 * @param {number} mu @param {number} sigma @returns {[number, number]}
 */
export const klPull = (mu, sigma) => [-mu, 1 / sigma - sigma];

/**
 * What a correlation ρ adds to the KLs of two dimensions, nats: −½ log(1 − ρ²), the information they share.
 * @param {number} rho
 */
export const sharedNats = (rho) => -0.5 * Math.log(1 - rho * rho);

/**
 * Where KL(μ, σ) = level in the half plane of (μ, σ): μ² = 2(level − ½σ² + ½ + log σ), from the lowest σ to the highest on the
 * right side, and back on the left.
 * @param {number} level nats, above 0 @returns {[mu: number, sigma: number][]}
 */
export function klContour(level) {
  const least = (/** @type {number} */ sigma) => klNats(0, sigma) - level;
  const root = (/** @type {number} */ low, /** @type {number} */ high) => {
    for (let n = 0; n < 60; n++) {
      const middle = (low + high) / 2;
      if (least(middle) > 0 === least(low) > 0) low = middle;
      else high = middle;
    }
    return (low + high) / 2;
  };
  const [low, high] = [root(1e-9, 1), root(1, 20)];
  /** @type {[mu: number, sigma: number][]} */
  const right = Array.from({ length: 81 }, (_, i) => {
    const sigma = (low + high) / 2 - ((high - low) / 2) * Math.cos((i * Math.PI) / 80);
    return [Math.sqrt(Math.max(0, -2 * least(sigma))), sigma];
  });
  for (const [mu, sigma] of right.toReversed()) right.push([-mu, sigma]);
  return right;
}

// ---- the sum as bars

/** Bars that add up: each starts where the one above it ends, the last is their sum. */
export class Waterfall {
  min = 0;
  max = 0;

  /** @param {Part[]} parts the sum last @param {{ min: number, max: number, unit?: string }} range */
  constructor(parts, { min, max, unit = "nats" }) {
    this.unit = unit;
    this.rows = parts.map(({ label, term, testid }) => {
      const bar = h("i", { class: `bar ${term}` });
      const number = h("output", { class: term, "data-testid": testid });
      const track = h("span", { class: "track" }, bar);
      return {
        bar,
        number,
        element: h("div", { class: "part" }, h("span", { class: `name ${term}` }, label), track, number),
      };
    });
    this.rows.at(-1)?.element.classList.add("sum");
    this.ticks = h("span", { class: "track" });
    this.element = h(
      "div",
      { class: "waterfall" },
      ...this.rows.map((row) => row.element),
      h("div", { class: "part scale", "aria-hidden": "true" }, h("span"), this.ticks, h("span", {}, unit)),
    );
    this.range(min, max);
  }

  /** @param {number} min @param {number} max */
  range(min, max) {
    if (this.min === min && this.max === max) return;
    [this.min, this.max] = [min, max];
    this.element.style.setProperty("--zero", `${this.percent(0)}%`);
    const values = ticks(min, max, 5);
    const texts = tickTexts(values);
    this.ticks.replaceChildren(
      ...values.map((value, i) => h("b", { style: `left:${this.percent(value)}%` }, texts[i])),
    );
  }

  /** @param {number} nats */
  percent(nats) {
    return (100 * (within(nats, this.min, this.max) - this.min)) / (this.max - this.min);
  }

  /**
   * NaN where a part is not known.
   * @param {number[]} values the parts, and behind them their sum @param {number[]} [printed] the same, as they add up
   */
  set(values, printed = values) {
    let from = 0;
    values.forEach((value, i) => {
      const last = i === values.length - 1;
      const { bar, number } = this.rows[i];
      const [a, b] = last ? [0, value] : [from, from + value];
      const known = Number.isFinite(a) && Number.isFinite(b);
      bar.style.left = known ? `${this.percent(Math.min(a, b))}%` : "0";
      bar.style.width = known ? `${this.percent(Math.max(a, b)) - this.percent(Math.min(a, b))}%` : "0";
      number.textContent = Number.isFinite(value) ? decimal(printed[i]) : "–";
      from = b;
    });
  }
}

// ---- a Gaussian on a plane

/**
 * Its outline at `reach` standard deviations.
 * @param {Chart} chart @param {Gaussian} q @param {number} reach @param {string} colour @param {Look} [look]
 */
export function drawGaussian(chart, { mu, sigma, rho = 0 }, reach, colour, look) {
  const shared = rho * sigma[0] * sigma[1];
  const [long, short, angle] = ellipseOf([
    [sigma[0] ** 2, shared],
    [shared, sigma[1] ** 2],
  ]);
  chart.ellipse(mu[0], mu[1], reach * long, reach * short, angle, colour, look);
}

/**
 * The prior's circles at one, two and three standard deviations.
 * @param {Chart} chart @param {string} colour
 */
export function drawPrior(chart, colour) {
  for (const reach of [1, 2, 3]) chart.ellipse(0, 0, reach, reach, 0, colour, { width: 1.5, dash: [6, 5] });
}

/**
 * Where q is taken hold of: its mean, and where its one-σ outline is farthest right and farthest up.
 * @param {Gaussian} q @returns {[mean: Point, right: Point, top: Point]}
 */
export const grips = ({ mu, sigma, rho = 0 }) => [
  [mu[0], mu[1]],
  [mu[0] + sigma[0], mu[1] + rho * sigma[1]],
  [mu[0] + rho * sigma[0], mu[1] + sigma[1]],
];

/**
 * The grip under the pointer: 0 the mean, 1 σ1, 2 σ2; the mean where there is none within 24 pixels.
 * @param {Chart} chart @param {Gaussian} q @param {Point} place
 */
export function gripAt(chart, q, [x, y]) {
  const distances = grips(q).map(([gx, gy]) => Math.hypot(chart.px(gx) - chart.px(x), chart.py(gy) - chart.py(y)));
  // A narrow q has all three within reach: the nearest is meant.
  const nearest = distances.indexOf(Math.min(...distances));
  return distances[nearest] < 24 ? nearest : 0;
}

/**
 * A grip: a disc with a rim in the paper's colour, so that it is seen on anything.
 * @param {Chart} chart @param {number} x @param {number} y @param {string} colour @param {number} [radius]
 */
export function drawGrip(chart, x, y, colour, radius = 7) {
  chart.dot(x, y, chart.colours.paper, radius + 2.5);
  chart.dot(x, y, colour, radius);
}
