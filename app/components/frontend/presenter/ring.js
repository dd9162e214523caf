// The ring around what a stop of the tour speaks of: it follows its target, and is gone once that is touched.

import { h } from "../kit/dom.js";

const LOOK = 120; // ms between two looks at where the target is
const AROUND = 5; // CSS px between the two

/**
 * The first element that `selector` names and that can be seen, also in shadow trees.
 * @param {ParentNode} root @param {string} selector
 * @returns {HTMLElement | null}
 */
export function seen(root, selector) {
  for (const element of root.querySelectorAll(selector))
    if (element instanceof HTMLElement && element.offsetWidth) return element;
  for (const { shadowRoot } of root.querySelectorAll("*")) {
    const found = shadowRoot && seen(shadowRoot, selector);
    if (found) return found;
  }
  return null;
}

export class Ring {
  selector = "";
  /** @type {HTMLElement | null} */
  target = null;
  touched = false;

  /** @param {AbortSignal} signal ends it */
  constructor(signal) {
    this.element = h("div", { class: "ring-around", "aria-hidden": "true", hidden: true });
    const timer = setInterval(() => this.look(), LOOK);
    signal.addEventListener("abort", () => clearInterval(timer));
    // A drag takes the pointer; all of these come out of shadow trees.
    for (const event of ["gotpointercapture", "click", "keydown", "input"])
      document.addEventListener(event, (happened) => this.#touch(happened), { signal, capture: true });
  }

  /** @param {string} selector */
  point(selector) {
    if (selector === this.selector) return;
    this.selector = selector;
    this.target = null;
    this.touched = false;
    this.look();
  }

  /** @param {Event} event */
  #touch(event) {
    if (!this.target || !event.composedPath().includes(this.target)) return;
    this.touched = true;
    this.element.hidden = true;
  }

  look() {
    const { element } = this;
    if (!this.selector || this.touched) {
      element.hidden = true;
      return;
    }
    if (!this.target?.isConnected || !this.target.offsetWidth) this.target = seen(document, this.selector);
    element.hidden = !this.target;
    if (!this.target) return;
    const { left, top, width, height } = this.target.getBoundingClientRect();
    element.style.translate = `${left - AROUND}px ${top - AROUND}px`;
    element.style.width = `${width + 2 * AROUND}px`;
    element.style.height = `${height + 2 * AROUND}px`;
  }
}
