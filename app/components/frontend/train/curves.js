// The curves of a run: each term in a chart of its own, training and held-out images of one moment beside each other.

import { colourOf } from "../kit/colours.js";
import { h } from "../kit/dom.js";
import { decimal, nats } from "../kit/numbers.js";
import { everySo } from "../kit/ticks.js";
import { Chart } from "../paint/chart.js";
import { elboOf, hasOwnObjective, rangeOf } from "./story.js";

/**
 * @import { CurvePoint, LiveData, Terms } from "../types.d.ts"
 * @import { Story } from "./story.js"
 */

/** @typedef {{values: number[], name: string, dash: number[]}} Curve */

const HEIGHT = 176;

/** A chart with its title and its legend. */
class Panel {
  /** @param {string} title @param {string} variable of its colour @param {string} unit */
  constructor(title, variable, unit = "nats per image") {
    this.variable = variable;
    this.unit = unit;
    this.chart = new Chart({
      x: { min: 0, max: 1, label: "epochs" },
      y: { min: 0, max: 1, label: unit },
      label: title,
      height: HEIGHT,
    });
    this.legend = h("span", { class: "legend" });
    this.title = h("b", {}, title);
    this.element = h("figure", {}, h("figcaption", {}, this.title, this.legend), this.chart.element);
  }

  /**
   * @param {HTMLElement} root @param {number[]} epochs @param {number} end @param {Curve[]} curves
   * @param {[number, number] | null} now epoch and value of this moment
   */
  draw(root, epochs, end, curves, now) {
    const { chart } = this;
    const colour = colourOf(root, this.variable);
    const range = rangeOf(curves.map(({ values }) => values));
    chart.x.max = Math.max(end, 1e-6);
    [chart.y.min, chart.y.max] = range ?? [0, 1];
    chart.y.format = range ? undefined : () => "";
    const context = chart.begin();
    for (const { values, dash } of curves) chart.line(epochs, values, colour, { dash, width: dash.length ? 1.6 : 2 });
    if (now && now[1] > chart.y.min && now[1] < chart.y.max) chart.dot(now[0], now[1], colour, 4);
    context.setLineDash([]);
    chart.end();
    const key = curves.map(({ name, dash }) => `${dash.length ? "┄" : "─"} ${name}`).join("  ");
    if (this.legend.textContent !== key) this.legend.textContent = key;
  }
}

export class Curves {
  constructor() {
    this.panels = {
      elbo: new Panel("ELBO", "--elbo"),
      reconstruction: new Panel("Reconstruction", "--reconstruction"),
      kl: new Panel("KL", "--kl"),
      objective: new Panel("Objective", "--objective"),
      beta: new Panel("β", "--objective", "weight of the KL"),
    };
    this.bars = new Chart({
      x: { min: -0.5, max: 0.5, label: "latent dimension" },
      y: { min: 0, max: 1, label: "nats" },
      label: "KL per dimension",
      height: HEIGHT,
    });
    const bars = h("figure", {}, h("figcaption", {}, h("b", {}, "KL per dimension")), this.bars.element);
    this.says = h("p", { class: "note" });
    this.element = h("div", { class: "curves" }, ...Object.values(this.panels).map(({ element }) => element), bars);
  }

  /** @param {HTMLElement} root @param {Story} story @param {LiveData} data */
  draw(root, story, data) {
    const { points, progress } = story;
    const epochs = points.map(({ epoch }) => epoch);
    const end = Math.max(data.epochs, epochs.at(-1) ?? 0);
    const comparable = points.length > 0 && points.every(({ seen }) => seen != null);
    const train = points.map((point) => (comparable && point.seen ? point.seen : point.train));
    const both = (/** @type {(terms: Terms) => number} */ of) => [
      { values: train.map(of), name: "training", dash: [] },
      { values: points.map(({ held_out }) => of(held_out)), name: "held out", dash: [5, 4] },
    ];
    const now = (/** @type {(terms: Terms) => number} */ of) =>
      /** @type {[number, number] | null} */ (
        story.goesOn && progress?.train ? [progress.epoch, of(progress.train)] : null
      );
    /** @type {[keyof Curves["panels"], (terms: Terms) => number][]} */
    const terms = [
      ["elbo", elboOf],
      ["reconstruction", (t) => t.reconstruction],
      ["kl", (t) => t.kl],
    ];
    for (const [name, of] of terms) this.panels[name].draw(root, epochs, end, both(of), now(of));
    this.drawObjective(root, points, epochs, end, data);
    this.drawBars(root, (story.goesOn && progress?.train) || points.at(-1)?.held_out || story.test, data);
    this.say(points, comparable, data);
  }

