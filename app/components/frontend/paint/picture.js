// Pictures out of numbers: floats in [0, 1] or bytes, grey (C = 1) or RGB (C = 3), into the pixels of a canvas. CSS scales them
// (image-rendering: pixelated), so a redraw is one putImageData and the layout stands still.

import { h } from "../kit/dom.js";
import { toUnit } from "../net/safetensors.js";

/** @typedef {Float32Array | Float64Array | Uint8Array | Uint8ClampedArray} Values floats in [0, 1], or bytes */
/** @typedef {readonly number[]} Shape [C, H, W] */
/** @typedef {{shape: readonly number[], data: Values}} Tensor pictures (N, C, H, W) */

/** @param {Shape} shape */
const sizeOf = ([C = 1, H = 1, W = 1]) => C * H * W;
const isBytes = (/** @type {Values} */ values) => values.BYTES_PER_ELEMENT === 1;

/**
 * Write one picture into `rgba`, the bytes of an image `stride` pixels wide, with its corner at (left, top).
 * @param {Uint8ClampedArray} rgba rounds what it is given
 * @param {Values} values (C, H, W), from index `from` on
 * @param {Shape} shape
 * @param {{from?: number, stride?: number, left?: number, top?: number, lut?: Uint8Array | undefined}} [options]
 *   `lut`, 256 × 3 bytes, colours the mean over channels (a difference); without it the channels are the colours
 */
export function writePicture(rgba, values, shape, { from = 0, stride, left = 0, top = 0, lut } = {}) {
  const [C = 1, H = 1, W = 1] = shape;
  const wide = stride ?? W;
  const area = H * W;
  const [green, blue] = C === 3 ? [area, 2 * area] : [0, 0];
  const scale = isBytes(values) ? 1 : 255;
  for (let y = 0, i = from; y < H; y++) {
    for (let x = 0, to = 4 * ((top + y) * wide + left); x < W; x++, i++, to += 4) {
      let r = scale * values[i];
      let g = scale * values[i + green];
      let b = scale * values[i + blue];
      if (lut) {
        const mean = 3 * Math.round((r + g + b) / 3);
        r = lut[mean];
        g = lut[mean + 1];
        b = lut[mean + 2];
      }
      rgba[to] = r;
      rgba[to + 1] = g;
      rgba[to + 2] = b;
      rgba[to + 3] = 255;
    }
  }
}

/**
 * The pen of a canvas.
 * @param {HTMLCanvasElement} canvas
 * @param {CanvasRenderingContext2DSettings} [settings]
 */
export function penOf(canvas, settings) {
  const pen = canvas.getContext("2d", settings);
  if (!pen) throw new Error("this browser has no canvas to paint on");
  return pen;
}

/**
 * Give a canvas a size in pixels. Setting it clears a canvas: only where it changes, so that a redraw never flickers.
 * @param {HTMLCanvasElement} canvas
 * @param {number} width
 * @param {number} height
 */
export function resizeCanvas(canvas, width, height) {
  if (canvas.width !== width) canvas.width = width;
  if (canvas.height !== height) canvas.height = height;
}

/**
 * Paint one picture at its own size.
 * @param {HTMLCanvasElement} canvas
 * @param {Values} values
 * @param {Shape} shape
 * @param {{from?: number, lut?: Uint8Array | undefined}} [options]
 */
export function paintPicture(canvas, values, shape, options = {}) {
  const [, H = 1, W = 1] = shape;
  resizeCanvas(canvas, W, H);
  const image = new ImageData(W, H);
  writePicture(image.data, values, shape, options);
  penOf(canvas).putImageData(image, 0, 0);
}

/**
 * Paint picture `row` of a tensor (N, C, H, W).
 * @param {HTMLCanvasElement} canvas
 * @param {Tensor} tensor
 * @param {number} row
 * @param {Uint8Array} [lut]
 */
export function paintRow(canvas, { shape, data }, row, lut) {
  const one = shape.slice(1);
  paintPicture(canvas, data, one, { from: row * sizeOf(one), lut });
}

/**
 * Picture `row` of a tensor U8 (N, C, H, W) as numbers in [0, 1].
 * @param {Tensor} tensor
 * @param {number} row
 * @param {Float32Array} [out]
 */
export function pictureAt({ shape, data }, row, out = new Float32Array(sizeOf(shape.slice(1)))) {
  for (let n = 0; n < out.length; n++) out[n] = toUnit(data[row * out.length + n]);
  return out;
}

/** Pictures of one shape on one canvas, `columns` in a row, `gap` of their own pixels apart. */
export class Sheet {
  /**
   * @param {Shape} shape
   * @param {number} count
   * @param {{columns?: number, gap?: number, canvas?: HTMLCanvasElement}} [options]
   */
  constructor(shape, count, { columns = count, gap = 1, canvas = h("canvas") } = {}) {
    const [, H = 1, W = 1] = shape;
    const across = Math.max(1, Math.min(columns, count));
    this.shape = shape;
    this.count = count;
    this.columns = columns;
    this.stepX = W + gap;
    this.stepY = H + gap;
    this.width = across * this.stepX - gap;
    this.height = Math.max(1, Math.ceil(count / columns)) * this.stepY - gap;
    this.canvas = canvas;
    resizeCanvas(canvas, this.width, this.height);
    this.image = new ImageData(this.width, this.height);
  }

  /**
   * Write picture `n`; `show` puts it on the canvas.
   * @param {Values} values
   * @param {number} n
   * @param {{from?: number, lut?: Uint8Array | undefined}} [options]
   */
  put(values, n, options = {}) {
    const [left, top] = this.corner(n);
    writePicture(this.image.data, values, this.shape, { ...options, stride: this.width, left, top });
  }

  /**
   * Where picture `n` begins.
   * @param {number} n
   * @returns {[number, number]}
   */
  corner(n) {
    return [(n % this.columns) * this.stepX, Math.floor(n / this.columns) * this.stepY];
  }

  /**
   * Put all pictures on the canvas, or one.
   * @param {number} [n]
   */
  show(n) {
    const pen = penOf(this.canvas);
    const [, H = 1, W = 1] = this.shape;
    if (n === undefined) pen.putImageData(this.image, 0, 0);
    else pen.putImageData(this.image, 0, 0, ...this.corner(n), W, H);
  }
}

/**
 * All pictures of a tensor (N, C, H, W), or those in `rows`, on one canvas.
 * @param {HTMLCanvasElement} canvas
 * @param {Tensor} tensor
 * @param {{rows?: number[], columns?: number, gap?: number}} [options]
 */
export function paintSheet(
  canvas,
  { shape, data },
  { rows = [...Array(shape[0]).keys()], columns = rows.length, gap = 2 } = {},
) {
  const one = shape.slice(1);
  const sheet = new Sheet(one, rows.length, { columns, gap, canvas });
  rows.forEach((row, n) => sheet.put(data, n, { from: row * sizeOf(one) }));
  sheet.show();
}
