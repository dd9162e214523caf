// Colours as numbers: what the theme's variables and the palette hold, scales between anchors, what is read on what.

/** @typedef {[number, number, number]} RGB each 0 … 255 */

/**
 * "#rgb", "#rrggbb" or "rgb(r, g, b)" -> [r, g, b].
 * @param {string} text
 * @returns {RGB}
 */
export function parseColour(text) {
  const value = text.trim();
  if (value.startsWith("#")) {
    const hex = value.length < 7 ? [...value.slice(1, 4)].map((c) => c + c).join("") : value.slice(1, 7);
    const number = Number.parseInt(hex, 16);
    return [number >> 16, (number >> 8) & 255, number & 255];
  }
  const [r = 0, g = 0, b = 0] = (value.match(/[\d.]+/g) ?? []).map(Number);
  return [r, g, b];
}

/**
 * Whether a background is dark.
 * @param {RGB} colour
 */
export const isDark = ([r, g, b]) => 0.299 * r + 0.587 * g + 0.114 * b < 128;

/**
 * Black or white, whichever is read more easily on a colour: by its luminance (WCAG 2, with a gamma of 2.2).
 * @param {string} colour
 */
export function inkOn(colour) {
  const [r, g, b] = parseColour(colour).map((value) => (value / 255) ** 2.2);
  return 0.2126 * Number(r) + 0.7152 * Number(g) + 0.0722 * Number(b) > 0.18 ? "#000" : "#fff";
}

/**
 * A scale: the colours of `anchors`, evenly spaced, and what lies between them.
 * @param {RGB[]} anchors
 * @returns {Uint8Array} 256 × 3 bytes
 */
export function colourRamp(anchors) {
  const ramp = new Uint8Array(768);
  for (let i = 0; i < 256; i++) {
    const at = (i / 255) * (anchors.length - 1);
    const low = Math.min(Math.floor(at), anchors.length - 2);
    const [from, to] = [anchors[low] ?? [0, 0, 0], anchors[low + 1] ?? [0, 0, 0]];
    for (let c = 0; c < 3; c++)
      ramp[3 * i + c] = Math.round(Number(from[c]) + (at - low) * (Number(to[c]) - Number(from[c])));
  }
  return ramp;
}

const VIRIDIS = [
  "#440154",
  "#482878",
  "#3e4989",
  "#31688e",
  "#26828e",
  "#1f9e89",
  "#35b779",
  "#6ece58",
  "#b5de2b",
  "#fde725",
].map(parseColour);

/**
 * The anchors of a scale from little to much: viridis, without the end that would vanish on this background.
 * @param {RGB} background
 * @returns {RGB[]}
 */
export const sequential = (background) => (isDark(background) ? VIRIDIS.slice(2) : VIRIDIS.slice(0, -1));

/**
 * A scale for differences, 128 none: blue below, orange above, the page in the middle. Where nothing differs, nothing is seen.
 * Small differences are the common ones, so colour grows faster than the difference near none.
 * @param {RGB} background
 * @returns {Uint8Array} 256 × 3 bytes
 */
export function divergingRamp(background) {
  const even = colourRamp(
    isDark(background)
      ? [[112, 184, 255], [40, 122, 206], background, [206, 106, 16], [255, 176, 84]]
      : [[8, 64, 140], [88, 160, 222], background, [244, 150, 58], [166, 70, 0]],
  );
  const ramp = new Uint8Array(768);
  for (let i = 0; i < 256; i++) {
    const side = Math.max(-1, (i - 128) / 127);
    const at = Math.round(127.5 + 127.5 * Math.sign(side) * Math.abs(side) ** 0.65);
    ramp.set(i === 128 ? background : even.subarray(3 * at, 3 * at + 3), 3 * i);
  }
  return ramp;
}

/**
 * A variable of the style sheet or the theme, such as "--kl", as a canvas takes it.
 * @param {Element} element
 * @param {string} name
 */
export const colourOf = (element, name) => getComputedStyle(element).getPropertyValue(name).trim();
