// "Posterior collapse": the KL of each dimension over training, stacked; one to three runs with one cursor and one scale.
//
// What is shown at the cursor is what a run said at its nearest logged point, never something in between.

import { inkOn } from "../../kit/colours.js";
import { makeSlider } from "../../kit/controls.js";
import { h, later } from "../../kit/dom.js";
import { draggable } from "../../kit/drag.js";
import { Hand, LINK_ROUNDS } from "../../kit/hand.js";
import { movementOf } from "../../kit/keys.js";
import { decimal, shortest, weighed, within } from "../../kit/numbers.js";
import { Question } from "../../kit/question.js";
import { roomFor } from "../../kit/room.js";
import { bentTicks } from "../../kit/ticks.js";
import { view } from "../../kit/view.js";
import { Chart } from "../../paint/chart.js";
import { bracket, formula, live, mi, mn, mo, mrow, msub, mtext } from "../../paint/formula.js";
import { Curves, toEpoch, toTime } from "./curves.js";

/**
 * @import { Host } from "../../kit/view.js"
 * @import { CollapseData, CollapsePanel } from "./types.d.ts"
 */

/** @typedef {{ top: number, bar: number }} Scale nats: of the streams, of the bars */
/** @typedef {[panel: number, dim: number]} Pick */
/** @typedef {ReturnType<typeof live>} Live */
/** @typedef {{ at: number, pick: Pick | null }} Stands what is kept of it */

const CLOSED = 0.01; // nats: what Explore folds away too
const NARROWEST = 36; // CSS pixels for one dimension's bar and number

const names = (/** @type {number[]} */ dims) => {
  const all = dims.map((dim) => `z${dim + 1}`);
  return all.length > 1 ? `${all.slice(0, -1).join(", ")} and ${all.at(-1)}` : all.join("");
};

/** One stream with the numbers at the cursor. */
class StreamPanel {
  /** @type {CollapsePanel} */
  data = later();
  /** @type {Curves | null} */
  curves = null;
  /** @type {string | null} */
  address = null;
  stop = () => {};
  shown = 0; // bars that are built
  /** @type {{ dim: number, value: HTMLElement, fill: HTMLElement, button: HTMLElement }[]} */
  cells = [];
  /** @type {{ dims: number[], value: HTMLElement } | null} what has no bar of its own */
  rest = null;

  /** @param {number} index @param {CollapseView} view */
  constructor(index, view) {
    this.index = index;
    this.view = view;
    this.chart = new Chart({
      x: {
        min: 0,
        max: 1,
        label: "epochs (the first ones drawn wider)",
        format: (time) => shortest(toEpoch(time), 3),
      },
      y: { min: 0, max: 1, label: "KL, nats" },
      label: "",
    });
    this.chart.canvas.dataset.testid = `stream-${index}`;
    draggable(this.chart.canvas, {
      at: (event) => this.chart.at(event),
      move: ([time]) => view.move(toEpoch(time), index),
      end: () => view.keep(),
      save: () => view.at,
      restore: (epoch) => view.move(epoch, index),
    });
    this.title = h("h4", {});
    this.badge = h("span", { class: "badge", "data-testid": `closed-${index}` });
    this.bars = h("div", { class: "bars", role: "group" });
    const value = (/** @type {string} */ name, term = name) =>
      h("b", { class: term, "data-testid": `${name}-${index}` });
    this.figures = {
      beta: value("beta", ""),
      reconstruction: value("reconstruction"),
      kl: value("kl"),
      elbo: value("elbo"),
    };
    const figure = (/** @type {string} */ text, /** @type {HTMLElement} */ number) =>
      h("div", {}, h("span", {}, text), number);
    this.numbers = h(
      "div",
      { class: "figures" },
      figure("β", this.figures.beta),
      figure("reconstruction", this.figures.reconstruction),
      figure("KL", this.figures.kl),
      figure("ELBO", this.figures.elbo),
    );
    this.waiting = h("p", { class: "waiting" });
    this.element = h(
      "section",
      { class: "stream" },
      h("header", {}, this.title, this.badge),
      this.waiting,
      this.chart.element,
      this.bars,
      this.numbers,
    );
  }