  /** @param {HTMLElement} root @param {CurvePoint[]} points @param {number[]} epochs @param {number} end @param {LiveData} data */
  drawObjective(root, points, epochs, end, data) {
    const { objective, beta } = this.panels;
    const moves = points.some((point) => point.beta !== points[0]?.beta);
    objective.element.hidden = !(data.objective || data.beta !== 1 || data.warmup || hasOwnObjective(points));
    beta.element.hidden = !(data.warmup || moves);
    if (!objective.element.hidden) {
      const values = points.map((point) => point.objective ?? elboOf(point.train));
      objective.draw(
        root,
        epochs,
        end,
        [{ values, name: data.objective || betaObjective(data, moves), dash: [] }],
        null,
      );
    }
    if (!beta.element.hidden)
      beta.draw(root, epochs, end, [{ values: points.map((point) => point.beta), name: "", dash: [] }], null);
  }

  /** @param {HTMLElement} root @param {Terms | null | undefined} terms @param {LiveData} data */
  drawBars(root, terms, data) {
    const chart = this.bars;
    const kl = terms?.kl_per_dim ?? [];
    const D = Math.max(1, data.dims);
    chart.x.min = -0.5;
    chart.x.max = D - 0.5;
    chart.x.ticks = everySo(D, 12);
    chart.x.format = (value) => `z${value + 1}`;
    chart.y.max = Math.max(0.5, 1.08 * Math.max(0, ...kl));
    const context = chart.begin();
    const [on, off] = [colourOf(root, "--kl"), colourOf(root, "--prior")];
    const width = Math.min(48, 0.72 * (chart.px(1) - chart.px(0)));
    kl.forEach((value, i) => {
      context.fillStyle = value >= data.activeKL ? on : off;
      context.fillRect(chart.px(i) - width / 2, chart.py(value), width, Math.max(1, chart.py(0) - chart.py(value)));
    });
    chart.end();
    const said = kl.length
      ? `KL per dimension: ${kl.map((value, i) => `z${i + 1} ${nats(value)}`).join(", ")}`
      : "KL per dimension";
    if (chart.canvas.getAttribute("aria-label") !== said) chart.canvas.setAttribute("aria-label", said);
  }

  /** @param {CurvePoint[]} points @param {boolean} comparable @param {LiveData} data */
  say(points, comparable, data) {
    const sentences = [
      comparable || !points.length
        ? "Both curves are of the same moment: the model as it is then, on 500 training images and on 500 test images that no gradient sees. " +
          "Where training lies above held out, the model knows its own images better than new ones."
        : "Held out is the model of that moment on test images; training is the mean over the steps before it, on images as they came.",
    ];
    if (data.warmup)
      sentences.push(
        "β grows during the warm-up, and the objective with it can fall while the ELBO rises: what is maximised changes, not only the model.",
      );
    const text = sentences.join(" ");
    if (this.says.textContent !== text) this.says.textContent = text;
  }
}

/** @param {LiveData} data @param {boolean} moves whether β does */
function betaObjective(data, moves) {
  if (!data.weighsKL) return "what is maximised";
  return `reconstruction − ${moves || data.warmup ? "β" : decimal(data.beta, 3).replace(/\.?0+$/, "")}·KL`;
}
