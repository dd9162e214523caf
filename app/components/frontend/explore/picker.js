// Owns the choice of a test image: a grid of thumbnails, one group a label.

import { h } from "../kit/dom.js";
import { indexOf, labelOf } from "../kit/images.js";
import { paintRow } from "../paint/picture.js";

// blob, choose(row), close() -> an element that is a dialogue
export function makePicker(blob, choose, close) {
  const count = blob.tensors.get("images").shape[0];
  const groups = new Map();
  for (let row = 0; row < count; row++) {
    const label = labelOf(blob, row);
    if (!groups.has(label)) groups.set(label, []);
    groups.get(label).push(row);
  }
  const thumbnail = (row, label) => {
    const canvas = h("canvas");
    paintRow(canvas, blob.tensors.get("images"), row);
    const name = `test image ${indexOf(blob, row)}${label === undefined ? "" : `, label ${label}`}`;
    return h(
      "button",
      { type: "button", title: name, "aria-label": name, "data-row": row, onclick: () => choose(row) },
      canvas,
    );
  };
  const sorted = [...groups].sort(([a], [b]) => a - b);
  const element = h(
    "div",
    { class: "picker", role: "dialog", "aria-label": "Choose a test image" },
    h(
      "header",
      {},
      h("b", {}, "Choose a test image"),
      h("span", { class: "note" }, "its code is where the encoder puts it"),
      h("button", { type: "button", class: "close", "aria-label": "Close", onclick: close }, "✕"),
    ),
    h(
      "div",
      { class: "groups" },
      ...sorted.map(([label, rows]) =>
        h(
          "div",
          { class: "group" },
          h("b", {}, label === undefined ? "" : String(label)),
          h("div", { class: "thumbnails" }, ...rows.map((row) => thumbnail(row, label))),
        ),
      ),
    ),
  );
  element.addEventListener("keydown", (event) => {
    if (event.key !== "Escape") return;
    event.stopPropagation();
    close();
  });
  return element;
}
