// Started before a page; `layout()` tells what sticks out, what is cut, and what covers what, as the eye has it: boxes of text as
// they are drawn, in the document within what clips them, through shadow roots, and on canvases; `smallText()` what is small.

(() => {
  /**
   * Since it was cleared, in its own pixels; `px` is the size of the type.
   * @type {WeakMap<HTMLCanvasElement, {text: string, px: number, left: number, right: number, top: number, bottom: number}[]>}
   */
  const written = new WeakMap();
  const { fillText, clearRect } = CanvasRenderingContext2D.prototype;
  CanvasRenderingContext2D.prototype.fillText = function (text, x, y, ...rest) {
    const size = this.measureText(text);
    const corners = [
      [-size.actualBoundingBoxLeft, -size.actualBoundingBoxAscent],
      [size.actualBoundingBoxRight, size.actualBoundingBoxDescent],
    ].map(([right, down]) => this.getTransform().transformPoint({ x: x + right, y: y + down }));
    const [xs, ys] = [corners.map((corner) => corner.x), corners.map((corner) => corner.y)];
    const box = { left: Math.min(...xs), right: Math.max(...xs), top: Math.min(...ys), bottom: Math.max(...ys) };
    const { a, b } = this.getTransform();
    const px = Number.parseFloat(/[\d.]+(?=px)/.exec(this.font)[0]) * Math.hypot(a, b);
    if (String(text).trim()) written.set(this.canvas, [...(written.get(this.canvas) ?? []), { text, px, ...box }]);
    return fillText.call(this, text, x, y, ...rest);
  };
  CanvasRenderingContext2D.prototype.clearRect = function (...area) {
    written.delete(this.canvas);
    return clearRect.apply(this, area);
  };

  /** What is wrong with the texts on a canvas, and how many it has. */
  globalThis.layoutOf = (canvas) => {
    const texts = written.get(canvas) ?? [];
    const scale = canvas.width / canvas.getBoundingClientRect().width || 1;
    const out = ({ left, right, top, bottom }) =>
      left < -scale || top < -scale || right > canvas.width + scale || bottom > canvas.height + scale;
    const wrong = texts.filter(out).map(({ text }) => `beside its canvas: ${text}`);
    texts.forEach((a, i) => {
      for (const b of texts.slice(i + 1)) {
        const wide = Math.min(a.right, b.right) - Math.max(a.left, b.left);
        const high = Math.min(a.bottom, b.bottom) - Math.max(a.top, b.top);
        if (wide > scale && high > scale) wrong.push(`"${a.text}" over "${b.text}" on a canvas`);
      }
    });
    return wrong;
  };

  /** Each text on a canvas with the size of its type, CSS px. */
  globalThis.typeOn = (canvas) => {
    const scale = canvas.width / canvas.getBoundingClientRect().width || 1;
    return (written.get(canvas) ?? []).map(({ text, px }) => [text, px / scale]);
  };
})();

/** The texts of the page whose type is under `share` of the height of the window, with theirs; what stands in an index under `index`. */
globalThis.smallText = (share, index) => {
  const small = [];
  const add = (text, px, least) => {
    if (px < least * innerHeight - 0.05)
      small.push(`${text.trim().slice(0, 40)}: ${((100 * px) / innerHeight).toFixed(2)} %`);
  };
  const isIndex = (element) =>
    Boolean(
      element.closest(
        "msub > :not(:first-child), msup > :not(:first-child), mfrac > *, munderover > :not(:first-child)",
      ),
    );
  const walk = (root) => {
    for (const element of root.children) {
      const seen = { opacityProperty: true, visibilityProperty: true };
      if (
        element.matches("style, script") ||
        (getComputedStyle(element).display !== "contents" && !element.checkVisibility(seen))
      )
        continue;
      if (element.localName === "canvas") for (const [text, px] of globalThis.typeOn(element)) add(text, px, share);
      const drawn = element instanceof SVGElement ? element.getScreenCTM().a : 1;
      for (const node of element.childNodes)
        if (node.nodeType === Node.TEXT_NODE && node.data.trim() && element.getBoundingClientRect().width > 1)
          add(
            node.data,
            drawn * Number.parseFloat(getComputedStyle(element).fontSize),
            isIndex(element) ? index : share,
          );
      if (element.shadowRoot) walk(element.shadowRoot);
      walk(element);
    }
  };
  walk(document.querySelector('[data-testid="stMain"]'));
  return small;
};

