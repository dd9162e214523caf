// Started before a page: it keeps what is written on canvases, and `contrast.short()` tells which texts of the page, in the
// document or on a canvas, stand out too little from what is behind them: {counted, short: [{text, ratio, needed, …}]}.

(() => {
  const probe = new OffscreenCanvas(1, 1).getContext("2d", { willReadFrequently: true });
  const known = new Map();
  const painted = [];

  /** [r, g, b, a] of a colour in any notation. */
  function rgba(colour) {
    if (!known.has(colour)) {
      probe.clearRect(0, 0, 1, 1);
      probe.fillStyle = colour;
      probe.fillRect(0, 0, 1, 1);
      const [r, g, b, a] = probe.getImageData(0, 0, 1, 1).data;
      known.set(colour, [r, g, b, a / 255]);
    }
    return known.get(colour);
  }

  const over = ([r, g, b, a], back) => [r, g, b].map((part, i) => part * a + back[i] * (1 - a));

  /** Relative luminance, WCAG 2.1. */
  function luminance(colour) {
    const [r, g, b] = colour
      .map((part) => part / 255)
      .map((c) => (c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4));
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  }

  function ratio(front, back) {
    const [low, high] = [luminance(front), luminance(back)].sort((x, y) => x - y);
    return (high + 0.05) / (low + 0.05);
  }

  const { fillText } = CanvasRenderingContext2D.prototype;
  CanvasRenderingContext2D.prototype.fillText = function (text, x, y, ...rest) {
    if (this.canvas.isConnected && String(text).trim()) {
      // The pixel in the middle of the text, before it is painted.
      const shift = { left: 0.5, start: 0.5, right: -0.5, end: -0.5 }[this.textAlign] ?? 0;
      const at = this.getTransform().transformPoint({
        x: x + shift * this.measureText(text).width,
        y,
      });
      const [r, g, b, a] = this.getImageData(Math.round(at.x), Math.round(at.y), 1, 1).data;
      const [fr, fg, fb, fa] = rgba(this.fillStyle);
      painted.push({
        text: String(text),
        font: this.font,
        canvas: this.canvas,
        front: [fr, fg, fb, fa * this.globalAlpha],
        behind: [r, g, b, a / 255],
      });
    }
    return fillText.call(this, text, x, y, ...rest);
  };

  /** The colour behind the box of a text in `element`, and how opaque the element is; null where a picture is behind it. */
  function ground(element, { left, right, top, bottom }) {
    const [x, y] = [(left + right) / 2, (top + bottom) / 2];
    const layers = [];
    let opacity = 1;
    let inside = false; // of a box that cuts off what hangs out
    for (let at = element; at; at = at.parentElement ?? at.getRootNode().host) {
      const style = getComputedStyle(at);
      opacity *= Number(style.opacity);
      const box = at.getBoundingClientRect();
      const out = x < box.left || x > box.right || y < box.top || y > box.bottom;
      if (out && !inside && style.overflow === "visible") continue;
      inside ||= style.overflow !== "visible";
      const veil = style.backgroundImage.match(/^linear-gradient\((rgba?\([^)]*\)) 0px 0px\)$/); // of one colour
      if (veil) layers.push(rgba(veil[1]));
      else if (style.backgroundImage !== "none") return null;
      layers.push(rgba(style.backgroundColor));
      if (layers.at(-1)[3] === 1) break;
    }
    return {
      back: layers.reverse().reduce((below, layer) => over(layer, below), [255, 255, 255]),
      opacity,
    };
  }

  /** Every text node that is seen, in every shadow tree. */
  function* texts(root) {
    for (const node of root.childNodes) {
      if (node.nodeType === Node.TEXT_NODE) {
        const element = node.parentElement;
        if (!node.textContent.trim() || !element || element.closest("style, script")) continue;
        // What cannot be used may be pale; the header is Streamlit's own.
        if (element.closest(":disabled, [aria-disabled=true], [data-testid=stHeader]")) continue;
        if (!element.checkVisibility({ checkOpacity: true, checkVisibilityCSS: true })) continue;
        const range = document.createRange();
        range.selectNodeContents(node);
        const box = range.getBoundingClientRect();
        if (box.width > 2 && box.height > 2) yield [node.textContent.trim(), element, box];
      } else if (node.nodeType === Node.ELEMENT_NODE) {
        if (node.shadowRoot) yield* texts(node.shadowRoot);
        yield* texts(node);
      }
    }
  }

  function short() {
    const found = new Map();
    let counted = 0;
    const judge = (text, front, back, size, weight) => {
      const needed = size >= 24 || (size >= 18.66 && weight >= 700) ? 3 : 4.5;
      const seen = ratio(front, back);
      if (seen < needed) found.set(text, { text: text.slice(0, 60), ratio: seen, needed, front, back });
    };
    for (const [text, element, box] of texts(document.body)) {
      const below = ground(element, box);
      if (!below) continue;
      const style = getComputedStyle(element);
      const [r, g, b, a] = rgba(element.namespaceURI.endsWith("svg") ? style.fill : style.color);
      const front = over([r, g, b, a * below.opacity], below.back);
      judge(text, front, below.back, parseFloat(style.fontSize), Number(style.fontWeight));
    }
    for (const { text, font, canvas, front, behind } of painted) {
      const below = canvas.isConnected && ground(canvas, canvas.getBoundingClientRect());
      if (!below) continue;
      counted++;
      const back = over(behind, below.back);
      const bold = /\b(600|700|bold)\b/.test(font) ? 700 : 400;
      judge(text, over(front, back), back, parseFloat(font.match(/([\d.]+)px/)[1]), bold);
    }
    return { counted, short: [...found.values()] };
  }

  globalThis.contrast = { short };
})();
