// Pictures out of tensors: one picture of a U8 tensor (N, C, H, W) into RGBA bytes. Grey (C = 1) or RGB (C = 3).

/** @import { Numbers, Pictures, RGB, Room } from "../types.d.ts" */

/**
 * Write picture `row` of `tensor` into `rgba`, the bytes of an image `stride` pixels wide, with its corner at (left, top).
 * `lut`, 256 × 3 bytes, colours the mean over channels (a difference); without it the channels are the colours.
 * @param {Room} rgba @param {number} stride @param {number} left @param {number} top
 * @param {Pictures} tensor @param {number} row @param {Numbers} [lut]
 */
export function writePicture(rgba, stride, left, top, tensor, row, lut) {
  const [, channels, height, width] = tensor.shape;
  const area = height * width;
  const from = row * channels * area;
  const source = tensor.data;
  for (let y = 0; y < height; y++) {
    let to = 4 * ((top + y) * stride + left);
    for (let x = 0; x < width; x++, to += 4) {
      const i = from + y * width + x;
      let r = source[i];
      let g = channels === 3 ? source[i + area] : r;
      let b = channels === 3 ? source[i + 2 * area] : r;
      if (lut) {
        const mean = Math.round((r + g + b) / 3);
        r = lut[3 * mean];
        g = lut[3 * mean + 1];
        b = lut[3 * mean + 2];
      }
      rgba[to] = r;
      rgba[to + 1] = g;
      rgba[to + 2] = b;
      rgba[to + 3] = 255;
    }
  }
}

/**
 * Paint one picture at its own size; CSS scales it (image-rendering: pixelated).
 * @param {HTMLCanvasElement} canvas @param {Pictures} tensor @param {number} row @param {Numbers} [lut]
 */
export function paintPicture(canvas, tensor, row, lut) {
  const [, , height, width] = tensor.shape;
  // Setting the size clears a canvas: only where it changes, so a redraw never flickers.
  if (canvas.width !== width) canvas.width = width;
  if (canvas.height !== height) canvas.height = height;
  const image = new ImageData(width, height);
  writePicture(image.data, width, 0, 0, tensor, row, lut);
  /** @type {CanvasRenderingContext2D} */ (canvas.getContext("2d")).putImageData(image, 0, 0);
}

/**
 * "#rgb", "#rrggbb" or "rgb(r, g, b)" -> [r, g, b]; what the theme's variables and the palette hold.
 * @param {string} text @returns {RGB}
 */
export function parseColour(text) {
  const value = text.trim();
  if (value.startsWith("#")) {
    const hex = value.length < 7 ? [...value.slice(1, 4)].map((c) => c + c).join("") : value.slice(1, 7);
    const number = parseInt(hex, 16);
    return [number >> 16, (number >> 8) & 255, number & 255];
  }
  const [r = 0, g = 0, b = 0] = (value.match(/[\d.]+/g) ?? []).map(Number);
  return [r, g, b];
}

/**
 * Whether a background is dark.
 * @param {RGB} background
 */
export function isDark([r, g, b]) {
  return 0.299 * r + 0.587 * g + 0.114 * b < 128;
}

/**
 * 256 × 3 bytes: the colours of `anchors`, evenly spaced, interpolated.
 * @param {RGB[]} anchors
 */
export function colourRamp(anchors) {
  const ramp = new Uint8Array(768);
  for (let i = 0; i < 256; i++) {
    const at = (i / 255) * (anchors.length - 1);
    const low = Math.min(Math.floor(at), anchors.length - 2);
    for (let c = 0; c < 3; c++)
      ramp[3 * i + c] = Math.round(anchors[low][c] + (at - low) * (anchors[low + 1][c] - anchors[low][c]));
  }
  return ramp;
}
