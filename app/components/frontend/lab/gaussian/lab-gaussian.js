// "A Gaussian and the prior": one dimension, two, and the codes of a whole data set; which of them is shown.

import { makeChoice } from "../../kit/controls.js";
import { h, isCalm } from "../../kit/dom.js";
import { alike, Hand, LINK_ROUNDS } from "../../kit/hand.js";
import { Question } from "../../kit/question.js";
import { roomFor } from "../../kit/room.js";
import { view } from "../../kit/view.js";
import { GaussianData } from "./lab-gaussian-data.js";
import { GaussianLine } from "./lab-gaussian-line.js";
import { GaussianPlane } from "./lab-gaussian-plane.js";
import { klNats } from "../lab-normal.js";

/**
 * @import { Host } from "../../kit/view.js"
 * @import { GaussianViewData } from "./types.d.ts"
 */

const ASIDE = [2, 1]; // μ and σ that the question is about

/** @typedef {GaussianViewData["mode"]} Mode */
/** @typedef {{ mode: Mode, line: number[], plane: number[], run: string | null }} Stands what is kept of it */
/** @typedef {GaussianLine | GaussianPlane} Descending a panel on which a descent can be followed */

/**
 * @typedef {object} PanelHost what a panel may ask for
 * @property {Host["blobs"]} blobs
 * @property {() => void} changed draw again
 * @property {() => void} moved a hand has moved something
 * @property {() => void} released and let go
 * @property {(panel: Descending) => void} follow the gradient, or stop
 * @property {(run: string) => void} pickSweep
 */

/**
 * Whether the outside, which knows a run only of a whole data set, says what was told.
 * @param {Stands} told @param {Stands} heard
 */
const agree = (told, heard) =>
  alike({ ...told, run: null }, { ...heard, run: null }, LINK_ROUNDS) && (!told.run || told.run === heard.run);

class GaussianView {
  /** @type {Mode} */
  mode = "line";
  /** @type {number | null} the frame to come of a descent */
  descent = null;
  fitted = false;

  /** @param {HTMLElement} root @param {Host} host */
  constructor(root, host) {
    this.host = host;
    this.hand = new Hand((view) => host.keep("view", { ...view, sweep: null }), { same: agree });
    /** @type {PanelHost} */
    const panel = {
      blobs: host.blobs,
      changed: () => host.redraw(),
      moved: () => {
        this.halt();
        this.hand.takes();
        host.redraw();
      },
      released: () => this.hand.lets(this.stands()),
      follow: (which) => (this.descent === null ? this.descendFrom(which) : this.arrive(which)),
      pickSweep: (sweep) => host.keep("view", { ...this.stands(), sweep }),
    };
    this.panels = { line: new GaussianLine(panel), plane: new GaussianPlane(panel), data: new GaussianData(panel) };
    this.choice = makeChoice({
      label: "What is shown",
      options: /** @type {[Mode, string][]} */ ([
        ["line", "One dimension"],
        ["plane", "Two dimensions"],
        ["data", "A whole data set"],
      ]),
      value: /** @type {Mode} */ ("line"),
      onpick: (mode) => {
        this.halt();
        this.show(mode);
        this.hand.says(this.stands());
      },
    });
    this.stage = h("div", {});
    this.root = root;
    this.question = new Question(root, {
      name: "gaussian",
      asks: () => `Q is moved two widths of the prior aside, to N(${ASIDE.join(", ")}). How much does the KL charge?`,
      range: () => [0, 8],
      truth: () => klNats(ASIDE[0], ASIDE[1]),
      look: () => {
        this.halt();
        this.hand.takes();
        this.panels.line.adopt(ASIDE);
        this.show("line");
        this.hand.lets(this.stands());
      },
      because: () => "The distance counts as ½μ²: twice as far costs four times as much.",
    });
    root.append(this.question.element, h("div", { class: "gaussian" }, this.choice.element, this.stage));
  }

  resize() {
    this.fitted = false;
  }

  /** @param {GaussianViewData} data */
  update(data) {
    const { mode, line, plane, sweep } = data;
    const fresh = this.hand.hears({ mode, line, plane, run: mode === "data" ? (sweep.run ?? null) : null });
    if (data.mode === "data") this.panels.data.receive(data.sweep, fresh);
    if (!fresh) return;

    this.panels.line.adopt(data.line);
    this.panels.plane.adopt(data.plane);
    this.show(data.mode);
  }

  /** @param {Mode} mode */
  show(mode) {
    this.mode = mode;
    this.choice.set(mode);
    const { element } = this.panels[mode];
    if (this.stage.firstChild !== element) {
      this.stage.replaceChildren(element);
      this.fitted = false;
    }
    this.host.redraw();
  }

  /** @returns {Stands} */
  stands() {
    const { line, plane, data } = this.panels;
    const run = this.mode === "data" ? (data.model?.run ?? null) : null;
    return { mode: this.mode, line: line.values, plane: plane.values, run };
  }

  /**
   * Gradient descent on the KL, a step a frame; at once where motion is not wanted.
   * @param {Descending} panel
   */
  descendFrom(panel) {
    panel.trail = [];
    this.hand.takes();
    if (isCalm()) {
      while (panel.step());
      this.arrive(panel);
      return;
    }
    panel.follow.textContent = "Stop";
    const advance = () => {
      if (!panel.step()) {
        this.arrive(panel);
        return;
      }
      this.host.redraw();
      this.descent = requestAnimationFrame(advance);
    };
    this.descent = requestAnimationFrame(advance);
  }

  /** @param {Descending} panel */
  arrive(panel) {
    this.halt();
    panel.adopt(panel.values);
    this.host.redraw();
    this.hand.lets(this.stands());
  }

  halt() {
    if (this.descent !== null) cancelAnimationFrame(this.descent);
    this.descent = null;
    for (const panel of [this.panels.line, this.panels.plane]) panel.follow.textContent = "Follow the gradient";
  }

  draw() {
    this.question.refresh();
    const panel = this.panels[this.mode];
    // Not on every draw: measuring takes the browser time.
    if (!this.fitted) panel.fit(roomFor(this.root, panel.row));
    this.fitted = true;
    panel.draw();
  }

  destroy() {
    this.halt();
    this.panels.data.destroy();
  }
}

export default view(GaussianView);
