// Reads what stands on a page as sums, for `test_sums.py`: `sums.formulas()` gives texts such as "? = 3.12 + 0.00 = 3.12".
// Letters, fractions and whatever else is not a number is a question mark; what is hidden is not read.

globalThis.sums = (() => {
  const NUMBER = /^[−-]?[\d,]+(\.\d+)?/;

  // All nodes, text included, in the order of the document; a shadow root's after the element it hangs on.
  const nodes = function* (root) {
    for (const node of root.childNodes) {
      yield node;
      if (node.shadowRoot) yield* nodes(node.shadowRoot);
      yield* nodes(node);
    }
  };
  const matching = (selector) =>
    [...nodes(document)].filter((node) => node instanceof Element && node.matches(selector) && node.checkVisibility());

  // What stands under or over a number names it, and a number under an expression says what that comes to.
  const pieces = (node) => {
    if (node.nodeType === Node.TEXT_NODE) return "";
    const name = node.localName;
    const text = node.textContent.trim();
    if (name === "munder") return pieces([...node.children].find((child) => child.matches(".live, :has(.live)")));
    if (name === "mspace") return " ; ";
    if (name === "mn") return ` ${NUMBER.exec(text)?.[0] ?? "?"} `;
    if (name === "mo") return ` ${text} `;
    if (["mi", "mtext", "mfrac", "msub", "msup", "msubsup"].includes(name)) return " ? ";
    return [...node.childNodes].map(pieces).join("");
  };

  return {
    formulas: () => matching("math").map(pieces),
    // Numbers of formulas that nothing stands for yet, not even a dash.
    blanks: () => matching(".live").filter((element) => !element.textContent.trim()).length,
    // Bars that add up: [part, …, sum].
    waterfalls: () =>
      matching(".waterfall").map((bars) =>
        [...bars.querySelectorAll(".part output")].map((output) => output.textContent.trim()),
      ),
    text: () =>
      [...nodes(document)]
        .filter((node) => node.nodeType === Node.TEXT_NODE && node.parentElement?.checkVisibility())
        .map((node) => node.data.trim())
        .filter(Boolean)
        .join(" "),
  };
})();
