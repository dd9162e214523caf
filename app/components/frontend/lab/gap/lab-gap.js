// "The gap": the true posterior of one image as regions that hold 50, 90 and 99 % of it, a Gaussian over it, and what that
// Gaussian leaves of log P(X). The picture of z and log P(X|z) are computed here, the integrals on the server.

import { colourOf } from "../../kit/colours.js";
import { h, later } from "../../kit/dom.js";
import { draggable } from "../../kit/drag.js";
import { ellipseOf, levelLines, pointsOn, radiusOf } from "../../kit/geometry.js";
import { Hand } from "../../kit/hand.js";
import { adding, decimal, rounded, within } from "../../kit/numbers.js";
import { Question } from "../../kit/question.js";
import { roomOf } from "../../kit/room.js";
import { ticks, tickTexts } from "../../kit/ticks.js";
import { view } from "../../kit/view.js";
import { compile } from "../../net/engine.js";
import { Chart } from "../../paint/chart.js";
import { formula, live, logP, m, mi, mo, mrow, mtext, signs } from "../../paint/formula.js";
import { tensorOf } from "../../net/safetensors.js";
import { paintPicture, penOf, pictureAt } from "../../paint/picture.js";
import { LAB_GREY, LabImages, labPicture } from "../lab-images.js";

/**
 * @import { Point, Segment } from "../../kit/geometry.js"
 * @import { Host } from "../../kit/view.js"
 * @import { Arrays, Network } from "../../types.d.ts"
 * @import { GapData, GapName, GapTerms } from "./types.d.ts"
 */

/** @typedef {{ image: number, z: Point | null, gaussian: GapName }} Stands what is kept of it */

/**
 * @typedef {object} Posterior what is shown of one image
 * @property {GapData} data
 * @property {Network} net
 * @property {Float32Array} x
 * @property {Float32Array} field (n, m) the log density
 * @property {number[]} points [n, m]
 * @property {Segment[][]} contours where 50, 90 and 99 % are inside, in the plane
 */

/** @type {Record<GapName, string>} */
const GAP_NAMES = {
  encoder: "the encoder’s Q",
  diagonal: "best upright Q (diagonal)",
  full: "best tilted Q (full)",
};
const GAPS = /** @type {GapName[]} */ (Object.keys(GAP_NAMES));
const GAP_EDGE = 99; // how far from the origin z can be dragged; a link takes no more
// Radii, in standard deviations, of the ellipses that hold 50, 90 and 99 % of a Gaussian in two dimensions.
const GAP_RADII = [0.5, 0.9, 0.99].map(radiusOf);

/**
 * An expression with its number below.
 * @param {ReturnType<typeof live>} number @param {...(Node | string)} expression
 */
const gapUnder = (number, ...expression) =>
  m("munder", {}, mrow(...expression, m("mspace", { depth: "0.5em", height: "0.8em" })), number.element);

class GapView {
  /** @type {Posterior | null} */
  shown = null;
  /** @type {Point | null} where z was dragged to; null is Q's mean */
  z = null;
  /** @type {GapName} */
  gaussian = "encoder";
  /** @type {{ centre: number[], half: number } | null} what the chart shows */
  window = null;
  wanted = ""; // address of the grid
  decoder = "";
  /** @type {Network} */
  net = later();
  /** @type {string | null} address of the means */
  encoded = null;
  /** @type {Arrays | null} */
  means = null;
  /** @type {{ canvas: HTMLCanvasElement, colour: string } | null} the density as a picture */
  heat = null;
  stop = () => {};
  stopMeans = () => {};

