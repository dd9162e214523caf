// What a run has said so far, put together from the messages of its stream (app/live.py). No page, no clock.

/**
 * @import { CurvePoint, RunMessage, RunProgress, Terms } from "../types.d.ts"
 */

/** Points before this one come from random weights; a scale that shows them shows nothing else. */
const SETTLED = 8;

export class Story {
  /** @type {CurvePoint[]} oldest first */
  points = [];
  /** @type {{ index: number, epoch: number }[]} moments that can be gone back to */
  moments = [];
  /** @type {RunProgress | null} */
  progress = null;
  status = "";
  /** Whether nothing follows. */
  ended = false;
  /** @type {Terms | null} of the whole test set, when it is known */
  test = null;
  message = "";

  /**
   * Take in what was said. Returns what is new, by name.
   * @param {RunMessage} said
   * @returns {"curves" | "moments" | "progress" | "status" | "all" | null}
   */
  hear(said) {
    switch (said.type) {
      case "losses":
        this.points.push(said);
        return "curves";
      case "snapshot":
        this.moments.push(said);
        return "moments";
      case "progress":
        this.progress = said;
        return "progress";
      case "status":
        this.status = said.status;
        return "status";
      case "finished":
        this.test = said.test;
        return "status";
      case "diverged":
        this.message = said.message;
        return "status";
      case "again": // it went back to its checkpoint
        this.points = [];
        this.moments = [];
        this.test = null;
        return "all";
      case "end":
        this.ended = true;
        this.status = said.status;
        return "status";
      default:
        return null;
    }
  }

  /** Whether it waits or is trained. */
  get goesOn() {
    return !this.ended && ["", "queued", "running", "interrupted"].includes(this.status);
  }

  /**
   * The picture of a moment: the frame of now, or the last that was kept.
   * @param {number | null} index of a moment; null: the newest there is
   * @returns {string | null} part of an address
   */
  picture(index) {
    if (index !== null) return String(index);
    const frame = this.progress?.frame;
    if (this.goesOn && frame != null) return `now?step=${frame}`;
    const last = this.moments.at(-1);
    return last ? String(last.index) : null;
  }
}

/** @param {Terms} terms nats */
export const elboOf = ({ reconstruction, kl }) => reconstruction - kl;

/**
 * Lowest and highest of what the curves do after their first points, with a little room; null without any.
 * @param {number[][]} curves
 * @returns {[number, number] | null}
 */
export function rangeOf(curves) {
  const kept = curves.flatMap((values) => (values.length > SETTLED ? lateOf(values) : values)).filter(Number.isFinite);
  if (!kept.length) return null;
  const [low, high] = [Math.min(...kept), Math.max(...kept)];
  const room = 0.06 * (high - low) || Math.max(1, Math.abs(high)) * 0.02;
  return [low - room, high + room];
}

/**
 * Values without the start's own: those beyond the tenth that lies furthest from the end.
 * @param {number[]} values
 */
function lateOf(values) {
  const last = values[values.length - 1] ?? 0;
  const far = values.map((value) => Math.abs(value - last)).sort((a, b) => a - b);
  const most = far[Math.floor(0.92 * (far.length - 1))] ?? 0;
  return values.filter((value) => Math.abs(value - last) <= most);
}

/**
 * Whether what is maximised is another thing than the ELBO, so that it needs a curve of its own.
 * @param {CurvePoint[]} points
 */
export const hasOwnObjective = (points) =>
  points.some(
    ({ objective, train }) =>
      objective != null && Math.abs(objective - elboOf(train)) > 0.005 * Math.abs(elboOf(train)),
  );
