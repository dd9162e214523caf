// The first visit: a sentence that says what can be done here, and a handle that moves by itself for a moment.

import { isCalm } from "../kit/dom.js";

const SEEN = "elbo-room-explored"; // this browser's visitor has seen it move
const SECONDS = 2.4;
const SWING = 0.8; // how far it goes, in z

/**
 * What there is to do, in one sentence.
 * @param {number} D @param {string} thing what the pictures are of, such as "digit"
 */
export function invitation(D, thing) {
  if (D === 1) return `Every point of this slider is a ${thing}. Drag.`;
  if (D === 2) return `Every point of this square is a ${thing}. Drag.`;
  return `${D} numbers make a ${thing}. Drag a slider, or the large picture.`;
}

/**
 * Where the handle is on its way out and back again.
 * @param {number} seconds since it began @returns {[number, number] | null} how far from where it stood; null: it is back
 */
export function swing(seconds) {
  if (seconds >= SECONDS) return null;
  const phase = (2 * Math.PI * seconds) / SECONDS;
  return [SWING * Math.sin(phase), SWING * 0.5 * Math.sin(2 * phase)];
}

/** Whether this is a first visit, and motion is welcome; asked again, it is not the first any more. */
export function isFirstVisit() {
  try {
    if (localStorage.getItem(SEEN)) return false;
    localStorage.setItem(SEEN, "1");
  } catch {
    return false; // nothing may be kept: it would move at each visit
  }
  return !isCalm();
}
