// What floats over the page: the bar of the tour, the way into it and into presenter mode; and the keys of a presenter's
// remote. Nothing happens here: a wish is sent to Python, which opens a page or changes the link.

import { h, later } from "../kit/dom.js";
import { isPlain, letterOf } from "../kit/keys.js";
import { see } from "../kit/seen.js";
import { view } from "../kit/view.js";
import { makeHelp, showHelp } from "./help.js";
import { Ring } from "./ring.js";

/**
 * @import { Host } from "../kit/view.js"
 * @import { Attributes, PresenterData } from "../types.d.ts"
 */

/** @type {Record<string, string | undefined>} */
const STEPS = { ArrowRight: "next", PageDown: "next", ArrowLeft: "back", PageUp: "back" }; // what a remote sends

// What has a use for these keys itself; a button or a link has none.
const OWNERS =
  "input, select, textarea, [contenteditable]:not([contenteditable=false]), canvas, iframe, video, audio, " +
  ["slider", "application", "textbox", "combobox", "listbox", "option", "spinbutton", "menu", "menuitem", "radio"]
    .concat(["radiogroup", "tab", "tablist", "grid", "gridcell", "tree", "dialog"])
    .map((role) => `[role=${role}]`)
    .join(", ");
const WRITING =
  "textarea, select, [contenteditable]:not([contenteditable=false]), [role=textbox], [role=combobox], " +
  "input:not([type=range], [type=checkbox], [type=radio], [type=button])";

/**
 * The focus may be in a shadow tree, and what holds it may hold the key, such as a list around its options.
 * @param {Event} event @param {string} selector
 */
const isWithin = (event, selector) =>
  event.composedPath().some((node) => node instanceof Element && node.matches(selector));

// The stop at which this browser's visitor was last: 0 before the tour and after its end, or where nothing may be kept.
const LAST_STOP = "elbo-room-tour";
const lastStop = (/** @type {number} */ stops) => {
  try {
    const stop = Number(localStorage.getItem(LAST_STOP));
    return Number.isInteger(stop) && stop > 0 && stop <= stops ? stop : 0;
  } catch {
    return 0;
  }
};
const keepStop = (/** @type {number} */ stop) => {
  try {
    localStorage.setItem(LAST_STOP, String(stop));
  } catch {} // then the tour begins anew
};

/** @type {Map<string, number>} place and window -> what share of its full size the type of a view had room for: seen again, it does not jump */
const shares = new Map();
/** @type {Set<string>} place and window of which it is known that full size has no room */
const confirmed = new Set();
/** @type {AbortController | null} of the presenter that hears the keys */
let latest = null;
// Streamlit is at work, or holds a place for what it has not loaded yet.
const UNFINISHED = '[data-test-script-state="running"], [data-testid="stMain"] [data-testid="stSkeleton"]';
const SMALLEST_TYPE = 0.77; // of its full size in presenter mode: 17 px of 22 in a window of 720
const NUDGES = 3;

class Presenter {
  /** @type {PresenterData} */
  data = later();
  fitted = ""; // the window for which the type was fitted
  share = 1;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  hiding;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  fitting;
  turn = 0; // which fitting is the latest
  nudges = 0; // how often what is too tall at the smallest type may still be asked to fit itself anew

  /** @param {HTMLElement} root @param {Host} host */
  constructor(root, host) {
    this.root = root;
    this.host = host;
    this.seen = "";
    this.help = makeHelp();
    this.fits = false; // whether there is a view whose type is fitted
    // Streamlit may make the next page's component before it takes this one away: only the latest listens.
    latest?.abort();
    this.listening = new AbortController();
    latest = this.listening;
    const { signal } = this.listening;
    this.ring = new Ring(signal);
    document.addEventListener("keydown", (event) => this.onkey(event), { signal });
    document.addEventListener("pointermove", () => this.show(), { signal, passive: true });
  }

  destroy() {
    clearTimeout(this.hiding);
    this.unfit();
    this.listening.abort();
  }

