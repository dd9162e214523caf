// Pointer, wheel and keyboard on the map: what a gesture means. It changes the map only through the map's own verbs.

import { around, find } from "../kit/dom.js";
import { draggable } from "../kit/drag.js";
import { arrowOf, isPlain, letterOf } from "../kit/keys.js";
import { within } from "../kit/numbers.js";
import { findNearest, findNeighbour } from "./map-find.js";

/** @import { LatentMap, MapCloud } from "./map.js" */

const STEP_PX = 5; // an arrow key goes at least this far: a step is seen

/** @type {Record<string, string>} */
const ACTIONS = { "+": "in", "=": "in", "-": "out", 0: "reset" };

/**
 * Listen on `map`'s stage, toolbar and legend.
 * @param {LatentMap} map
 */
export function listenToMap(map) {
  find(map.root, ".map-tools").addEventListener("click", (event) => {
    const action = around(event, "[data-do]")?.dataset.do;
    if (action && map.cloud) map.do(action);
  });
  listenToLegend(map);
  dragMap(map);
  const area = map.points;
  area.addEventListener(
    "wheel",
    (event) => {
      // Nothing left to zoom out of: the wheel belongs to the page again.
      if (!map.cloud || (event.deltaY > 0 && map.view.zoom === 1)) return;
      event.preventDefault();
      const lines = event.deltaMode === 1 ? 16 : 1;
      map.zoomAt(Math.exp(-within(event.deltaY * lines, -240, 240) * 0.0022), event.offsetX, event.offsetY);
      map.point(map.near(event.offsetX, event.offsetY));
    },
    { passive: false },
  );
  area.addEventListener("blur", () => map.point(-1));
}

/** @param {LatentMap} map */
function listenToLegend(map) {
  const label = (/** @type {Event} */ event) => around(event, "[data-label]")?.dataset.label;
  map.legend.addEventListener("click", (event) => label(event) !== undefined && map.mute(Number(label(event)), false));
  // The two clicks of a double click have hidden and shown it again.
  map.legend.addEventListener(
    "dblclick",
    (event) => label(event) !== undefined && map.mute(Number(label(event)), true),
  );
}

/**
 * A drag moves the map or draws a lasso, two fingers zoom, a click selects.
 * @param {LatentMap} map
 */
function dragMap(map) {
  const area = map.points;
  let last = /** @type {[number, number]} */ ([0, 0]); // where the pointer was when it last moved
  draggable(area, {
    shift: false, // with shift a lasso is drawn
    at: (event) => [event.offsetX, event.offsetY],
    begin(place, event) {
      if (!map.cloud) return false;
      last = place;
      if (map.mode === "lasso" || event.shiftKey) map.path = [place];
      return undefined;
    },
    move(place) {
      map.point(-1);
      if (map.path) {
        map.path.push(place);
        map.redraw(true);
      } else {
        area.classList.add("panning");
        map.pan(place[0] - last[0], place[1] - last[1]);
      }
      last = place;
    },
    end() {
      area.classList.remove("panning");
      if (map.path) map.closeLasso();
    },
    click(place) {
      if (map.path) {
        map.closeLasso();
        return;
      }
      const row = map.near(...place);
      map.point(row);
      if (row >= 0) map.select(row);
    },
    hover: (place, event) => event.pointerType !== "touch" && map.point(place ? map.near(...place) : -1),
    pinch({ ratio, at, by }) {
      map.pan(...by);
      map.zoomAt(ratio, ...at);
    },
    save: () => null,
    restore() {
      if (!map.path) return;
      map.path = null;
      map.redraw(true);
    },
    reset: () => map.resetView(),
    key: (event) => pressKey(map, event),
  });
}

/**
 * Whether the key meant something.
 * @param {LatentMap} map @param {KeyboardEvent} event
 */
function pressKey(map, event) {
  if (!map.cloud || !isPlain(event)) return false;
  const arrow = arrowOf(event);
  const action = ACTIONS[event.key] ?? (letterOf(event) === "l" ? "lasso" : null);
  if (arrow) step(map, map.cloud, arrow);
  else if (event.key === "Enter" && map.hover >= 0) {
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
  else return false;
  return true;
}

/**
 * To the next point in the direction of an arrow; the map follows where that lies outside.
 * @param {LatentMap} map @param {MapCloud} cloud @param {[right: number, up: number]} arrow
 */
function step(map, cloud, arrow) {
  const plot = map.view.plot();
  const start = map.hover >= 0 ? map.hover : map.rowOf(map.selected);
  const row =
    start >= 0
      ? findNeighbour(map.view, cloud, start, arrow, STEP_PX)
      : findNearest(map.view, cloud, ...map.view.middle());
  if (row < 0) return;
  const [x, y] = map.placeOf(cloud, row);
  /** @param {number} value @param {number} low @param {number} high */
  const overshoot = (value, low, high) => Math.min(0, value - low) + Math.max(0, value - high);
  map.pan(-overshoot(x, plot.left + 40, plot.left + plot.width - 40), -overshoot(y, 40, plot.height - 40));
  map.point(row);
  map.say(map.wordsOf(cloud, row).join(", "));
}
