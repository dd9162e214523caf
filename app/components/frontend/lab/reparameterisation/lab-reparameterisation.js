// "The reparameterisation trick": a cloud of codes z = μ + σ·ε with ε held still or drawn anew, what the decoder makes of
// the first of them, and the way the gradient takes.

import { colourOf } from "../../kit/colours.js";
import { makeButton, makeChoice, makeSlider } from "../../kit/controls.js";
import { h } from "../../kit/dom.js";
import { draggable } from "../../kit/drag.js";
import { Hand } from "../../kit/hand.js";
import { indexOf, rowsByLabel } from "../../kit/images.js";
import { isPlain, letterOf } from "../../kit/keys.js";
import { decimal, rounded, within } from "../../kit/numbers.js";
import { Question } from "../../kit/question.js";
import { normals } from "../../kit/random.js";
import { roomFor } from "../../kit/room.js";
import { view } from "../../kit/view.js";
import { compile } from "../../net/engine.js";
import { Chart } from "../../paint/chart.js";
import { bracket, formula, live, m, mi, mn, mo, mrow, msub, mtext } from "../../paint/formula.js";
import { tensorOf } from "../../net/safetensors.js";
import { paintPicture, paintRow, pictureAt } from "../../paint/picture.js";
import { drawGaussian, drawGrip, drawPrior, gripAt, grips } from "../lab-normal.js";

/**
 * @import { Point } from "../../paint/chart.js"
 * @import { Host } from "../../kit/view.js"
 * @import { Arrays, Network } from "../../types.d.ts"
 * @import { ReparameterisationData } from "./types.d.ts"
 */

/** @typedef {"trick" | "direct"} How */
/** @typedef {{ q: number[], seed: number, image: number | null, how: How, code: number, zoom: boolean }} Stands what is kept of it */

const CLOUD = 200; // codes drawn
const STRIP = 8; // of which the first are decoded
const RANGES = [
  { min: -4, max: 4, step: 0.01 },
  { min: -4, max: 4, step: 0.01 },
  { min: 0.01, max: 2, step: 0.01 },
  { min: 0.01, max: 2, step: 0.01 },
];
const SMALL = 0.2; // σ below which the codes lie too close together to be told apart in the whole plane
const FRAME = 9; // ms of a frame that decoding may take: what is left over is painted in the next one

// ---- the graph

const SVG = "http://www.w3.org/2000/svg";

/**
 * @param {string} tag @param {Record<string, string | number>} attributes @param {...(Node | string)} children
 * @returns {Element}
 */
function svg(tag, attributes, ...children) {
  const element = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, String(value));
  element.append(...children);
  return element;
}

/** @param {number} x @param {number} y @param {string} text @param {string} [kind] */
const words = (x, y, text, kind = "") => svg("text", { x, y, class: kind }, text);
/** @param {number} x @param {number} y @param {string} text @param {string} [kind] @param {number} [radius] */
const node = (x, y, text, kind = "", radius = 20) =>
  svg("g", {}, svg("circle", { cx: x, cy: y, r: radius, class: kind }), words(x, y, text, "letter"));
/** @param {number} x @param {number} y @param {number} width @param {string} text */
const block = (x, y, width, text) =>
  svg("g", {}, svg("rect", { x: x - width / 2, y: y - 22, width, height: 44, rx: 7 }), words(x, y, text));

/**
 * An arrow through points.
 * @param {"forward" | "gradient"} kind @param {...Point} points
 */
function arrow(kind, ...points) {
  const [[ax, ay], [bx, by]] = points.slice(-2);
  const length = Math.hypot(bx - ax, by - ay);
  const [ux, uy] = [(bx - ax) / length, (by - ay) / length];
  const size = kind === "gradient" ? 11 : 8;
  const [cx, cy] = [bx - size * ux, by - size * uy];
  const line = [...points.slice(0, -1), [cx, cy]];
  const head = [
    [bx, by],
    [cx + 0.5 * size * uy, cy - 0.5 * size * ux],
    [cx - 0.5 * size * uy, cy + 0.5 * size * ux],
  ];
  return svg(
    "g",
    {},
    svg("polyline", { points: line.join(" "), class: kind }),
    svg("polygon", { points: head.join(" "), class: `${kind}-head` }),
  );
}

