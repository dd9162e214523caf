// Dragging, once for all views: what is taken hold of, how it follows, when a press is a click, what keys do instead, and what
// brings it back. The pointer is captured, touch does not scroll meanwhile, and only the primary button drags.

import { keyed, movementOf } from "./keys.js";

/** CSS pixels that a click may wander. */
export const CLICK = 4;

/** @typedef {[number, number]} Place in whatever units the view thinks in */

/**
 * @template [S=unknown]
 * @typedef {object} Drag
 * @property {(event: MouseEvent) => Place} at where a pointer is
 * @property {(place: Place, event: PointerEvent) => void | false} [begin] what is taken hold of there; false: nothing
 * @property {(place: Place, event: PointerEvent) => void} move follow; also called where the pointer came down, unless `click` is given
 * @property {(event?: PointerEvent) => void} [end] let go, by pointer or by key
 * @property {(place: Place, event: PointerEvent) => void} [click] a press that wandered less than `CLICK`; with it, `move` waits so long
 * @property {(place: Place | null, event: PointerEvent) => void} [hover] a pointer that is not down; null: it has left
 * @property {(change: {ratio: number, at: Place, by: Place}, event: PointerEvent) => void} [pinch] two fingers: how much farther
 *   apart, around what, and how far that point moved
 * @property {boolean} [shift] whether shift makes the pointer's way a tenth (true unless told otherwise)
 * @property {() => S} [save] with `restore`: what Escape or a cancelled pointer brings back
 * @property {(saved: S) => void} [restore]
 * @property {() => void} [reset] a double click
 * @property {(by: {x: number, y: number}) => void} [nudge] arrows, in steps, to the right and upwards; shift: a tenth; page keys: ten
 * @property {(end: -1 | 1) => void} [edge] Home and End
 * @property {(event: KeyboardEvent) => boolean} [key] any other key; says whether it meant something
 */

/**
 * Let `element` be dragged. It gets the class "draggable"; with keys it can be focused.
 * @template S
 * @param {HTMLElement} element
 * @param {Drag<S>} drag
 */
export function draggable(element, drag) {
  const { at, begin, move, end = () => {}, click, hover, pinch, shift = true, save, restore, reset } = drag;
  const page = element.ownerDocument ?? element;
  element.classList.add("draggable");
  element.style.touchAction = "none";

  /** @type {Map<number, Place>} CSS pixels in the window; more than one only where there is `pinch` */
  const pointers = new Map();
  /** @type {{x: number, y: number, raw: Place, place: Place, fine: boolean, moving: boolean, clicks: boolean, saved: S | undefined} | null} */
  let held = null;

  /**
   * Where the pointer has led: shift makes its way a tenth, and what is held no longer lies under it.
   * @param {PointerEvent} event
   */
  const led = (event) => {
    const raw = at(event);
    if (!held) return raw;
    held.fine ||= shift && event.shiftKey;
    const share = shift && event.shiftKey ? 0.1 : 1;
    const { place, raw: before } = held;
    held.place = held.fine ? [place[0] + share * (raw[0] - before[0]), place[1] + share * (raw[1] - before[1])] : raw;
    held.raw = raw;
    return held.place;
  };

  element.addEventListener("pointerdown", (event) => {
    if (event.button !== 0 || pointers.size >= (pinch ? 2 : 1)) return;
    if (pointers.size === 1) {
      // A second finger: neither a click nor a drag any more.
      pointers.set(event.pointerId, [event.clientX, event.clientY]);
      element.setPointerCapture(event.pointerId);
      if (held) cancel();
      return;
    }
    const raw = at(event);
    held = {
      x: event.clientX,
      y: event.clientY,
      raw,
      place: raw,
      fine: false,
      moving: false,
      clicks: Boolean(click),
      saved: save?.(),
    };
    if (begin?.(raw, event) === false) {
      held = null;
      return;
    }
    pointers.set(event.pointerId, [event.clientX, event.clientY]);
    element.setPointerCapture(event.pointerId);
    page.addEventListener("keydown", onescape, { capture: true }); // the focus may be elsewhere
    if (click) return;
    held.moving = true;
    move(raw, event);
  });

  element.addEventListener("pointermove", (event) => {
    const before = pointers.get(event.pointerId);
    if (!before) {
      if (pointers.size === 0) hover?.(at(event), event);
      return;
    }
    const now = /** @type {Place} */ ([event.clientX, event.clientY]);
    pointers.set(event.pointerId, now);
    if (pointers.size === 2) {
      const other = [...pointers].find(([id]) => id !== event.pointerId)?.[1];
      if (other) pinch?.(pinched(element, before, now, other), event);
    } else if (held) {
      held.moving ||= Math.hypot(now[0] - held.x, now[1] - held.y) > CLICK;
      if (held.moving) move(led(event), event);
    }
  });

  const lift = (/** @type {PointerEvent} */ event) => {
    if (!pointers.delete(event.pointerId) || !held) return;
    if (event.type === "pointercancel") cancel(event);
    else {
      const { moving } = held;
      release();
      if (moving) end(event);
      else click?.(at(event), event);
    }
  };
  element.addEventListener("pointerup", lift);
  element.addEventListener("pointercancel", lift);
  element.addEventListener("pointerleave", (event) => pointers.size === 0 && hover?.(null, event));

  function release() {
    held = null;
    page.removeEventListener("keydown", onescape, { capture: true });
  }

  /** @param {PointerEvent} [event] */
  function cancel(event) {
    const now = held;
    release();
    if (!now) return;
    if (restore && save) restore(/** @type {S} */ (now.saved));
    if (now.moving || !click) end(event);
  }

  /** @param {Event} event */
  function onescape(event) {
    if (/** @type {KeyboardEvent} */ (event).key !== "Escape") return;
    event.preventDefault();
    event.stopImmediatePropagation(); // it is this drag that is left, not presenter mode
    cancel();
  }

  if (reset) element.addEventListener("dblclick", reset);
  listenForKeys(element, drag);
}

/**
 * Two fingers, one of which has moved: each carries half of the motion of the point between them.
 * @param {Element} element
 * @param {Place} before
 * @param {Place} now
 * @param {Place} other
 */
function pinched(element, before, now, other) {
  const apart = (/** @type {Place} */ place) => Math.hypot(place[0] - other[0], place[1] - other[1]);
  const { left, top } = element.getBoundingClientRect();
  return {
    ratio: apart(now) / Math.max(1, apart(before)),
    at: /** @type {Place} */ ([(now[0] + other[0]) / 2 - left, (now[1] + other[1]) / 2 - top]),
    by: /** @type {Place} */ ([(now[0] - before[0]) / 2, (now[1] - before[1]) / 2]),
  };
}

/**
 * @param {HTMLElement} element
 * @param {Pick<Drag, "nudge" | "edge" | "key" | "end">} drag
 */
function listenForKeys(element, { nudge, edge, key, end }) {
  if (nudge || key) element.tabIndex = 0;
  keyed(element, {
    move(event) {
      const movement = movementOf(event);
      if (movement && "end" in movement && edge) {
        edge(movement.end);
        return true;
      }
      if (movement && !("end" in movement) && nudge) {
        nudge(movement);
        return true;
      }
      return key?.(event) ? "done" : false;
    },
    release: () => end?.(),
  });
}