  /** @param {HTMLElement} root @param {Host} host */
  constructor(root, host) {
    this.root = root;
    this.host = host;
    this.hand = new Hand((/** @type {Stands} */ view) => host.keep("view", view), { tolerance: 1e-4 });
    this.images = new LabImages(host, (image) => {
      this.z = null;
      this.hand.says({ ...this.stands(), image });
    });
    this.chart = new Chart({
      x: { min: -1, max: 1, label: "code z1" },
      y: { min: -1, max: 1, label: "code z2" },
      label: "The true posterior of this image as shaded regions, Q as ellipses. Drag z, or use the arrow keys.",
    });
    this.plane = new Chart({
      x: { min: -1, max: 1, ticks: [] },
      y: { min: -1, max: 1, ticks: [] },
      square: true,
      label:
        "The whole plane of codes: the prior as circles, and where the picture on the left lies. Drag z here to go far.",
    });
    this.plane.canvas.dataset.testid = "gap-plane";
    this.chart.canvas.dataset.testid = "gap-chart";
    for (const chart of [this.chart, this.plane]) this.letDrag(chart);
    this.original = labPicture("The image X", "gap-image");
    this.decoded = labPicture("The picture that z decodes to", "gap-decoded");
    this.code = h("output", { "data-testid": "gap-code" });
    this.sum = {
      likelihood: h("output", { "data-testid": "log-likelihood" }),
      prior: h("output", { "data-testid": "log-prior" }),
      joint: h("output", { "data-testid": "log-joint" }),
    };
    this.numbers = {
      logPx: live("", { testid: "log-px" }),
      gap: live("gap-term", { testid: "gap" }),
      reconstruction: live("reconstruction", { testid: "reconstruction" }),
      kl: live("kl", { testid: "kl" }),
      elbo: live("elbo", { testid: "elbo" }),
    };
    this.rows = GAPS.map((name) => this.row(name));
    this.ticks = h("span", { class: "track" });
    this.total = h("output", { "data-testid": "bar-log-px" });
    this.words = h("p", { class: "note split", role: "status" });
    this.warning = h("p", { class: "note", hidden: true }, LAB_GREY);
    this.top = h("div", { class: "top" }, this.images.element, this.warning);
    this.question = this.makeQuestion();
    const side = h(
      "div",
      { class: "side" },
      this.makePictures(),
      this.makeBars(),
      h("div", { "data-answer": true }, this.makeIdentity()),
      this.words,
    );
    root.append(this.question.element, h("div", { class: "gap" }, this.top, this.chart.element, side));
  }

  /** z is dragged, in either of the two. @param {Chart} chart */
  letDrag(chart) {
    draggable(chart.canvas, {
      at: (event) => chart.at(event),
      move: (at) => this.move(at),
      end: () => this.hand.lets(this.stands()),
      save: () => this.at,
      restore: (at) => this.move(at),
      nudge: ({ x, y }) => {
        const step = (chart.x.max - chart.x.min) / 100;
        this.move([this.at[0] + x * step, this.at[1] + y * step]);
      },
    });
  }

  makeQuestion() {
    return new Question(this.root, {
      name: "gap",
      asks: () => (this.shown ? "How much of log P(X) does the ELBO lack, for this one image?" : null),
      range: () => [0, 6],
      digits: 2,
      truth: () => this.shown?.data.gaussians.encoder.terms?.gap ?? null,
      because: () => "It is D[Q ‖ P(z|X)], what the violet guess gets wrong of the green posterior, and never below 0.",
    });
  }

  /** The image, what z decodes to, where z lies, and how likely it is. */
  makePictures() {
    /** @param {string} sign @param {string} text @param {HTMLElement} number @param {string} name */
    const line = (sign, text, number, name) =>
      h("div", { class: `line ${name}` }, h("span", {}, sign), h("span", {}, text), number);
    return h(
      "div",
      { class: "pictures" },
      h("figure", {}, this.original, h("figcaption", {}, "image X")),
      h("figure", {}, this.decoded, h("figcaption", {}, "decoded from z")),
      h("figure", {}, this.plane.element, h("figcaption", {}, "all codes, prior")),
      h(
        "div",
        { class: "sum" },
        this.code,
        line("", "log P(X|z)", this.sum.likelihood, "reconstruction"),
        line("+", "log P(z)", this.sum.prior, "prior"),
        line("=", "log P(X, z)", this.sum.joint, "total"),
        h("span", { class: "note" }, "nats"),
      ),
    );
  }

  /** A row for each Gaussian: its ELBO and its gap. */
  makeBars() {
    return h(
      "div",
      { class: "gap-bars", role: "group", "aria-label": "Which Gaussian Q", "data-answer": true },
      h(
        "div",
        { class: "head" },
        h("span", {}, "Gaussian"),
        h("span", { class: "scale" }, h("span", { class: "elbo" }, "ELBO"), this.total),
        h("span", { class: "gap-term" }, "gap, nats"),
      ),
      ...this.rows.map((row) => row.element),
      h("div", { class: "foot", "aria-hidden": "true" }, h("span"), this.ticks, h("span", {}, "nats")),
    );
  }

