// Two to four models side by side: one set of sliders, of the first model's dimensions; every other model's picture follows
// its own matched dimensions. The networks run here; the server is told where a slider was let go.

import { makeButton, makeSlider } from "../kit/controls.js";
import { h } from "../kit/dom.js";
import { alike, Hand } from "../kit/hand.js";
import { decimal, within } from "../kit/numbers.js";
import { view } from "../kit/view.js";
import { compile } from "../net/engine.js";
import { pictureAt, Sheet } from "../paint/picture.js";

const RANGE = 3; // the strips and the sliders show z from −3 to 3
const STEPS = 9; // pictures in a strip
const SHOWN = 8; // test images
const STRIPS = 3; // dimensions that always have a strip
const REST = 120; // ms without a move until the strips are decoded anew
const BUDGET = 8; // ms of each frame for them

/** Pictures of this shape in a row, on a canvas with these attributes. */
const pictureRow = (shape, count, attributes) =>
  new Sheet(shape, count, { canvas: h("canvas", { class: "picture", role: "img", ...attributes }) });

/** One model's column. */
class Column {
  constructor(data, first) {
    this.data = data;
    this.first = first;
    this.strips = new Map(); // the first model's dimension -> {element, row, text, mark}
    this.body = h("div", { class: "body" });
    this.element = h(
      "section",
      { class: "column", "aria-label": `Model ${data.letter}: ${data.title}` },
      h("h4", {}, h("i", { style: `background: ${data.colour}` }, data.letter), h("span", {}, data.title)),
      this.body,
    );
    this.follows = new Map(data.links.map(([dim, other, sign, r]) => [dim, { other, sign, r }]));
  }

  ready(model, images) {
    const { letter } = this.data;
    this.net = compile(JSON.parse(model.metadata.manifest), model.tensors);
    this.z = new Float32Array(this.net.D);
    this.picture = pictureRow(this.net.shape, 1, {
      "data-testid": `picture-${letter}`,
      "aria-label": `What model ${letter} decodes`,
    });
    this.box = h("div", { class: "strips" });
    this.body.replaceChildren(this.picture.canvas, this.reconstructions(images), this.box);
  }

  fail(error) {
    this.net = null;
    this.body.replaceChildren(h("p", { class: "error" }, `This model cannot be opened here: ${error.message}.`));
  }

  /** Test images, and under each what comes back from the mean of its code. */
  reconstructions({ tensors }) {
    const { shape } = this.net;
    const given = tensors.get("images");
    const [count] = given.shape;
    const shown = Math.min(SHOWN, count);
    const above = pictureRow(shape, shown, { "aria-label": "Test images" });
    const below = pictureRow(shape, shown, {
      "aria-label": `Their reconstructions by model ${this.data.letter}`,
      "data-testid": `again-${this.data.letter}`,
    });
    for (let n = 0; n < shown; n++) {
      const x = pictureAt(given, Math.floor((n * count) / shown));
      above.put(x, n);
      if (this.net.encode) below.put(this.net.decode(this.net.encode(x).mu), n);
    }
    above.show();
    below.show();
    return h("div", { class: "again" }, above.canvas, below.canvas);
  }

  /** This model's own code for the first model's. */
  own(z) {
    this.z.fill(0);
    if (this.first) this.z.set(z);
    else for (const [dim, { other, sign }] of this.follows) this.z[other] = sign * z[dim];
    return this.z;
  }

  paint(z) {
    if (!this.net) return;
    this.picture.put(this.net.decode(this.own(z)), 0);
    this.picture.show();
  }

  /** The rows for these dimensions of the first model, in this order. */
  layOut(dims, chosen) {
    if (!this.net) return;
    for (const dim of dims) if (!this.strips.has(dim)) this.strips.set(dim, this.strip(dim));
    this.box.replaceChildren(...dims.map((dim) => this.strips.get(dim).element));
    for (const [dim, { element }] of this.strips) element.classList.toggle("chosen", dim === chosen);
  }

  strip(dim) {
    const link = this.first ? { other: dim, sign: 1, r: null } : this.follows.get(dim);
    const name = link ? `${link.sign < 0 ? "−" : ""}z${link.other + 1}` : "";
    const row = pictureRow(this.net.shape, STEPS, {
      "aria-label": link ? `${name} from −${RANGE} to ${RANGE}` : `no dimension follows z${dim + 1}`,
      "data-testid": `strip-${this.data.letter}-${dim}`,
    });
    const mark = h("i", { class: "mark" });
    const said = link?.r == null ? "" : `|r| ${decimal(link.r)}`;
    const text = link
      ? h(
          "div",
          { class: "name" },
          h("b", {}, name),
          h("span", { "data-testid": `r-${this.data.letter}-${dim}` }, said),
        )
      : h("div", { class: "name" }, h("span", {}, "no dimension left for it"));
    const frame = h("div", { class: "frame" }, row.canvas, mark);
    frame.hidden = !link;
    return { element: h("div", { class: "strip" }, text, frame), row, mark, link };
  }

  /** One picture of a strip. */
  step(z, dim, n) {
    const { row, link } = this.strips.get(dim);
    if (!link) return;
    const code = this.own(z);
    code[link.other] = link.sign * (-RANGE + (2 * RANGE * n) / (STEPS - 1));
    row.put(this.net.decode(code), n);
    if (n === STEPS - 1) row.show();
  }

