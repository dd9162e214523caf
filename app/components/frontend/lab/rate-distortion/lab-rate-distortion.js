// The rate-distortion plane: a point for each comparable model, those of the sweep connected. Moving β leads along them;
// the dashed line through the highlighted point has the slope that its β asks for.

import { colourOf } from "../../kit/colours.js";
import { makeButton } from "../../kit/controls.js";
import { find, h, isCalm, later } from "../../kit/dom.js";
import { draggable } from "../../kit/drag.js";
import { Hand } from "../../kit/hand.js";
import { adding, decimal } from "../../kit/numbers.js";
import { Question } from "../../kit/question.js";
import { roomFor } from "../../kit/room.js";
import { ticks } from "../../kit/ticks.js";
import { view } from "../../kit/view.js";
import { Chart } from "../../paint/chart.js";
import { formula, live, mfrac, mo, mrow, mtext } from "../../paint/formula.js";
import { tensorOf } from "../../net/safetensors.js";
import { paintSheet, penOf } from "../../paint/picture.js";
import { betaText, sweepSlider } from "../lab-sweep.js";
import { twinsOf } from "./twins.js";

/**
 * @import { Point } from "../../paint/chart.js"
 * @import { Host } from "../../kit/view.js"
 * @import { Arrays } from "../../types.d.ts"
 * @import { RateDistortionData, RateDistortionModel } from "./types.d.ts"
 */

/** @typedef {RateDistortionModel & { beta: number }} SweepModel */
/** @typedef {[x0: number, x1: number, y0: number, y1: number]} Window what of the plane is shown */

/** @param {RateDistortionModel} model @returns {model is SweepModel} */
const isInside = (model) => model.inside && model.beta !== null;

/**
 * Distortion, rate and ELBO as they are printed: the ELBO is less their sum.
 * @param {RateDistortionModel} model
 */
function printedTerms({ distortion, rate }) {
  const [first, second, elbo] = adding([-distortion, -rate], 1);
  return [-first, -second, elbo];
}

const NEAR = 16; // CSS pixels from which a point takes the pointer

const ZOOM = 260; // ms from one window to another

class RateDistortionView {
  /** @type {RateDistortionData} */
  data = later();
  key = "";
  /** @type {SweepModel[]} */
  sweep = [];
  index = 0; // of the chosen model in the sweep
  /** @type {RateDistortionModel | null} a model under the pointer */
  hovered = null;
  /** @type {string | null} the run that was chosen, where it is not of the sweep */
  picked = null;
  /** @type {[SweepModel, SweepModel] | null} one ELBO, two rates */
  twins = null;
  /** @type {Window} */
  window = [0, 1, 0, 1];
  /** @type {Window | null} where the window goes */
  target = null;
  /** @type {number | null} the frame to come of its way there */
  zoom = null;
  /** @type {(() => void)[]} */
  stops = [];
  /** @type {Map<string, Arrays>} by run */
  pictures = new Map();
  /** @type {Arrays | undefined} whose pictures are on the canvases */
  painted;
  /** @type {Chart} */
  chart = later();
  /** @type {ReturnType<typeof sweepSlider> | null} */
  slider = null;
  /** @type {Record<"rate" | "distortion" | "elbo", HTMLElement>} */
  cells = later();
  /** @type {Record<"name" | "chords" | "tangent" | "twins", HTMLElement>} */
  words = later();
  /** @type {Record<"originals" | "reconstructions", HTMLCanvasElement>} */
  sheets = later();
  slope = live("", { testid: "slope" });
  toOther = makeButton("", () => {}); // the other of the twins

  /** @param {HTMLElement} root @param {Host} host */
  constructor(root, host) {
    this.root = root;
    this.host = host;
    this.hand = new Hand((/** @type {{ beta: number }} */ view) => host.keep("view", view), { tolerance: 1e-6 });
    this.question = new Question(root, {
      name: "rate-distortion",
      asks: () => {
        if (!this.twins) return null;
        const [low, high] = this.twins.map(({ rate }) => decimal(rate, 0));
        return `One of these models has a KL of ${low} nats, another of ${high}. How far apart are their ELBOs?`;
      },
      range: () => {
        const [low, high] = this.twins ?? [];
        return [0, low && high ? Math.ceil(high.rate - low.rate) : 1];
      },
      truth: () => {
        // Of the numbers that the page prints.
        const [low, high] = (this.twins ?? []).map((one) => printedTerms(one)[2]);
        return Math.abs(high - low);
      },
      look: () => this.twins && this.pick(this.twins[0]),
      because: () =>
        "The ELBO does not say how much a code tells of the image, only that what it tells is worth its price.",
    });
  }

