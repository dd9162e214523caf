// What a key means, once for all controls: arrows are steps, shift makes them fine, page keys make them large, Home and End lead
// to the ends. A key that is held down is one movement, as a drag is: it is released once.

/** @typedef {{x: number, y: number}} Step to the right and upwards, in steps; shift makes it a tenth */
/** @typedef {{end: -1 | 1}} Edge the lower or the upper end */

/** @type {Record<string, [number, number]>} */
const ARROWS = { ArrowRight: [1, 0], ArrowLeft: [-1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1] };
/** @type {Record<string, number>} */
const PAGES = { PageUp: 1, PageDown: -1 };
/** @type {Record<string, -1 | 1>} */
const ENDS = { Home: -1, End: 1 };

/**
 * Whether a key is pressed as it is: a combination belongs to the browser or the system.
 * @param {KeyboardEvent} event
 */
export const isPlain = (event) => !(event.ctrlKey || event.metaKey || event.altKey || event.isComposing);

/**
 * The Latin letter that a key stands for, "a" … "z", or "". The letter itself where there is one, with Caps Lock too; on a layout
 * of other letters (Cyrillic, Greek, Hebrew …) the one at that place of a Latin keyboard.
 * @param {KeyboardEvent} event
 */
export function letterOf(event) {
  const letter = event.key.toLowerCase();
  if (/^[a-z]$/.test(letter)) return letter;
  const isOther = /^\p{L}$/u.test(letter) && !/^\p{Script=Latin}$/u.test(letter);
  return isOther && /^Key[A-Z]$/.test(event.code) ? event.code.slice(3).toLowerCase() : "";
}

/**
 * The direction of an arrow key, [right, up], or null.
 * @param {KeyboardEvent} event
 */
export const arrowOf = (event) => (isPlain(event) ? (ARROWS[event.key] ?? null) : null);

/**
 * What a key asks of something that is moved in two directions; null: nothing.
 * @param {KeyboardEvent} event
 * @param {{page?: number}} [options] steps of a page key, upwards
 * @returns {Step | Edge | null}
 */
export function movementOf(event, { page = 10 } = {}) {
  if (!isPlain(event)) return null;
  const end = ENDS[event.key];
  if (end) return { end };
  const turn = PAGES[event.key];
  if (turn) return { x: 0, y: turn * page };
  const arrow = ARROWS[event.key];
  if (!arrow) return null;
  const fine = event.shiftKey ? 0.1 : 1;
  return { x: arrow[0] * fine, y: arrow[1] * fine };
}

/**
 * Where a key leads a number; null: the key means nothing here. Right and up are more.
 * @param {KeyboardEvent} event
 * @param {number} value
 * @param {{min: number, max: number, step: number, page?: number}} range `page`: steps of a page key
 */
export function stepped(event, value, { min, max, step, page = 10 }) {
  const movement = movementOf(event, { page });
  if (!movement) return null;
  if ("end" in movement) return movement.end < 0 ? min : max;
  return Math.min(max, Math.max(min, value + (movement.x + movement.y) * step));
}

/**
 * Move something by keys. `move(event)` says what the key meant: true a movement, for which `release()` comes once, when the key
 * comes up or the focus leaves; "done" something that is over at once; false nothing, and the key stays the page's.
 * @param {HTMLElement} element
 * @param {{move: (event: KeyboardEvent) => boolean | "done", release?: () => void}} what
 */
export function keyed(element, { move, release = () => {} }) {
  /** @type {string | null} the key that is down; by its place, for its letter may change with shift */
  let down = null;
  const lift = () => {
    if (down === null) return;
    down = null;
    release();
  };
  element.addEventListener("keydown", (event) => {
    const meant = !event.defaultPrevented && move(event);
    if (!meant) return;
    event.preventDefault();
    event.stopPropagation(); // the page has shortcuts of its own
    if (meant === true) down = event.code || event.key;
  });
  element.addEventListener("keyup", (event) => (event.code || event.key) === down && lift());
  element.addEventListener("blur", lift);
}
