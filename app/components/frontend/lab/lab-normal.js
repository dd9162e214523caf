// Owns N(μ, σ²) against the prior N(0, 1) for the lab: the KL's parts, its gradient, the bars that add them up, and a
// two-dimensional Gaussian that can be taken hold of.

import { h } from "../kit/dom.js";
import { decimal, within } from "../kit/numbers.js";
import { ticks, tickTexts } from "../kit/ticks.js";

/** D[N(μ, σ²) ‖ N(0, 1)] in its four parts, nats: ½μ², ½σ², −½, −log σ (Kingma & Welling 2014, appendix B). */
export const klTerms = (mu, sigma) => [(mu * mu) / 2, (sigma * sigma) / 2, -0.5, -Math.log(sigma)];

export const klNats = (mu, sigma) => klTerms(mu, sigma).reduce((sum, part) => sum + part, 0);

/** −∂KL/∂(μ, σ): where the KL would move them. */
export const klPull = (mu, sigma) => [-mu, 1 / sigma - sigma];

/** What a correlation ρ adds to the KLs of two dimensions, nats: −½ log(1 − ρ²), the information they share. */
export const sharedNats = (rho) => -0.5 * Math.log(1 - rho * rho);

// ---- the sum as bars

/**
 * Bars that add up: each starts where the one above it ends, the last is their sum. `parts`: [{label, term, testid}, …],
 * the sum last; `term` is the class that colours bar and number.
 */
export class Waterfall {
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
    this.rows.at(-1).element.classList.add("sum");
    this.ticks = h("span", { class: "track" });
    this.element = h(
      "div",
      { class: "waterfall" },
      ...this.rows.map((row) => row.element),
      h("div", { class: "part scale", "aria-hidden": "true" }, h("span"), this.ticks, h("span", {}, unit)),
    );
    this.range(min, max);
  }

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

  percent(nats) {
    return (100 * (within(nats, this.min, this.max) - this.min)) / (this.max - this.min);
  }

  /** The parts without their sum; NaN where a part is not known. */
  set(values, sum = values.reduce((total, value) => total + value, 0)) {
    let from = 0;
    [...values, sum].forEach((value, i) => {
      const last = i === values.length;
      const { bar, number } = this.rows[i];
      const [a, b] = last ? [0, value] : [from, from + value];
      const known = Number.isFinite(a) && Number.isFinite(b);
      bar.style.left = known ? `${this.percent(Math.min(a, b))}%` : "0";
      bar.style.width = known ? `${this.percent(Math.max(a, b)) - this.percent(Math.min(a, b))}%` : "0";
      number.textContent = Number.isFinite(value) ? decimal(value) : "–";
      from = b;
    });
  }
}

// ---- a Gaussian on a plane. q: {mu: [μ1, μ2], sigma: [σ1, σ2], rho}

/** Its outline at `reach` standard deviations: the half axes are the square roots of the covariance's eigenvalues. */
export function drawGaussian(chart, { mu, sigma, rho = 0 }, reach, colour, look) {
  const [a, b, c] = [sigma[0] ** 2, rho * sigma[0] * sigma[1], sigma[1] ** 2];
  const middle = (a + c) / 2;
  const away = Math.hypot((a - c) / 2, b);
  const angle = 0.5 * Math.atan2(2 * b, a - c);
  const half = (eigenvalue) => reach * Math.sqrt(Math.max(0, eigenvalue));
  chart.ellipse(mu[0], mu[1], half(middle + away), half(middle - away), angle, colour, look);
}

/** The prior's circles at one, two and three standard deviations. */
export function drawPrior(chart, colour) {
  for (const reach of [1, 2, 3]) chart.ellipse(0, 0, reach, reach, 0, colour, { width: 1.5, dash: [6, 5] });
}

/** Where q is taken hold of: its mean, and where its one-σ outline is farthest right and farthest up. */
export const grips = ({ mu, sigma, rho = 0 }) => [
  [mu[0], mu[1]],
  [mu[0] + sigma[0], mu[1] + rho * sigma[1]],
  [mu[0] + rho * sigma[0], mu[1] + sigma[1]],
];

/** The grip under the pointer: 0 the mean, 1 σ1, 2 σ2; the mean where there is none within 24 pixels. */
export function gripAt(chart, q, [x, y]) {
  const distances = grips(q).map(([gx, gy]) => Math.hypot(chart.px(gx) - chart.px(x), chart.py(gy) - chart.py(y)));
  // A narrow q has all three within reach: the nearest is meant.
  const nearest = distances.indexOf(Math.min(...distances));
  return distances[nearest] < 24 ? nearest : 0;
}

/** A grip: a disc with a rim in the paper's colour, so that it is seen on anything. */
export function drawGrip(chart, x, y, colour, radius = 7) {
  chart.dot(x, y, chart.colours.paper, radius + 2.5);
  chart.dot(x, y, colour, radius);
}