  /** log P(X) − gap = ELBO. */
  makeIdentity() {
    return formula(
      gapUnder(this.numbers.logPx, ...logP(mi("X"))),
      mo("−"),
      gapUnder(this.numbers.gap, ...signs("gap-term", "D", "[", "Q", "‖", "P", "(", "z", "|", "X", ")", "]")),
      mo("="),
      gapUnder(this.numbers.reconstruction, mtext("reconstruction", "reconstruction")),
      mo("−"),
      gapUnder(this.numbers.kl, ...signs("kl", "D", "[", "Q", "‖", "P", "(", "z", ")", "]")),
      mo("="),
      gapUnder(this.numbers.elbo, mtext("ELBO", "elbo")),
      m("mspace", { width: "0.8em" }),
      mtext("nats", "prior"),
    );
  }

  /** @param {GapName} name */
  row(name) {
    const track = h("span", { class: "track" });
    const part = (/** @type {string} */ term) => h("i", { class: term });
    const parts = {
      elbo: part("elbo"),
      amortisation: part("amortisation"),
      approximation: part("approximation"),
    };
    const elbo = h("b", { class: "elbo" });
    track.append(...Object.values(parts), elbo);
    const number = h("output", { class: "gap-term", "data-testid": `gap-${name}` });
    const element = h(
      "button",
      { type: "button", onclick: () => this.pick(name), "data-testid": `pick-${name}` },
      h("span", {}, GAP_NAMES[name]),
      track,
      number,
    );
    return { name, parts, elbo, number, element };
  }

  /** @param {GapData} data */
  update(data) {
    this.images.update(data.image, data.labels);
    const { image, z, gaussian } = data;
    if (this.hand.hears({ image, z, gaussian })) [this.z, this.gaussian] = [z, gaussian];
    if (this.wanted === data.grid) return;
    this.wanted = data.grid;
    this.stop();
    this.stop = this.host.blobs([data.grid, data.decoder], (grid, decoder) => this.receive(data, grid, decoder));
  }

  /** @param {GapData} data @param {Arrays} grid @param {Arrays} decoder */
  receive(data, grid, decoder) {
    if (this.shown?.data.key !== data.key) this.window = null;
    const pixels = tensorOf(grid, "pixels", Uint8Array);
    const { data: field, shape: points } = tensorOf(grid, "log_density", Float32Array);
    const [n, count] = points;
    const step = [0, 1].map((axis) => (data.high[axis] - data.low[axis]) / (points[axis] - 1));
    const contours = data.levels.map((level) =>
      levelLines(field, n, count, level).map(
        ([i0, j0, i1, j1]) =>
          /** @type {Segment} */ ([
            data.low[0] + i0 * step[0],
            data.low[1] + j0 * step[1],
            data.low[0] + i1 * step[0],
            data.low[1] + j1 * step[1],
          ]),
      ),
    );
    this.heat = null;
    this.warning.hidden = data.isLogLikelihood;
    if (this.decoder !== data.decoder) {
      this.decoder = data.decoder;
      this.net = compile(JSON.parse(decoder.metadata.manifest), decoder.tensors);
    }
    const x = pictureAt({ shape: [1, ...pixels.shape], data: pixels.data }, 0);
    this.shown = { data, net: this.net, x, field, points, contours };
    if (this.encoded !== data.encoded) {
      this.encoded = data.encoded;
      this.means = null;
      this.stopMeans();
      this.stopMeans = this.host.blobs([data.encoded], (blob) => {
        this.means = blob;
        this.host.redraw();
      });
    }
    this.frame(this.shown);
    this.host.redraw();
    if (data.refine) this.host.askAfterPaint("refine", data.refine);
  }

  /**
   * What the chart shows: the 99 % region and every Gaussian's, with a margin; it stays while it still fits.
   * @param {Posterior} shown
   */
  frame({ data, contours }) {
    const spans = [0, 1].map((axis) => {
      const values = contours[2].flatMap((segment) => [segment[axis], segment[axis + 2]]);
      for (const { mean, covariance } of Object.values(data.gaussians)) {
        const reach = GAP_RADII[2] * Math.sqrt(covariance[axis][axis]);
        values.push(mean[axis] - reach, mean[axis] + reach);
      }
      return [Math.min(...values), Math.max(...values)];
    });
    const half = 0.56 * Math.max(spans[0][1] - spans[0][0], spans[1][1] - spans[1][0]);
    const centre = spans.map(([low, high]) => (low + high) / 2);
    const now = this.window;
    const fits =
      now &&
      half > 0.7 * now.half &&
      spans.every(([low, high], axis) => low > now.centre[axis] - now.half && high < now.centre[axis] + now.half);
    if (!fits) this.window = { centre, half };
  }

