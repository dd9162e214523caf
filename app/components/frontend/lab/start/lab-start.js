// The lab's first page: a card for each view, in the order in which they are taught, with a drawing and whether it was seen.

import { h } from "../../kit/dom.js";
import { areQuestionsOff, isSeen, turnQuestions } from "../../kit/seen.js";
import { view } from "../../kit/view.js";

/**
 * @import { Host } from "../../kit/view.js"
 * @import { LabStartData } from "./types.d.ts"
 */

const BELL = "M4 34 C16 34 18 8 28 8 S40 34 52 34";
/** @type {Record<string, string>} what a view is about, drawn in 80 × 40 */
const DRAWINGS = {
  gaussian: `<path class="prior" d="M10 34 C26 34 28 14 40 14 S54 34 70 34"/><path class="kl" d="M34 34 C42 34 44 5 50 5 S58 34 66 34"/>`,
  reparameterisation: `<circle class="dot" cx="14" cy="20" r="5"/><path class="line" d="M20 20 H38 M62 20 H74"/><rect class="kl" x="39" y="10" width="22" height="20" rx="4"/>`,
  beta: `<path class="line" d="M8 30 H72"/><circle class="dot" cx="30" cy="30" r="5"/><rect class="bar kl" x="12" y="6" width="6" height="16"/><rect class="bar kl" x="24" y="10" width="6" height="12"/><rect class="bar kl" x="36" y="17" width="6" height="5"/><rect class="bar kl" x="48" y="20" width="6" height="2"/>`,
  "hidden-beta": `<text x="10" y="17">mean</text><text x="10" y="34">sum</text><path class="line" d="M8 21 H44"/><text class="large" x="52" y="28">β</text>`,
  "rate-distortion": `<path class="elbo" d="M12 5 C16 26 34 32 72 34"/><circle class="dot" cx="27" cy="25.5" r="4.5"/>`,
  gap: `<rect class="bar prior" x="14" y="8" width="56" height="8"/><rect class="bar elbo" x="14" y="22" width="42" height="8"/><path class="kl" d="M58 26 H69"/>`,
  sampling: `<g class="few"><circle cx="14" cy="10" r="2"/><circle cx="66" cy="8" r="2"/><circle cx="22" cy="32" r="2"/><circle cx="70" cy="30" r="2"/><circle cx="54" cy="35" r="2"/></g><ellipse class="kl" cx="42" cy="19" rx="13" ry="9"/>`,
  collapse: `<rect class="bar kl" x="10" y="6" width="8" height="28"/><rect class="bar kl" x="24" y="14" width="8" height="20"/><rect class="bar prior" x="38" y="32" width="8" height="2"/><rect class="bar prior" x="52" y="32" width="8" height="2"/><rect class="bar prior" x="66" y="32" width="8" height="2"/>`,
  steps: `<path class="elbo" d="M8 34 C16 12 30 12 44 9 S64 7 74 7"/><circle class="dot" cx="44" cy="9" r="4"/>`,
};

class LabStart {
  seen = "";

  /** @param {HTMLElement} root @param {Host} host */
  constructor(root, host) {
    this.root = root;
    this.host = host;
  }

  /** @param {LabStartData} data */
  update({ views }) {
    const key = JSON.stringify(views);
    if (key === this.seen) return;
    this.seen = key;
    const cards = views.map((one, i) => this.card(one, i));
    const done = views.filter(({ name }) => isSeen(name)).length;
    const next = views.find(({ name }) => !isSeen(name));
    const said = done
      ? `${done} of ${views.length} seen${next ? `; next: ${next.title}.` : "."}`
      : "Begin with the first.";
    const asks = h("input", {
      type: "checkbox",
      checked: !areQuestionsOff(),
      onchange: () => turnQuestions(asks.checked),
    });
    this.root.replaceChildren(
      h(
        "div",
        { class: "said" },
        h("p", { "data-testid": "seen" }, said),
        h("label", {}, asks, "Predict, then look: ask me a question before each view"),
      ),
      h("ol", { class: "lab-start" }, ...cards.map((card) => h("li", {}, card))),
    );
  }

  /** @param {LabStartData["views"][number]} one @param {number} i */
  card({ name, title, notice }, i) {
    const picture = document.createElementNS("http://www.w3.org/2000/svg", "svg");
    picture.setAttribute("viewBox", "0 0 80 40");
    picture.setAttribute("aria-hidden", "true");
    picture.innerHTML = DRAWINGS[name] ?? `<path class="kl" d="${BELL}"/>`;
    const mark = isSeen(name) ? h("span", { class: "mark" }, "✓ seen") : null;
    return h(
      "button",
      { type: "button", onclick: () => this.host.ask("open", name), "data-view": name },
      picture,
      h("b", {}, `${i + 1} · ${title}`),
      mark,
      h("span", { class: "notice" }, notice),
    );
  }
}

export default view(LabStart);