  /** @param {CollapsePanel} data */
  set(data) {
    const other = this.data?.run !== data.run;
    this.data = data;
    this.title.textContent = data.title;
    this.bars.setAttribute("aria-label", `KL of each dimension, ${data.title}`);
    this.chart.canvas.setAttribute("aria-label", `Stacked KL of each dimension over training, ${data.title}`);
    if (other) {
      this.curves = null;
      this.shown = 0;
    }
    if (data.blob !== this.address) {
      this.address = data.blob;
      this.stop();
      this.stop = this.view.host.blobs([data.blob], (blob) => {
        if (!blob) return;
        this.curves = new Curves(blob, this.data.order);
        this.shown = 0; // the order of the bars may be another
        this.say();
        this.view.arrived();
      });
    }
    this.say();
  }

  say() {
    const { data, curves } = this;
    this.waiting.hidden = Boolean(curves) && !data.status;
    this.waiting.textContent = data.status || "The curves are on their way …";
    for (const part of [this.chart.element, this.bars, this.numbers]) part.hidden = !curves;
    this.badge.hidden = !curves || Boolean(data.status);
    const closed = this.closed();
    this.badge.textContent = closed.length
      ? `${closed.length} of ${data.order.length} closed`
      : data.free
        ? "none closed, by the floor"
        : "none closed";
    this.badge.classList.toggle("some", closed.length > 0);
  }

  /** Dimensions that carry nothing at the end, in their order. */
  closed() {
    const { curves } = this;
    if (!curves) return [];
    const { findings, order } = this.data;
    const is = (/** @type {number} */ dim) =>
      findings ? findings[dim].state === "collapsed" : curves.kl(curves.last, dim) < CLOSED;
    return order.filter(is).sort((a, b) => a - b);
  }

  /** As many bars as there is room for; what the others carry together stands at the end. */
  build() {
    const room = Math.max(4, Math.floor(this.element.clientWidth / NARROWEST));
    const { order } = this.data;
    const shown = order.length <= room ? order.length : room - 2;
    if (shown === this.shown) return;
    this.shown = shown;
    this.cells = order.slice(0, shown).map((dim) => {
      const value = h("b", { "data-testid": `kl-${this.index}-${dim}` });
      const fill = h("i", {});
      fill.style.background = this.view.colour(dim);
      const button = h(
        "button",
        { type: "button", class: "bar", "data-dim": dim, onclick: () => this.view.choose(this.index, dim) },
        value,
        h("span", { class: "track" }, fill),
        h("span", {}, `z${dim + 1}`),
      );
      return { dim, value, fill, button };
    });
    const rest = order.slice(shown);
    this.rest = rest.length ? { dims: rest, value: h("b", {}) } : null;
    this.bars.replaceChildren(
      ...this.cells.map((cell) => cell.button),
      ...(this.rest ? [h("div", { class: "bar rest" }, this.rest.value, h("span", {}, `${rest.length} more`))] : []),
    );
  }