  /** @returns {Point} */
  get at() {
    return this.z ?? this.shown?.data.gaussians.encoder.mean ?? [0, 0];
  }

  /** @param {Point} at */
  move([z1, z2]) {
    this.hand.takes();
    // As the link has it: who opens that sees the same numbers.
    const kept = (/** @type {number} */ value) => rounded(within(value, -GAP_EDGE, GAP_EDGE), 4);
    this.z = [kept(z1), kept(z2)];
    this.host.redraw();
  }

  /** @param {GapName} name */
  pick(name) {
    this.gaussian = name;
    this.host.redraw();
    this.hand.says(this.stands());
  }

  /** @returns {Stands} */
  stands() {
    return { image: this.images.image, z: this.z, gaussian: this.gaussian };
  }

  draw() {
    const { shown, root } = this;
    if (!shown) return;
    this.question.refresh();
    // The chart takes the height that the window leaves, and at most half of the width.
    const left = roomOf(root) - this.question.height - this.top.offsetHeight - 10;
    const room = Math.round(Math.min(Math.max(330, left), Math.max(330, 0.46 * root.clientWidth)));
    root.style.setProperty("--room", `${room}px`);
    this.chart.height = room;
    this.drawChart(shown);
    this.drawPlane(shown.data);
    this.drawPictures(shown);
    this.drawBars(shown.data);
    const terms = printedTerms(shown.data.gaussians[this.gaussian]?.terms);
    for (const name of /** @type {(keyof GapTerms)[]} */ (Object.keys(this.numbers)))
      this.numbers[name].set(terms ? terms[name] : NaN);
  }

  /** @param {Posterior} shown */
  drawChart(shown) {
    const { chart, root, window } = this;
    const { data, contours } = shown;
    if (window) chart.roundScale(window.half, /** @type {Point} */ (window.centre), true);
    const [posterior, violet, prior] = ["--posterior", "--elbo", "--prior"].map((name) => colourOf(root, name));
    const context = chart.begin();
    for (const reach of [1, 2, 3]) chart.ellipse(0, 0, reach, reach, 0, prior, { width: 1.5, dash: [6, 5] });
    this.drawHeat(shown, context, posterior);
    contours.forEach((segments, i) => {
      context.strokeStyle = posterior;
      context.lineWidth = 2.6 - 0.7 * i;
      context.beginPath();
      for (const [x0, y0, x1, y1] of segments) {
        context.moveTo(chart.px(x0), chart.py(y0));
        context.lineTo(chart.px(x1), chart.py(y1));
      }
      context.stroke();
    });
    for (const name of GAPS) {
      const q = data.gaussians[name];
      if (!q || name === this.gaussian) continue;
      const [a, b, angle] = ellipseOf(q.covariance);
      chart.ellipse(...q.mean, GAP_RADII[1] * a, GAP_RADII[1] * b, angle, violet, { width: 1.2, dash: [3, 4] });
    }
    const chosen = data.gaussians[this.gaussian];
    if (chosen) {
      const [a, b, angle] = ellipseOf(chosen.covariance);
      GAP_RADII.forEach((radius, i) =>
        chart.ellipse(...chosen.mean, radius * a, radius * b, angle, violet, { width: 3.2 - 0.8 * i }),
      );
    }
    const [x, y] = this.at;
    chart.dot(x, y, chart.colours.paper, 10);
    chart.dot(x, y, chart.colours.ink, 7);
    context.font = `600 ${1.2 * chart.text}px ${chart.font}`;
    context.fillText("z", chart.px(x) + 14, chart.py(y));
    this.legend(shown, posterior, violet);
    chart.end();
  }