const cross = (/** @type {number} */ x, /** @type {number} */ y) =>
  svg("path", { d: `M${x - 9} ${y - 9}L${x + 9} ${y + 9}M${x - 9} ${y + 9}L${x + 9} ${y - 9}`, class: "cut" });

/**
 * Forward above, gradient below it, back from log P(X|z) to the encoder.
 * @param {boolean} direct
 */
function graph(direct) {
  const front = [
    arrow("forward", [42, 94], [66, 94]),
    arrow("forward", [140, 80], [188, 60]),
    arrow("forward", [140, 108], [188, 128]),
    arrow("forward", [448, 94], [470, 94]),
    arrow("forward", [546, 94], [570, 94]),
  ];
  const back = [arrow("gradient", [572, 110], [545, 110]), arrow("gradient", [471, 110], [445, 110])];
  const nodes = [
    node(24, 94, "X", "", 18),
    block(103, 94, 74, "encoder"),
    node(208, 56, "μ"),
    node(208, 132, "σ"),
    node(428, 94, "z", direct ? "random" : ""),
    block(508, 94, 76, "decoder"),
    words(612, 94, "log P(X|z)"),
  ];
  if (direct) {
    front.push(arrow("forward", [228, 58], [409, 88]), arrow("forward", [228, 130], [409, 100]));
    const upstream = svg("g", { class: "starved" }, ...front.slice(0, 3), ...front.slice(5), ...nodes.slice(0, 4));
    return [
      upstream,
      ...front.slice(3, 5),
      ...back,
      ...nodes.slice(4),
      cross(428, 126),
      words(428, 160, "z ~ N(μ, σ²)"),
      words(428, 184, "a draw: nothing to differentiate", "says"),
      words(130, 184, "no gradient arrives here", "says"),
    ];
  }
  front.push(
    arrow("forward", [228, 56], [330, 56], [345, 81]),
    arrow("forward", [228, 132], [268, 132]),
    arrow("forward", [298, 130], [342, 105]),
    arrow("forward", [284, 180], [284, 149]),
    arrow("forward", [367, 94], [407, 94]),
  );
  back.push(
    arrow("gradient", [409, 110], [366, 110]),
    arrow("gradient", [334, 74], [324, 66], [230, 66]),
    arrow("gradient", [346, 114], [306, 140]),
    arrow("gradient", [269, 142], [227, 142]),
    arrow("gradient", [190, 68], [142, 88]),
    arrow("gradient", [189, 122], [142, 102]),
  );
  nodes.push(node(352, 94, "+", "", 14), node(284, 132, "×", "", 15), node(284, 198, "ε", "random", 18));
  return [
    ...front,
    ...back,
    ...nodes,
    svg("path", { d: "M270 166H298", class: "cut" }),
    words(284, 40, "∂z/∂μ = 1", "says"),
    words(374, 148, "∂z/∂σ = ε", "says"),
    words(312, 188, "ε ~ N(0, I) is not learned:", "start"),
    words(312, 208, "no gradient is needed here", "start"),
  ];
}

/**
 * z = μ + σ·ε as the printed μ, σ and ε have it: the code itself may differ from it in the last digit.
 * @param {number} mu @param {number} sigma @param {number} epsilon
 */
const printedCode = (mu, sigma, epsilon) =>
  Number(mu.toFixed(2)) + Number(sigma.toFixed(3)) * Number(epsilon.toFixed(2));

// ---- the view

class ReparameterisationView {
  values = [0, 0, 1, 1]; // μ1, μ2, σ1, σ2
  seed = 1;
  /** @type {number | null} row of the images blob */
  image = null;
  /** @type {How} */
  how = "trick";
  zoom = false;
  code = 0; // the highlighted code
  grip = 0;
  /** @type {{ net: Network, images: Arrays, picture: Float32Array } | null} */
  opened = null;
  addresses = ""; // of model and images
  stop = () => {};
  /** @type {{ half: number, centre: Point }} what the chart shows */
  frame = { half: 3.6, centre: [0, 0] };
  fitted = false;
  /** @type {Point[] | null} the codes when a control was taken hold of */
  began = null;
  /** @type {{ seed: number, draws: Point[] }} */
  kept = { seed: -1, draws: [] };
  /** @type {Point[]} what each picture of the strip was decoded from */
  done = [];
  next = 0; // whose turn to be decoded it is first