globalThis.layout = () => {
  const TRACK = ".track *"; // of a slider: its film strip, its curve, the value under its handle
  const LAYERS = "canvas, svg"; // of one picture, such as a plot and its axes
  // Streamlit's own: a link that is out of sight until it has the focus, what tells that a script runs, a table for readers.
  const NOT_OURS =
    "style, script, noscript, [data-testid=stStatusWidget], [href='#main-content'], #js-plotly-tester, canvas > *";
  const SLACK = 3; // CSS px that two boxes may share: a border, the room above a letter

  const parentOf = (node) => node.assignedSlot ?? node.parentNode ?? node.host ?? null;
  const up = (node) => {
    const parent = parentOf(node);
    return parent instanceof ShadowRoot ? parent.host : parent;
  };
  const isWithin = (inner, outer) => {
    for (let node = inner; node; node = up(node)) if (node === outer) return true;
    return false;
  };
  const isShown = (element) =>
    getComputedStyle(element).display === "contents" ||
    element.checkVisibility({ opacityProperty: true, visibilityProperty: true, contentVisibilityAuto: true });

  /** The part of a box that the elements around it let through, and which of them cut it; null for none. */
  const visible = (element, box) => {
    let { left, top, right, bottom } = box;
    let cut = null;
    let fixed = false;
    for (let node = element; node instanceof Element; node = up(node)) {
      const style = getComputedStyle(node);
      if (!fixed && style.overflow !== "visible" && style.display !== "inline") {
        const edge = node.getBoundingClientRect();
        const scrolls = /auto|scroll/.test(style.overflowX) || /auto|scroll/.test(style.overflowY);
        if (!scrolls && style.textOverflow !== "ellipsis" && (right > edge.right + SLACK || left < edge.left - SLACK))
          cut ??= node;
        [left, top] = [Math.max(left, edge.left), Math.max(top, edge.top)];
        [right, bottom] = [Math.min(right, edge.right), Math.min(bottom, edge.bottom)];
      }
      fixed ||= style.position === "fixed";
    }
    return right - left > 1 && bottom - top > 1 ? { left, top, right, bottom, cut } : null;
  };

  const wrong = [];
  const atoms = [];
  const add = (element, box, text) => {
    if (box.width < 2 || box.height < 2) return;
    const seen = visible(element, box);
    if (seen) atoms.push({ element, text: text.trim().replace(/\s+/g, " ").slice(0, 60), ...seen });
  };
  const walk = (root) => {
    for (const element of root.children) {
      if (element.matches(NOT_OURS)) continue;
      if (!isShown(element)) continue;
      const name = element.localName;
      if (name === "canvas" && !element.closest("[data-testid=stDataFrame]"))
        wrong.push(...globalThis.layoutOf(element));
      if (/^(canvas|img|input|select|textarea|svg|math|video|iframe)$/.test(name)) {
        const style = getComputedStyle(element);
        if (style.opacity !== "0")
          add(
            element,
            element.getBoundingClientRect(),
            `<${name}> ${element.getAttribute("aria-label") ?? element.textContent}`,
          );
        continue;
      }
      for (const node of element.childNodes) {
        if (node.nodeType !== Node.TEXT_NODE || !node.data.trim()) continue;
        const range = document.createRange();
        range.selectNodeContents(node);
        for (const box of range.getClientRects()) add(element, box, node.data);
      }
      if (element.shadowRoot) walk(element.shadowRoot);
      walk(element);
    }
  };
  walk(document.body);

  const main = document.querySelector('[data-testid="stMain"]') ?? document.documentElement;
  if (main.scrollWidth > main.clientWidth + 1)
    wrong.push(`the page is ${main.scrollWidth} px wide, the window ${main.clientWidth}`);
  for (const { text, left, right, cut } of atoms) {
    if (cut) wrong.push(`cut: ${text}`);
    else if (right > innerWidth + 1 || left < -1) wrong.push(`beside the window: ${text}`);
  }
  for (let i = 0; i < atoms.length; i++)
    for (let j = i + 1; j < atoms.length; j++) {
      const [a, b] = [atoms[i], atoms[j]];
      const wide = Math.min(a.right, b.right) - Math.max(a.left, b.left);
      const high = Math.min(a.bottom, b.bottom) - Math.max(a.top, b.top);
      if (wide <= SLACK || high <= SLACK || a.element === b.element) continue;
      if (isWithin(a.element, b.element) || isWithin(b.element, a.element)) continue;
      if (a.element.matches(TRACK) && b.element.matches(TRACK)) continue;
      if (a.element.matches(LAYERS) && b.element.matches(LAYERS) && up(a.element) === up(b.element)) continue;
      wrong.push(`"${a.text}" and "${b.text}" share ${Math.round(wide)}×${Math.round(high)} px`);
    }
  const low = innerHeight;
  const handles = atoms.filter(
    ({ element, top, bottom }) =>
      element.matches("input[type=range], .draggable, .draggable *, [role=slider], [role=slider] *") &&
      Math.min(bottom, low) - top > 12,
  );
  return { wrong, handles: handles.length, atoms: atoms.length };
};
