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

/** Whether whoever looks has asked for less motion. */
export const isCalm = () => globalThis.matchMedia("(prefers-reduced-motion: reduce)").matches;