  /** @param {Scale} scale @param {number} height CSS px */
  draw(scale, height) {
    const { curves, chart, data, view } = this;
    if (!curves) return;
    this.build();
    const picked = view.pick && view.pick[0] === this.index ? view.pick[1] : null;
    chart.height = height;
    chart.x.max = toTime(data.epochs);
    chart.x.ticks = bentTicks(data.epochs, toTime).map(toTime);
    chart.y.max = scale.top;
    const context = chart.begin();
    const xs = Array.from(curves.time, (time) => chart.px(time));
    data.order.forEach((dim, k) => {
      const [below, above] = [curves.edges[k], curves.edges[k + 1]];
      context.globalAlpha = picked === null || picked === dim ? 1 : 0.28;
      context.fillStyle = view.colour(dim);
      context.beginPath();
      for (let t = 0; t < xs.length; t++) context.lineTo(xs[t], chart.py(above[t]));
      for (let t = xs.length - 1; t >= 0; t--) context.lineTo(xs[t], chart.py(below[t]));
      context.fill();
      context.globalAlpha = 1;
      context.strokeStyle = chart.colours.paper;
      context.lineWidth = 1;
      chart.stroke(xs.map((x, t) => /** @type {[number, number]} */ ([x, chart.py(above[t])])));
    });
    // Names where a band is thick enough for them, near the end.
    const near = curves.nearest(toEpoch(0.93 * curves.time[curves.last]));
    data.order.forEach((dim, k) => {
      const [below, above] = [curves.edges[k][near], curves.edges[k + 1][near]];
      if (Math.abs(chart.py(below) - chart.py(above)) < chart.text + 1) return;
      if (picked !== null && picked !== dim) return;
      chart.label(curves.time[near], (below + above) / 2, `z${dim + 1}`, inkOn(view.colour(dim)), "center", 0, null);
    });
    this.sayPeak(curves, scale);
    chart.end(); // the cursor's handle may stand out at either end
    const t = curves.nearest(view.at);
    const at = chart.px(curves.time[t]);
    context.strokeStyle = context.fillStyle = chart.colours.ink;
    context.lineWidth = 2;
    chart.stroke([
      [at, chart.box.top],
      [at, chart.box.bottom],
    ]);
    context.beginPath();
    context.arc(at, chart.box.top + 7, 7, 0, 2 * Math.PI);
    context.fill();
    this.write(curves, t, scale, picked);
  }

  /**
   * Where the stream rises above the plot, how far it goes.
   * @param {Curves} curves @param {Scale} scale
   */
  sayPeak(curves, { top }) {
    const { chart } = this;
    let peak = 0;
    for (let t = 1; t < curves.count; t++) if (curves.total(t) > curves.total(peak)) peak = t;
    if (curves.total(peak) <= top) return;
    chart.label(chart.x.max, top, `↑ up to ${decimal(curves.total(peak), 0)} nats  `, chart.colours.ink, "right", 16);
  }

  /**
   * The numbers at point t.
   * @param {Curves} curves @param {number} t @param {Scale} scale @param {number | null} picked
   */
  write(curves, t, { bar }, picked) {
    const { figures } = this;
    const printed = curves.printed(t);
    for (const { dim, value, fill, button } of this.cells) {
      const kl = curves.kl(t, dim);
      value.textContent = decimal(printed[dim]);
      fill.style.height = `${Math.min(100, (100 * kl) / bar)}%`;
      button.classList.toggle("shut", kl < CLOSED);
      button.setAttribute("aria-pressed", String(dim === picked));
      button.title = `z${dim + 1}: ${decimal(printed[dim])} nats`;
    }
    if (this.rest) this.rest.value.textContent = decimal(this.rest.dims.reduce((sum, dim) => sum + printed[dim], 0));
    const [reconstruction, lessKl, elbo] = curves.terms(t);
    figures.beta.textContent = shortest(curves.beta[t]);
    figures.reconstruction.textContent = decimal(reconstruction, 1);
    figures.kl.textContent = decimal(-lessKl, 1);
    figures.elbo.textContent = decimal(elbo, 1);
  }
}

class CollapseView {
  /** @type {StreamPanel[]} */
  panels = [];
  /** @type {string[]} */
  palette = [];
  at = Infinity; // the moment, epochs
  epochs = 1;
  /** @type {Pick | null} */
  pick = null;
  focus = 0; // the panel that the formulas are about
  run = "";
  written = ""; // what the formulas were built for
  /** @type {{ terms: Live[], others: Live | null, all: Live }} of the sum */
  sums = later();
  /** @type {Record<"reconstruction" | "beta" | "kl" | "whole", Live>} of the price */
  parts = later();

