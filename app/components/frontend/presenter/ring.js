// The ring around what a stop of the tour speaks of: it follows its target, and is gone once that is touched.

import { h } from "../kit/dom.js";

const LOOK = 120; // ms between two looks at where the target is
const AROUND = 5; // CSS px between the two

/**
 * The first element that `selector` names and that can be seen, also in shadow trees.
 * @param {ParentNode} root @param {string} selector
 * @returns {HTMLElement | null}
 */
function firstVisible(root, selector) {
  for (const element of root.querySelectorAll(selector))
    if (element instanceof HTMLElement && element.offsetWidth) return element;
  for (const { shadowRoot } of root.querySelectorAll("*")) {
    const found = shadowRoot && firstVisible(shadowRoot, selector);
    if (found) return found;
  }
  return null;
}

export class Ring {
  element = h("div", { class: "ring-around", "aria-hidden": "true", hidden: true });
  #selector = "";
  /** @type {HTMLElement | null} */
  #target = null;
  /** @type {ReturnType<typeof setInterval> | undefined} while there is something to follow */
  #timer;

  /** @param {AbortSignal} signal ends it */
  constructor(signal) {
    signal.addEventListener("abort", () => this.#rest());
    // A drag takes the pointer; all of these come out of shadow trees.
    for (const event of ["gotpointercapture", "click", "keydown", "input"])
      document.addEventListener(event, (happened) => this.#touch(happened), { signal, capture: true });
  }

  /** @param {string} selector */
  point(selector) {
    if (selector === this.#selector) return;
    this.#rest();
    this.#selector = selector;
    this.#target = null;
    if (selector) this.#timer = setInterval(() => this.#look(), LOOK);
  }

  #rest() {
    clearInterval(this.#timer);
    this.element.hidden = true;
  }

  /** @param {Event} event */
  #touch(event) {
    if (this.#target && event.composedPath().includes(this.#target)) this.#rest();
  }

  #look() {
    if (!this.#target?.isConnected || !this.#target.offsetWidth) this.#target = firstVisible(document, this.#selector);
    const { element } = this;
    element.hidden = !this.#target;
    if (!this.#target) return;
    const { left, top, width, height } = this.#target.getBoundingClientRect();
    element.style.translate = `${left - AROUND}px ${top - AROUND}px`;
    element.style.width = `${width + 2 * AROUND}px`;
    element.style.height = `${height + 2 * AROUND}px`;
  }
}