  /** @param {Posterior} shown @param {string} posterior @param {string} violet */
  legend(shown, posterior, violet) {
    const { chart } = this;
    const { context } = chart;
    /** @type {[words: string, colour: string | null][]} */
    const lines = [
      ["true posterior P(z|X)", posterior],
      [GAP_NAMES[this.gaussian], violet],
      ["each: 50, 90, 99 % inside", null],
    ];
    // Smaller where the chart is narrow, so that it has room beside what it names.
    const text = Math.min(chart.text, (chart.box.right - chart.box.left) / 18);
    context.font = `${text}px ${chart.font}`;
    const width = Math.max(...lines.map(([words]) => context.measureText(words).width)) + 3 * text;
    const height = (lines.length * 1.5 + 0.6) * text;
    const [x, top] = this.emptyCorner(shown, width, height);
    context.globalAlpha = 0.86;
    context.fillStyle = chart.colours.paper;
    context.fillRect(x, top, width, height);
    context.globalAlpha = 1;
    context.textAlign = "left";
    context.textBaseline = "middle";
    lines.forEach(([words, colour], i) => {
      const y = top + (1.05 + 1.5 * i) * text;
      if (colour) {
        context.strokeStyle = colour;
        context.lineWidth = 3;
        chart.stroke([
          [x + 0.5 * text, y],
          [x + 1.7 * text, y],
        ]);
      }
      context.fillStyle = chart.colours.ink;
      context.fillText(words, x + 2.1 * text, y);
    });
  }

  /**
   * The corner of the chart, [x, y] of a box of this size, that hides least of what is drawn.
   * @param {Posterior} shown @param {number} width @param {number} height
   */
  emptyCorner({ data, contours }, width, height) {
    const { chart } = this;
    const { left, right, top, bottom } = chart.box;
    const drawn = contours.flatMap((segments) => segments.map(([x, y]) => /** @type {Point} */ ([x, y])));
    for (const { mean, covariance } of Object.values(data.gaussians)) {
      const [a, b, angle] = ellipseOf(covariance);
      drawn.push(...pointsOn(mean, [GAP_RADII[2] * a, GAP_RADII[2] * b, angle], 48));
    }
    /** @type {Point[]} */
    const corners = [
      [left + 1, top + 1],
      [right - width, top + 1],
      [left + 1, bottom - height],
      [right - width, bottom - height],
    ];
    const hidden = corners.map(
      ([x, y]) =>
        drawn.filter(([z1, z2]) => {
          const [px, py] = [chart.px(z1), chart.py(z2)];
          return px > x && px < x + width && py > y && py < y + height;
        }).length,
    );
    return corners[hidden.indexOf(Math.min(...hidden))];
  }

  /** @param {Posterior} shown @param {CanvasRenderingContext2D} context @param {string} colour */
  drawHeat({ data, field, points }, context, colour) {
    const { chart } = this;
    const [n, count] = points;
    if (this.heat?.colour !== colour) {
      const canvas = h("canvas", { width: n, height: count });
      this.heat = { canvas, colour };
      const own = penOf(canvas);
      own.fillStyle = colour;
      own.fillRect(0, 0, n, count);
      const image = own.getImageData(0, 0, n, count);
      const top = field.reduce((most, value) => Math.max(most, value), -Infinity);
      for (let i = 0; i < n; i++) {
        for (let j = 0; j < count; j++) {
          image.data[4 * ((count - 1 - j) * n + i) + 3] = 120 * Math.exp(field[i * count + j] - top);
        }
      }
      own.putImageData(image, 0, 0);
    }
    const half = [0, 1].map((axis) => (data.high[axis] - data.low[axis]) / (points[axis] - 1) / 2);
    const [left, top] = [chart.px(data.low[0] - half[0]), chart.py(data.high[1] + half[1])];
    context.drawImage(
      this.heat.canvas,
      left,
      top,
      chart.px(data.high[0] + half[0]) - left,
      chart.py(data.low[1] - half[1]) - top,
    );
  }

  /** @param {GapData} data */
  drawPlane({ palette }) {
    const { plane, root } = this;
    const points = this.means ? tensorOf(this.means, "means", Float32Array).data : new Float32Array(0);
    const reach = points.reduce((most, value) => Math.max(most, Math.abs(value)), 3.5) * 1.06;
    Object.assign(plane.x, { min: -reach, max: reach });
    Object.assign(plane.y, { min: -reach, max: reach });
    const context = plane.begin();
    if (this.means) {
      const labels = tensorOf(this.means, "labels", Uint8Array).data;
      context.globalAlpha = 0.45;
      for (let i = 0; i < labels.length; i++) plane.dot(points[2 * i], points[2 * i + 1], palette[labels[i]], 1.3);
      context.globalAlpha = 1;
    }
    for (const radius of [1, 2, 3])
      plane.ellipse(0, 0, radius, radius, 0, plane.colours.ink, { width: 1, dash: [4, 4] });
    const [x0, x1, y0, y1] = [
      plane.px(this.chart.x.min),
      plane.px(this.chart.x.max),
      plane.py(this.chart.y.max),
      plane.py(this.chart.y.min),
    ];
    context.strokeStyle = colourOf(root, "--posterior");
    context.lineWidth = 2;
    context.strokeRect(x0, y0, x1 - x0, y1 - y0);
    plane.dot(...this.at, plane.colours.paper, 6.5);
    plane.dot(...this.at, plane.colours.ink, 4.5);
    plane.end();
  }

