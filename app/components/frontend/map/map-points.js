// The points of the map, written straight into pixels: 10,000 small discs cost about 2 ms, whatever the graphics card.

/**
 * @import { MapView, Tick } from "./map-view.js"
 * @import { Cloud } from "./map-find.js"
 * @import { RGB } from "../kit/colours.js"
 * @import { Numbers } from "../types.d.ts"
 */

/** @typedef {{ pixels: Uint32Array, width: number, ratio: number }} Raster RGBA; ratio: device px per CSS px */

/**
 * @typedef {object} Paint what colours a point
 * @property {Numbers} shade (n) the point's row in `shades`
 * @property {Uint8Array} shades 256 × 3 bytes
 * @property {Numbers | null} inLasso (n) 1 or 0; null without a lasso
 */

const GRID = 0.07; // how far a grid line goes from the background to the text's colour
const ZERO_LINE = 0.22;
const STRENGTH = { plain: 0.82, outside: 0.16, muted: 0.1 }; // opacities: a crowd of points shows its density
const PICTURE_MIN = 16; // CSS px
const PICTURE_MAX = 64;

/**
 * One pixel of a little-endian RGBA image.
 * @param {RGB} colour
 */
function pack([r, g, b]) {
  return (0xff000000 | (b << 16) | (g << 8) | r) >>> 0;
}

/**
 * The pixels of a disc and how much of each it covers (0 … 256), for centres at (i + ½)/4 within a pixel.
 * @param {number} radius @param {number} stride
 */
function makeDiscs(radius, stride) {
  const reach = Math.ceil(radius) + 1;
  const quarters = [0.125, 0.375, 0.625, 0.875];
  const disc = (/** @type {number} */ fx, /** @type {number} */ fy) => {
    /** @type {[dx: number[], dy: number[], cover: number[]]} */
    const [dx, dy, cover] = [[], [], []];
    for (let y = -reach; y <= reach; y++) {
      for (let x = -reach; x <= reach; x++) {
        const share = Math.max(0, Math.min(1, radius + 0.5 - Math.hypot(x + 0.5 - fx, y + 0.5 - fy)));
        if (share === 0) continue;
        dx.push(x);
        dy.push(y);
        cover.push(256 * share);
      }
    }
    const offset = Int32Array.from(dy, (y, i) => y * stride + dx[i]);
    return { dx: Int32Array.from(dx), dy: Int32Array.from(dy), cover: Float32Array.from(cover), offset };
  };
  return { reach, at: quarters.map((fy) => quarters.map((fx) => disc(fx, fy))) };
}

/**
 * The background, and lines at the ticks, those at zero stronger; `ticks` is null without axes.
 * @param {Raster} raster @param {MapView} view @param {{ x: Tick[], y: Tick[] } | null} ticks
 * @param {RGB} background @param {RGB} ink
 */
export function paintGround(raster, view, ticks, background, ink) {
  const { pixels, width, ratio } = raster;
  pixels.fill(pack(background));
  if (!ticks) return;
  const plot = view.plot();
  const left = Math.round(plot.left * ratio);
  const bottom = Math.round(plot.height * ratio);
  const line = (/** @type {number} */ value) => {
    const amount = value === 0 ? ZERO_LINE : GRID;
    const mixed = background.map((c, i) => Math.round(c + amount * (ink[i] - c)));
    return pack(/** @type {RGB} */ (mixed));
  };
  for (const { px, value } of ticks.x) {
    const x = Math.round(px * ratio);
    for (let y = 0; y < bottom; y++) pixels[y * width + x] = line(value);
  }
  for (const { px, value } of ticks.y) {
    const start = Math.round(px * ratio) * width;
    pixels.fill(line(value), start + left, start + width);
  }
}

/**
 * Blend the points in, the faint ones (hidden labels in `grey`, points outside the lasso) below. Returns how many are in
 * view.
 * @param {Raster} raster @param {MapView} view @param {Cloud & Paint} cloud @param {RGB} grey
 */
