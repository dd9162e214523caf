// A slider whose track is the film strip of what it moves: its handle is a window with the picture of now, its value stands under
// it. And what stands beside such a track in a row: the dimension's name with its KL, the axis above, the way back to 0.

import { h } from "../kit/dom.js";
import { keyed, movementOf } from "../kit/keys.js";
import { decimal, nats, rounded, within } from "../kit/numbers.js";
import { penOf } from "./picture.js";

export const FRAMES = 13; // pictures on a strip as the worker decodes it, at −3 … 3
export const LIMIT = 3;

/** Half a frame in units of z: the track's ends are so far beyond ±3. @param {number} frames */
const halfOf = (frames) => LIMIT / (frames - 1);

/** The prior's density and the ticks, in a drawing whose x is z. @param {number} frames */
function priorOf(frames) {
  const half = halfOf(frames);
  const density = Array.from({ length: 66 }, (_, n) => {
    const z = -LIMIT - half + (n * (2 * LIMIT + 2 * half)) / 65;
    return `${z.toFixed(3)} ${(1 - Math.exp(-0.5 * z * z)).toFixed(3)}`;
  }).join(" L");
  const ticks = [-2, -1, 0, 1, 2].map((z) => `<line x1="${z}" x2="${z}" y1="0" y2="1"/>`).join("");
  return `<svg class="prior" viewBox="${-LIMIT - half} 0 ${2 * (LIMIT + half)} 1" preserveAspectRatio="none" aria-hidden="true">
<path d="M${-LIMIT - half} 1 L${density} L${LIMIT + half} 1 Z"/>
${ticks}</svg>`;
}

/**
 * @typedef {object} TrackHost
 * @property {() => number} value
 * @property {(value: number) => void} input while it moves
 * @property {() => void} release
 * @property {() => void} [play] the space key
 */

export class Track {
  /** @param {string} label @param {number[]} shape of a picture @param {TrackHost} host @param {number} [frames] pictures on it */
  constructor(label, shape, host, frames = FRAMES) {
    const [, H, W] = shape;
    this.shape = shape;
    this.frames = frames;
    this.value = h("output", { class: "value" });
    const strip = h("canvas", { class: "strip", width: frames * W, height: H, "aria-hidden": "true" });
    // The handle is a window that shows the picture of now, between the two that the strip has there.
    this.now = h("canvas", { class: "now", width: W, height: H, "aria-hidden": "true" });
    this.input = this.#range(label, host);
    this.strip = penOf(strip);
    this.picture = penOf(this.now);
    this.element = h("div", { class: "track" }, strip, this.input, this.now);
    this.element.insertAdjacentHTML("beforeend", priorOf(frames));
    this.under = h("div", { class: "under" }, this.value); // the handle, and goes with it
    const ends = [-LIMIT, LIMIT].map((z) => h("span", { class: "end" }, decimal(z, 0)));
    this.element.append(h("div", { class: "ends", "aria-hidden": "true" }, ...ends), this.under);
  }

  /** @param {string} label @param {TrackHost} host */
  #range(label, host) {
    const input = h("input", {
      type: "range",
      min: -LIMIT,
      max: LIMIT,
      step: 0.01,
      "aria-label": label,
      // While z is beyond ±3 the handle stays at the end; the first touch takes it from there.
      oninput: () => host.input(Number(input.value)),
      onchange: () => host.release(),
      ondblclick: () => {
        host.input(0);
        host.release();
      },
    });
    keyed(input, {
      move(event) {
        if (event.key === " " && host.play) {
          host.play();
          return "done";
        }
        const movement = movementOf(event, { page: 5 });
        if (!movement) return false;
        const before = host.value();
        const reach = Math.max(LIMIT, Math.abs(before)); // codes beyond ±3 are kept, but keys lead no farther out
        const after = "end" in movement ? movement.end * LIMIT : before + 0.1 * (movement.x + movement.y);
        host.input(rounded(within(after, -reach, reach)));
        return true;
      },
      release: () => host.release(),
    });
    return input;
  }

  /** @param {number} z @param {number} frame CSS px, the width of one picture on the strip */
  show(z, frame) {
    this.input.value = String(z);
    this.value.textContent = decimal(z);
    const at = (within(z, -LIMIT, LIMIT) + LIMIT) / (2 * LIMIT);
    this.now.style.transform = this.under.style.transform = `translateX(${at * (this.frames - 1) * frame}px)`;
    const beyond = Math.abs(z) > LIMIT;
    this.element.classList.toggle("beyond", beyond);
    this.element.dataset.side = z < 0 ? "left" : z > 0 ? "right" : "middle";
    this.element.dataset.near = at < 0.12 ? "left" : at > 0.88 ? "right" : ""; // where the value stands on an end's number
    if (beyond) this.input.setAttribute("aria-valuetext", decimal(z));
    else this.input.removeAttribute("aria-valuetext");
  }

  /**
   * The picture of now into the handle.
   * @param {ImageData} image
   */
  paintNow(image) {
    this.picture.putImageData(image, 0, 0);
  }

  /**
   * A strip as the worker decodes it; of its pictures the track shows as many as it has frames.
   * @param {Uint8ClampedArray<ArrayBuffer>} pixels @param {number} [sign] below 0: from +3 to −3
   */
  paintStrip(pixels, sign = 1) {
    const [, H, W] = this.shape;
    const wide = this.frames * W;
    const image = sign > 0 && this.frames === FRAMES ? new ImageData(pixels, wide, H) : new ImageData(wide, H);
    if (image.data !== pixels) {
      const step = (FRAMES - 1) / (this.frames - 1);
      for (let n = 0; n < this.frames; n++) {
        const from = sign < 0 ? FRAMES - 1 - n * step : n * step;
        for (let y = 0; y < H; y++) {
          const start = 4 * W * (y * FRAMES + from);
          image.data.set(pixels.subarray(start, start + 4 * W), 4 * W * (y * this.frames + n));
        }
      }
    }
    this.strip.putImageData(image, 0, 0);
  }
}

/** The numbers along a track. @param {number} frames */
export function axisOf(frames) {
  const half = halfOf(frames);
  const numbers = [-3, -2, -1, 0, 1, 2, 3].map((z) => {
    const left = ((z + LIMIT + half) / (2 * (LIMIT + half))) * 100;
    return h("span", { style: `left:${left}%` }, decimal(z, 0));
  });
  return h("div", { class: "numbers" }, ...numbers);
}

/**
 * A dimension's name, with what it says.
 * @param {string} name @param {number | null} kl nats @param {number} loudest the largest KL of all
 */
export const nameOf = (name, kl, loudest) =>
  h(
    "div",
    { class: "name", title: "KL of this dimension: what the code says here, averaged over images" },
    h("b", {}, name),
    h("span", { class: "kl" }, kl == null ? "" : nats(kl)),
    kl == null ? null : h("span", { class: "bar" }, h("i", { style: `width:${(100 * kl) / loudest}%` })),
  );

/** @param {string} name @param {() => void} onclick */
export const resetOf = (name, onclick) =>
  h("button", { type: "button", class: "reset", title: `${name} = 0`, "aria-label": `Reset ${name}`, onclick }, "⟲");
