// A plot on a canvas, in its own units: axes with round marks, curves, dots, ellipses, arrows, words.

import { h } from "../kit/dom.js";
import { ticks, tickTexts } from "../kit/ticks.js";
import { penOf, resizeCanvas } from "./picture.js";

/**
 * @typedef {object} Axis
 * @property {number} min
 * @property {number} max
 * @property {string} [label] names the unit; without one the axis takes no room
 * @property {number[]} [ticks] where its marks are, instead of at round values
 * @property {((value: number) => string) | undefined} [format] what stands beside a mark
 * @property {number} [room] how wide the y axis is, in heights of its text
 */
/** @typedef {{width?: number, dash?: number[], fill?: number}} Look `fill`: opacity of the area */
/** @typedef {[number, number]} Point */

/** Draw in this order: begin(), curves, end(). Everything is drawn again each frame, so nothing has to be kept in step. */
export class Chart {
  box = { left: 0, right: 1, top: 0, bottom: 1 };
  colours = { ink: "", muted: "", line: "", paper: "" };
  font = "";
  text = 0;

  /** @param {{x: Axis, y: Axis, label: string, height?: number, square?: boolean}} options `label` is read aloud */
  constructor({ x, y, label, height = 260, square = false }) {
    this.x = x;
    this.y = y;
    this.square = square;
    this.height = height;
    this.canvas = h("canvas", { role: "img", "aria-label": label });
    this.element = h("div", { class: "chart" }, this.canvas);
    this.context = penOf(this.canvas);
  }

  /** Look how large it is now, and with which type. */
  measure() {
    const { element } = this;
    const style = getComputedStyle(element);
    this.colours = {
      ink: style.getPropertyValue("--ink").trim(),
      muted: style.getPropertyValue("--muted-solid").trim() || style.color,
      line: style.getPropertyValue("--grid").trim(),
      paper: style.getPropertyValue("--paper").trim(),
    };
    this.font = style.fontFamily;
    // In presenter mode no type is smaller than `--least`, in hundredths of the window's height.
    const least = (Number.parseFloat(style.getPropertyValue("--least")) || 0) * (globalThis.innerHeight / 100);
    this.text = Math.max(Number.parseFloat(style.fontSize) * 0.9, least);
    const width = Math.max(80, element.clientWidth);
    const height = this.square ? width : this.height;
    this.box = {
      left: this.y.label ? (this.y.room ?? 3.9) * this.text : 8,
      right: width - 10,
      top: 10,
      bottom: height - (this.x.label ? 3.1 * this.text : 8),
    };
    return { width, height };
  }

  /**
   * Show `half` of the plane on either side of `centre`, upwards or (`least`) in the shorter direction, and what makes a
   * circle round in the other.
   * @param {number} half
   * @param {Point} [centre]
   * @param {boolean} [least]
   */
  roundScale(half, [x, y] = [0, 0], least = false) {
    this.measure();
    const { left, right, top, bottom } = this.box;
    const unit = half / (least ? Math.min(right - left, bottom - top) : bottom - top); // of the plane, for each half pixel
    [this.x.min, this.x.max] = [x - unit * (right - left), x + unit * (right - left)];
    [this.y.min, this.y.max] = [y - unit * (bottom - top), y + unit * (bottom - top)];
  }

