// What the views of a sweep share: the slider whose stops are trained models.

import { h, isCalm } from "../kit/dom.js";
import { keyed, movementOf } from "../kit/keys.js";
import { shortest, within } from "../kit/numbers.js";

export const betaText = (/** @type {number} */ beta) => shortest(beta);

const GLIDE = 320; // ms from one stop to the next

/**
 * A number that glides to where it should go.
 * @param {object} options
 * @param {() => number} options.at where it is
 * @param {(at: number) => void} options.move
 * @param {(target: number) => void} options.arrive at the end of the way, in place of a last `move`
 */
function gliding({ at, move, arrive }) {
  /** @type {number | null} the frame to come */
  let motion = null;
  const stop = () => {
    if (motion !== null) cancelAnimationFrame(motion);
    motion = null;
  };
  const go = (/** @type {number} */ target) => {
    stop();
    const from = at();
    if (isCalm() || from === target) {
      arrive(target);
      return;
    }
    // A hop of many stops takes no longer than one: nobody wants to wait for β.
    const start = performance.now();
    const time = GLIDE * Math.min(1, Math.abs(target - from));
    const frame = (/** @type {number} */ now) => {
      const done = Math.min(1, Math.max(0, (now - start) / time));
      if (done === 1) {
        motion = null;
        arrive(target);
        return;
      }
      move(from + (target - from) * done * done * (3 - 2 * done));
      motion = requestAnimationFrame(frame);
    };
    motion = requestAnimationFrame(frame);
  };
  return { go, stop, glides: () => motion !== null };
}

/**
 * A slider over the models of a sweep, one stop for each, evenly spaced.
 * `.state` is a place for a few words; `.set(index)` moves it without a call; `.go(index)` as a person would; `.stop()` ends
 * a motion under way.
 * @param {object} options
 * @param {number[]} options.betas
 * @param {number} options.index
 * @param {(at: number) => void} options.onmove while it moves, with 0 … betas.length − 1, a whole number at a stop
 * @param {(index: number) => void} options.onrelease when it has come to rest there
 */
export function sweepSlider({ betas, index, onmove, onrelease }) {
  const last = betas.length - 1;
  const input = h("input", { type: "range", min: 0, max: last, step: "any", "aria-label": "β, the weight of the KL" });
  const shown = h("output", { "data-testid": "beta" });
  const state = h("span", { class: "state", role: "status" });
  const stops = betas.map((beta, i) =>
    h(
      "button",
      { type: "button", tabindex: -1, style: `--stop:${last ? i / last : 0}`, onclick: () => go(i) },
      betaText(beta),
    ),
  );

  const show = (/** @type {number} */ at) => {
    input.value = String(at);
    const nearest = Math.round(at);
    shown.textContent = `β = ${betaText(betas[nearest])}`;
    input.setAttribute("aria-valuetext", shown.textContent);
    stops.forEach((stop, i) => stop.setAttribute("aria-pressed", String(i === nearest)));
  };
  const move = (/** @type {number} */ at) => {
    show(at);
    onmove(at);
  };
  const { go, stop, glides } = gliding({
    at: () => Number(input.value),
    move,
    arrive(target) {
      move(target);
      onrelease(target);
    },
  });
  input.addEventListener("input", () => {
    stop();
    move(Number(input.value));
  });
  input.addEventListener("change", () => go(Math.round(Number(input.value))));
  let aim = index; // where the keys are heading, which a motion under way has not reached
  keyed(input, {
    move(event) {
      if (!glides()) aim = Math.round(Number(input.value));
      const movement = movementOf(event, { page: 1 });
      if (!movement) return false;
      // Nothing is finer than a stop.
      const by = "end" in movement ? movement.end * last : Math.sign(movement.x + movement.y);
      aim = within(aim + by, 0, last);
      go(aim);
      return "done"; // it comes to rest by itself
    },
  });
  show(index);
  return {
    element: h(
      "div",
      { class: "beta-slider" },
      h("span", { class: "name" }, "β, the weight of the KL"),
      state,
      shown,
      h("div", { class: "track" }, input, h("div", { class: "stops", "aria-hidden": "true" }, ...stops)),
    ),
    input,
    state,
    go,
    stop,
    /** @param {number} next */
    set(next) {
      stop();
      show(next);
    },
  };
}
