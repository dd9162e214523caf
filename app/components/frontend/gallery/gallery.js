// A grid of pictures out of one blob: as cards (pictures, title, lines), or dense, one canvas for all of them.
// Pictures are drawn at their own size and scaled by CSS, so that a redraw is one putImageData and the layout stands still.

import { divergingRamp, parseColour } from "../kit/colours.js";
import { h } from "../kit/dom.js";
import { arrowOf, keyed } from "../kit/keys.js";
import { view } from "../kit/view.js";
import { paintRow, Sheet } from "../paint/picture.js";

class Gallery {
  constructor(root, host) {
    this.root = root;
    this.host = host;
    this.blob = null;
    this.stop = () => {};
  }

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

  pick(value) {
    this.host.ask("picked", value);
  }

  show() {
    if (this.data.dense !== this.wasDense) this.root.replaceChildren();
    this.wasDense = this.data.dense;
    if (this.data.dense) this.drawDense();
    else this.drawCards();
  }

  /** The tensor a picture is in, or null while it is not there. */
  tensor(name, row = 0) {
    const tensor = this.blob?.tensors.get(name);
    return tensor && row < tensor.shape[0] ? tensor : null;
  }

  // ---- cards ---------------------------------------------------------------------------------------------------

  drawCards() {
    const { tiles, columns, tilePx, clickable } = this.data;
    let grid = this.root.firstElementChild;
    if (!grid) {
      grid = h("div");
      this.root.append(grid);
    }
    grid.className = "gallery-cards";
    grid.setAttribute("role", "list");
    const most = Math.max(1, ...tiles.map((tile) => tile.pictures.length));
    grid.style.setProperty("--columns", columns);
    grid.style.setProperty("--card", `${most * tilePx + (most - 1) * 8 + 26}px`);
    const tag = clickable ? "BUTTON" : "DIV";
    tiles.forEach((tile, i) => {
      let slot = grid.children[i];
      if (slot?.firstElementChild.tagName !== tag) {
        const fresh = h("div");
        fresh.setAttribute("role", "listitem");
        fresh.style.display = "grid";
        fresh.append(h(tag));
        if (slot) slot.replaceWith(fresh);
        else grid.append(fresh);
        slot = fresh;
      }
      this.drawCard(slot.firstElementChild, tile, clickable);
    });
    while (grid.children.length > tiles.length) grid.lastElementChild.remove();
  }

  drawCard(card, tile, clickable) {
    card.className = "gallery-card";
    if (!card.firstElementChild) {
      const pictures = h("div");
      pictures.className = "gallery-pictures";
      const words = h("div");
      words.className = "gallery-words";
      card.append(pictures, words);
    }
    const [pictures, words] = card.children;
    const lines = tile.lines ?? [];
    const captions = tile.pictures.map((picture) => picture.caption).filter(Boolean);
    const spoken = [tile.title, ...captions, ...lines].filter(Boolean).join(", ");
    if (clickable) {
      card.type = "button";
      card.setAttribute("aria-label", spoken);
      card.setAttribute("aria-pressed", String(this.data.selected !== null && this.data.selected === tile.value));
      card.onclick = () => this.pick(tile.value);
    }

    tile.pictures.forEach((picture, i) => {
      let figure = pictures.children[i];
      if (!figure) {
        figure = h("figure");
        figure.append(h("canvas"), h("figcaption"));
        pictures.append(figure);
      }
      this.drawPicture(figure, picture);
    });
    while (pictures.children.length > tile.pictures.length) pictures.lastElementChild.remove();

    const text = JSON.stringify([tile.title, lines]);
    if (words.dataset.text === text) return;
    words.dataset.text = text;
    words.hidden = !tile.title && lines.length === 0;
    words.replaceChildren();
    if (tile.title) words.append(h("strong", {}, tile.title));
    for (const line of lines) words.append(h("span", {}, line));
  }

  drawPicture(figure, { tensor: name, index, caption = "", diverging = false }) {
    const [canvas, words] = figure.children;
    const tensor = this.tensor(name, index);
    const [, , height, width] = tensor?.shape ?? [1, 1, 1, 1];
    const { tilePx } = this.data;
    canvas.style.setProperty("--wide", `${tilePx}px`);
    canvas.style.setProperty("--high", `${Math.round((tilePx * height) / width)}px`);
    canvas.classList.toggle("diverging", diverging);
    canvas.setAttribute("role", "img");
    canvas.setAttribute("aria-label", caption || name);
    if (tensor) paintRow(canvas, tensor, index, diverging ? this.diverging : undefined);
    if (words.textContent !== caption) words.textContent = caption;
    words.hidden = !caption;
  }

