// All models of a sweep, or all that waits, a line each: where it stands, and who goes first.

import { h } from "../kit/dom.js";
import { decimal } from "../kit/numbers.js";

/** @import { QueueRow } from "../types.d.ts" */

/** @param {QueueRow} row */
export function standing({ status, ahead, share, elbo }) {
  if (elbo !== null) return `ELBO ${decimal(elbo, 1)}`;
  if (status === "queued") return ahead ? `${ahead} before it` : "next";
  if (status === "running") return share === null ? "loading the data …" : `${decimal(100 * share, 0)} %`;
  return { paused: "paused", interrupted: "interrupted", failed: "failed", gone: "was deleted" }[status] ?? status;
}

export class Queue {
  /** @param {(run: string) => void} open */
  constructor(open) {
    this.open = open;
    this.list = h("ol", {});
    this.element = h("section", { class: "queue", "aria-label": "Models of this sweep, and what waits" }, this.list);
  }

  /** @param {QueueRow[]} rows @param {string | null} shown */
  show(rows, shown) {
    this.element.hidden = rows.length < 2;
    if (this.element.hidden) return;
    while (this.list.children.length > rows.length) this.list.lastElementChild?.remove();
    rows.forEach((row, i) => {
      let item = this.list.children[i];
      if (!item) {
        item = h("li", {}, h("button", { type: "button" }, h("b"), h("span"), h("i")));
        this.list.append(item);
      }
      const button = /** @type {HTMLButtonElement} */ (item.firstElementChild);
      const [name, text, bar] = /** @type {HTMLElement[]} */ ([...button.children]);
      button.onclick = () => this.open(row.run);
      button.setAttribute("aria-current", String(row.run === shown));
      button.dataset.status = row.status;
      if (name && name.textContent !== row.label) name.textContent = row.label;
      const said = standing(row);
      if (text && text.textContent !== said) text.textContent = said;
      bar?.style.setProperty("--done", `${100 * (row.elbo !== null ? 1 : (row.share ?? 0))}%`);
    });
  }
}