  /** @param {HTMLElement} root @param {Host} host */
  constructor(root, host) {
    this.root = root;
    this.host = host;
    this.hand = new Hand((/** @type {Stands} */ view) => host.keep("view", view), { tolerance: 6e-4 }); // a link rounds
    this.chart = this.makeChart();
    this.choice = this.makeHow();
    this.renew = makeButton("Draw new ε (E)", () => this.drawAnew(), {
      "data-testid": "new-noise",
      "aria-keyshortcuts": "E",
    });
    this.nearer = makeButton("Zoom in", () => {
      this.setZoom(!this.zoom);
      host.redraw();
      this.hand.says(this.stands());
    });
    this.starts = h("div", { class: "starts", role: "group", "aria-label": "Start from a test image" });
    this.sliders = ["mean μ1", "mean μ2", "width σ1", "width σ2"].map((label, i) => this.slider(label, i));
    this.graph = svg("svg", { viewBox: "0 0 660 220", role: "img" });
    this.strip = Array.from({ length: STRIP }, (_, n) => this.picture(n));
    this.lines = [1, 2].map((dim) => this.line(dim));
    this.numbers = h("div", { "data-answer": true });
    this.question = this.makeQuestion();
    this.error = h("p", { class: "error", hidden: true });
    const side = h(
      "div",
      { class: "side" },
      this.graph,
      h("div", { class: "sliders" }, ...this.sliders.map((slider) => slider.element)),
    );
    this.row = [this.chart.element, side];
    root.append(
      h(
        "div",
        { class: "reparam" },
        this.question.element,
        this.error,
        h("div", { class: "top" }, this.choice.element, this.renew, this.nearer, this.starts),
        h("div", { class: "stage" }, this.chart.element, side),
        h(
          "div",
          { class: "bottom" },
          h("div", { class: "strip" }, ...this.strip.map(({ button }) => button)),
          this.numbers,
        ),
      ),
    );
    this.setHow("trick");
    addEventListener("keydown", (event) => this.key(event), { signal: host.signal });
  }

  makeChart() {
    const chart = new Chart({
      x: { min: -4, max: 4, label: "code z1" },
      y: { min: -4, max: 4, label: "code z2", room: 4.6 },
      label:
        "Codes drawn from Q, over the prior's circles. Drag the centre or an edge of the ellipse, or use the sliders.",
    });
    draggable(chart.canvas, {
      at: (event) => chart.at(event),
      begin: (place) => {
        this.grasp();
        this.grip = gripAt(chart, this.q, place);
      },
      move: (place) => this.drag(place),
      end: () => this.release(),
      save: () => this.values,
      restore: (values) => this.move(values),
    });
    return chart;
  }

  makeHow() {
    return makeChoice({
      label: "How z is drawn",
      options: /** @type {[How, string][]} */ ([
        ["trick", "z = μ + σ·ε"],
        ["direct", "Sample z directly"],
      ]),
      value: this.how,
      onpick: (how) => {
        this.setHow(how);
        this.host.redraw();
        this.hand.says(this.stands());
      },
    });
  }

  /** @param {string} label @param {number} i which value */
  slider(label, i) {
    return makeSlider({
      label,
      ...RANGES[i],
      digits: i < 2 ? 2 : 3,
      value: this.values[i],
      oninput: (value) => {
        this.grasp();
        this.move(this.values.with(i, value));
      },
      onrelease: () => this.release(),
    });
  }

  /** One of the strip: code n, decoded. @param {number} n */
  picture(n) {
    const canvas = h("canvas", { class: "picture", "data-testid": `decoded-${n + 1}` });
    const button = h(
      "button",
      { type: "button", "aria-label": `Code ${n + 1}, decoded`, onclick: () => this.highlight(n) },
      canvas,
      h("span", {}, String(n + 1)),
    );
    return { canvas, button };
  }

  makeQuestion() {
    return new Question(this.root, {
      name: "reparameterisation",
      asks: () => `ε is held still, and σ1 grows by 1. How far does z1 of code ${this.code + 1} move?`,
      range: () => [-3, 3],
      unit: "",
      digits: 2,
      truth: () => this.noise[this.code][0],
      look: () => this.setHow("trick"),
      because: () =>
        "That is its ε1, for ∂z/∂σ = ε: the noise is an input, so the way back to σ is an ordinary derivative.",
    });
  }