  /** @param {RateDistortionData} data */
  update(data) {
    const key = JSON.stringify(data.models) + data.current;
    // The same models come as other objects each time; a point is told from another by which one it is.
    this.data = key === this.key ? { ...data, models: this.data.models } : data;
    if (key !== this.key) this.hand.forget();
    const led = this.hand.hears({ beta: data.beta });
    if (key === this.key) {
      if (led) this.go(this.placeOf(data.beta));
      return;
    }
    this.key = key;
    this.halt();
    this.sweep = data.models.filter(isInside);
    this.twins = twinsOf(this.sweep);
    this.picked = null;
    this.index = this.placeOf(data.beta);
    this.hovered = null;
    this.window = this.windowOf(this.shown());
    this.build();
    this.stops = data.models.map((model) =>
      this.host.blobs(
        [model.pictures],
        (blob) => {
          this.pictures.set(model.run, blob);
          this.host.redraw();
        },
        () => {}, // it keeps its point; a damaged model has no pictures, and Models says why
      ),
    );
  }

  destroy() {
    this.halt();
  }

  /** @param {number} beta */
  placeOf(beta) {
    return Math.max(
      0,
      this.sweep.findIndex((model) => model.beta === beta),
    );
  }

  halt() {
    this.slider?.stop();
    for (const stop of this.stops) stop();
    if (this.zoom !== null) cancelAnimationFrame(this.zoom);
    this.zoom = null;
  }

  /** @returns {RateDistortionModel} */
  shown() {
    const picked = this.picked === null ? null : this.data.models.find((model) => model.run === this.picked);
    return this.hovered ?? picked ?? this.sweep[this.index];
  }

  // ---- the window. Where the KL is free (β = 0) the rate is so large that the others would be one spot: such a point
  // widens the window while it is the one that is looked at.

  /** @param {RateDistortionModel} model @returns {Window} */
  windowOf(model) {
    const paid = this.sweep.filter((one) => one.beta > 0);
    const near = paid.length > 1 ? paid : this.sweep;
    const rate = Math.max(...near.map((one) => one.rate));
    const [low, high] = [
      Math.min(...near.map((one) => one.distortion)),
      Math.max(...near.map((one) => one.distortion)),
    ];
    const pad = 0.12 * (high - low) + 1;
    /** @type {Window} */
    const base = [0, 1.22 * rate + 1, low - pad, high + pad];
    const inside = model.rate <= base[1] && model.distortion >= base[2] && model.distortion <= base[3];
    if (inside || !model.inside) return base;
    return [0, 1.12 * model.rate, Math.min(base[2], model.distortion - pad), Math.max(base[3], model.distortion + pad)];
  }

  /** Move the window to where the highlighted point is seen. */
  look() {
    const to = this.windowOf(this.shown());
    if (to.every((value, i) => value === this.target?.[i])) return;
    this.target = to;
    if (this.zoom !== null) cancelAnimationFrame(this.zoom);
    const from = this.window;
    if (isCalm() || from.every((value, i) => value === to[i])) {
      this.window = to;
      this.zoom = null;
      return;
    }
    const start = performance.now();
    const frame = (/** @type {number} */ now) => {
      const done = Math.min(1, Math.max(0, (now - start) / ZOOM));
      const eased = done * done * (3 - 2 * done);
      const between = from.map((value, i) => (done === 1 ? to[i] : value + eased * (to[i] - value)));
      this.window = /** @type {Window} */ (between);
      this.zoom = done < 1 ? requestAnimationFrame(frame) : null;
      this.host.redraw();
    };
    this.zoom = requestAnimationFrame(frame);
  }

