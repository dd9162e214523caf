// Owns the choice of a test image: a grid of thumbnails, one group a label.

import { h } from "../kit/dom.js";
import { toRGBA } from "../net/engine.js";

// The image `row` of the images blob as numbers in [0, 1].
export function imageAt(blob, row, out) {
  const { data } = blob.tensors.get("images");
  for (let n = 0; n < out.length; n++) out[n] = data[row * out.length + n] / 255;
  return out;
}

export function labelOf(blob, row) {
  return blob.tensors.get("labels")?.data[row];
}

export function indexOf(blob, row) {
  return blob.tensors.get("indices")?.data[row] ?? row;
}

export function paintPictureInto(canvas, picture, shape) {
  const [, H, W] = shape;
  if (canvas.width !== W) canvas.width = W;
  if (canvas.height !== H) canvas.height = H;
  const image = new ImageData(W, H);
  toRGBA(picture, shape, image.data);
  canvas.getContext("2d").putImageData(image, 0, 0);
}

// blob, shape, choose(row), close() -> an element that is a dialogue
export function makePicker(blob, shape, choose, close) {
  const count = blob.tensors.get("images").shape[0];
  const groups = new Map();
  for (let row = 0; row < count; row++) {
    const label = labelOf(blob, row);
    if (!groups.has(label)) groups.set(label, []);
    groups.get(label).push(row);
  }
  const picture = new Float32Array(shape[0] * shape[1] * shape[2]);
  const thumbnail = (row, label) => {
    const canvas = h("canvas");
    paintPictureInto(canvas, imageAt(blob, row, picture), shape);
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
