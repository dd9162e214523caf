// Owns which test image a view is about: one back, one on, any, or the next one of a digit.

import { makeButton } from "../kit/controls.js";
import { h } from "../kit/dom.js";
import { rowsByLabel } from "../kit/images.js";
import { tensorOf } from "../net/safetensors.js";

/** @import { Host } from "../kit/view.js" */

export class LabImages {
  /** @type {Uint8Array} */
  labels = new Uint8Array(0);
  image = 0;
  address = "";
  stop = () => {};

  /**
   * @param {Host} host
   * @param {(index: number) => void} onpick the index in the test set of the image that is wanted
   */
  constructor(host, onpick) {
    this.host = host;
    this.onpick = onpick;
    this.name = h("output", { class: "which", "data-testid": "which-image" });
    this.classes = h("div", { class: "choice", role: "group", "aria-label": "Next image of this label" });
    this.element = h(
      "div",
      { class: "image-picker" },
      makeButton("‹", () => this.step(-1), { "aria-label": "Previous image" }),
      this.name,
      makeButton("›", () => this.step(1), { "aria-label": "Next image" }),
      makeButton("Random", () => onpick(Math.floor(Math.random() * this.count)), {
        "aria-label": "Any image, at random",
      }),
      h("span", { class: "prior" }, "next"),
      this.classes,
    );
  }

  /** @param {number} image @param {string} labels the address of the test set's labels */
  update(image, labels) {
    this.image = image;
    if (this.address === labels) {
      this.show();
      return;
    }
    this.address = labels;
    this.stop();
    this.stop = this.host.blobs([labels], (blob) => {
      this.labels = tensorOf(blob, "labels", Uint8Array).data;
      const known = [...rowsByLabel(this.labels).keys()];
      this.classes.replaceChildren(
        ...known.map((label) => makeButton(String(label), () => this.next(label), { "aria-label": `Next ${label}` })),
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
    for (const one of this.classes.children) {
      one.setAttribute("aria-pressed", String(one.textContent === String(label)));
    }
  }

  /** @param {number} by */
  step(by) {
    this.onpick((this.image + by + this.count) % this.count);
  }

  /** @param {number} label */
  next(label) {
    for (let n = 1; n <= this.count; n++) {
      const index = (this.image + n) % this.count;
      if (this.labels[index] !== label) continue;
      this.onpick(index);
      return;
    }
  }
}

export const LAB_GREY =
  "Grey pixels under a Bernoulli: the usual objective, but not the log of a density. Compare this “log P(X)” only with its like.";

/**
 * A canvas for one picture.
 * @param {string} label @param {string} [testid]
 */
export const labPicture = (label, testid) =>
  h("canvas", { class: "picture", role: "img", "aria-label": label, "data-testid": testid });
