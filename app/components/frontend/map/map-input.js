// Pointer, wheel and keyboard on the map: what a gesture means. It changes the map only through the map's own verbs.

import { findNearest, findNeighbour } from "./map-find.js";

const CLICK_PX = 4; // a pointer that moved less than this clicked
const STEP_PX = 5; // an arrow key goes at least this far: a step is seen

/** Listen on `map`'s stage, toolbar and legend. */
export function listenToMap(map) {
  map.root.querySelector(".map-tools").addEventListener("click", (event) => {
    const button = event.target.closest("[data-do]");
    if (button && map.cloud) map.do(button.dataset.do);
  });
  const label = (event) => event.target.closest("[data-label]")?.dataset.label;
  map.legend.addEventListener("click", (event) => label(event) !== undefined && map.mute(Number(label(event)), false));
  // The two clicks of a double click have hidden and shown it again.
  map.legend.addEventListener(
    "dblclick",
    (event) => label(event) !== undefined && map.mute(Number(label(event)), true),
  );

  const area = map.points;
  area.addEventListener("pointerdown", (event) => press(map, event));
  area.addEventListener("pointermove", (event) => drag(map, event));
  area.addEventListener("pointerup", (event) => lift(map, event, false));
  area.addEventListener("pointercancel", (event) => lift(map, event, true));
  area.addEventListener("pointerleave", () => map.pointers.size === 0 && map.point(-1));
  area.addEventListener("dblclick", () => map.resetView());
  area.addEventListener(
    "wheel",
    (event) => {
      // Nothing left to zoom out of: the wheel belongs to the page again.
      if (!map.cloud || (event.deltaY > 0 && map.view.zoom === 1)) return;
      event.preventDefault();
      const lines = event.deltaMode === 1 ? 16 : 1;
      map.zoomAt(Math.exp(-Math.max(-240, Math.min(240, event.deltaY * lines)) * 0.0022), event.offsetX, event.offsetY);
      map.point(map.near(event.offsetX, event.offsetY));
    },
    { passive: false },
  );
  area.addEventListener("keydown", (event) => pressKey(map, event));
  area.addEventListener("blur", () => map.point(-1));
}

function press(map, event) {
  if (!map.cloud || event.button > 0) return;
  map.points.setPointerCapture(event.pointerId);
  map.pointers.set(event.pointerId, [event.offsetX, event.offsetY]);
  map.travelled = map.pointers.size > 1 ? Infinity : 0; // a pinch is never a click
  if (map.pointers.size === 1 && (map.mode === "lasso" || event.shiftKey)) map.path = [[event.offsetX, event.offsetY]];
  else if (map.pointers.size > 1) map.path = null;
}

function drag(map, event) {
  if (!map.cloud) return;
  const now = [event.offsetX, event.offsetY];
  const before = map.pointers.get(event.pointerId);
  if (!before) {
    if (event.pointerType !== "touch") map.point(map.near(...now));
    return;
  }
  map.pointers.set(event.pointerId, now);
  const [dx, dy] = [now[0] - before[0], now[1] - before[1]];
  map.travelled += Math.hypot(dx, dy);
  if (map.path) {
    map.path.push(now);
    map.point(-1);
    map.redraw(true);
  } else if (map.pointers.size === 2) {
    const other = [...map.pointers].find(([id]) => id !== event.pointerId)[1];
    const ratio =
      Math.hypot(now[0] - other[0], now[1] - other[1]) /
      Math.max(1, Math.hypot(before[0] - other[0], before[1] - other[1]));
    // Each finger carries half of the motion of the point between them.
    map.pan(dx / 2, dy / 2);
    map.zoomAt(ratio, (now[0] + other[0]) / 2, (now[1] + other[1]) / 2);
  } else if (map.travelled > CLICK_PX) {
    map.points.classList.add("panning");
    map.point(-1);
    map.pan(dx, dy);
  }
}

function lift(map, event, cancelled) {
  if (!map.pointers.delete(event.pointerId)) return;
  map.points.classList.remove("panning");
  if (map.path && cancelled) {
    map.path = null;
    map.redraw(true);
  } else if (map.path) map.closeLasso();
  else if (!cancelled && map.travelled <= CLICK_PX) {
    const row = map.near(event.offsetX, event.offsetY);
    map.point(row);
    if (row >= 0) map.select(row);
  }
}

function pressKey(map, event) {
  if (!map.cloud || event.ctrlKey || event.metaKey || event.altKey) return;
  const arrow = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1] }[event.key];
  const action = { "+": "in", "=": "in", "-": "out", 0: "reset", l: "lasso" }[event.key];
  if (arrow) {
    const plot = map.view.plot();
    const start = map.hover >= 0 ? map.hover : map.rowOf(map.selected);
    const row =
      start >= 0
        ? findNeighbour(map.view, map.cloud, start, arrow, STEP_PX)
        : findNearest(map.view, map.cloud, ...map.view.middle());
    if (row < 0) return;
    const [x, y] = map.placeOf(row);
    const overshoot = (value, low, high) => Math.min(0, value - low) + Math.max(0, value - high);
    map.pan(-overshoot(x, plot.left + 40, plot.left + plot.width - 40), -overshoot(y, 40, plot.height - 40));
    map.point(row);
    map.say(map.wordsOf(row).join(", "));
  } else if (event.key === "Enter" && map.hover >= 0) {
    map.select(map.hover);
    map.say("selected");
  } else if (event.key === "Escape") {
    if (map.path || map.mode === "lasso") {
      map.path = null;
      map.setMode("pan");
      map.redraw();
    } else if (map.lasso.length) map.setLasso([]);
    else map.select(-1);
  } else if (action) map.do(action);
  else return;
  event.preventDefault();
  event.stopPropagation(); // the page has shortcuts of its own
}