  build() {
    this.chart = new Chart({
      x: { min: 0, max: 1, label: "rate = KL, nats per image" },
      y: { min: 0, max: 1, label: "distortion = −reconstruction, nats per image" },
      label: "Rate and distortion of each model",
      height: 430,
    });
    this.chart.canvas.dataset.testid = "plane";
    this.listen();
    this.slider = sweepSlider({
      betas: this.sweep.map((model) => model.beta),
      index: this.index,
      onmove: (at) => this.choose(Math.round(at)),
      onrelease: () => this.hand.lets(this.stands()),
    });
    const name = h("h4", { "data-testid": "model" });
    const chords = h("p", { class: "note", "data-testid": "chords" });
    const tangent = this.makeTangent(chords);
    const twins = h("div", { class: "twins", "data-testid": "twins", "data-answer": true });
    this.words = { name, chords, tangent, twins };
    const picture = (/** @type {string} */ label, /** @type {string} */ testid) =>
      h("canvas", { class: "sheet", role: "img", "aria-label": label, "data-testid": testid });
    const { originals, reconstructions } = {
      originals: picture("Test images, one of each label", "originals"),
      reconstructions: picture("Their reconstructions by this model", "reconstructions"),
    };
    this.sheets = { originals, reconstructions };
    const open = makeButton("Open this model in Explore", () => this.host.ask("open", this.shown().run), {
      class: "open",
    });
    this.root.replaceChildren(
      this.question.element,
      h(
        "div",
        { class: "rate-distortion" },
        h("div", { class: "map" }, this.chart.element, legend()),
        h(
          "div",
          { class: "side" },
          this.slider.element,
          h("header", {}, name),
          h("div", { class: "pictures" }, originals, reconstructions),
          this.makeTable(),
          twins,
          tangent,
          h("div", { class: "ways" }, this.toOther, open),
        ),
      ),
    );
  }

  /** −β as the slope of the curve. @param {HTMLElement} chords what the models say of it */
  makeTangent(chords) {
    return h(
      "div",
      {},
      formula(
        mfrac(
          mrow(mtext("d\u2009"), mtext("distortion", "reconstruction")),
          mrow(mtext("d\u2009"), mtext("rate", "kl")),
        ),
        mo("="),
        mtext("−β"),
        mo("="),
        this.slope.element,
        mtext("\u2002at the optimum: the dashed line", "prior"),
      ),
      chords,
    );
  }

  makeTable() {
    const cell = (/** @type {string} */ testid, /** @type {string} */ term) =>
      h("td", { class: `number ${term}`, "data-testid": testid });
    this.cells = {
      rate: cell("rate", "kl"),
      distortion: cell("distortion", "reconstruction"),
      elbo: cell("elbo", "elbo"),
    };
    /** @param {string} name @param {string} term @param {HTMLElement} value */
    const row = (name, term, value) =>
      h("tr", {}, h("td", { class: term }, name), value, h("td", { class: "prior" }, "nats per image"));
    return h(
      "table",
      {},
      row("rate, the KL", "kl", this.cells.rate),
      row("distortion, −reconstruction", "reconstruction", this.cells.distortion),
      row("ELBO = −distortion − rate", "elbo", this.cells.elbo),
    );
  }

  // ---- controls

  /** @param {number} index */
  choose(index) {
    this.hand.takes();
    this.show(index);
  }

  /**
   * Without a hand: the slider stands there, too.
   * @param {number} index
   */
  go(index) {
    this.slider?.set(index);
    this.show(index);
  }

  /** @param {number} index */
  show(index) {
    this.hovered = this.picked = null;
    this.index = index;
    this.look();
    this.host.redraw();
  }

  /**
   * A point that was clicked: it stays chosen until another is.
   * @param {RateDistortionModel} model
   */
  pick(model) {
    if (isInside(model)) {
      this.go(this.sweep.indexOf(model));
      this.hand.says(this.stands());
      return;
    }
    this.hovered = null;
    this.picked = model.run;
    this.look();
    this.host.redraw();
  }

  /** What is kept of it. */
  stands() {
    return { beta: this.sweep[this.index].beta };
  }

