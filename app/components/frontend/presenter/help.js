// What the keys do, on "?": the general ones, and those of the page that is open.

import { makeButton } from "../kit/controls.js";
import { h } from "../kit/dom.js";

/** @typedef {[keys: string, what: string]} Line */

/** @type {Line[]} */
const EVERYWHERE = [
  ["Tab", "to the next thing that can be moved or pressed"],
  ["← → ↑ ↓", "move what has the focus: a slider, a plane, a picture, a chart"],
  ["Shift with an arrow", "a tenth of a step"],
  ["Page up, Page down", "many steps"],
  ["Home, End", "to either end"],
  ["Escape", "while dragging: back to where it was taken hold of"],
  ["P", "presenter mode: ← and → lead from view to view, Escape leaves"],
  ["?", "these lines"],
];
/** @type {Record<string, Line[]>} */
const HERE = {
  explore: [["Space", "on a slider: play that dimension, or stop"]],
  map: [
    ["← → ↑ ↓", "to the next point in that direction"],
    ["Enter", "choose the point"],
    ["L", "lasso; Escape lets it go"],
  ],
  steps: [
    ["Space", "play or pause the training"],
    ["S or →", "one step"],
  ],
  reparameterisation: [["E", "draw new noise"]],
};

/** The list in a dialog of its own, which closes with Escape. @returns {HTMLDialogElement} */
export function makeHelp() {
  return h("dialog", { class: "help", "aria-label": "Keys" });
}

/** @param {HTMLDialogElement} dialog @param {string} page */
export function showHelp(dialog, page) {
  if (dialog.open) {
    dialog.close();
    return;
  }
  const rows = (/** @type {Line[]} */ lines) => lines.flatMap(([keys, what]) => [h("dt", {}, keys), h("dd", {}, what)]);
  const here = HERE[page];
  dialog.replaceChildren(
    h("h2", {}, "Keys"),
    ...(here ? [h("h3", {}, "On this page"), h("dl", {}, ...rows(here)), h("h3", {}, "Everywhere")] : []),
    h("dl", {}, ...rows(EVERYWHERE)),
    makeButton("Close", () => dialog.close(), { class: "primary" }),
  );
  dialog.showModal();
}
