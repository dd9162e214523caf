// A grid of pictures out of one blob: as cards (pictures, title, lines), or dense, one canvas for all of them.
// Pictures are drawn at their own size and scaled by CSS, so that a redraw is one putImageData and the layout stands still.

import { divergingRamp, parseColour } from "../kit/colours.js";
import { find, h, later } from "../kit/dom.js";
import { arrowOf, keyed } from "../kit/keys.js";
import { view } from "../kit/view.js";
import { tensorOf } from "../net/safetensors.js";
import { paintRow, Sheet } from "../paint/picture.js";

/**
 * @import { Host } from "../kit/view.js"
 * @import { Arrays, GalleryData, GalleryPicture, GalleryTile } from "../types.d.ts"
 */

/** @typedef {GalleryPicture & { title?: string | undefined, value: number | string | null }} Cell one picture of a dense grid */

class Gallery {
  /** @type {GalleryData} */
  data = later();
  /** @type {Arrays | null} */
  blob = null;
  address = "";
  stop = () => {};
  /** @type {boolean | null} */
  wasDense = null;
  /** @type {Uint8Array | undefined} the scale for differences */
  diverging;
  /** @type {Cell[]} */
  cells = [];
  /** @type {Sheet | null} the canvas of a dense grid */
  sheet = null;
  cursor = -1;

  /** @param {HTMLElement} root @param {Host} host */
  constructor(root, host) {
    this.root = root;
    this.host = host;
  }

  /** @param {GalleryData} data */
  update(data) {
    this.data = data;
    this.diverging = divergingRamp(parseColour(getComputedStyle(this.root).getPropertyValue("--st-background-color")));
    // New pictures that are not here yet: the old ones stay.
    if (data.blob !== this.address) {
      this.address = data.blob;
      this.stop();
      let now = true;
      this.stop = this.host.blobs([data.blob], (blob) => {
        this.blob = blob;
        if (!now) this.show();
      });
      now = false;
    }
    this.show();
  }

  /** @param {number | string | null} value */
  pick(value) {
    this.host.ask("picked", value);
  }

  show() {
    if (this.data.dense !== this.wasDense) this.root.replaceChildren();
    this.wasDense = this.data.dense;
    const { dense, tiles } = this.data;
    if (dense) this.drawDense(tiles);
    else if (typeof tiles !== "string") this.drawCards(tiles);
  }

  /**
   * The tensor a picture is in, or null while it is not there.
   * @param {string} name @param {number} [row]
   */
  tensor(name, row = 0) {
    if (!this.blob?.tensors.has(name)) return null;
    const tensor = tensorOf(this.blob, name, Uint8Array);
    return row < tensor.shape[0] ? tensor : null;
  }

  // ---- cards ---------------------------------------------------------------------------------------------------

  /** @param {GalleryTile[]} tiles */
  drawCards(tiles) {
    const { columns, tilePx, clickable } = this.data;
    const grid = this.root.querySelector("div") ?? h("div");
    if (!grid.parentElement) this.root.append(grid);
    grid.className = "gallery-cards";
    grid.setAttribute("role", "list");
    const most = Math.max(1, ...tiles.map((tile) => tile.pictures.filter(({ wide }) => !wide).length));
    grid.style.setProperty("--columns", String(columns));
    grid.style.setProperty("--card", `${most * tilePx + (most - 1) * 8 + 26}px`);
    const tag = clickable ? "button" : "div";
    tiles.forEach((tile, i) => {
      const slot = grid.children[i];
      let card = slot?.firstElementChild;
      if (!(card instanceof HTMLElement) || card.localName !== tag) {
        card = h(tag);
        const fresh = h("div");
        fresh.setAttribute("role", "listitem");
        fresh.style.display = "grid";
        fresh.append(card);
        if (slot) slot.replaceWith(fresh);
        else grid.append(fresh);
      }
      this.drawCard(/** @type {HTMLElement} */ (card), tile, clickable);
    });
    while (grid.children.length > tiles.length) grid.lastElementChild?.remove();
  }