  /** @param {HTMLElement} root @param {Host} host */
  constructor(root, host) {
    this.root = root;
    this.host = host;
    this.hand = new Hand((/** @type {{ at: number | null, pick: Pick | null }} */ view) => host.keep("view", view), {
      tolerance: LINK_ROUNDS,
    }); // a link rounds the moment
    this.slider = makeSlider({
      label: "Moment",
      min: 0,
      max: 1,
      step: 1 / 160,
      value: 1,
      format: () => (this.lead ? `epoch ${decimal(this.lead.curves.epoch[this.lead.t])}` : ""),
      oninput: (share) => this.move(toEpoch(share * toTime(this.epochs))),
      onrelease: () => this.keep(),
      keys: (event) => this.step(event),
    });
    this.slider.element.classList.add("moment");
    this.streams = h("div", { class: "streams" });
    this.sum = h("div", {});
    this.price = h("div", {});
    this.words = h("p", { class: "words", "aria-live": "polite", "data-testid": "words" });
    this.question = new Question(root, {
      name: "collapse",
      asks: () =>
        this.trained
          ? `Of the ${this.trained.D} dimensions, how much KL does the least used one carry when training ends?`
          : null,
      range: () => [0, 3],
      digits: 2,
      truth: () =>
        this.trained ? Math.min(...this.trained.printed(this.trained.last).slice(0, this.trained.D)) : null,
      look: () => {
        this.move(Infinity, 0);
        this.keep();
      },
      because: () => "A dimension that explains less than it costs is dropped: for this objective that is best.",
    });
    root.append(
      this.question.element,
      h(
        "div",
        { class: "collapse" },
        this.slider.element,
        h("div", { "data-answer": true }, this.streams),
        h("div", { class: "formulas", "data-answer": true }, this.sum, this.price),
        h("div", { "data-answer": true }, this.words),
        h(
          "p",
          { class: "note" },
          "At the cursor: means over the test images that are scored while training. The line on top is about the whole test set.",
        ),
      ),
    );
  }

  /** @param {CollapseData} data */
  update(data) {
    this.palette = data.palette;
    while (this.panels.length < data.panels.length) this.panels.push(new StreamPanel(this.panels.length, this));
    for (const panel of this.panels.splice(data.panels.length)) panel.stop();
    this.streams.replaceChildren(...this.panels.map((panel) => panel.element));
    this.streams.style.setProperty("--streams", String(this.panels.length));
    this.epochs = Math.max(...data.panels.map((panel) => panel.epochs));
    const other = data.panels[0].run !== this.run;
    if (other) this.hand.forget();
    if (this.hand.hears({ at: data.at, pick: data.pick[0] < 0 ? null : data.pick })) {
      this.at = data.at ?? Infinity;
      this.pick = data.panels[data.pick[0]]?.order.includes(data.pick[1]) ? data.pick : null;
      if (other) this.focus = this.pick ? this.pick[0] : 0;
    }
    this.run = data.panels[0].run;
    if (this.focus >= this.panels.length) this.focus = 0;
    if (this.pick && this.pick[0] >= this.panels.length) this.pick = null;
    data.panels.forEach((panel, i) => {
      this.panels[i].set(panel);
    });
    this.written = "";
  }

  arrived() {
    this.written = "";
    this.host.redraw();
  }

  /** @param {number} dim */
  colour(dim) {
    return this.palette[dim % this.palette.length];
  }

  /** The curves of the first run, if it is finished. */
  get trained() {
    const [first] = this.panels;
    return first?.data.status ? null : (first?.curves ?? null);
  }

