// What the hosts without Streamlit share: a view in a shadow root of its own, dressed, whose state its page keeps. What it keeps
// becomes part of its data, as a link that is opened again would say it.

import { mount } from "../kit/view.js";

/** @typedef {Record<string, unknown>} Kept name -> the value that the view kept under it last */

/**
 * Data with what was kept of it: a record stands for the fields it names, anything else for the field of its name.
 * @param {Record<string, unknown>} data
 * @param {Kept} kept
 */
export function withKept(data, kept) {
  const merged = { ...data };
  for (const [name, value] of Object.entries(kept)) {
    if (value !== null && typeof value === "object" && !Array.isArray(value)) Object.assign(merged, value);
    else merged[name] = value;
  }
  return merged;
}

/**
 * Put a view into `element`, under these style sheets (texts, in order).
 * @param {import("../kit/view.js").Definition} definition
 * @param {HTMLElement} element
 * @param {string[]} css
 * @param {import("../kit/view.js").Outside} outside
 */
export function place(definition, element, css, outside) {
  const root = element.shadowRoot ?? element.attachShadow({ mode: "open" });
  root.adoptedStyleSheets = css.map((text) => {
    const sheet = new CSSStyleSheet();
    sheet.replaceSync(text);
    return sheet;
  });
  return mount(definition, root, outside);
}
