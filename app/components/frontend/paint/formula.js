// Formulas: MathML, which browsers set themselves; `term` is the class that colours a part of one (elbo, reconstruction, kl).

import { h } from "../kit/dom.js";
import { decimal } from "../kit/numbers.js";

const MATH = "http://www.w3.org/1998/Math/MathML";

/**
 * @param {string} tag
 * @param {Record<string, string>} [attributes]
 * @param {...(Node | string)} children
 */
export function m(tag, attributes = {}, ...children) {
  const element = /** @type {MathMLElement} */ (document.createElementNS(MATH, tag));
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  element.append(...children);
  return element;
}

const signed =
  (/** @type {string} */ tag) =>
  (/** @type {string} */ text, term = "") =>
    m(tag, term ? { class: term } : {}, text);
const around =
  (/** @type {string} */ tag) =>
  (/** @type {(Node | string)[]} */ ...children) =>
    m(tag, {}, ...children);

export const mi = signed("mi");
export const mo = signed("mo");
export const mn = signed("mn");
export const mtext = signed("mtext");
export const mrow = around("mrow");
export const msub = around("msub");
export const msup = around("msup");
export const mfrac = around("mfrac");

/**
 * A bracket as high as a letter.
 * @param {string} text
 * @param {string} [term]
 */
export const bracket = (text, term = "") => m("mo", { stretchy: "false", class: term }, text);

/**
 * Signs of a formula in one colour: letters are set as variables, all else as operators that keep their size.
 * @param {string} term
 * @param {...string} signs
 */
export const signs = (term, ...signs) =>
  signs.map((sign) => (/^\p{Letter}/u.test(sign) ? mi(sign, term) : bracket(sign, term)));

/**
 * log P(…)
 * @param {...(Node | string)} inside
 */
export const logP = (...inside) => [
  mi("log"),
  m("mspace", { width: "0.17em" }),
  ...signs("", "P", "("),
  ...inside,
  ...signs("", ")"),
];

/**
 * A number in a formula that changes: `.set(value)`. `unit` stands after it, a test finds it as `testid`.
 * @param {string} [term]
 * @param {{digits?: number, unit?: string, testid?: string}} [options]
 */
export function live(term = "", { digits = 2, unit = "", testid } = {}) {
  const element = mn("–", `live ${term}`);
  if (testid) element.dataset.testid = testid;
  return {
    element,
    /** @param {number} value NaN: not known @param {number} [after] digits after the point, where it is not always so many */
    set(value, after = digits) {
      element.textContent = `${Number.isFinite(value) ? decimal(value, after) : "–"}${unit ? ` ${unit}` : ""}`;
    },
  };
}

/**
 * A line of mathematics, set smaller where its place is too narrow for it.
 * @param {...(Node | string)} children
 */
export function formula(...children) {
  const element = h("div", { class: "formula" }, m("math", { display: "block" }, mrow(...children)));
  placed.observe(element);
  written.observe(element, { characterData: true, childList: true, subtree: true });
  return element;
}

const placed = new ResizeObserver((entries) => {
  for (const { target } of entries) fit(target);
});
const written = new MutationObserver((changes) => {
  const around = (/** @type {Node} */ node) =>
    (node instanceof Element ? node : node.parentElement)?.closest(".formula");
  const changed = new Set(changes.map(({ target }) => around(target)));
  requestAnimationFrame(() => {
    for (const element of changed) if (element?.isConnected) fit(element);
  });
});

/** @type {WeakMap<Element, {room: number, size: number}>} formula -> the room it was set for, and its share of full size */
const fitted = new WeakMap();

/**
 * A number that gets longer makes a formula smaller; only another place makes it larger again, so that it does not flicker.
 * @param {Element} element
 */
function fit(element) {
  const { paddingLeft, paddingRight } = getComputedStyle(element);
  const room = element.clientWidth - Number.parseFloat(paddingLeft) - Number.parseFloat(paddingRight);
  const math = /** @type {MathMLElement} */ (element.firstElementChild);
  const before = fitted.get(element);
  const size = before?.size ?? 1;
  // Where the row is wider than the place, its own box may be no wider than that.
  const spilt = math.scrollWidth > math.clientWidth ? math.scrollWidth : 0;
  const needed = Math.max(math.firstElementChild?.getBoundingClientRect().width ?? 0, spilt) / size;
  const fits = Math.min(1, (0.99 * room) / needed);
  if (room <= 0 || (room === before?.room && fits >= size)) return;
  fitted.set(element, { room, size: fits });
  math.style.fontSize = fits < 1 ? `${fits}em` : "";
}