  /** @param {KeyboardEvent} event */
  key(event) {
    const [inner] = event.composedPath();
    const typing =
      inner instanceof Element && inner.closest("input:not([type=range]), textarea, select, [contenteditable]");
    if (letterOf(event) === "e" && isPlain(event) && !event.repeat && !typing) this.drawAnew();
  }

  resize() {
    this.fitted = false;
  }

  /**
   * The numbers of one dimension of the highlighted code, for either way to draw it.
   * @param {number} dim
   */
  line(dim) {
    /** @param {string} name @param {string} term @param {number} [digits] */
    const number = (name, term, digits = 2) => live(term, { digits, testid: `${name}-${dim}` });
    const shown = {
      z: number("z", "elbo"),
      mu: number("mu", ""),
      sigma: number("sigma", "", 3),
      epsilon: number("epsilon", "part-log"),
      slope: number("dz-dsigma", "kl"),
    };
    const letter = (/** @type {string} */ text, term = "") => msub(mi(text, term), mn(String(dim), term));
    const partial = (/** @type {string} */ of) => mrow(mi("∂"), letter("z"), mi("/"), mi("∂"), letter(of));
    const gap = () => m("mspace", { width: "0.7em" });
    const trick = formula(
      letter("z", "elbo"),
      mo("="),
      letter("μ"),
      mo("+"),
      letter("σ"),
      letter("ε", "part-log"),
      mo("="),
      shown.mu.element,
      mo("+"),
      shown.sigma.element,
      mo("·"),
      bracket("("),
      shown.epsilon.element,
      bracket(")"),
      mo("="),
      shown.z.element,
      gap(),
      partial("μ"),
      mo("="),
      mn("1", "live kl"),
      gap(),
      partial("σ"),
      mo("="),
      shown.slope.element,
    );
    const drawn = live("elbo", { testid: `drawn-${dim}` });
    const direct = formula(
      letter("z", "elbo"),
      mo("~"),
      mi("N"),
      bracket("("),
      letter("μ"),
      mo(","),
      m("msubsup", {}, mi("σ"), mn(String(dim)), mn("2")),
      bracket(")"),
      gap(),
      letter("z", "elbo"),
      mo("="),
      drawn.element,
      gap(),
      partial("μ"),
      mo(","),
      partial("σ"),
      mtext(": none", "kl"),
    );
    return { shown, drawn, trick, direct };
  }

  /** @param {ReparameterisationData} data */
  update(data) {
    const addresses = `${data.model} ${data.images}`;
    if (addresses !== this.addresses) {
      this.addresses = addresses;
      this.stop();
      this.opened = null;
      this.error.hidden = true;
      this.stop = this.host.blobs([data.model, data.images], (model, images) => this.open(model, images));
    }
    const { q, seed, image, how, code, zoom } = data;
    if (!this.hand.hears({ q, seed, image, how, code, zoom })) return;
    this.seed = data.seed;
    this.code = data.code;
    this.image = data.image;
    this.setHow(data.how);
    this.adopt(data.q);
    this.setZoom(data.zoom);
    this.press();
  }

  /** @param {Arrays} model @param {Arrays} images */
  open(model, images) {
    try {
      const net = compile(JSON.parse(model.metadata.manifest), model.tensors);
      this.opened = { net, images, picture: new Float32Array(net.size) };
    } catch (error) {
      this.error.textContent = `This model cannot run in the page: ${error instanceof Error ? error.message : error}`;
      this.error.hidden = false;
      return;
    }
    this.done = [];
    const pictures = tensorOf(images, "images", Uint8Array);
    this.starts.replaceChildren(
      h("span", { class: "note" }, "start from"),
      ...[...rowsByLabel(tensorOf(images, "labels", Uint8Array).data)].map(([label, [row]]) => {
        const canvas = h("canvas", { class: "picture" });
        paintRow(canvas, pictures, row);
        const name = `Start from test image ${indexOf(images, row)}, a ${label}`;
        const onclick = () => {
          this.start(row);
          this.hand.says(this.stands());
        };
        return h("button", { type: "button", "aria-label": name, title: name, "data-row": row, onclick }, canvas);
      }),
    );
    this.fitted = false;
    this.press();
    this.host.redraw();
  }

