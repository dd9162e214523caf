// Controls that all views share: sliders, choices, buttons. A slider is a range of the browser's, with keys as every control has
// them (keys.js).

import { h } from "./dom.js";
import { keyed, stepped } from "./keys.js";
import { decimal, rounded } from "./numbers.js";

/**
 * A labelled slider: `label` is shown and read aloud. Shift with an arrow moves a tenth of a step, Home and End lead to the ends.
 * @param {object} options
 * @param {string} options.label
 * @param {number} options.min
 * @param {number} options.max
 * @param {number} options.step
 * @param {number} options.value
 * @param {string} [options.unit]
 * @param {number} [options.digits]
 * @param {string} [options.term] a class that colours it
 * @param {(value: number) => string} [options.format] instead of the number that is shown
 * @param {(value: number) => void} options.oninput while it moves
 * @param {(value: number) => void} [options.onrelease] when it is let go
 * @param {(event: KeyboardEvent) => number | null} [options.keys] where a key leads, instead of a step; null: as usual
 */
export function makeSlider({
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
  keys,
}) {
  const shown = h("output");
  const input = h("input", { type: "range", min, max, step: "any", "aria-label": label });
  const now = () => Number(input.value);
  const show = () => {
    const text = format?.(now()) ?? `${decimal(now(), digits)}${unit ? ` ${unit}` : ""}`;
    shown.textContent = text;
    input.setAttribute("aria-valuetext", text);
    const [low, high] = [Number(input.min), Number(input.max)];
    input.style.setProperty("--at", `${(100 * (now() - low)) / (high - low)}%`);
  };
  const set = (/** @type {number} */ next) => {
    input.value = String(next);
    show();
  };
  const moveTo = (/** @type {number} */ next) => {
    set(next);
    oninput(now());
  };
  input.addEventListener("input", () => moveTo(rounded(Math.round(now() / step) * step, 12)));
  input.addEventListener("change", () => onrelease(now()));
  keyed(input, {
    move(event) {
      const next = keys?.(event) ?? stepped(event, now(), { min: Number(input.min), max: Number(input.max), step });
      if (next !== null) moveTo(next);
      return next !== null;
    },
    release: () => onrelease(now()),
  });
  set(value);
  return {
    element: h("label", { class: `slider ${term}` }, h("span", {}, label), input, shown),
    input,
    set,
    get value() {
      return now();
    },
  };
}

/**
 * Buttons of which one is pressed.
 * @template T
 * @param {{label: string, options: [T, string][], value: T, onpick: (value: T) => void}} options
 */
export function makeChoice({ label, options, value, onpick }) {
  const pick = (/** @type {T} */ option) => {
    set(option);
    onpick(option);
  };
  const buttons = options.map(([option, text]) => makeButton(text, () => pick(option)));
  const set = (/** @type {T} */ next) =>
    options.forEach(([option], i) => buttons[i]?.setAttribute("aria-pressed", String(option === next)));
  set(value);
  return { element: h("div", { class: "choice", role: "group", "aria-label": label }, ...buttons), set };
}

/**
 * @param {string} text
 * @param {(event: MouseEvent) => void} onclick
 * @param {Record<string, string | number | boolean | null | undefined>} [attributes]
 */
export const makeButton = (text, onclick, attributes = {}) =>
  h("button", { type: "button", onclick, ...attributes }, text);
