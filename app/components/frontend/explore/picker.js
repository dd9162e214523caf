// Owns the choice of a test image: a grid of thumbnails, one group a label.

import { h } from "../kit/dom.js";
import { indexOf, labelOf, rowsByLabel } from "../kit/images.js";
import { tensorOf } from "../net/safetensors.js";
import { paintRow } from "../paint/picture.js";

/** @import { Arrays } from "../types.d.ts" */

/**
 * An element that is a dialogue.
 * @param {Arrays} blob `images`, and their `labels` and `indices` where they are known
 * @param {(row: number) => void} choose
 * @param {() => void} close
 */
export function makePicker(blob, choose, close) {
  const images = tensorOf(blob, "images", Uint8Array);
  const rows = Array.from({ length: images.shape[0] }, (_, row) => row);
  /** @type {Iterable<[label: number | undefined, rows: number[]]>} */
  const groups = blob.tensors.has("labels")
    ? rowsByLabel(tensorOf(blob, "labels", Uint8Array).data)
    : [[undefined, rows]];
  const thumbnail = (/** @type {number} */ row) => {
    const label = labelOf(blob, row);
    const canvas = h("canvas");
    paintRow(canvas, images, row);
    const name = `test image ${indexOf(blob, row)}${label === undefined ? "" : `, label ${label}`}`;
    return h(
      "button",
      { type: "button", title: name, "aria-label": name, "data-row": row, onclick: () => choose(row) },
      canvas,
    );
  };
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
      ...Array.from(groups, ([label, rows]) =>
        h(
          "div",
          { class: "group" },
          h("b", {}, label === undefined ? "" : String(label)),
          h("div", { class: "thumbnails" }, ...rows.map(thumbnail)),
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
