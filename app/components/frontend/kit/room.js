// How much of the window a view may take, so that all of it is seen before anybody scrolls.

/**
 * The part of Streamlit's page around an element, looked up through its shadow root; null in another host.
 * @param {Element} element
 * @param {string} name its data-testid
 * @returns {Element | null}
 */
export function surrounding(element, name) {
  const tree = element.getRootNode();
  return (tree instanceof ShadowRoot ? tree.host : element).closest(`[data-testid="${name}"]`);
}

/**
 * The height that the window leaves to the view in `root`, CSS pixels, however far the page is scrolled.
 * @param {Element} root
 */
export function roomOf(root) {
  const top = root.getBoundingClientRect().top + (surrounding(root, "stMain")?.scrollTop ?? 0);
  return globalThis.innerHeight - top - Number.parseFloat(getComputedStyle(root).scrollMarginBottom);
}

/**
 * What of it is left to the row of elements `row`.
 * @param {Element} root
 * @param {Element[]} row
 */
export function roomFor(root, row) {
  const used = Math.max(...row.map((element) => element.getBoundingClientRect().height));
  return roomOf(root) - (root.getBoundingClientRect().height - used);
}
