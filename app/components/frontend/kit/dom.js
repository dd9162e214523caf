/** @import { Attributes } from "../types.d.ts" */

/**
 * Elements in one expression: h("button", {type: "button", onclick: f}, "Play"). Functions become listeners.
 * @template {keyof HTMLElementTagNameMap} Tag
 * @param {Tag} tag
 * @param {Attributes} [attributes]
 * @param {...(Node | string | null | undefined)} children
 * @returns {HTMLElementTagNameMap[Tag]}
 */
export function h(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value == null || value === false) continue;
    if (typeof value === "function") element.addEventListener(name.slice(2), /** @type {EventListener} */ (value));
    else element.setAttribute(name, value === true ? "" : String(value));
  }
  element.append(...children.filter((child) => child != null));
  return element;
}

/**
 * The element of a view that `selector` names, of the kind that is expected.
 * @template {Element} [E=HTMLElement]
 * @param {ParentNode} root
 * @param {string} selector
 * @param {new () => E} [kind]
 * @returns {E}
 */
export function find(root, selector, kind) {
  const found = root.querySelector(selector);
  if (!(found instanceof (kind ?? HTMLElement))) throw new Error(`there is no ${selector} here`);
  return /** @type {E} */ (found);
}

/**
 * The nearest element from where an event happened outwards that `selector` names.
 * @param {Event} event
 * @param {string} selector
 * @returns {HTMLElement | null}
 */
export const around = (event, selector) => (event.target instanceof Element ? event.target.closest(selector) : null);

/**
 * The first value of a field that is set before anybody reads it: what a view gets with its first data.
 * @template T
 * @returns {T}
 */
export const later = () => /** @type {T} */ (/** @type {unknown} */ (undefined));

/** Whether whoever looks has asked for less motion. */
export const isCalm = () => globalThis.matchMedia("(prefers-reduced-motion: reduce)").matches;
