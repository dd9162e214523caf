// How much of the window a view of the lab may take, so that all of it is seen before anybody scrolls.

const surrounding = (root, name) => (root.getRootNode().host ?? root).closest(`[data-testid="${name}"]`);

/** The height that the window leaves to the view in `root`, CSS pixels, however far the page is scrolled. */
export function roomOf(root) {
  const top = root.getBoundingClientRect().top + (surrounding(root, "stMain")?.scrollTop ?? 0);
  return window.innerHeight - top - parseFloat(getComputedStyle(root).scrollMarginBottom);
}

/** What of it is left to the row of elements `row`. */
export function roomFor(root, row) {
  const used = Math.max(...row.map((element) => element.getBoundingClientRect().height));
  return roomOf(root) - (root.getBoundingClientRect().height - used);
}

/** Calls `changed()` when that height may be another: the window, or what stands above. Returns a stop function. */
export function watchRoom(root, changed) {
  const observer = new ResizeObserver(changed);
  const page = surrounding(root, "stMainBlockContainer");
  if (page) observer.observe(page);
  addEventListener("resize", changed);
  return () => {
    observer.disconnect();
    removeEventListener("resize", changed);
  };
}
