// "The link leads, the hand wins": how a view and the link that shows it agree on where it stands.
//
// - What comes from outside (a link, the back button, another control) moves the view.
// - What the view sent itself comes back some time later, perhaps after it has moved on: an echo is no reason to move.
// - While a control is held, what comes from outside is dropped: the release will say where it stands.
// - A release tells where the view stands, once, and only if that is not what was agreed already.
//
// One Hand for each thing that is kept together. It knows no page, no clock but the one it is given, and no shape of values.

/** Milliseconds after which an echo that has not come never will: several releases may be answered by one. */
export const PATIENCE = 30_000;
/** What two numbers may differ by and still be one to a link: half of the last of `LINK_DIGITS`, and a little. */
export const LINK_ROUNDS = 0.0051;
const MOST = 16; // releases on their way at once

/**
 * Whether two values agree: numbers to within `tolerance`, lists and records in every part, undefined as null.
 * @param {unknown} a
 * @param {unknown} b
 * @param {number} [tolerance] a link rounds
 * @returns {boolean}
 */
export function alike(a, b, tolerance = 0) {
  if (typeof a === "number" && typeof b === "number") return a === b || Math.abs(a - b) <= tolerance;
  if (a == null || b == null) return a == null && b == null;
  if (typeof a !== "object" || typeof b !== "object") return a === b;
  if (isList(a) && isList(b))
    return a.length === b.length && Array.from(a).every((value, i) => alike(value, b[i], tolerance));
  const [left, right] = [/** @type {Record<string, unknown>} */ (a), /** @type {Record<string, unknown>} */ (b)];
  return [...new Set([...Object.keys(left), ...Object.keys(right)])].every((name) =>
    alike(left[name], right[name], tolerance),
  );
}

/**
 * @param {object} value
 * @returns {value is ArrayLike<unknown>}
 */
const isList = (value) => Array.isArray(value) || (ArrayBuffer.isView(value) && "length" in value);

/** @template T what is kept together, such as {z, image}; compared part by part */
export class Hand {
  /** Whether a control is held just now. */
  held = false;
  /** Whether what moves the view is an animation, which anything from outside may end. */
  #yields = false;
  /** @type {{value: T, sent: number}[]} told and not yet seen again, oldest first */
  #pending = [];
  /** @type {{value: T} | null} the last that came from outside */
  #heard = null;
  /** @type {{value: T} | null} what both sides know: the last told or taken over */
  #agreed = null;
  #keep;
  #same;
  #clock;

  /**
   * @param {(value: T) => void} keep tells the outside
   * @param {{same?: (a: T, b: T) => boolean, tolerance?: number, clock?: () => number}} [options]
   *   `same`: whether two values are one to the outside, which may round what it keeps; else parts may differ by `tolerance`
   */
  constructor(keep, { tolerance = 0, same = (a, b) => alike(a, b, tolerance), clock = () => performance.now() } = {}) {
    this.#keep = keep;
    this.#same = same;
    this.#clock = clock;
  }

  /**
   * What the outside says now. True: the view should go there.
   * @param {T} value
   */
  hears(value) {
    const before = this.#heard;
    this.#heard = { value };
    if (before && alike(before.value, value)) return false; // said again: no news
    const now = this.#clock();
    this.#pending = this.#pending.filter(({ sent }) => now - sent < PATIENCE);
    const echo = this.#pending.findIndex((told) => this.#same(told.value, value));
    if (echo >= 0) {
      this.#pending.splice(0, echo + 1);
      return false;
    }
    if (this.held && !this.#yields) {
      this.#agreed = null; // whatever is let go now is news to the outside
      return false;
    }
    this.held = false;
    this.#pending = [];
    this.#agreed = { value };
    return true;
  }

  /**
   * A control is taken hold of, or moves.
   * @param {{yields?: boolean}} [how] `yields`: it moves by itself, and gives way to the link
   */
  takes({ yields = false } = {}) {
    this.held = true;
    this.#yields = yields;
  }

  /**
   * The control is let go: this is where the view stands. Nothing happens where none was held. Returns whether it was told.
   * @param {T} value
   */
  lets(value) {
    if (!this.held) return false;
    this.held = false;
    if (this.#agreed && alike(this.#agreed.value, value)) return false; // back where it was
    this.#agreed = { value };
    this.#pending = [...this.#pending.slice(1 - MOST), { value, sent: this.#clock() }];
    this.#keep(value);
    return true;
  }

  /**
   * A button, a click: held and let go at once.
   * @param {T} value
   */
  says(value) {
    this.takes();
    return this.lets(value);
  }

  /** Another subject: nothing is on its way, nothing agreed. */
  forget() {
    this.held = false;
    this.#pending = [];
    this.#heard = this.#agreed = null;
  }
}
