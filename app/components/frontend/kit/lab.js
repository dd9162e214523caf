// What the views of the KL lab share: the life of a component, sliders, charts, formulas with live numbers.
//
// A view is a class: constructor(root, host), update(data), draw(), destroy(). host.redraw() asks for one draw in the next
// frame, however often it is called; host.keep(view) tells the server where a control was let go; host.ask(name, value)
// asks it for something once, host.askAfterPaint when what is there has been painted.

import { decimal, h } from "./dom.js";

const views = new WeakMap(); // parentElement -> {root, view, …}; Streamlit calls again on every change of data

/** The default export of a view's module. */
export function labComponent(View) {
  return function component({ parentElement, data, setStateValue, setTriggerValue }) {
    let life = views.get(parentElement);
    if (!life) {
      const root = h("div", { class: "lab" });
      parentElement.append(root);
      life = { root, frame: null, painted: 0, setStateValue };
      const host = {
        redraw() {
          life.frame ??= requestAnimationFrame(() => {
            life.frame = null;
            life.view.draw();
            root.dataset.painted = ++life.painted; // how many pictures were painted, for whoever measures
          });
        },
        keep: (view) => life.setStateValue("view", view),
        ask: (name, value) => life.setTriggerValue(name, value),
        askAfterPaint: (name, value) => requestAnimationFrame(() => requestAnimationFrame(() => host.ask(name, value))),
      };
      life.view = new View(root, host);
      // A new width or another theme: the same numbers, drawn again.
      life.observer = new ResizeObserver(() => host.redraw());
      life.observer.observe(root);
      life.host = host;
      views.set(parentElement, life);
    }
    Object.assign(life, { setStateValue, setTriggerValue });
    life.view.update(data);
    life.host.redraw();
    return () => {
      life.observer.disconnect();
      if (life.frame !== null) cancelAnimationFrame(life.frame);
      life.view.destroy?.();
      life.root.remove();
      views.delete(parentElement);
    };
  };
}

// ---- controls

/**
 * A labelled slider. `label` is read aloud and shown; `oninput(value)` is called while it moves, `onrelease(value)` when
 * it is let go. `.set(value)` moves it without a call. Shift-arrow moves a tenth of a step. `format(value)` replaces the
 * number that is shown.
 */
