// "A Gaussian and the prior": one dimension, two, and the codes of a whole data set; which of them is shown.

import { h } from "../../kit/dom.js";
import { labChoice, labComponent } from "../../kit/lab.js";
import { roomFor, watchRoom } from "../../kit/lab-room.js";
import { GaussianLine } from "./lab-gaussian-line.js";
import { GaussianPlane } from "./lab-gaussian-plane.js";
import { GaussianData } from "./lab-gaussian-data.js";

const still = matchMedia("(prefers-reduced-motion: reduce)");

class GaussianView {
  constructor(root, host) {
    this.host = host;
    this.stamp = 0;
    this.descent = null;
    const panel = {
      changed: () => {
        this.halt();
        host.redraw();
      },
      released: () => this.keep(),
      follow: (which) => (this.descent === null ? this.descendFrom(which) : this.halt()),
      pickSweep: (sweep) => this.keep({ sweep }),
    };
    this.panels = { line: new GaussianLine(panel), plane: new GaussianPlane(panel), data: new GaussianData(panel) };
    this.choice = labChoice({
      label: "What is shown",
      options: [
        ["line", "One dimension"],
        ["plane", "Two dimensions"],
        ["data", "A whole data set"],
      ],
      value: "line",
      onpick: (mode) => {
        this.halt();
        this.show(mode);
        this.keep();
      },
    });
    this.stage = h("div", {});
    this.root = root;
    root.append(h("div", { class: "gaussian" }, this.choice.element, this.stage));
    this.unwatch = watchRoom(root, () => {
      this.fitted = false;
      host.redraw();
    });
  }

  update(data) {
    // What the server repeats may be older than what has been done here since.
    const fresh = data.stamp >= this.stamp && this.descent === null;
    if (data.mode === "data") this.panels.data.receive(data.sweep, fresh);
    if (!fresh) return;
    this.stamp = data.stamp;
    this.panels.line.adopt(data.line);
    this.panels.plane.adopt(data.plane);
    this.show(data.mode);
  }

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

  keep(more = {}) {
    const { line, plane, data } = this.panels;
    this.stamp += 1;
    const run = this.mode === "data" ? (data.model?.run ?? null) : null;
    this.host.keep({
      stamp: this.stamp,
      mode: this.mode,
      line: line.values,
      plane: plane.values,
      run,
      sweep: null,
      ...more,
    });
  }

  /** Gradient descent on the KL, a step a frame; at once where motion is not wanted. */
  descendFrom(panel) {
    panel.trail = [];
    if (still.matches) {
      while (panel.step());
      this.arrive(panel);
      return;
    }
    panel.follow.textContent = "Stop";
    const advance = () => {
      if (!panel.step()) return this.arrive(panel);
      this.host.redraw();
      this.descent = requestAnimationFrame(advance);
    };
    this.descent = requestAnimationFrame(advance);
  }

  arrive(panel) {
    this.halt();
    panel.adopt(panel.values);
    this.host.redraw();
    this.keep();
  }

  halt() {
    if (this.descent !== null) cancelAnimationFrame(this.descent);
    this.descent = null;
    for (const panel of [this.panels.line, this.panels.plane]) panel.follow.textContent = "Follow the gradient";
  }

  draw() {
    const panel = this.panels[this.mode];
    // Not on every draw: measuring takes the browser time.
    if (!this.fitted) panel.fit(roomFor(this.root, panel.row));
    this.fitted = true;
    panel.draw();
  }

  destroy() {
    this.halt();
    this.panels.data.destroy();
    this.unwatch();
  }
}

export default labComponent(GaussianView);
