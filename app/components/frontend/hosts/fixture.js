// A view for tests and screenshots: what it tells its page is written down, and a test says what comes from outside.

import { place } from "./page.js";

/**
 * Open a view and hand it over as `globalThis.fixture`: {kept: [[name, value], …], asked: [[name, value], …], update(changes)}.
 * @param {object} exhibit
 * @param {import("../kit/view.js").Definition} exhibit.definition
 * @param {HTMLElement} exhibit.element
 * @param {string[]} exhibit.css texts
 * @param {Record<string, unknown>} exhibit.data
 */
export function open({ definition, element, css, data }) {
  /** @type {[string, unknown][]} */
  const kept = [];
  /** @type {[string, unknown][]} */
  const asked = [];
  const life = place(definition, element, css, {
    keep: (name, value) => kept.push([name, value]),
    ask: (name, value) => asked.push([name, value]),
  });
  let now = data;
  life.update(now);
  Object.assign(globalThis, {
    fixture: {
      kept,
      asked,
      update(/** @type {Record<string, unknown>} */ changes) {
        now = { ...now, ...changes };
        life.update(now);
      },
      destroy: life.destroy,
    },
  });
  return life;
}