  /** @param {HTMLElement} card @param {GalleryTile} tile @param {boolean} clickable */
  drawCard(card, tile, clickable) {
    card.className = "gallery-card";
    if (!card.firstElementChild) {
      const pictures = h("div");
      pictures.className = "gallery-pictures";
      const words = h("div");
      words.className = "gallery-words";
      card.append(pictures, words);
    }
    const [pictures, words] = [find(card, ".gallery-pictures"), find(card, ".gallery-words")];
    const lines = tile.lines ?? [];
    if (clickable) {
      card.setAttribute("type", "button");
      card.setAttribute("aria-pressed", String(this.data.selected !== null && this.data.selected === tile.value));
      card.onclick = () => this.pick(tile.value ?? null);
    }

    tile.pictures.forEach((picture, i) => {
      const figure = pictures.children[i] ?? h("figure", {}, h("canvas"), h("figcaption"));
      if (!figure.parentElement) pictures.append(figure);
      this.drawPicture(figure, picture);
    });
    while (pictures.children.length > tile.pictures.length) pictures.lastElementChild?.remove();

    const text = JSON.stringify([tile.title, lines]);
    if (words.dataset.text === text) return;
    words.dataset.text = text;
    words.hidden = !tile.title && lines.length === 0;
    words.replaceChildren();
    if (tile.title) words.append(h("strong", {}, tile.title));
    for (const line of lines) words.append(h("span", {}, line));
  }

  /** @param {Element} figure @param {GalleryPicture} picture */
  drawPicture(figure, { tensor: name, index, caption = "", diverging = false, wide = false }) {
    const [canvas, words] = [find(figure, "canvas", HTMLCanvasElement), find(figure, "figcaption")];
    const tensor = this.tensor(name, index);
    const [, , height, width] = tensor?.shape ?? [1, 1, 1, 1];
    const { tilePx } = this.data;
    canvas.style.setProperty("--wide", `${tilePx}px`);
    canvas.style.setProperty("--high", `${Math.round((tilePx * height) / width)}px`);
    canvas.classList.toggle("diverging", diverging);
    figure.classList.toggle("wide", wide);
    // A caption under it says the same.
    if (caption) canvas.setAttribute("aria-hidden", "true");
    else {
      canvas.setAttribute("role", "img");
      canvas.setAttribute("aria-label", name);
    }
    if (tensor) paintRow(canvas, tensor, index, diverging ? this.diverging : undefined);
    if (words.textContent !== caption) words.textContent = caption;
    words.hidden = !caption;
  }

  // ---- dense ---------------------------------------------------------------------------------------------------

  /** @param {GalleryTile[] | string} tiles */
  drawDense(tiles) {
    const { columns, tilePx, clickable, caption, gap } = this.data;
    const figure = this.root.querySelector("figure") ?? this.buildDense();
    figure.className = clickable ? "gallery-dense clickable" : "gallery-dense";
    const frame = find(figure, "div");
    const [words, live] = [find(figure, "figcaption"), find(figure, ".gallery-live")];
    const canvas = find(frame, "canvas", HTMLCanvasElement);
    words.textContent = caption;
    words.hidden = !caption;
    live.hidden = !clickable;
    if (clickable) canvas.tabIndex = 0;
    else canvas.removeAttribute("tabindex");

    // A tensor's name stands for all of its pictures, in order.
    this.cells =
      typeof tiles === "string"
        ? Array.from({ length: this.tensor(tiles)?.shape[0] ?? 0 }, (_, index) => ({
            tensor: tiles,
            index,
            value: index,
          }))
        : tiles.map((tile) => ({ ...tile.pictures[0], title: tile.title, value: tile.value ?? null }));
    canvas.setAttribute("role", clickable ? "application" : "img");
    canvas.setAttribute(
      "aria-label",
      `${caption || "Pictures"}: ${this.cells.length} pictures${clickable ? ". Arrow keys go from one to the next, Enter picks." : ""}`,
    );

    const first = this.cells[0] && this.tensor(this.cells[0].tensor);
    if (!first) return; // keeps what is drawn, and its size
    const shape = first.shape.slice(1);
    const [channels, height, width] = shape;
    const sheet = new Sheet(shape, this.cells.length, { columns, gap, canvas });
    this.sheet = sheet;
    frame.style.width = `${Math.round((sheet.width * tilePx) / width)}px`;
    this.cells.forEach((cell, i) => {
      const data = this.tensor(cell.tensor, cell.index)?.data;
      const lut = cell.diverging ? this.diverging : undefined;
      if (data) sheet.put(data, i, { from: cell.index * channels * height * width, lut });
    });
    sheet.show();
    this.placeMarks(sheet);
  }

