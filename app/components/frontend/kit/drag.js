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
 * @template S
 * @typedef {object} Held
 * @property {number} x CSS pixels in the window, where the pointer came down
 * @property {number} y
 * @property {Place} raw where the pointer is
 * @property {Place} place where it has led
 * @property {boolean} fine whether shift has made its way a tenth
 * @property {boolean} moving whether it is a drag by now
 * @property {S | undefined} saved
 */

/**
 * Let `element` be dragged. It gets the class "draggable"; with keys it can be focused.
 * @template S
 * @param {HTMLElement} element
 * @param {Drag<S>} drag
 */
export function draggable(element, drag) {
  element.classList.add("draggable");
  element.style.touchAction = "none";
  const pointing = new Pointing(element, drag);
  element.addEventListener("pointerdown", (event) => pointing.down(event));
  element.addEventListener("pointermove", (event) => pointing.move(event));
  element.addEventListener("pointerup", (event) => pointing.lift(event));
  element.addEventListener("pointercancel", (event) => pointing.lift(event));
  element.addEventListener("pointerleave", (event) => pointing.leave(event));
  if (drag.reset) element.addEventListener("dblclick", drag.reset);
  listenForKeys(element, drag);
}

/**
 * The pointers on one element, and what is held.
 * @template S
 */
class Pointing {
  /** @type {Map<number, Place>} CSS pixels in the window; more than one only where there is `pinch` */
  pointers = new Map();
  /** @type {Held<S> | null} */
  held = null;

  /** @param {HTMLElement} element @param {Drag<S>} drag */
  constructor(element, drag) {
    this.element = element;
    this.drag = drag;
    this.page = element.ownerDocument ?? element;
  }

  /** @param {PointerEvent} event */
  down(event) {
    const { at, begin, move, click, pinch, save } = this.drag;
    if (event.button !== 0 || this.pointers.size >= (pinch ? 2 : 1)) return;
    if (this.pointers.size === 1) {
      // A second finger: neither a click nor a drag any more.
      this.capture(event);
      if (this.held) this.cancel();
      return;
    }
    const raw = at(event);
    const held = { x: event.clientX, y: event.clientY, raw, place: raw, fine: false, moving: false, saved: save?.() };
    this.held = held;
    if (begin?.(raw, event) === false) {
      this.held = null;
      return;
    }
    this.capture(event);
    this.page.addEventListener("keydown", this.onescape, { capture: true }); // the focus may be elsewhere
    if (click) return;
    held.moving = true;
    move(raw, event);
  }

  /** @param {PointerEvent} event */
  capture(event) {
    this.pointers.set(event.pointerId, [event.clientX, event.clientY]);
    this.element.setPointerCapture(event.pointerId);
  }

  /** @param {PointerEvent} event */
  move(event) {
    const { pointers, held } = this;
    const { at, move, hover, pinch } = this.drag;
    const before = pointers.get(event.pointerId);
    if (!before) {
      if (pointers.size === 0) hover?.(at(event), event);
      return;
    }
    const now = /** @type {Place} */ ([event.clientX, event.clientY]);
    pointers.set(event.pointerId, now);
    if (pointers.size === 2) {
      const other = [...pointers].find(([id]) => id !== event.pointerId)?.[1];
      if (other) pinch?.(pinched(this.element, before, now, other), event);
    } else if (held) {
      held.moving ||= Math.hypot(now[0] - held.x, now[1] - held.y) > CLICK;
      if (held.moving) move(this.led(held, event), event);
    }
  }

  /**
   * Where the pointer has led: shift makes its way a tenth, and what is held no longer lies under it.
   * @param {Held<S>} held @param {PointerEvent} event
   */
  led(held, event) {
    const { at, shift = true } = this.drag;
    const raw = at(event);
    held.fine ||= shift && event.shiftKey;
    const share = shift && event.shiftKey ? 0.1 : 1;
    const { place, raw: before } = held;
    held.place = held.fine ? [place[0] + share * (raw[0] - before[0]), place[1] + share * (raw[1] - before[1])] : raw;
    held.raw = raw;
    return held.place;
  }

  /** @param {PointerEvent} event */
  lift(event) {
    const { at, end, click } = this.drag;
    if (!this.pointers.delete(event.pointerId) || !this.held) return;
    if (event.type === "pointercancel") this.cancel(event);
    else {
      const { moving } = this.held;
      this.release();
      if (moving) end?.(event);
      else click?.(at(event), event);
    }
  }

  /** @param {PointerEvent} event */
  leave(event) {
    const { hover } = this.drag;
    if (this.pointers.size === 0) hover?.(null, event);
  }

  release() {
    this.held = null;
    this.page.removeEventListener("keydown", this.onescape, { capture: true });
  }

  /** @param {PointerEvent} [event] */
  cancel(event) {
    const { end, click, save, restore } = this.drag;
    const now = this.held;
    this.release();
    if (!now) return;
    if (restore && save) restore(/** @type {S} */ (now.saved));
    if (now.moving || !click) end?.(event);
  }

  /** @param {Event} event */
  onescape = (event) => {
    if (/** @type {KeyboardEvent} */ (event).key !== "Escape") return;
    event.preventDefault();
    event.stopImmediatePropagation(); // it is this drag that is left, not presenter mode
    this.cancel();
  };
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