  listen() {
    const { canvas } = this.chart;
    // Points are told apart in CSS pixels of the canvas, whatever the window shows.
    /** @param {MouseEvent} event @returns {Point} */
    const at = (event) => {
      const frame = canvas.getBoundingClientRect();
      return [event.clientX - frame.left, event.clientY - frame.top];
    };
    /**
     * A finger covers more than a mouse, and has nothing to hover with.
     * @template {RateDistortionModel} Model
     * @param {Point} place @param {Model[]} models @param {number} reach @returns {Model | null}
     */
    const under = ([x, y], models, reach) => {
      const away = (/** @type {Model} */ model) =>
        Math.hypot(this.chart.px(model.rate) - x, this.chart.py(model.distortion) - y);
      const nearest = models.reduce((best, model) => (away(model) < away(best) ? model : best));
      return away(nearest) <= reach ? nearest : null;
    };
    const choose = (/** @type {number} */ index) => {
      this.slider?.set(index);
      this.choose(index);
    };
    draggable(canvas, {
      at,
      move: (place) => {
        const nearest = under(place, this.sweep, Number.POSITIVE_INFINITY);
        if (nearest) choose(this.sweep.indexOf(nearest));
      },
      end: () => this.hand.lets(this.stands()),
      save: () => this.index,
      restore: choose,
      click: (place) => {
        const found = under(place, this.data.models, NEAR);
        if (found) this.pick(found);
      },
      hover: (place) => {
        const found = place && under(place, this.data.models, NEAR);
        canvas.style.cursor = found ? "pointer" : "";
        this.light(found);
      },
    });
  }

  /**
   * Look at a model that the pointer is on; null: at the chosen one again.
   * @param {RateDistortionModel | null} model
   */
  light(model) {
    const chosen = model && !this.picked && model === this.sweep[this.index];
    const next = model && !chosen && model.run !== this.picked ? model : null;
    if (next === this.hovered) return;
    this.hovered = next;
    this.host.redraw();
  }

  // ---- drawing

  draw() {
    if (!this.data) return;
    this.question.refresh();
    const model = this.shown();
    this.write(model);
    this.paint(model);
    this.drawChart(model);
    this.root.dataset.run = model.run;
  }

  /** @param {RateDistortionModel} model */
  write(model) {
    const { words } = this;
    const said = (/** @type {number} */ value, /** @type {number | null} */ error) => [
      decimal(value, 1),
      error ? h("small", {}, ` ± ${decimal(error, error < 0.095 ? 2 : 1)}`) : "",
    ];
    const [distortion, rate, elbo] = printedTerms(model);
    this.cells.rate.replaceChildren(...said(rate, model.rateError));
    this.cells.distortion.replaceChildren(...said(distortion, model.distortionError));
    this.cells.elbo.replaceChildren(...said(elbo, model.elboError));
    words.name.textContent = model.title + (model.run === this.data.current ? " (the current model)" : "");
    // The slope is a statement about what reconstruction − β·KL was maximised for; other objectives make none.
    words.tangent.hidden = model.beta === null;
    this.slope.element.textContent = model.beta ? `−${betaText(model.beta)}` : "0";
    words.chords.textContent = isInside(model) ? this.chordsOf(this.sweep.indexOf(model)) : "";
    this.writeTwins(model);
  }

  /**
   * What the sweep proves about the ELBO, and the way to the other of the two.
   * @param {RateDistortionModel} model
   */
  writeTwins(model) {
    const { twins, words } = this;
    words.twins.hidden = this.toOther.hidden = !twins;
    if (!twins) return;
    const [low, high] = twins;
    const other = model === low ? high : low;
    const [, , first] = printedTerms(low);
    const [, , second] = printedTerms(high);
    const sentence = h(
      "p",
      {},
      h("b", {}, `β = ${betaText(low.beta)} and β = ${betaText(high.beta)} are twins:`),
      ` their ELBOs are ${decimal(first, 1)} and ${decimal(second, 1)}, and yet their codes say `,
      h("b", { class: "kl" }, `${decimal(low.rate, 0)} and ${decimal(high.rate, 0)} nats`),
      " about an image. The ELBO alone does not tell how much a code carries.",
    );
    this.toOther.textContent = `Look at β = ${betaText(other.beta)}`;
    this.toOther.onclick = () => this.pick(other);
    if (words.twins.textContent !== sentence.textContent) words.twins.replaceChildren(sentence);
  }

  /**
   * A convex curve's slope at a point lies between those of the chords to its neighbours: a check of the formula.
   * @param {number} index
   */
  chordsOf(index) {
    const at = this.sweep[index];
    const chord = (/** @type {SweepModel} */ other) => (other.distortion - at.distortion) / (other.rate - at.rate);
    const words = [index + 1, index - 1]
      .filter((i) => this.sweep[i])
      .map((i) => `${decimal(chord(this.sweep[i]), 2)} to β = ${betaText(this.sweep[i].beta)}`);
    return `Measured: the line to the neighbouring point has slope ${words.join(", ")}.`;
  }