  buildDense() {
    const figure = h("figure");
    figure.innerHTML =
      '<div><canvas></canvas><i class="chosen" hidden></i><i class="cursor" hidden></i></div><figcaption></figcaption><span class="gallery-live" aria-live="polite"></span>';
    this.root.append(figure);
    const canvas = find(figure, "canvas", HTMLCanvasElement);
    this.cursor = -1;
    this.sheet = null;
    /** @param {Sheet} sheet @param {MouseEvent} event */
    const under = (sheet, event) => {
      const box = canvas.getBoundingClientRect();
      const x = Math.floor((((event.clientX - box.left) / box.width) * canvas.width) / sheet.stepX);
      const y = Math.floor((((event.clientY - box.top) / box.height) * canvas.height) / sheet.stepY);
      const cell = y * sheet.columns + x;
      return x >= 0 && y >= 0 && cell < this.cells.length ? cell : -1;
    };
    const go = (/** @type {number} */ cell) => {
      if (!this.data.clickable || !this.sheet) return;
      this.cursor = cell;
      this.placeMarks(this.sheet);
    };
    canvas.addEventListener("pointermove", (event) => this.sheet && go(under(this.sheet, event)));
    canvas.addEventListener("pointerleave", () => go(-1));
    canvas.addEventListener("blur", () => go(-1));
    canvas.addEventListener("click", (event) => {
      const cell = this.sheet && this.data.clickable ? under(this.sheet, event) : -1;
      if (cell >= 0) this.pick(this.cells[cell].value);
    });
    keyed(canvas, {
      move: (event) => {
        if (!this.sheet || !this.data.clickable) return false;
        const arrow = arrowOf(event);
        if (arrow) {
          const to = this.cursor < 0 ? 0 : this.cursor + arrow[0] - arrow[1] * this.sheet.columns;
          if (to >= 0 && to < this.cells.length) go(to);
          const { title, index } = this.cells[this.cursor];
          find(figure, ".gallery-live").textContent = title ?? `picture ${index}`;
          return "done";
        }
        if ((event.key !== "Enter" && event.key !== " ") || this.cursor < 0) return false;
        this.pick(this.cells[this.cursor].value);
        return "done";
      },
    });
    return figure;
  }

  /** @param {Sheet} sheet */
  placeMarks({ columns, stepX, stepY, width, height, shape }) {
    const [, high, wide] = shape;
    const place = (/** @type {HTMLElement} */ mark, /** @type {number} */ cell) => {
      mark.hidden = cell < 0 || cell >= this.cells.length;
      mark.style.left = `${(100 * (cell % columns) * stepX) / width}%`;
      mark.style.top = `${(100 * Math.floor(cell / columns) * stepY) / height}%`;
      mark.style.width = `${(100 * wide) / width}%`;
      mark.style.height = `${(100 * high) / height}%`;
    };
    const { selected } = this.data;
    place(find(this.root, ".chosen"), selected === null ? -1 : this.cells.findIndex((cell) => cell.value === selected));
    place(find(this.root, ".cursor"), this.cursor);
  }
}

export default view(Gallery, { name: "gallery", tag: "section" });