export function paintPoints(raster, view, cloud, grey) {
  const { pixels, width, ratio } = raster;
  const { at, labels, shade, shades, inLasso } = cloud;
  const plot = view.plot();
  const edge = Math.round(plot.left * ratio);
  const bottom = Math.round(plot.height * ratio);
  const { scale, left, top } = view.affine();
  const a = scale * ratio;
  const bx = left * ratio;
  const by = top * ratio;
  // At four by four places within a pixel: smooth motion without computing the rim again for each point.
  const discs = makeDiscs(view.radius() * ratio, width);
  const { reach } = discs;
  const mutedLabels = new Uint8Array(256);
  for (const label of cloud.muted) mutedLabels[label] = 1;
  let visible = 0;

  for (let pass = cloud.muted.size > 0 || inLasso ? 0 : 1; pass < 2; pass++) {
    for (let i = 0; i < cloud.n; i++) {
      const muted = mutedLabels[labels[i]] === 1;
      const faint = muted || (inLasso !== null && inLasso[i] === 0);
      if (faint !== (pass === 0)) continue;
      const x = a * at[2 * i] + bx;
      const y = by - a * at[2 * i + 1];
      if (x < edge - reach || y < -reach || x >= width + reach || y >= bottom + reach) continue;
      if (!muted && x >= edge && x < width && y >= 0 && y < bottom) visible++;
      const s = 3 * shade[i];
      const r = muted ? grey[0] : shades[s];
      const g = muted ? grey[1] : shades[s + 1];
      const b = muted ? grey[2] : shades[s + 2];
      const strength = muted ? STRENGTH.muted : faint ? STRENGTH.outside : STRENGTH.plain;
      const ix = Math.floor(x);
      const iy = Math.floor(y);
      const disc = discs.at[((y - iy) * 4) | 0][((x - ix) * 4) | 0];
      const whole = ix - reach >= edge && ix + reach < width && iy - reach >= 0 && iy + reach < bottom;
      const base = iy * width + ix;
      for (let j = 0; j < disc.offset.length; j++) {
        if (!whole) {
          const qx = ix + disc.dx[j];
          const qy = iy + disc.dy[j];
          if (qx < edge || qx >= width || qy < 0 || qy >= bottom) continue;
        }
        const o = base + disc.offset[j];
        const cover = (disc.cover[j] * strength) | 0;
        const rest = 256 - cover;
        const p = pixels[o];
        // Each sum is at most 255 · 256: its high byte is the new colour.
        pixels[o] =
          0xff000000 |
          (((((p >> 16) & 255) * rest + b * cover) & 0xff00) << 8) |
          ((((p >> 8) & 255) * rest + g * cover) & 0xff00) |
          (((p & 255) * rest + r * cover) >> 8);
      }
    }
  }
  return visible;
}

/**
 * The side in CSS px at which `visible` pictures of height × width have room on the map; 0: they have none.
 * @param {MapView} view @param {number} visible @param {number} height @param {number} width
 */
export function pictureSide(view, visible, height, width) {
  const plot = view.plot();
  const natural = Math.max(height, width);
  const room = Math.min(Math.sqrt((plot.width * plot.height) / Math.max(visible, 1)) / 1.9, PICTURE_MAX);
  // Whole multiples of the picture's own size stay crisp; one too large for that is scaled down.
  const side = natural > 40 ? (room >= 36 ? 36 : 0) : natural * Math.floor(room / natural);
  return side >= PICTURE_MIN ? side : 0;
}

/**
 * Draw points as pictures of `side` CSS px in a frame of their colour. `pictureOf(row)` gives a canvas, or null for none.
 * @param {CanvasRenderingContext2D} pen @param {number} ratio @param {MapView} view @param {Cloud & Paint} cloud
 * @param {number} side @param {(row: number) => HTMLCanvasElement | null} pictureOf
 */
export function paintPictures(pen, ratio, view, cloud, side, pictureOf) {
  const plot = view.plot();
  const { scale, left, top } = view.affine();
  pen.save();
  pen.scale(ratio, ratio);
  pen.beginPath();
  pen.rect(plot.left, plot.top, plot.width, plot.height);
  pen.clip();
  for (let i = 0; i < cloud.n; i++) {
    const x = Math.round(scale * cloud.at[2 * i] + left - side / 2);
    const y = Math.round(top - scale * cloud.at[2 * i + 1] - side / 2);
    if (
      x < plot.left - side - 2 ||
      x > view.width + 2 ||
      y < -side - 2 ||
      y > plot.height + 2 ||
      cloud.muted.has(cloud.labels[i])
    )
      continue;
    const picture = pictureOf(i);
    if (!picture) continue;
    const s = 3 * cloud.shade[i];
    pen.globalAlpha = cloud.inLasso && !cloud.inLasso[i] ? 0.25 : 1;
    pen.fillStyle = `rgb(${cloud.shades.subarray(s, s + 3)})`;
    pen.fillRect(x - 2, y - 2, side + 4, side + 4);
    pen.imageSmoothingEnabled = picture.width > side;
    pen.drawImage(picture, x, y, side, side);
  }
  pen.restore();
}