  /** @param {RateDistortionModel} model */
  paint(model) {
    const { originals, reconstructions } = this.sheets;
    const arrays = this.pictures.get(model.run);
    if (this.painted === arrays && arrays) return;
    this.painted = arrays;
    reconstructions.dataset.run = arrays ? model.run : "";
    if (arrays) {
      paintSheet(originals, tensorOf(arrays, "images", Uint8Array));
      paintSheet(reconstructions, tensorOf(arrays, "reconstructions", Uint8Array));
    } else penOf(reconstructions).clearRect(0, 0, reconstructions.width, reconstructions.height);
  }

  /** @param {RateDistortionModel} model */
  drawChart(model) {
    const { chart } = this;
    [chart.x.min, chart.x.max, chart.y.min, chart.y.max] = this.window;
    const room = roomFor(this.root, [...find(this.root, ".rate-distortion").children]);
    const below = find(this.root, ".map").getBoundingClientRect().height - chart.element.getBoundingClientRect().height;
    chart.height = Math.min(760, Math.max(280, room - below));
    const context = chart.begin();
    const colour = (/** @type {string} */ name) => colourOf(this.root, name);
    const [ink, grey, elbo, paper] = [colour("--ink"), colour("--prior"), colour("--elbo"), colour("--paper")];

    this.isoElbo(context, grey, paper);
    if (this.twins) this.bandOf(this.twins, elbo);
    chart.line(
      this.sweep.map((one) => one.rate),
      this.sweep.map((one) => one.distortion),
      elbo,
      { width: 3 },
    );

    if (model.beta !== null) {
      // Long enough to be seen as a slope, in pixels, whatever the scale of the axes.
      const [sx, sy] = [chart.px(1) - chart.px(0), chart.py(0) - chart.py(1)];
      const dx = 150 / Math.hypot(sx, model.beta * sy);
      chart.line(
        [model.rate - dx, model.rate + dx],
        [model.distortion + model.beta * dx, model.distortion - model.beta * dx],
        ink,
        { width: 2.5, dash: [8, 5] },
      );
    }
    for (const one of this.data.models) {
      this.errorBars(one, ink);
      chart.dot(one.rate, one.distortion, one.inside ? elbo : paper, one.inside ? 7 : 5);
      if (!one.inside) this.ring(context, one, 5, grey, 2);
      if (one.run === this.data.current) {
        this.ring(context, one, 10, ink, 1.5);
        if (one !== model) chart.label(one.rate, one.distortion, "current model", ink, "left", 1.3 * chart.text);
      }
    }
    chart.dot(model.rate, model.distortion, colour("--kl"), 9);
    this.ring(context, model, 9, ink, 2.5);
    this.names(context, model, ink, paper);
    chart.end();
    const said = this.data.models.map((one) => {
      const [distortion, rate, bound] = printedTerms(one).map((value) => decimal(value, 1));
      return `${one.title}: rate ${rate}, distortion ${distortion}, ELBO ${bound}`;
    });
    const label = `Rate and distortion in nats per image. ${said.join("; ")}`;
    if (chart.canvas.getAttribute("aria-label") !== label) chart.canvas.setAttribute("aria-label", label);
  }

  /**
   * distortion = −ELBO − rate: lines that fall by one nat a nat.
   * @param {CanvasRenderingContext2D} context @param {string} colour @param {string} paper
   */
  isoElbo(context, colour, paper) {
    const { chart } = this;
    const { x, y } = chart;
    const narrow = chart.box.right - chart.box.left < 26 * chart.text; // the lower edge is for the name of what is beyond it
    for (const sum of ticks(x.min + y.min, x.max + y.max, 9)) {
      chart.line([x.min, x.max], [sum - x.min, sum - x.max], colour, { width: 1.25, dash: [2, 5] });
      // Its value where it leaves the window, right or below; left free where the axis is too close.
      const right = sum - x.max >= y.min;
      const [at, up] = right ? [x.max, sum - x.max] : [sum - y.min, y.min];
      const text = `ELBO ${decimal(-sum, 0)}`;
      context.font = `${chart.text}px ${chart.font}`;
      const width = context.measureText(text).width + 8;
      const px = Math.min(chart.px(at), chart.box.right) - (right ? width : 0.5 * width);
      const py = Math.max(chart.box.top, chart.py(up)) - (right ? 0.5 : 1.1) * chart.text;
      if (
        (narrow && !right) ||
        px < chart.box.left + 4 ||
        px + width > chart.box.right + 1 ||
        py > chart.box.bottom - chart.text ||
        py < chart.box.top + chart.text
      )
        continue;
      context.fillStyle = paper;
      context.fillRect(px, py - 0.65 * chart.text, width, 1.3 * chart.text);
      context.fillStyle = chart.colours.muted;
      context.textAlign = "left";
      context.textBaseline = "middle";
      context.fillText(text, px + 4, py);
    }
  }