  /** The run that the formulas and the words are about, its curves, and its point under the cursor. */
  get lead() {
    const panel = [this.panels[this.focus], ...this.panels].find((one) => one?.curves);
    const curves = panel?.curves;
    return panel && curves ? { panel, curves, t: curves.nearest(this.at) } : null;
  }

  /** @param {number} epoch @param {number} [index] of the panel */
  move(epoch, index = this.focus) {
    this.hand.takes();
    this.at = Math.min(epoch, this.epochs);
    this.focus = index;
    this.host.redraw();
  }

  /**
   * A key goes from one logged point to the next, however far apart they are: where on the slider that is.
   * @param {KeyboardEvent} event
   */
  step(event) {
    const movement = movementOf(event);
    const { lead } = this;
    if (!lead || !movement) return null;
    const { curves, t } = lead;
    const by =
      "end" in movement
        ? movement.end * curves.count
        : Math.ceil(Math.abs(movement.x + movement.y)) * Math.sign(movement.x + movement.y);
    return toTime(curves.epoch[within(t + by, 0, curves.last)]) / toTime(this.epochs);
  }

  /** @param {number} index of the panel @param {number} dim */
  choose(index, dim) {
    const same = this.pick && this.pick[0] === index && this.pick[1] === dim;
    this.hand.takes();
    this.pick = same ? null : [index, dim];
    this.focus = index;
    this.host.redraw();
    this.keep();
  }

  keep() {
    const { lead } = this;
    if (!lead) return;
    const at = Number(lead.curves.epoch[lead.t].toFixed(3));
    this.hand.lets({ at, pick: this.pick });
  }

  draw() {
    const { lead } = this;
    if (!lead) return;
    this.question.refresh();
    const { chart } = lead.panel;
    const wide = this.root.clientWidth > 1000;
    const beside = wide || this.panels.length === 1;
    const height = beside ? Math.min(600, Math.max(150, 12 * chart.text, roomFor(this.root, [chart.element]))) : 200;
    const scale = this.scale(this.panels.flatMap((panel) => panel.curves ?? []));
    // Numbers first: a chart takes the width that they leave.
    for (const panel of this.panels) {
      panel.element.classList.toggle("lead", panel === lead.panel && this.panels.length > 1);
      panel.draw(scale, height);
    }
    this.slider.set(toTime(lead.curves.epoch[lead.t]) / toTime(this.epochs));
    this.writeFormulas(lead);
    this.writeWords(lead.panel);
  }

  /**
   * One scale for all: the highest stream, unless a peak before the end would squash everything else.
   * @param {Curves[]} all @returns {Scale}
   */
  scale(all) {
    let [highest, settled, bar] = [0, 0, 0.1];
    for (const curves of all) {
      for (let t = 0; t < curves.count; t++) highest = Math.max(highest, curves.total(t));
      settled = Math.max(settled, curves.total(curves.last));
      for (const kl of curves.values.subarray(curves.last * curves.D)) bar = Math.max(bar, kl);
    }
    return { top: Math.max(0.1, 1.06 * Math.min(highest, 1.25 * Math.max(settled, 0.1))), bar: 1.25 * bar };
  }