  /**
   * Where the encoder puts a test image: its μ(X) and σ(X).
   * @param {number} row
   */
  start(row) {
    const encode = this.opened?.net.encode;
    if (!this.opened || !encode) return;
    const { images } = this.opened;
    const { mu, logvar } = encode(pictureAt(tensorOf(images, "images", Uint8Array), row));
    this.adopt([mu[0], mu[1], Math.exp(logvar[0] / 2), Math.exp(logvar[1] / 2)]);
    this.image = row;
    this.setZoom(Math.max(...this.q.sigma) < SMALL);
    this.press();
    this.host.redraw();
  }

  /**
   * Show Q from near, or the whole plane. What is seen stays put while a control is held, so that the codes move in it.
   * @param {boolean} zoom
   */
  setZoom(zoom) {
    this.zoom = zoom;
    this.nearer.setAttribute("aria-pressed", String(zoom));
    const { mu, sigma } = this.q;
    this.frame = zoom ? { half: 4.5 * Math.max(...sigma), centre: mu } : { half: 3.6, centre: [0, 0] };
  }

  get q() {
    const [mu1, mu2, sigma1, sigma2] = this.values;
    return { mu: /** @type {Point} */ ([mu1, mu2]), sigma: [sigma1, sigma2] };
  }

  /** ε: the same numbers for the same seed, (CLOUD, 2). */
  get noise() {
    if (this.kept.seed !== this.seed) {
      const next = normals(this.seed);
      this.kept = { seed: this.seed, draws: Array.from({ length: CLOUD }, () => [next(), next()]) };
    }
    return this.kept.draws;
  }

  /** @returns {Point[]} */
  codes() {
    const [mu1, mu2, sigma1, sigma2] = this.values;
    return this.noise.map(([e1, e2]) => [mu1 + sigma1 * e1, mu2 + sigma2 * e2]);
  }

  /** @param {number[]} values */
  adopt(values) {
    this.values = values.map((value, i) => rounded(within(value, RANGES[i].min, RANGES[i].max), 3));
    this.sliders.forEach((slider, i) => slider.set(this.values[i]));
  }

  /**
   * By hand. Without ε to hold on to, every change is another draw.
   * @param {number[]} values
   */
  move(values) {
    this.adopt(values);
    this.image = null;
    this.press();
    if (this.how === "direct") this.seed = (this.seed + 1) % 1_000_000;
    this.host.redraw();
  }

  /** A control is held from here on: the codes leave their traces. */
  grasp() {
    this.hand.takes();
    this.began ??= this.codes();
  }

  /** @param {Point} place */
  drag([x, y]) {
    if (this.grip === 1) this.move(this.values.with(2, x - this.values[0]));
    else if (this.grip === 2) this.move(this.values.with(3, y - this.values[1]));
    else this.move([x, y, ...this.values.slice(2)]);
  }

  release() {
    this.began = null;
    this.setZoom(this.zoom);
    this.host.redraw();
    this.hand.lets(this.stands());
  }

  drawAnew() {
    this.seed = (this.seed + 1) % 1_000_000;
    this.began = null;
    this.host.redraw();
    this.hand.says(this.stands());
  }

  /** @param {number} n */
  highlight(n) {
    this.code = n;
    this.press();
    this.host.redraw();
    this.hand.says(this.stands());
  }

  /** @param {How} how */
  setHow(how) {
    this.how = how;
    this.choice.set(how);
    const direct = how === "direct";
    this.renew.textContent = direct ? "Draw new z (E)" : "Draw new ε (E)";
    this.graph.setAttribute(
      "aria-label",
      direct
        ? "X, encoder, μ and σ, a random draw z, decoder, log P(X|z). The gradient comes back to z and stops there."
        : "X, encoder, μ and σ; σ times ε plus μ is z; decoder, log P(X|z). The gradient comes back through z to μ and σ, not to ε.",
    );
    this.graph.replaceChildren(...graph(direct));
    this.numbers.replaceChildren(...this.lines.map((line) => (direct ? line.direct : line.trick)));
  }