  /** @param {Posterior} shown */
  drawPictures({ net, x }) {
    const { at } = this;
    this.code.textContent = `z = (${at.map((value) => decimal(value)).join(", ")})`;
    paintPicture(this.original, x, net.shape);
    const code = Float32Array.from(at);
    paintPicture(this.decoded, net.decode(code), net.shape);
    const likelihood = -net.distortion(code, x);
    const prior = -0.5 * (at[0] ** 2 + at[1] ** 2) - Math.log(2 * Math.PI);
    const printed = adding([likelihood, prior]);
    [this.sum.likelihood, this.sum.prior, this.sum.joint].forEach((output, i) => {
      output.textContent = decimal(printed[i]);
    });
  }

  /** @param {GapData} data */
  drawBars({ gaussians, family }) {
    const known = printedTerms(gaussians.encoder.terms);
    const span = known ? 1.3 * Math.max(0.4, ...Object.values(gaussians).map((q) => q.terms?.gap ?? 0)) : 1;
    const least = printedTerms(gaussians[family]?.terms)?.gap ?? 0;
    for (const { name, parts, elbo, number, element } of this.rows) {
      element.setAttribute("aria-pressed", String(name === this.gaussian));
      element.disabled = !gaussians[name];
      const terms = printedTerms(gaussians[name]?.terms);
      number.textContent = terms ? decimal(terms.gap) : "…";
      elbo.textContent = terms ? decimal(terms.elbo) : "";
      const gap = terms ? terms.gap : 0;
      const approximation = Math.min(gap, name === "encoder" ? Math.max(0, least) : gap);
      const share = (/** @type {number} */ value) => `${(100 * value) / span}%`;
      parts.elbo.style.width = terms ? share(span - gap) : "0";
      parts.amortisation.style.width = share(gap - approximation);
      parts.approximation.style.width = share(approximation);
    }
    this.total.textContent = known ? `log P(X) = ${decimal(known.logPx)}` : "integrating over z …";
    this.ticks.replaceChildren(
      ...(known
        ? gapTicks(known.logPx - span, known.logPx).map(([value, words]) =>
            h("b", { style: `left:${100 * (1 - (known.logPx - value) / span)}%` }, words),
          )
        : []),
    );
    if (!known) {
      this.words.textContent = "";
      return;
    }
    const { gap } = known;
    this.words.replaceChildren(
      "The encoder leaves ",
      h("b", { class: "gap-term" }, `${decimal(gap)} nats`),
      ": ",
      h("b", {}, decimal(Math.max(0, gap - least))),
      " that a Q fitted to this image alone wins back (the amortisation gap: one encoder serves all images), ",
      h("b", {}, decimal(least)),
      ` that no ${family === "full" ? "" : "upright "}Gaussian can (the approximation gap).`,
    );
  }
}

/**
 * The terms of one Gaussian as they are printed. log P(X) is the same for every Gaussian of an image, the ELBO is what they
 * are compared by: both are rounded as they are, and the gap is what is between them; the reconstruction and the KL add up.
 * @param {GapTerms | null | undefined} terms null: not known @returns {GapTerms | undefined}
 */
function printedTerms(terms) {
  if (!terms) return undefined;
  const [reconstruction, lessKl, elbo] = adding([terms.reconstruction, -terms.kl]);
  const logPx = rounded(terms.logPx);
  return { logPx, gap: logPx - elbo, reconstruction, kl: -lessKl, elbo };
}

/**
 * Round values between low and high with their names, none so near the left end that it is cut off.
 * @param {number} low @param {number} high @returns {[value: number, words: string][]}
 */
function gapTicks(low, high) {
  const values = ticks(low + 0.04 * (high - low), high, 5);
  const texts = tickTexts(values);
  return values.map((value, i) => [value, texts[i]]);
}

export default view(GapView);