  resize() {
    if (!this.data) return;
    if (this.windowSize() !== this.fitted) this.refit();
    else if (this.fits) this.fitSoon();
  }

  /**
   * What a key asks for, if anything.
   * @param {KeyboardEvent} event
   */
  wishOf(event) {
    const { presenting } = this.data;
    if (letterOf(event) === "p" && !event.shiftKey) return presenting ? "quit" : "present";
    if (event.key === "Escape") return presenting ? "quit" : null;
    return presenting && !event.shiftKey ? STEPS[event.key] : null;
  }

  /** @param {KeyboardEvent} event */
  onkey(event) {
    if (event.defaultPrevented || !isPlain(event)) return;
    if (event.key === "?" && !isWithin(event, WRITING)) {
      event.preventDefault();
      if (!event.repeat) showHelp(this.help, this.data.page);
      return;
    }
    if (this.help.open) return; // it closes with Escape by itself
    const wish = this.wishOf(event);
    if (!wish || isWithin(event, STEPS[event.key] ? OWNERS : WRITING)) return;
    if (event.key === "Escape" && isWithin(event, "[role=dialog], [role=listbox], [role=menu]")) return;
    event.preventDefault();
    if (!event.repeat) this.wish(wish);
  }

  /** @param {string} wish */
  wish(wish) {
    if (wish.startsWith("end:") || (wish === "next" && this.data.stop === this.data.stops)) keepStop(0);
    this.host.ask("wish", wish);
  }

  /** The corner's buttons, while there is a pointer to press them; also that which has just pressed *Present*. */
  show() {
    this.root.classList.add("awake");
    clearTimeout(this.hiding);
    this.hiding = setTimeout(() => this.root.classList.remove("awake"), 2500);
  }

  windowSize() {
    return `${innerWidth}×${innerHeight}`;
  }

  /** Type at its full size again; `fit` takes from it what the view has no room for. */
  refit() {
    this.fitted = this.windowSize();
    this.nudges = NUDGES;
    this.setType(shares.get(`${this.data.place} ${this.fitted}`) ?? 1);
    this.unfit(); // it would wait for a mode that was left, or fit a page that is not to be
    // A form is longer than any window: only what the keys lead through is fitted.
    this.fits = this.data.presenting && this.data.place !== null;
    if (this.fits) this.fitSoon();
  }

  /** @param {number} share */
  setType(share) {
    this.share = share;
    shares.set(`${this.data.place} ${this.fitted}`, share);
    document.documentElement.style.setProperty("--fit", String(share));
    setTimeout(() => globalThis.dispatchEvent(new Event("resize")), 0); // what fits the window fits anew
  }

  /** Once a view that is being built has come to rest: what is high for a moment is no reason. */
  fitSoon() {
    this.unfit();
    const { turn } = this;
    // Two frames later: on a busy machine the timer may come before the views have heard of a larger type.
    const frames = () => requestAnimationFrame(() => requestAnimationFrame(() => turn === this.turn && this.fit()));
    this.fitting = setTimeout(frames, 150);
  }

  /** What was to be fitted is no more, or not yet. */
  unfit() {
    this.turn++;
    clearTimeout(this.fitting);
  }

  fit() {
    // The style that makes the type large comes by a road of its own, and may be late; so may fonts, and others are wider.
    const large = getComputedStyle(document.documentElement).getPropertyValue("--type");
    if (!large || document.fonts.status === "loading" || document.querySelector(UNFINISHED)) {
      this.fitSoon();
      return;
    }
    const main = document.querySelector('[data-testid="stMain"]');
    if (!main) return;
    const [room, needed] = [main.clientHeight, main.scrollHeight];
    if (needed <= room + 2) {
      this.fitAgain();
      return;
    }
    if (this.share <= SMALLEST_TYPE) {
      // A view that measured its room while the page around it was still moving hears of it once more.
      if (this.nudges-- > 0) {
        globalThis.dispatchEvent(new Event("resize"));
        this.fitSoon();
      }
      return;
    }
    // Not all of a view grows with its type, so the first guess is followed by others.
    this.setType(Math.max(SMALLEST_TYPE, this.share * Math.min(0.98, Math.max(0.92, room / needed))));
  }