  /**
   * The sum and the price, with room for their numbers.
   * @param {CollapsePanel} data @param {number} shown how many dimensions have a term of their own
   */
  makeFormulas({ order, free, weighs }, shown) {
    const terms = order.slice(0, shown).map(() => live("kl"));
    const others = shown < order.length ? live("kl", { unit: "(rest)" }) : null;
    const all = live("kl", { unit: "nats", testid: "sum" });
    this.sums = { terms, others, all };
    const summands = [...terms, ...(others ? [others] : [])].flatMap(({ element }, i) =>
      i ? [mo("+"), element] : [element],
    );
    const klOf = () => msub(mtext("KL", "kl"), mi("j", "kl"));
    const sigma = () => msub(mo("Σ"), mi("j"));
    this.sum.replaceChildren(
      formula(mtext("KL", "kl"), mo("="), sigma(), klOf(), mo("="), ...summands, mo("="), all.element),
    );
    this.parts = {
      reconstruction: live("reconstruction", { digits: 1 }),
      beta: live(),
      kl: live("kl"),
      whole: live("", { digits: 1, unit: "nats", testid: "price" }),
    };
    const { reconstruction, beta, kl, whole } = this.parts;
    const price = free
      ? [mo("·"), sigma(), mo("max"), bracket("("), mn(String(free)), mo(","), klOf(), bracket(")")]
      : [mo("·"), mtext("KL", "kl")];
    this.price.replaceChildren(
      weighs
        ? formula(
            mrow(mtext("reconstruction", "reconstruction"), mo("−"), mi("β"), ...price),
            mo("="),
            reconstruction.element,
            mo("−"),
            beta.element,
            mo("·"),
            kl.element,
            mo("="),
            whole.element,
          )
        : formula(
            mtext("reconstruction", "reconstruction"),
            mo("−"),
            mtext("KL", "kl"),
            mo("="),
            reconstruction.element,
            mo("−"),
            kl.element,
            mo("="),
            whole.element,
          ),
    );
  }

  /** @param {{ panel: StreamPanel, curves: Curves, t: number }} lead */
  writeFormulas({ panel, curves, t }) {
    const { data } = panel;
    const width = this.root.clientWidth;
    const most = width > 1400 || (width > 1100 && !data.free) ? 10 : 7;
    const { order } = data;
    const shown = order.length > most ? most - 1 : order.length;
    const form = `${data.run}/${shown}/${data.free}`;
    if (form !== this.written) {
      this.written = form;
      this.makeFormulas(data, shown);
    }
    const { terms, others, all } = this.sums;
    const printed = curves.printed(t);
    terms.forEach((term, i) => {
      term.set(printed[order[i]]);
    });
    others?.set(order.slice(shown).reduce((sum, dim) => sum + printed[dim], 0));
    all.set(printed[curves.D]);
    let charged = 0;
    for (let dim = 0; dim < curves.D; dim++) charged += Math.max(data.free, curves.kl(t, dim));
    const [reconstruction] = curves.terms(t);
    const price = weighed(reconstruction, data.weighs ? curves.beta[t] : 1, charged);
    this.parts.reconstruction.set(reconstruction);
    this.parts.beta.element.textContent = shortest(price.beta);
    this.parts.kl.set(price.kl, price.klDigits);
    this.parts.whole.set(price.whole);
  }

  /** @param {StreamPanel} lead */
  writeWords(lead) {
    const { data } = lead;
    const closed = lead.closed();
    let text = "";
    if (this.pick && this.panels[this.pick[0]]?.curves) {
      const panel = this.panels[this.pick[0]];
      const name = `z${this.pick[1] + 1}`;
      const found = panel.data.findings?.[this.pick[1]].sentence;
      text = found
        ? `At the end ${found}`
        : `What ${name} is like at the end is said as soon as the test images are encoded.`;
    } else if (data.status) {
      text = "This one is still being trained; its stream grows as it learns.";
    } else if (closed.length) {
      const one = closed.length === 1;
      text =
        `${data.title}. At the end ${names(closed)} ${one ? "has" : "have"} collapsed: whatever the image, what the ` +
        `decoder gets from ${one ? "it" : "them"} is noise from the prior. That is the optimum of this objective, no ` +
        `accident: what ${one ? "it" : "they"} could say is worth less than the KL it would cost. Choose a bar to read on.`;
    } else {
      const floor = `A floor is no use by itself: a KL of ${shortest(data.free)} that costs nothing may say little of the image. `;
      text = `${data.title}. ${data.free ? floor : ""}Every dimension ends open: its code moves with the image. Choose a bar to read about a dimension.`;
    }
    if (this.words.textContent !== text) this.words.textContent = text;
  }
}

export default view(CollapseView);