  press() {
    for (const button of this.starts.querySelectorAll("button")) {
      button.setAttribute("aria-pressed", String(Number(button.dataset.row) === this.image));
    }
    this.strip.forEach(({ button }, n) => button.setAttribute("aria-pressed", String(n === this.code)));
  }

  /** @returns {Stands} */
  stands() {
    const { values, seed, image, how, code, zoom } = this;
    return { q: values, seed, image, how, code, zoom };
  }

  draw() {
    this.question.refresh();
    if (!this.fitted) this.chart.height = within(roomFor(this.root, this.row), 260, 900);
    this.fitted = true;
    const codes = this.codes();
    this.drawCloud(codes);
    this.decode(codes);
    this.lines.forEach(({ shown, drawn }, d) => {
      const epsilon = this.noise[this.code][d];
      shown.mu.set(this.values[d]);
      shown.sigma.set(this.values[2 + d]);
      shown.epsilon.set(epsilon);
      shown.slope.set(epsilon);
      shown.z.set(printedCode(this.values[d], this.values[2 + d], epsilon));
      drawn.set(codes[this.code][d]);
    });
  }

  /** @param {Point[]} codes */
  drawCloud(codes) {
    const { chart, q, root } = this;
    chart.roundScale(this.frame.half, this.frame.centre);
    const [accent, prior, kl] = ["--accent", "--prior", "--kl"].map((name) => colourOf(root, name));
    const context = chart.begin();
    drawPrior(chart, prior);
    chart.label(0, -3, "prior", chart.colours.ink, "center", -0.9 * chart.text);
    drawGaussian(chart, q, 1, accent, { width: 2, fill: 0.12 });
    drawGaussian(chart, q, 2, accent, { width: 1, fill: 0.06 });
    context.globalAlpha = 0.6;
    for (const [z1, z2] of codes.slice(STRIP)) chart.dot(z1, z2, accent, 2.4);
    context.globalAlpha = 1;
    // The way each decoded code has come since the control was taken hold of.
    const { began } = this;
    codes.slice(0, began ? STRIP : 0).forEach((z, n) => {
      context.strokeStyle = kl;
      context.lineWidth = 1.5;
      const pixels = (/** @type {Point} */ [z1, z2]) => /** @type {Point} */ ([chart.px(z1), chart.py(z2)]);
      chart.stroke([pixels(began?.[n] ?? z), pixels(z)]);
    });
    grips(q).forEach(([x, y], i) => drawGrip(chart, x, y, accent, i ? 6 : 8));
    const numbered = Array.from({ length: STRIP }, (_, n) => n).filter((n) => n !== this.code);
    [...numbered, this.code].forEach((n) => {
      const [z1, z2] = codes[n];
      const chosen = n === this.code;
      const radius = 0.62 * chart.text;
      chart.dot(z1, z2, chosen ? kl : chart.colours.ink, radius + 1.5);
      chart.dot(z1, z2, chart.colours.paper, radius - (chosen ? 1 : 0));
      context.font = `${chosen ? "bold " : ""}${chart.text}px ${chart.font}`;
      context.fillStyle = chart.colours.ink;
      context.textAlign = "center";
      context.textBaseline = "middle";
      context.fillText(String(n + 1), chart.px(z1), chart.py(z2) + 0.5);
    });
    chart.end();
  }

  /**
   * As many pictures as fit into a frame, the highlighted one first; the rest in the frames that follow.
   * @param {Point[]} codes
   */
  decode(codes) {
    if (!this.opened) return;
    const { net, picture } = this.opened;
    const end = performance.now() + FRAME;
    const start = this.next;
    const order = [
      this.code,
      ...Array.from({ length: STRIP }, (_, n) => (start + n) % STRIP).filter((n) => n !== this.code),
    ];
    for (const n of order) {
      const z = codes[n];
      if (this.done[n]?.[0] === z[0] && this.done[n]?.[1] === z[1]) continue;
      if (performance.now() > end) {
        this.next = n; // whose turn it is first, so that none waits for ever
        this.host.redraw();
        return;
      }
      paintPicture(this.strip[n].canvas, net.decode(z, picture), net.shape);
      this.done[n] = z;
      this.strip[n].button.title = `z = (${z.map((value) => decimal(value)).join(", ")})`;
    }
  }
}

export default view(ReparameterisationView);