  /** What made a page too tall may have been there for a moment only: full size is tried once more, for each view and window. */
  fitAgain() {
    const where = `${this.data.place} ${this.fitted}`;
    if (this.share === 1 || confirmed.has(where)) return;
    confirmed.add(where);
    this.setType(1);
    this.fitSoon();
  }

  /** @param {PresenterData} data */
  update(data) {
    this.data = data;
    if (JSON.stringify(data) === this.seen) return;
    this.seen = JSON.stringify(data);
    if (data.stop) keepStop(data.stop);
    this.ring.point(data.points);
    if (data.place) see(data.page); // Explore, which is the first, is no view of the lab
    this.refit();
    const tree = this.root.getRootNode();
    const focused = tree instanceof ShadowRoot || tree instanceof Document ? tree.activeElement : null;
    const held = focused?.getAttribute("data-wish");
    this.root.classList.toggle("presenting", data.presenting);
    this.root.replaceChildren(...(data.stop ? [this.bar(data.stop)] : []), this.corner(), this.help, this.ring.element);
    // Whoever goes on by the keyboard need not look for the button again.
    const again = held && this.root.querySelector(`[data-wish="${held}"]:not(:disabled)`);
    if (again instanceof HTMLElement) again.focus({ preventScroll: true });
  }

  /** @param {string} text @param {string} wish @param {Attributes} [attributes] */
  button(text, wish, attributes = {}) {
    return h("button", { type: "button", "data-wish": wish, onclick: () => this.wish(wish), ...attributes }, text);
  }

  /** @param {number} stop */
  bar(stop) {
    const { stops, sentence, astray, ends } = this.data;
    const on =
      stop === stops && !astray
        ? ends.map(([page, name]) => this.button(name, `end:${page}`, { class: "primary" }))
        : [
            this.button("Next", "next", { class: "primary", disabled: stop === stops }),
            this.button("Leave the tour", "leave", { class: "plain" }),
          ];
    const bar = h(
      "section",
      { class: "bar", "aria-label": "Guided tour", "data-testid": "tour" },
      h("b", {}, `Stop ${stop} of ${stops}`),
      h("p", { role: "status" }, sentence),
      this.button(astray ? "Back to this stop" : "Back", "back", { disabled: stop === 1 && !astray }),
      ...on,
    );
    bar.style.setProperty("--done", `${(100 * stop) / stops}%`);
    return bar;
  }

  /** Where it is narrow, one word has to do. @param {string} text @param {string} wish */
  offer(text, wish) {
    const title = `${this.data.stops} stops, two minutes`;
    const button = this.button("", wish, { title, "aria-label": text });
    button.append(h("span", { class: "whole" }, text), h("span", { class: "short" }, "Tour"));
    return button;
  }

  corner() {
    const { presenting, stop, stops, offer, place, places } = this.data;
    const last = lastStop(stops);
    const tour = last ? `Resume the tour (stop ${last})` : "Take the tour";
    const parts = presenting
      ? [
          ...(stop
            ? []
            : [
                this.button("‹", "back", { "aria-label": "Previous view", disabled: place === 0 }),
                place === null ? null : h("span", {}, `${place + 1} / ${places}`),
                this.button("›", "next", { "aria-label": "Next view", disabled: place === places - 1 }),
              ]),
          this.button("✕", "quit", { "aria-label": "Leave presenter mode", title: "Leave presenter mode (Esc)" }),
        ]
      : [
          offer ? this.offer(tour, `tour:${last || 1}`) : null,
          this.button("Present", "present", { class: "plain", title: "Presenter mode: large type, arrow keys (p)" }),
          h(
            "button",
            {
              ...{ type: "button", class: "plain", title: "What the keys do (?)", "aria-label": "Keys" },
              onclick: () => showHelp(this.help, this.data.page),
            },
            "?",
          ),
        ];
    return h("div", { class: "corner", role: "group", "aria-label": "Presentation" }, ...parts);
  }
}

export default view(Presenter, { name: "over" });
