// Pointer, wheel and keyboard on a map: what a gesture means. It changes the map only through the map's own verbs.

import { around, find } from "../kit/dom.js";
import { draggable } from "../kit/drag.js";
import { arrowOf, isPlain, letterOf } from "../kit/keys.js";
import { within } from "../kit/numbers.js";
import { findNearest, findNeighbour } from "./map-find.js";

/**
 * @import { LatentMap } from "./map.js"
 * @import { MapCloud, MapPane } from "./map-pane.js"
 */

const STEP_PX = 5; // an arrow key goes at least this far: a step is seen

/** @type {Record<string, string>} */
const ACTIONS = { "+": "in", "=": "in", "-": "out", 0: "reset" };

/**
 * Listen on the toolbar and the legend.
 * @param {LatentMap} map
 */
export function listenToMap(map) {
  find(map.root, ".map-tools").addEventListener("click", (event) => {
    const action = around(event, "[data-do]")?.dataset.do;
    if (action && map.cloud) map.do(action);
  });
  listenToLegend(map);
}

/**
 * Listen on one map's stage.
 * @param {MapPane} pane
 */
export function listenToPane(pane) {
  dragMap(pane);
  const area = pane.points;
  area.addEventListener(
    "wheel",
    (event) => {
      // Nothing left to zoom out of: the wheel belongs to the page again.
      if (!pane.cloud || (event.deltaY > 0 && pane.view.zoom === 1)) return;
      event.preventDefault();
      const lines = event.deltaMode === 1 ? 16 : 1;
      pane.zoomAt(Math.exp(-within(event.deltaY * lines, -240, 240) * 0.0022), event.offsetX, event.offsetY);
      pane.point(pane.near(event.offsetX, event.offsetY));
    },
    { passive: false },
  );
  area.addEventListener("blur", () => pane.point(-1));
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
 * @param {MapPane} pane
 */
function dragMap(pane) {
  const { map, points: area } = pane;
  let last = /** @type {[number, number]} */ ([0, 0]); // where the pointer was when it last moved
  draggable(area, {
    shift: false, // with shift a lasso is drawn
    at: (event) => [event.offsetX, event.offsetY],
    begin(place, event) {
      if (!pane.cloud) return false;
      last = place;
      if (map.mode === "lasso" || event.shiftKey) pane.path = [place];
      return undefined;
    },
    move(place) {
      pane.point(-1);
      if (pane.path) {
        pane.path.push(place);
        pane.redraw(true);
      } else {
        area.classList.add("panning");
        pane.pan(place[0] - last[0], place[1] - last[1]);
      }
      last = place;
    },
    end() {
      area.classList.remove("panning");
      if (pane.path) pane.closeLasso();
    },
    click(place) {
      if (pane.path) {
        pane.closeLasso();
        return;
      }
      const row = pane.near(...place);
      pane.point(row);
      if (row >= 0) map.select(map.hover);
    },
    hover: (place, event) => event.pointerType !== "touch" && pane.point(place ? pane.near(...place) : -1),
    pinch({ ratio, at, by }) {
      pane.pan(...by);
      pane.zoomAt(ratio, ...at);
    },
    save: () => null,
    restore() {
      if (!pane.path) return;
      pane.path = null;
      pane.redraw(true);
    },
    reset: () => pane.resetView(),
    key: (event) => pressKey(pane, event),
  });
}

/**
 * Whether the key meant something.
 * @param {MapPane} pane @param {KeyboardEvent} event
 */
function pressKey(pane, event) {
  if (!pane.cloud || !isPlain(event)) return false;
  const { map } = pane;
  const arrow = arrowOf(event);
  const action = ACTIONS[event.key];
  if (arrow) step(pane, pane.cloud, arrow);
  else if (event.key === "Enter" && pane.hover >= 0) {
    map.select(map.hover);
    map.say("selected");
  } else if (event.key === "Escape") {
    if (pane.path || map.mode === "lasso") {
      pane.path = null;
      map.setMode("pan");
      pane.redraw();
    } else if (map.lasso.length) map.setLasso([]);
    else map.select(null);
  } else if (action) pane.zoom(action);
  else if (letterOf(event) === "l") map.do("lasso");
  else return false;
  return true;
}

/**
 * To the next point in the direction of an arrow; the map follows where that lies outside.
 * @param {MapPane} pane @param {MapCloud} cloud @param {[right: number, up: number]} arrow
 */
function step(pane, cloud, arrow) {
  const plot = pane.view.plot();
  const start = pane.hover >= 0 ? pane.hover : pane.rowOf(pane.map.selected);
  const row =
    start >= 0
      ? findNeighbour(pane.view, cloud, start, arrow, STEP_PX)
      : findNearest(pane.view, cloud, ...pane.view.middle());
  if (row < 0) return;
  const [x, y] = pane.placeOf(cloud, row);
  /** @param {number} value @param {number} low @param {number} high */
  const overshoot = (value, low, high) => Math.min(0, value - low) + Math.max(0, value - high);
  pane.pan(-overshoot(x, plot.left + 40, plot.left + plot.width - 40), -overshoot(y, 40, plot.height - 40));
  pane.point(row);
  pane.map.say(pane.map.wordsOf(cloud, row).join(", "));
}
