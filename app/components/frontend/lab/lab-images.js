// Owns which test image a view is about: one back, one on, any, or the next one of a digit.

import { whenBlobs } from "../net/blob.js";
import { h } from "../kit/dom.js";
import { labButton, m, mi } from "../kit/lab.js";
import { toRGBA } from "../net/engine.js";

/** `onpick(index)` is called with the index in the test set of the image that is wanted. */
export class LabImages {
  constructor(onpick) {
    this.onpick = onpick;
    this.labels = new Uint8Array(0);
    this.name = h("output", { class: "which", "data-testid": "which-image" });
    this.classes = h("div", { class: "choice", role: "group", "aria-label": "Next image of this label" });
    this.element = h(
      "div",
      { class: "image-picker" },
      labButton("‹", () => this.step(-1), { "aria-label": "Previous image" }),
      this.name,
      labButton("›", () => this.step(1), { "aria-label": "Next image" }),
      labButton("Random", () => onpick(Math.floor(Math.random() * this.count)), {
        "aria-label": "Any image, at random",
      }),
      h("span", { class: "prior" }, "next"),
      this.classes,
    );
  }

  /** `labels` is the id of the blob of the test set's labels. */
  update(image, labels) {
    this.image = image;
    if (this.id === labels) return this.show();
    this.id = labels;
    this.stop?.();
    this.stop = whenBlobs([labels], (blob) => {
      this.labels = blob.tensors.get("labels").data;
      const known = [...new Set(this.labels)].sort((a, b) => a - b);
      this.classes.replaceChildren(
        ...known.map((label) => labButton(String(label), () => this.next(label), { "aria-label": `Next ${label}` })),
      );
      this.show();
    });
  }

  get count() {
    return this.labels.length || 1;
  }

  show() {
    const label = this.labels[this.image];
    this.name.textContent = `test image ${this.image}${label === undefined ? "" : `, a ${label}`}`;
    [...this.classes.children].forEach((button) =>
      button.setAttribute("aria-pressed", String(button.textContent === String(label))),
    );
  }

  step(by) {
    this.onpick((this.image + by + this.count) % this.count);
  }

  next(label) {
    for (let n = 1; n <= this.count; n++) {
      const index = (this.image + n) % this.count;
      if (this.labels[index] === label) return this.onpick(index);
    }
  }

  destroy() {
    this.stop?.();
  }
}

export const LAB_GREY =
  "Grey pixels under a Bernoulli: the usual objective, but not the log of a density. Compare this “log P(X)” only with its like.";

// ---- formulas

/** Signs of a formula in one colour: letters are set as variables, all else as operators that keep their size. */
export const labSigns = (term, ...signs) =>
  signs.map((sign) => (/^\p{Letter}/u.test(sign) ? mi(sign, term) : m("mo", { class: term, stretchy: "false" }, sign)));

/** log P(…) */
export const labLogP = (...inside) => [
  mi("log"),
  m("mspace", { width: "0.17em" }),
  ...labSigns("", "P", "("),
  ...inside,
  ...labSigns("", ")"),
];

/** A canvas for one picture. */
export const labPicture = (label, testid) =>
  h("canvas", { class: "picture", role: "img", "aria-label": label, "data-testid": testid });

/** Paint values in [0, 1] of this shape [C, H, W]. */
export function labPaint(canvas, values, shape) {
  const [, height, width] = shape;
  if (canvas.width !== width) canvas.width = width;
  if (canvas.height !== height) canvas.height = height;
  const image = new ImageData(width, height);
  toRGBA(values, shape, image.data);
  canvas.getContext("2d").putImageData(image, 0, 0);
}