  /** Where the code stands on each strip: its ends are the middles of the outermost pictures. */
  marks(z) {
    for (const [dim, { mark }] of this.strips) {
      const share = (within(z[dim], -RANGE, RANGE) + RANGE) / (2 * RANGE);
      mark.style.left = `${(100 * (0.5 + share * (STEPS - 1))) / STEPS}%`;
    }
  }
}

class CompareView {
  constructor(root, host) {
    this.root = root;
    this.host = host;
    this.left = h("div", { class: "sliders", role: "group", "aria-label": "Dimensions of model A" });
    this.right = h("div", { class: "models" });
    root.append(h("div", { class: "compare" }, this.left, this.right));
    this.todo = [];
    this.moved = 0;
    this.hand = new Hand((view) => host.keep("view", view), { tolerance: 0.0051 }); // a link rounds
  }

  update(data) {
    const shape = JSON.stringify([data.models, data.dims, data.inactive]);
    if (shape !== this.shape) {
      this.shape = shape;
      this.hand.forget();
      this.build(data);
    }
    if (this.hand.hears({ z: data.z }) && !alike(data.z, this.z)) this.adopt(data.z);
  }

  build(data) {
    this.stop?.();
    this.data = data;
    this.z = Float32Array.from(data.z);
    this.columns = data.models.map((model, i) => new Column(model, i === 0));
    this.right.replaceChildren(...this.columns.map((column) => column.element));
    this.right.style.setProperty("--models", this.columns.length);
    this.right.classList.toggle("many", this.columns.length > 3);
    this.sliders = new Map();
    const rows = (dims) => dims.map(({ dim, kl }) => this.slider(dim, kl));
    this.chosen = (data.dims[0] ?? data.inactive[0]).dim;
    this.left.replaceChildren(
      ...rows(data.dims),
      data.inactive.length
        ? h(
            "details",
            {},
            h("summary", {}, `${data.inactive.length} inactive dimension${data.inactive.length > 1 ? "s" : ""}`),
            ...rows(data.inactive),
          )
        : "",
      makeButton("Prior mean", () => this.home()),
    );
    const ids = data.models.flatMap((model) => [model.blob, model.images]);
    this.stop = this.host.blobs(ids, (...blobs) => {
      this.columns.forEach((column, i) => {
        try {
          column.ready(blobs[2 * i], blobs[2 * i + 1]);
        } catch (error) {
          column.fail(error);
        }
      });
      this.layOut();
      this.touch();
    });
  }

  slider(dim, kl) {
    const one = makeSlider({
      label: `z${dim + 1}`,
      min: -RANGE,
      max: RANGE,
      step: 0.05,
      value: this.z[dim],
      oninput: (value) => {
        this.z[dim] = value;
        this.hand.takes();
        if (this.chosen !== dim) {
          this.chosen = dim;
          this.layOut();
        }
        this.touch();
      },
      onrelease: () => this.keep(),
    });
    one.element.title = `${decimal(kl)} nats of KL in model A`;
    this.sliders.set(dim, one);
    return one.element;
  }

  /** Strips of the most active dimensions, and of the one that is dragged. */
  layOut() {
    const top = this.data.dims.slice(0, STRIPS).map(({ dim }) => dim);
    this.rows = top.includes(this.chosen) ? top : [this.chosen, ...top];
    for (const column of this.columns) column.layOut(this.rows, this.chosen);
  }

  /** The code has changed: the pictures now, the strips once it rests. */
  touch() {
    this.moved = performance.now();
    this.dirty = true;
    this.todo = null;
    this.host.redraw();
  }

  adopt(z) {
    this.z = Float32Array.from(z);
    for (const [dim, slider] of this.sliders) slider.set(this.z[dim]);
    this.touch();
  }

  home() {
    this.hand.takes();
    this.adopt(this.z.map(() => 0));
    this.keep();
  }

  keep() {
    this.hand.lets({ z: Array.from(this.z, (value) => Number(value.toFixed(2))) });
  }

  draw() {
    if (!this.columns?.some((column) => column.net)) return;
    if (this.dirty) {
      this.dirty = false;
      for (const column of this.columns) {
        column.paint(this.z);
        column.marks(this.z);
      }
    }
    const rest = performance.now() - this.moved;
    if (rest < REST) {
      clearTimeout(this.later);
      this.later = setTimeout(() => this.host.redraw(), REST - rest + 1);
      return;
    }
    if (this.todo === null) {
      this.todo = this.rows.flatMap((dim) =>
        this.columns
          .filter((column) => column.net)
          .flatMap((column) => Array.from({ length: STEPS }, (_, n) => [column, dim, n])),
      );
    }
    const end = performance.now() + BUDGET;
    while (this.todo.length && performance.now() < end) {
      const [column, dim, n] = this.todo.shift();
      column.step(this.z, dim, n);
    }
    if (this.todo.length) this.host.redraw();
    else this.root.dataset.settled = JSON.stringify(Array.from(this.z));
  }

  destroy() {
    clearTimeout(this.later);
  }
}

export default view(CompareView);
