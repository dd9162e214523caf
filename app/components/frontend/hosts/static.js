// A view as a page of its own, from static files or from one file: what it keeps stands in the address, so a link shows it again
// and the back button leads back to it. There is nobody to grant a wish.

import { place, withKept } from "./page.js";

/**
 * What a fragment such as `#view={"z":[0.5,-1]}` holds.
 * @param {string} hash
 * @returns {import("./page.js").Kept}
 */
export function keptIn(hash) {
  /** @type {import("./page.js").Kept} */
  const kept = {};
  for (const [name, text] of new URLSearchParams(hash.replace(/^#/, ""))) {
    try {
      kept[name] = JSON.parse(text);
    } catch {} // a link that was cut short shows what is left of it
  }
  return kept;
}

/**
 * @param {object} exhibit
 * @param {import("../kit/view.js").Definition} exhibit.definition
 * @param {HTMLElement} exhibit.element
 * @param {string[]} exhibit.css texts
 * @param {Record<string, unknown>} exhibit.data
 */
export function open({ definition, element, css, data }) {
  const life = place(definition, element, css, {
    keep(name, value) {
      const fragment = new URLSearchParams(location.hash.replace(/^#/, ""));
      fragment.set(name, JSON.stringify(value));
      location.hash = String(fragment);
    },
    ask() {},
  });
  const show = () => life.update(withKept(data, keptIn(location.hash)));
  addEventListener("hashchange", show);
  show();
  return life;
}
