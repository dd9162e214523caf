// The contract between a view and whatever page it stands in, and the one life cycle of a view.
//
// A view is a class: constructor(root, host), update(data), and if it needs them draw(now), resize() and destroy(). It knows its
// root, its data, and of the page only the host: two callbacks to the outside (`keep` what shall last, `ask` for something
// once) and what the life cycle does for it. A page is a host from `hosts/`, which calls `mount`.

import { whenBlobs } from "../net/blob.js";
import { h } from "./dom.js";
import { surrounding } from "./room.js";

/**
 * @typedef {object} Host what a view may ask of its page
 * @property {(name: string, value: unknown) => void} keep this is where it stands now: durable, a link may show it again
 * @property {(name: string, value: unknown) => void} ask a wish, once: open something, compute something
 * @property {(name: string, value: unknown) => void} askAfterPaint the same, when what is there has been painted
 * @property {() => void} redraw one `draw` in the next frame, however often this is called
 * @property {typeof whenBlobs} blobs
 *   `ready(...blobs)` once all of them are there, perhaps at once; what is null stays null. Returns a stop function, which the end of
 *   the view calls too
 * @property {(element: Element) => void} watch call `resize` and `draw` when this element has another size, too
 * @property {AbortSignal} signal ends with the view: for listeners on what outlives it
 */

/**
 * @template [Data=never] what it is given
 * @typedef {object} View
 * @property {(data: Data) => void} update everything the outside says, each time it says something
 * @property {(now: number) => void} [draw] called in the next frame after `update`, `redraw` and a change of the room it has
 * @property {() => void} [resize] the room it has may be another, at once; `draw` follows
 * @property {() => void} [destroy]
 */

/** @typedef {new (root: HTMLElement, host: Host) => View} ViewClass */
/** @typedef {{View: ViewClass, name: string, tag: keyof HTMLElementTagNameMap}} Definition what a view's module exports */
/** @typedef {{keep: (name: string, value: unknown) => void, ask: (name: string, value: unknown) => void}} Outside the two callbacks */

/**
 * The default export of a view's module.
 * @param {ViewClass} View
 * @param {{name?: string, tag?: keyof HTMLElementTagNameMap}} [options] class and tag of its root
 * @returns {Definition}
 */
export const view = (View, { name = "lab", tag = "div" } = {}) => ({ View, name, tag });

/**
 * Give a view a place. The callbacks in `outside` may be replaced at any time; they are looked up when they are called.
 * @param {Definition} definition
 * @param {Node} parent
 * @param {Outside} outside
 */
export function mount(definition, parent, outside) {
  const root = h(definition.tag, { class: definition.name });
  parent.appendChild(root);
  // A new width, another height of what stands above: the same numbers, drawn again.
  const observer = new ResizeObserver(() => life.resized());
  const life = new Life(definition, root, outside, observer);
  observer.observe(root);
  const page = surrounding(root, "stMainBlockContainer");
  if (page) observer.observe(page);
  const onresize = () => life.resized();
  addEventListener("resize", onresize);
  return {
    root,
    /** @param {unknown} data */
    update: (data) => life.update(data),
    destroy() {
      observer.disconnect();
      removeEventListener("resize", onresize);
      life.end();
      root.remove();
    },
  };
}

/** One view from its first data to its end. An error ends it, with words in its place; what comes next makes it anew. */
class Life {
  /** @type {View | null} */
  #view = null;
  /** @type {number | null} */
  #frame = null;
  #painted = 0;
  #ending = new AbortController();

  /**
   * @param {Definition} definition
   * @param {HTMLElement} root
   * @param {Outside} outside
   * @param {ResizeObserver} observer
   */
  constructor(definition, root, outside, observer) {
    this.definition = definition;
    this.observer = observer;
    this.root = root;
    this.outside = outside;
  }

  /** @param {unknown} data */
  update(data) {
    this.#try(() => {
      if (!this.#view) {
        this.root.replaceChildren();
        this.#ending = new AbortController();
        this.#view = new this.definition.View(this.root, this.#host());
      }
      this.#view.update(/** @type {never} */ (data)); // what it is given is declared in types.d.ts, not known here
      this.#redraw();
    });
  }

  resized() {
    this.#try(() => this.#view?.resize?.());
    this.#redraw();
  }

  end() {
    const view = this.#view;
    this.#view = null;
    this.#ending.abort();
    if (this.#frame !== null) cancelAnimationFrame(this.#frame);
    this.#frame = null;
    view?.destroy?.();
  }

  /** @returns {Host} */
  #host() {
    const { outside } = this;
    const { signal } = this.#ending;
    return {
      signal,
      keep: (name, value) => outside.keep(name, value),
      ask: (name, value) => outside.ask(name, value),
      askAfterPaint: (name, value) =>
        requestAnimationFrame(() => requestAnimationFrame(() => signal.aborted || outside.ask(name, value))),
      redraw: () => this.#redraw(),
      watch: (element) => this.observer.observe(element),
      blobs: (names, ready, ...failed) => {
        /** @type {typeof ready} */
        const guarded = (...blobs) => signal.aborted || this.#try(() => ready(...blobs));
        const stop = whenBlobs(names, guarded, ...failed);
        signal.addEventListener("abort", stop);
        return stop;
      },
    };
  }

  #redraw() {
    if (!this.#view?.draw) return;
    this.#frame ??= requestAnimationFrame((now) => {
      this.#frame = null;
      this.#try(() => this.#view?.draw?.(now));
      this.root.dataset.painted = String(++this.#painted); // how many pictures were painted, for whoever measures
    });
  }

  /** @param {() => void} act */
  #try(act) {
    try {
      act();
    } catch (error) {
      console.error(error);
      this.end();
      const reason = error instanceof Error ? error.message : String(error);
      this.root.replaceChildren(h("p", { class: "error", role: "alert" }, `This cannot be shown: ${reason}.`));
    }
  }
}