  // ---- dense ---------------------------------------------------------------------------------------------------

  drawDense() {
    const { columns, tilePx, clickable, caption, gap } = this.data;
    let figure = this.root.firstElementChild;
    if (!figure) figure = this.buildDense();
    figure.className = clickable ? "gallery-dense clickable" : "gallery-dense";
    const [frame, words, live] = figure.children;
    const [canvas] = frame.children;
    words.textContent = caption;
    words.hidden = !caption;
    live.hidden = !clickable;
    if (clickable) canvas.tabIndex = 0;
    else canvas.removeAttribute("tabindex");

    // A tensor's name stands for all of its pictures, in order.
    this.cells =
      typeof this.data.tiles === "string"
        ? Array.from({ length: this.tensor(this.data.tiles)?.shape[0] ?? 0 }, (_, index) => ({
            tensor: this.data.tiles,
            index,
            value: index,
          }))
        : this.data.tiles.map((tile) => ({ ...tile.pictures[0], title: tile.title, value: tile.value ?? null }));
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
    this.grid = {
      columns,
      stepX: sheet.stepX,
      stepY: sheet.stepY,
      width: sheet.width,
      height: sheet.height,
      tile: [width, height],
    };
    frame.style.width = `${Math.round((sheet.width * tilePx) / width)}px`;
    this.cells.forEach((cell, i) => {
      const data = this.tensor(cell.tensor, cell.index)?.data;
      const lut = cell.diverging ? this.diverging : undefined;
      if (data) sheet.put(data, i, { from: cell.index * channels * height * width, lut });
    });
    sheet.show();
    this.placeMarks();
  }

  buildDense() {
    const figure = h("figure");
    figure.innerHTML =
      '<div><canvas></canvas><i class="chosen" hidden></i><i class="cursor" hidden></i></div><figcaption></figcaption><span class="gallery-live" aria-live="polite"></span>';
    this.root.append(figure);
    const canvas = figure.querySelector("canvas");
    this.cursor = -1;
    const under = (event) => {
      const box = canvas.getBoundingClientRect();
      const x = Math.floor((((event.clientX - box.left) / box.width) * canvas.width) / this.grid.stepX);
      const y = Math.floor((((event.clientY - box.top) / box.height) * canvas.height) / this.grid.stepY);
      const cell = y * this.grid.columns + x;
      return x >= 0 && y >= 0 && cell < this.cells.length ? cell : -1;
    };
    const go = (cell) => {
      if (!this.data.clickable || !this.grid) return;
      this.cursor = cell;
      this.placeMarks();
    };
    canvas.addEventListener("pointermove", (event) => this.grid && go(under(event)));
    canvas.addEventListener("pointerleave", () => go(-1));
    canvas.addEventListener("blur", () => go(-1));
    canvas.addEventListener("click", (event) => {
      const cell = this.grid && this.data.clickable ? under(event) : -1;
      if (cell >= 0) this.pick(this.cells[cell].value);
    });
    keyed(canvas, {
      move: (event) => {
        if (!this.grid || !this.data.clickable) return false;
        const arrow = arrowOf(event);
        if (arrow) {
          const to = this.cursor < 0 ? 0 : this.cursor + arrow[0] - arrow[1] * this.grid.columns;
          if (to >= 0 && to < this.cells.length) go(to);
          const { title, index } = this.cells[this.cursor];
          figure.querySelector(".gallery-live").textContent = title ?? `picture ${index}`;
          return "done";
        }
        if ((event.key !== "Enter" && event.key !== " ") || this.cursor < 0) return false;
        this.pick(this.cells[this.cursor].value);
        return "done";
      },
    });
    return figure;
  }

  placeMarks() {
    const { columns, stepX, stepY, width, height, tile } = this.grid;
    const place = (mark, cell) => {
      mark.hidden = cell < 0 || cell >= this.cells.length;
      mark.style.left = `${(100 * (cell % columns) * stepX) / width}%`;
      mark.style.top = `${(100 * Math.floor(cell / columns) * stepY) / height}%`;
      mark.style.width = `${(100 * tile[0]) / width}%`;
      mark.style.height = `${(100 * tile[1]) / height}%`;
    };
    const { selected } = this.data;
    place(
      this.root.querySelector(".chosen"),
      selected === null ? -1 : this.cells.findIndex((cell) => cell.value === selected),
    );
    place(this.root.querySelector(".cursor"), this.cursor);
  }
}

export default view(Gallery, { name: "gallery", tag: "section" });
