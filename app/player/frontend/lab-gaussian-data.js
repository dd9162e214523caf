// Owns "a whole data set": where a model puts every image, and the density Q(z) of all its codes together against the
// prior; β is the dial between models.

import { whenBlobs } from "./blob.js";
import { decimal, h } from "./dom.js";
import { Chart, colourOf, draggable, formula, labButton, live, m, mi, mn, mo, mrow } from "./lab.js";
import { drawGaussian, drawPrior, heightLeft, klNats, namedLive, roundScale, Waterfall } from "./lab-normal.js";
import { parseColour } from "./picture.js";

const SHOWN_REACH = 1.02;

// host: {changed(), released()}
export class GaussianData {
  constructor(host) {
    this.host = host;
    this.at = 0; // which model of the sweep
    this.chosen = null; // row of the image whose Q is drawn
    this.layers = { codes: true, density: true };
    this.chart = new Chart({
      x: { min: -4, max: 4, label: "code z1 (no unit)" },
      y: { min: -4, max: 4, label: "code z2" },
      label: "Codes of the test images and the density of all of them, over the prior's circles. Drag over it to see one image's Q.",
    });
    draggable(this.chart, (at) => this.pick(at), () => {});
    this.dial = h("input", { type: "range", min: 0, step: 1, "aria-label": "β of the model" });
    this.dial.addEventListener("input", () => {
      this.show(Number(this.dial.value));
      host.changed();
    });
    this.dial.addEventListener("change", () => host.released());
    this.marks = h("div", { class: "marks", "aria-hidden": "true" });
    this.beta = h("output", { "data-testid": "beta" });
    const toggle = (name, text) =>
      labButton(
        text,
        (event) => {
          this.layers[name] = !this.layers[name];
          event.currentTarget.setAttribute("aria-pressed", String(this.layers[name]));
          host.changed();
        },
        { "aria-pressed": "true" },
      );
    this.sweeps = h("select", { "aria-label": "Family of models" });
    this.sweeps.addEventListener("change", () => host.pickSweep(this.sweeps.value));
    this.bars = new Waterfall(
      [
        { label: "tells images apart", term: "part-first", testid: "bar-information" },
        { label: "Q(z) off the prior", term: "part-second", testid: "bar-marginal" },
        { label: "mean KL", term: "kl", testid: "bar-rate" },
      ],
      { min: 0, max: 10 },
    );
    this.shown = {
      rate: namedLive("rate", "kl"),
      information: namedLive("information", "part-first"),
      marginal: namedLive("marginal", "part-second", 2, "nats"),
    };
    this.missing = h("p", { class: "note" });
    this.one = {
      title: h("span", {}),
      first: live("part-first"),
      second: live("part-second"),
      kl: namedLive("one-kl", "kl", 2, "nats"),
    };
    this.oneLine = h(
      "div",
      { class: "one" },
      this.one.title,
      m("math", {}, mrow(mi("KL", "kl"), mo("="), this.one.first.element, mo("+"), this.one.second.element, mo("="), this.one.kl.element)),
    );
    this.error = h("p", { class: "error", hidden: true });
    this.element = h(
      "div",
      { class: "gaussian-data" },
      h("div", { class: "panel" }, this.chart.element),
      h(
        "div",
        { class: "side" },
        this.sweeps,
        h("div", { class: "dial" }, h("label", {}, h("span", {}, "β"), this.dial, this.beta), this.marks),
        h("div", { class: "buttons" }, toggle("codes", "Codes"), toggle("density", "Density Q(z)")),
        this.bars.element,
        this.missing,
        formula(
          mi("E"), mo("["), mi("KL", "kl"), mo("]"), mo("="), this.shown.rate.element, mo("="),
          this.shown.information.element, mo("+"), m("munder", {}, this.shown.marginal.element,
            mrow(mi("D"), mo("["), mi("Q"), mo("("), mi("z"), mo(")"), mo("‖"), mi("P"), mo("("), mi("z"), mo(")"), mo("]"))),
        ),
        this.oneLine,
        this.error,
      ),
    );
  }

  /** sweep: {title, options, key, blob, palette, models: [{run, beta, reach, rate, information, marginal}]} or {error}. */
  receive(sweep, fresh) {
    this.sweep = sweep;
    this.error.textContent = sweep.error ?? "";
    this.error.hidden = !sweep.error;
    this.element.classList.toggle("empty", !sweep.models?.length);
    if (!sweep.models?.length) return;
    const options = JSON.stringify(sweep.options);
    if (options !== this.options) {
      this.options = options;
      this.sweeps.replaceChildren(...sweep.options.map(([key, title]) => h("option", { value: key }, title)));
    }
    this.sweeps.value = sweep.key;
    this.dial.max = sweep.models.length - 1;
    this.dial.disabled = sweep.models.length < 2;
    this.marks.replaceChildren(...sweep.models.map(({ beta }) => h("span", {}, String(beta))));
    const other = sweep.blob !== this.blobId;
    if (other) {
      this.blobId = sweep.blob;
      this.stop?.();
      this.blob = null;
      this.images = [];
      this.stop = whenBlobs([sweep.blob], (blob) => {
        this.blob = blob;
        this.show(this.at);
        this.host.changed();
      });
    }
    this.show(other || fresh ? Math.max(0, sweep.models.findIndex(({ run }) => run === sweep.run)) : this.at);
  }