export function labSlider({
  label,
  min,
  max,
  step,
  value,
  unit = "",
  digits = 2,
  term = "",
  format,
  oninput,
  onrelease = () => {},
}) {
  const shown = h("output", {});
  const input = h("input", { type: "range", min, max, step: "any", "aria-label": label });
  const show = () => {
    const text = format?.(Number(input.value)) ?? `${decimal(Number(input.value), digits)}${unit ? ` ${unit}` : ""}`;
    shown.textContent = text;
    input.setAttribute("aria-valuetext", text);
    input.style.setProperty("--at", `${(100 * (input.value - min)) / (max - min)}%`);
  };
  const set = (next) => {
    input.value = next;
    show();
  };
  const moved = () => {
    show();
    oninput(Number(input.value));
  };
  input.addEventListener("input", () => {
    input.value = Math.round(Number(input.value) / step) * step;
    moved();
  });
  input.addEventListener("change", () => onrelease(Number(input.value)));
  const arrows = { ArrowRight: 1, ArrowUp: 1, ArrowLeft: -1, ArrowDown: -1, PageUp: 10, PageDown: -10 };
  input.addEventListener("keydown", (event) => {
    if (!arrows[event.key] || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    const by = arrows[event.key] * step * (event.shiftKey ? 0.1 : 1);
    input.value = Math.min(max, Math.max(min, Number(input.value) + by));
    moved();
  });
  input.addEventListener("keyup", (event) => arrows[event.key] && onrelease(Number(input.value)));
  set(value);
  return {
    element: h("label", { class: `slider ${term}` }, h("span", {}, label), input, shown),
    input,
    set,
    get value() {
      return Number(input.value);
    },
  };
}

/** Buttons of which one is pressed. `options`: [[value, text], …]. */
export function labChoice({ label, options, value, onpick }) {
  const pick = (option) => {
    set(option);
    onpick(option);
  };
  const buttons = options.map(([option, text]) => h("button", { type: "button", onclick: () => pick(option) }, text));
  const set = (next) =>
    options.forEach(([option], i) => buttons[i].setAttribute("aria-pressed", String(option === next)));
  set(value);
  return { element: h("div", { class: "choice", role: "group", "aria-label": label }, ...buttons), set };
}

export const labButton = (text, onclick, attributes = {}) =>
  h("button", { type: "button", onclick, ...attributes }, text);

// ---- formulas: MathML, which browsers set themselves; `term` is the class that colours it (elbo, reconstruction, kl)

const MATH = "http://www.w3.org/1998/Math/MathML";

export function m(tag, attributes = {}, ...children) {
  const element = document.createElementNS(MATH, tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  element.append(...children.map((child) => (typeof child === "string" ? document.createTextNode(child) : child)));
  return element;
}
export const mi = (text, term = "") => m("mi", term ? { class: term } : {}, text);
export const mo = (text, term = "") => m("mo", term ? { class: term } : {}, text);
export const mn = (text, term = "") => m("mn", term ? { class: term } : {}, text);
export const mtext = (text, term = "") => m("mtext", term ? { class: term } : {}, text);
export const mrow = (...children) => m("mrow", {}, ...children);
export const msub = (base, index) => m("msub", {}, base, index);
export const msup = (base, power) => m("msup", {}, base, power);
export const mfrac = (over, under) => m("mfrac", {}, over, under);
export const msqrt = (...children) => m("msqrt", {}, ...children);

/** A number in a formula that changes: `.set(value)`. `unit` stands after it. */
export function live(term = "", digits = 2, unit = "") {
  const element = mn("", `live ${term}`);
  return {
    element,
    set(value) {
      element.textContent = `${Number.isFinite(value) ? decimal(value, digits) : "–"}${unit ? ` ${unit}` : ""}`;
    },
  };
}

/** A line of mathematics, set smaller where its place is too narrow for it. */
export function formula(...children) {
  const element = h("div", { class: "formula" }, m("math", { display: "block" }, mrow(...children)));
  placed.observe(element);
  written.observe(element, { characterData: true, childList: true, subtree: true });
  return element;
}

const placed = new ResizeObserver((entries) => entries.forEach(({ target }) => fitFormula(target)));
const written = new MutationObserver((changes) => {
  const changed = new Set(
    changes.map(({ target }) => (target.closest ? target : target.parentElement)?.closest(".formula")),
  );
  requestAnimationFrame(() => changed.forEach((element) => element?.isConnected && fitFormula(element)));
});

// A number that gets longer makes a formula smaller; only another place makes it larger again, so that it does not flicker.
function fitFormula(element) {
  const { paddingLeft, paddingRight } = getComputedStyle(element);
  const room = element.clientWidth - parseFloat(paddingLeft) - parseFloat(paddingRight);
  const math = element.firstChild;
  const size = Number(element.dataset.size ?? 1);
  const fits = Math.min(1, (0.99 * room) / (math.firstChild.getBoundingClientRect().width / size));
  if (room <= 0 || (room === Number(element.dataset.room) && fits >= size)) return;
  Object.assign(element.dataset, { room, size: fits });
  math.style.fontSize = fits < 1 ? `${fits}em` : "";
}

// ---- charts

/** A colour of the style sheet, such as "--kl", as a canvas takes it. */
export const colourOf = (root, name) => getComputedStyle(root).getPropertyValue(name).trim();

/**
 * A plot on a canvas in its own units. Draw in this order: begin(), curves, end(). x and y: {min, max, label, ticks}; the
 * label names the unit; y.room is how wide the y axis is, in heights of its text. Everything is redrawn each frame, so nothing has to be kept in step.
 */
export class Chart {
  constructor({ x, y, label, height = 260, square = false }) {
    this.x = x;
    this.y = y;
    this.square = square;
    this.height = height;
    this.canvas = h("canvas", { role: "img", "aria-label": label });
    this.element = h("div", { class: "chart" }, this.canvas);
  }

  begin() {
    const { canvas, element } = this;
    const scale = globalThis.devicePixelRatio || 1;
    const width = Math.max(80, element.clientWidth);
    const height = this.square ? width : this.height;
    if (canvas.width !== Math.round(width * scale) || canvas.height !== Math.round(height * scale)) {
      canvas.width = Math.round(width * scale);
      canvas.height = Math.round(height * scale);
      canvas.style.height = `${height}px`;
    }
    const style = getComputedStyle(element);
    this.colours = {
      ink: style.getPropertyValue("--ink").trim(),
      muted: style.getPropertyValue("--muted-solid").trim() || style.color,
      line: style.getPropertyValue("--grid").trim(),
      paper: style.getPropertyValue("--paper").trim(),
    };
    this.font = style.fontFamily;
    this.text = parseFloat(style.fontSize) * 0.9;
    const context = canvas.getContext("2d");
    this.context = context;
    context.setTransform(scale, 0, 0, scale, 0, 0);
    context.clearRect(0, 0, width, height);
    this.box = {
      left: this.y.label ? (this.y.room ?? 3.9) * this.text : 8,
      right: width - 10,
      top: 10,
      bottom: height - (this.x.label ? 3.1 * this.text : 8),
    };
    context.font = `${this.text}px ${this.font}`;
    this.grid();
    context.save();
    context.beginPath();
    context.rect(this.box.left, this.box.top, this.box.right - this.box.left, this.box.bottom - this.box.top);
    context.clip();
    return context;
  }

  end() {
    this.context.restore();
  }

  px(x) {
    const { left, right } = this.box;
    return left + ((x - this.x.min) / (this.x.max - this.x.min)) * (right - left);
  }

  py(y) {
    const { top, bottom } = this.box;
    return bottom - ((y - this.y.min) / (this.y.max - this.y.min)) * (bottom - top);
  }

  /** Where a pointer event is, in the plot's units: [x, y]. */
  at(event) {
    const frame = this.canvas.getBoundingClientRect();
    const { left, right, top, bottom } = this.box;
    return [
      this.x.min + ((event.clientX - frame.left - left) / (right - left)) * (this.x.max - this.x.min),
      this.y.min + ((bottom - event.clientY + frame.top) / (bottom - top)) * (this.y.max - this.y.min),
    ];
  }

  grid() {
    const { context, box } = this;
    context.strokeStyle = this.colours.line;
    context.fillStyle = this.colours.muted;
    context.lineWidth = 1;
    context.textAlign = "center";
    context.textBaseline = "top";
    for (const x of this.x.ticks ?? niceTicks(this.x.min, this.x.max, (box.right - box.left) / 70)) {
      const at = Math.round(this.px(x)) + 0.5;
      this.stroke([
        [at, box.top],
        [at, box.bottom],
      ]);
      context.fillText(this.x.format?.(x) ?? tickText(x), at, box.bottom + 4);
    }
    context.textAlign = "right";
    context.textBaseline = "middle";
    for (const y of this.y.ticks ?? niceTicks(this.y.min, this.y.max, (box.bottom - box.top) / 44)) {
      const at = Math.round(this.py(y)) + 0.5;
      this.stroke([
        [box.left, at],
        [box.right, at],
      ]);
      context.fillText(this.y.format?.(y) ?? tickText(y), box.left - 5, at);
    }
    context.fillStyle = this.colours.ink;
    if (this.x.label) {
      context.textAlign = "center";
      context.textBaseline = "bottom";
      context.fillText(this.x.label, (box.left + box.right) / 2, box.bottom + 3.0 * this.text);
    }
    if (this.y.label) {
      context.save();
      context.translate(this.text * 0.9, (box.top + box.bottom) / 2);
      context.rotate(-Math.PI / 2);
      context.textAlign = "center";
      context.textBaseline = "middle";
      context.fillText(this.y.label, 0, 0);
      context.restore();
    }
  }

  stroke(points) {
    const { context } = this;
    context.beginPath();
    points.forEach(([x, y], i) => (i ? context.lineTo(x, y) : context.moveTo(x, y)));
    context.stroke();
  }

  /** A curve through (xs, ys) in plot units. */
  line(xs, ys, colour, { width = 2, dash = [], fill = 0 } = {}) {
    const { context } = this;
    context.strokeStyle = colour;
    context.lineWidth = width;
    context.setLineDash(dash);
    const points = Array.from(xs, (x, i) => [this.px(x), this.py(ys[i])]);
    if (fill) {
      context.globalAlpha = fill;
      context.fillStyle = colour;
      context.beginPath();
      context.moveTo(points[0][0], this.py(Math.max(0, this.y.min)));
      points.forEach(([x, y]) => context.lineTo(x, y));
      context.lineTo(points.at(-1)[0], this.py(Math.max(0, this.y.min)));
      context.fill();
      context.globalAlpha = 1;
    }
    this.stroke(points);
    context.setLineDash([]);
  }

  dot(x, y, colour, radius = 5) {
    const { context } = this;
    context.beginPath();
    context.arc(this.px(x), this.py(y), radius, 0, 2 * Math.PI);
    context.fillStyle = colour;
    context.fill();
  }

  /** An ellipse with half axes (a, b) in plot units, turned by `angle` (radians, counter-clockwise). */
  ellipse(x, y, a, b, angle, colour, { width = 2, dash = [], fill = 0 } = {}) {
    const points = Array.from({ length: 97 }, (_, i) => {
      const [c, s] = [a * Math.cos((i * Math.PI) / 48), b * Math.sin((i * Math.PI) / 48)];
      return [
        this.px(x + c * Math.cos(angle) - s * Math.sin(angle)),
        this.py(y + c * Math.sin(angle) + s * Math.cos(angle)),
      ];
    });
    const { context } = this;
    context.strokeStyle = colour;
    context.lineWidth = width;
    context.setLineDash(dash);
    this.stroke(points);
    context.setLineDash([]);
    if (fill) {
      context.globalAlpha = fill;
      context.fillStyle = colour;
      context.fill();
      context.globalAlpha = 1;
    }
  }

  /** An arrow from one point to another, plot units. */
  arrow(x0, y0, x1, y1, colour, width = 2.5) {
    const { context } = this;
    const [ax, ay, bx, by] = [this.px(x0), this.py(y0), this.px(x1), this.py(y1)];
    const length = Math.hypot(bx - ax, by - ay);
    if (length < 1) return;
    const head = Math.min(Math.max(11, 3.6 * width), length);
    const [ux, uy] = [(bx - ax) / length, (by - ay) / length];
    context.strokeStyle = context.fillStyle = colour;
    context.lineWidth = width;
    this.stroke([
      [ax, ay],
      [bx - head * 0.7 * ux, by - head * 0.7 * uy],
    ]);
    context.beginPath();
    context.moveTo(bx, by);
    context.lineTo(bx - head * ux + head * 0.45 * uy, by - head * uy - head * 0.45 * ux);
    context.lineTo(bx - head * ux - head * 0.45 * uy, by - head * uy + head * 0.45 * ux);
    context.fill();
  }

  /** Text at a point of the plot; `align` is left, center or right. No `halo` for text on a coloured area. */
  label(x, y, text, colour = this.colours.ink, align = "left", dy = 0, halo = this.colours.paper) {
    this.write(text, this.px(x), this.py(y) + dy, { colour, align, halo });
  }

  /** Text at a point of the canvas, on a halo of paper that keeps it readable over curves and dots. */
  write(
    text,
    left,
    top,
    { colour = this.colours.ink, align = "left", times = 1, weight = 400, halo = this.colours.paper } = {},
  ) {
    const { context } = this;
    context.font = `${weight} ${times * this.text}px ${this.font}`;
    context.textAlign = align;
    context.textBaseline = "middle";
    context.lineWidth = 4;
    context.lineJoin = "round";
    context.strokeStyle = halo;
    context.fillStyle = colour;
    if (halo) context.strokeText(text, left, top);
    context.fillText(text, left, top);
  }
}

export function niceTicks(min, max, count) {
  const raw = (max - min) / Math.max(1, count);
  const power = 10 ** Math.floor(Math.log10(raw));
  const step = [1, 2, 5, 10].map((f) => f * power).find((s) => s >= raw) ?? raw;
  const ticks = [];
  for (let i = Math.ceil(min / step - 1e-9); i * step <= max + 1e-9 * step; i++) ticks.push(i * step);
  return ticks;
}

const tickText = (value) =>
  Math.abs(value) >= 1e5 ? value.toExponential(0) : String(Number(value.toPrecision(6))).replace("-", "−");

/** Let a chart be dragged: `onmove([x, y])` in its units while a pointer is down on it, `onend()` afterwards. */
export function draggable(chart, onmove, onend = () => {}) {
  const { canvas } = chart;
  canvas.classList.add("draggable");
  let pointer = null;
  canvas.addEventListener("pointerdown", (event) => {
    if (event.button !== 0 || pointer !== null) return;
    pointer = event.pointerId;
    canvas.setPointerCapture(pointer);
    onmove(chart.at(event), event);
  });
  canvas.addEventListener("pointermove", (event) => event.pointerId === pointer && onmove(chart.at(event), event));
  const end = (event) => {
    if (event.pointerId !== pointer) return;
    pointer = null;
    onend();
  };
  canvas.addEventListener("pointerup", end);
  canvas.addEventListener("pointercancel", end);
}

// ---- numbers

/** A generator of N(0, 1) that starts from a whole number, so that a link shows the same draw (mulberry32, Box–Muller). */
export function normals(seed) {
  let state = seed >>> 0;
  const uniform = () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
  return () => Math.sqrt(-2 * Math.log(1 - uniform())) * Math.cos(2 * Math.PI * uniform());
}
