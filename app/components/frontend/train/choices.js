// What to train, as cards: presets, data sets and networks, each with a small picture and a few words.

import { h } from "../kit/dom.js";
import { view } from "../kit/view.js";
import { tensorOf } from "../net/safetensors.js";
import { paintSheet } from "../paint/picture.js";

/**
 * @import { Host } from "../kit/view.js"
 * @import { ChoicesData } from "../types.d.ts"
 */

// Drawn here, 40 × 24: strokes in the ink, one thing in the accent.
/** @type {Record<string, string>} */
const DRAWINGS = {
  plane:
    '<path d="M2 22V2M2 22H38"/><g class="a"><circle cx="10" cy="9" r="2"/><circle cx="15" cy="13" r="2"/><circle cx="25" cy="8" r="2"/><circle cx="30" cy="14" r="2"/><circle cx="20" cy="17" r="2"/></g>',
  ten: '<path d="M2 6H38M2 12H38M2 18H38"/><g class="a"><circle cx="12" cy="6" r="3"/><circle cx="28" cy="12" r="3"/><circle cx="19" cy="18" r="3"/></g>',
  disentangle: '<path d="M4 20 34 4M4 4 34 20" stroke-dasharray="3 3"/><path class="a" d="M20 2V22M4 12H36"/>',
  sharp: '<path d="M2 22H38"/><path class="a" d="M4 22C16 22 17 3 20 3S24 22 36 22"/>',
  collapse: '<path d="M2 22H38"/><g class="a"><path d="M7 22V4M14 22V12"/></g><path d="M21 22v-1M28 22v-1M35 22v-1"/>',
  paper: '<path d="M10 2H25L31 8V22H10ZM25 2V8H31"/><path class="a" d="M14 12H27M14 16H27"/>',
  mlp: '<path d="M4 2V22M13 5V19M36 2V22M27 5V19"/><path class="a" d="M20 10V14"/><path d="M4 2 13 5M4 22 13 19M27 5 36 2M27 19 36 22M13 5 20 10 27 5M13 19 20 14 27 19" opacity=".45"/>',
  conv: '<path d="M3 3H13V13H3ZM6 6H16V16H6Z"/><path class="a" d="M20 10V14"/><path d="M24 6H34V16H24ZM27 9H37V19H27Z"/>',
  burgess:
    '<path d="M2 2H12V12H2ZM5 5H15V15H5ZM8 8H18V18H8Z"/><path class="a" d="M21 10V15"/><path d="M23 4H31V12H23ZM26 7H34V15H26ZM29 10H37V18H29Z"/>',
};

class Choices {
  seen = "";

  /** @param {HTMLElement} root @param {Host} host */
  constructor(root, host) {
    this.root = root;
    this.host = host;
  }

  /** @param {ChoicesData} data */
  update(data) {
    if (JSON.stringify(data) === this.seen) return;
    this.seen = JSON.stringify(data);
    this.root.replaceChildren(
      this.group(
        "Presets",
        data.presets.map((one) => this.card("preset", one, drawing(one.id), null)),
      ),
      this.group(
        "Data",
        data.sets.map((one) => this.card("data", one, this.samples(one.images), one.id === data.data)),
      ),
      this.group(
        "Network",
        data.networks.map((one) => this.card("network", one, drawing(one.id), one.id === data.network)),
      ),
    );
  }

  /** @param {string} title @param {HTMLElement[]} cards */
  group(title, cards) {
    return h(
      "section",
      { role: "group", "aria-label": title },
      h("b", { class: "title" }, title),
      h("div", { class: "cards" }, ...cards),
    );
  }

  /**
   * @param {string} kind @param {{ id: string, title: string, text: string, about?: string }} one
   * @param {Element} picture @param {boolean | null} chosen
   */
  card(kind, { id, title, text, about }, picture, chosen) {
    const pick = () => this.host.ask("choose", { kind, id });
    const attributes = { type: "button", onclick: pick, title: about ?? text, "data-choice": `${kind}-${id}` };
    const card = h("button", attributes, h("b", {}, title), h("span", {}, text));
    if (chosen !== null) card.setAttribute("aria-pressed", String(chosen));
    card.prepend(picture);
    return card;
  }

  /** The first test images of a data set. @param {string} address */
  samples(address) {
    const canvas = h("canvas", { class: "picture", "aria-hidden": "true" });
    this.host.blobs([address], (blob) => paintSheet(canvas, tensorOf(blob, "images", Uint8Array)));
    return canvas;
  }
}

/** @param {string} name */
function drawing(name) {
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  svg.setAttribute("viewBox", "0 0 40 24");
  svg.setAttribute("aria-hidden", "true");
  svg.innerHTML = DRAWINGS[name] ?? "";
  return svg;
}

export default view(Choices, { name: "lab choices" });