  begin() {
    const { canvas, context } = this;
    const { width, height } = this.measure();
    const scale = globalThis.devicePixelRatio || 1;
    resizeCanvas(canvas, Math.round(width * scale), Math.round(height * scale));
    canvas.style.height = `${height}px`;
    context.setTransform(scale, 0, 0, scale, 0, 0);
    context.clearRect(0, 0, width, height);
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

  /** @param {number} x */
  px(x) {
    const { left, right } = this.box;
    return left + ((x - this.x.min) / (this.x.max - this.x.min)) * (right - left);
  }

  /** @param {number} y */
  py(y) {
    const { top, bottom } = this.box;
    return bottom - ((y - this.y.min) / (this.y.max - this.y.min)) * (bottom - top);
  }

  /**
   * Where a pointer is, in the plot's units.
   * @param {{clientX: number, clientY: number}} event
   * @returns {Point}
   */
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
    for (const [x, text] of marksOf(this.x, (box.right - box.left) / 70)) {
      const at = Math.round(this.px(x)) + 0.5;
      this.stroke([
        [at, box.top],
        [at, box.bottom],
      ]);
      context.fillText(text, at, box.bottom + 4);
    }
    context.textAlign = "right";
    context.textBaseline = "middle";
    for (const [y, text] of marksOf(this.y, (box.bottom - box.top) / 44)) {
      const at = Math.round(this.py(y)) + 0.5;
      this.stroke([
        [box.left, at],
        [box.right, at],
      ]);
      context.fillText(text, box.left - 5, Math.max(at, 0.5 * this.text)); // the highest is not cut at the canvas's edge
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

  /** @param {Point[]} points CSS pixels */
  stroke(points) {
    const { context } = this;
    context.beginPath();
    points.forEach(([x, y], i) => (i ? context.lineTo(x, y) : context.moveTo(x, y)));
    context.stroke();
  }

  /**
   * A curve through (xs, ys) in plot units.
   * @param {ArrayLike<number>} xs
   * @param {ArrayLike<number>} ys
   * @param {string} colour
   * @param {Look} [look]
   */
  line(xs, ys, colour, { width = 2, dash = [], fill = 0 } = {}) {
    const { context } = this;
    context.strokeStyle = colour;
    context.lineWidth = width;
    context.setLineDash(dash);
    const points = Array.from(xs, (x, i) => /** @type {Point} */ ([this.px(x), this.py(Number(ys[i]))]));
    if (fill) {
      context.globalAlpha = fill;
      context.fillStyle = colour;
      context.beginPath();
      const ground = this.py(Math.max(0, this.y.min));
      for (const [x] of points.slice(0, 1)) context.moveTo(x, ground);
      for (const [x, y] of points) context.lineTo(x, y);
      for (const [x] of points.slice(-1)) context.lineTo(x, ground);
      context.fill();
      context.globalAlpha = 1;
    }
    this.stroke(points);
    context.setLineDash([]);
  }

  /**
   * @param {number} x
   * @param {number} y
   * @param {string} colour
   * @param {number} [radius] CSS pixels
   */
  dot(x, y, colour, radius = 5) {
    const { context } = this;
    context.beginPath();
    context.arc(this.px(x), this.py(y), radius, 0, 2 * Math.PI);
    context.fillStyle = colour;
    context.fill();
  }

  /**
   * An ellipse with half axes (a, b) in plot units, turned by `angle` (radians, counter-clockwise).
   * @param {number} x
   * @param {number} y
   * @param {number} a
   * @param {number} b
   * @param {number} angle
   * @param {string} colour
   * @param {Look} [look]
   */
  ellipse(x, y, a, b, angle, colour, { width = 2, dash = [], fill = 0 } = {}) {
    const points = Array.from({ length: 97 }, (_, i) => {
      const c = a * Math.cos((i * Math.PI) / 48);
      const s = b * Math.sin((i * Math.PI) / 48);
      return /** @type {Point} */ ([
        this.px(x + c * Math.cos(angle) - s * Math.sin(angle)),
        this.py(y + c * Math.sin(angle) + s * Math.cos(angle)),
      ]);
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

  /**
   * An arrow from one point to another, plot units.
   * @param {number} x0
   * @param {number} y0
   * @param {number} x1
   * @param {number} y1
   * @param {string} colour
   * @param {number} [width]
   */
  arrow(x0, y0, x1, y1, colour, width = 2.5) {
    const { context } = this;
    const ax = this.px(x0);
    const ay = this.py(y0);
    const bx = this.px(x1);
    const by = this.py(y1);
    const length = Math.hypot(bx - ax, by - ay);
    if (length < 1) return;
    const head = Math.min(Math.max(11, 3.6 * width), length);
    const ux = (bx - ax) / length;
    const uy = (by - ay) / length;
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

  /**
   * Text at a point of the plot. No `halo` for text on a coloured area.
   * @param {number} x
   * @param {number} y
   * @param {string} text
   * @param {string} [colour]
   * @param {CanvasTextAlign} [align]
   * @param {number} [dy] CSS pixels below
   * @param {string | null} [halo]
   */
  label(x, y, text, colour = this.colours.ink, align = "left", dy = 0, halo = this.colours.paper) {
    this.write(text, this.px(x), this.py(y) + dy, { colour, align, halo });
  }

  /**
   * Text at a point of the canvas, on a halo of paper that keeps it readable over curves and dots.
   * @param {string} text
   * @param {number} left
   * @param {number} top
   * @param {{colour?: string, align?: CanvasTextAlign, times?: number, weight?: number, halo?: string | null}} [look]
   */
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
    context.fillStyle = colour;
    if (halo) {
      context.strokeStyle = halo;
      context.strokeText(text, left, top);
    }
    context.fillText(text, left, top);
  }
}

/**
 * Where an axis has its marks, and what stands beside them.
 * @param {Axis} axis
 * @param {number} count
 * @returns {[number, string][]}
 */
function marksOf({ min, max, ticks: given, format }, count) {
  const values = given ?? ticks(min, max, count);
  const texts = format ? values.map(format) : tickTexts(values);
  return values.map((value, i) => [value, texts[i] ?? ""]);
}