  get model() {
    return this.sweep?.models?.[this.at];
  }

  show(at) {
    this.at = Math.min(at, this.sweep.models.length - 1);
    const { beta, rate, information, marginal } = this.model;
    this.dial.value = this.at;
    this.dial.style.setProperty("--at", `${(100 * this.at) / Math.max(1, this.sweep.models.length - 1)}%`);
    this.beta.textContent = String(beta);
    this.dial.setAttribute("aria-valuetext", `β = ${beta}, model ${this.at + 1} of ${this.sweep.models.length}`);
    const known = marginal != null;
    const parts = known ? [information, marginal] : [NaN, NaN];
    this.bars.range(0, [2, 5, 10, 20, 50, 100, 200, 500].find((top) => top >= rate) ?? rate);
    this.bars.set(parts, rate);
    this.shown.rate.set(rate);
    this.shown.information.set(parts[0]);
    this.shown.marginal.set(parts[1]);
    this.missing.textContent = known ? "" : "How the mean KL splits is being computed; the two parts appear when it is done.";
    this.missing.hidden = known;
  }

  /** Row n of tensor `name` (models, images, 2) of the model shown. */
  code(name, n) {
    const { data, shape } = this.blob.tensors.get(name);
    const from = 2 * (this.at * shape[1] + n);
    return [data[from], data[from + 1]];
  }

  pick([x, y]) {
    if (!this.blob) return;
    const { shape } = this.blob.tensors.get("means");
    let best = Infinity;
    for (let n = 0; n < shape[1]; n++) {
      const [z1, z2] = this.code("means", n);
      const distance = (z1 - x) ** 2 + (z2 - y) ** 2;
      if (distance < best) [best, this.chosen] = [distance, n];
    }
    this.host.changed();
  }

  // The density as a picture, once for each model and colour: the darker, the denser, by the root, which shows thin parts.
  image(colour) {
    const kept = this.images[this.at];
    if (kept?.colour === colour) return kept.canvas;
    const { data, shape } = this.blob.tensors.get("density"); // (models, H, W)
    const [, H, W] = shape;
    const area = H * W;
    const from = this.at * area;
    let top = 0;
    for (let i = 0; i < area; i++) top = Math.max(top, data[from + i]);
    const canvas = h("canvas", { width: W, height: H });
    const context = canvas.getContext("2d");
    const image = context.createImageData(W, H);
    const [r, g, b] = parseColour(colour);
    for (let i = 0; i < area; i++) {
      image.data[4 * i] = r;
      image.data[4 * i + 1] = g;
      image.data[4 * i + 2] = b;
      image.data[4 * i + 3] = 235 * Math.sqrt(data[from + i] / top);
    }
    context.putImageData(image, 0, 0);
    this.images[this.at] = { colour, canvas };
    return canvas;
  }

  draw() {
    const { chart, element } = this;
    if (!this.model) return;
    chart.height = heightLeft(270, 360, 860);
    const { reach, wide } = this.model;
    roundScale(chart, SHOWN_REACH * reach);
    const [accent, prior] = ["--accent", "--prior"].map((name) => colourOf(element, name));
    const context = chart.begin();
    if (this.blob) {
      if (this.layers.density) {
        context.imageSmoothingEnabled = true;
        context.drawImage(
          this.image(accent), chart.px(-wide), chart.py(reach), chart.px(wide) - chart.px(-wide), chart.py(-reach) - chart.py(reach),
        );
      }
      if (this.layers.codes) this.drawCodes(context);
    }
    drawPrior(chart, chart.colours.ink);
    chart.label(0, -3, "prior, 3 σ", chart.colours.ink, "center", -0.9 * chart.text);
    if (this.blob && this.chosen !== null) {
      const [mu, sigma] = [this.code("means", this.chosen), this.code("sigma", this.chosen)];
      for (const outline of [1, 2, 3]) drawGaussian(chart, { mu, sigma }, outline, chart.colours.ink, { width: outline > 1 ? 1 : 2 });
      chart.dot(...mu, chart.colours.ink, 3);
      const parts = [klNats(mu[0], sigma[0]), klNats(mu[1], sigma[1])];
      const label = this.blob.tensors.get("labels").data[this.chosen];
      this.one.title.textContent = `Test image ${this.chosen}, a ${label}: `;
      this.one.first.set(parts[0]);
      this.one.second.set(parts[1]);
      this.one.kl.set(parts[0] + parts[1]);
    }
    this.oneLine.classList.toggle("none", this.chosen === null);
    chart.end();
  }

  drawCodes(context) {
    const { data: labels } = this.blob.tensors.get("labels");
    const { palette } = this.sweep;
    const { chart } = this;
    const radius = this.layers.density ? 1.6 : 2.4;
    context.globalAlpha = 0.85;
    for (let n = 0; n < labels.length; n++) {
      const [z1, z2] = this.code("means", n);
      context.fillStyle = palette[labels[n] % palette.length];
      context.fillRect(chart.px(z1) - radius, chart.py(z2) - radius, 2 * radius, 2 * radius);
    }
    context.globalAlpha = 1;
  }
}