  /**
   * The line of equal ELBO that twins lie on, broad, from one to the other.
   * @param {[SweepModel, SweepModel]} twins @param {string} colour
   */
  bandOf([low, high], colour) {
    const { chart } = this;
    const { context } = chart;
    context.globalAlpha = 0.22;
    chart.line([low.rate, high.rate], [low.distortion, high.distortion], colour, { width: 22 });
    context.globalAlpha = 1;
    const [x, y] = [(low.rate + high.rate) / 2, (low.distortion + high.distortion) / 2];
    const roomy = chart.px(high.rate) - chart.px(low.rate) > 13 * chart.text; // beside the names of the two
    if (!roomy || x > chart.x.max || y < chart.y.min) return;
    chart.label(
      x,
      y,
      `one ELBO: ${decimal((low.elbo + high.elbo) / 2, 0)}`,
      chart.colours.ink,
      "center",
      -2 * chart.text, // below the band is where a model beyond the edge is named
    );
  }

  /** @param {RateDistortionModel} model @param {string} colour */
  errorBars(model, colour) {
    const { chart } = this;
    if (!model.rateError || model.distortionError === null) return;
    chart.line(
      [model.rate - model.rateError, model.rate + model.rateError],
      [model.distortion, model.distortion],
      colour,
      { width: 2 },
    );
    chart.line(
      [model.rate, model.rate],
      [model.distortion - model.distortionError, model.distortion + model.distortionError],
      colour,
      { width: 2 },
    );
  }

  /**
   * @param {CanvasRenderingContext2D} context @param {RateDistortionModel} model @param {number} radius
   * @param {string} colour @param {number} width
   */
  ring(context, model, radius, colour, width) {
    context.beginPath();
    context.arc(this.chart.px(model.rate), this.chart.py(model.distortion), radius, 0, 2 * Math.PI);
    context.strokeStyle = colour;
    context.lineWidth = width;
    context.stroke();
  }

  /**
   * β beside each point of the sweep; a point outside is named at the edge it lies behind.
   * @param {CanvasRenderingContext2D} context @param {RateDistortionModel} model @param {string} ink @param {string} paper
   */
  names(context, model, ink, paper) {
    const { chart } = this;
    for (const one of this.sweep) {
      const [x, y] = [chart.px(one.rate), chart.py(one.distortion)];
      const beyond = x > chart.box.right;
      const name = `β = ${betaText(one.beta)}${one.beta ? "" : ", an autoencoder"}`;
      const text = beyond ? `${name}: rate ${decimal(one.rate, 0)} nats →` : name;
      context.font = `${one === model ? 700 : 400} ${1.05 * chart.text}px ${chart.font}`;
      const width = context.measureText(text).width;
      const left = beyond || x + 16 + width > chart.box.right ? Math.min(x - 14, chart.box.right - 6) - width : x + 14;
      const up = Math.min(chart.box.bottom - 12, Math.max(chart.box.top + 12, y + (beyond ? 18 : -14)));
      context.fillStyle = paper;
      context.globalAlpha = 0.8;
      context.fillRect(left - 3, up - 0.7 * chart.text, width + 6, 1.4 * chart.text);
      context.globalAlpha = 1;
      context.fillStyle = ink;
      context.textAlign = "left";
      context.textBaseline = "middle";
      context.fillText(text, left, up);
    }
  }
}

/** What is what on the plane. */
function legend() {
  const entry = (/** @type {string} */ mark, /** @type {string} */ text) =>
    h("li", {}, h("i", { class: `mark ${mark}`, "aria-hidden": "true" }), text);
  return h(
    "ul",
    { class: "legend", "aria-label": "Legend" },
    entry("chosen", "the model chosen here"),
    entry("member", "models of this sweep: only β differs"),
    entry("other", "other models here of the same data"),
    entry("slope", "slope −β, what its training asks for"),
    entry("equal", "equal ELBO"),
  );
}

export default view(RateDistortionView);
