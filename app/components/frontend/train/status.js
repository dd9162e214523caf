// Where a run is, in words and as a bar, and what can be done with it. A press shows at once; the worker grants it a moment later.

import { makeButton } from "../kit/controls.js";
import { h } from "../kit/dom.js";
import { count, decimal } from "../kit/numbers.js";
import { elboOf } from "./story.js";

/**
 * @import { LiveData } from "../types.d.ts"
 * @import { Story } from "./story.js"
 */

/** @typedef {"pause" | "stop" | "cancel" | "resume" | "explore"} Wish */

/** @type {Record<Wish, string>} what is said until it has happened */
const GRANTING = {
  pause: "Pausing …",
  stop: "Stopping, keeping what was learned …",
  cancel: "Ending and forgetting this run …",
  resume: "Going on …",
  explore: "Opening …",
};

export class Status {
  /** @type {Wish | null} pressed, and not granted yet */
  pressed = null;

  /** @param {(wish: Wish) => void} wish */
  constructor(wish) {
    const button = (/** @type {Wish} */ name, /** @type {string} */ text, /** @type {string} */ title) =>
      makeButton(text, () => this.press(name), { title, "data-wish": name });
    this.wish = wish;
    this.title = h("b", { class: "title" });
    this.text = h("span", { role: "status", "data-testid": "run-status" });
    this.bar = h("progress", { max: 1, value: 0, "aria-label": "How much of the training is done" });
    this.buttons = {
      pause: button("pause", "Pause", "Halt at a checkpoint; go on later"),
      resume: button("resume", "Go on", "From where it stands"),
      stop: button("stop", "Stop, keep", "End now and keep what was learned"),
      cancel: button("cancel", "Cancel", "End now and forget this run"),
      explore: button("explore", "Explore →", "Drag this model's latent dimensions"),
    };
    this.element = h(
      "div",
      { class: "status" },
      h("div", { class: "words" }, this.title, this.text),
      h("div", { class: "buttons" }, ...Object.values(this.buttons)),
      this.bar,
    );
  }

  /** @param {Wish} name */
  press(name) {
    if (this.pressed) return;
    this.pressed = name;
    for (const button of Object.values(this.buttons)) button.disabled = true;
    this.text.textContent = GRANTING[name];
    this.wish(name);
  }

  /** What was pressed has happened, or something else has. */
  granted() {
    this.pressed = null;
  }

  /** @param {Story} story @param {LiveData} data */
  show(story, data) {
    const status = story.status || data.status;
    const { progress } = story;
    const on = status === "running" || status === "queued" || (status === "interrupted" && story.goesOn);
    this.element.hidden = data.run === null;
    this.title.textContent = data.title;
    this.bar.hidden = !on;
    if (progress) this.bar.value = Math.min(1, progress.step / progress.steps);
    else this.bar.removeAttribute("value");
    const shown = {
      pause: on && data.mine,
      resume: !on && data.resumable,
      stop: data.mine && (on || (data.resumable && !data.explorable)),
      cancel: data.mine && (on || !data.explorable),
      explore: !on && data.explorable,
    };
    for (const [name, button] of Object.entries(this.buttons)) {
      button.hidden = !shown[/** @type {Wish} */ (name)];
      button.disabled = this.pressed !== null;
    }
    this.buttons.resume.textContent = data.explorable ? "Go on" : "Resume";
    this.buttons.cancel.textContent = on ? "Cancel" : "Delete";
    this.buttons.explore.classList.toggle("primary", true);
    const text = this.pressed ? GRANTING[this.pressed] : on ? this.running(story, data, status) : data.note;
    if (this.text.textContent !== text) this.text.textContent = text;
  }

  /** @param {Story} story @param {LiveData} data @param {string} status */
  running({ progress }, data, status) {
    if (status === "interrupted") return "its process ended; it goes on from the last checkpoint in a moment";
    if (status === "queued") {
      const ahead = data.queue.find(({ run }) => run === data.run)?.ahead ?? 0;
      return ahead
        ? `waiting: ${ahead} ${ahead > 1 ? "others come" : "other comes"} first`
        : "waiting for its turn, which is next";
    }
    if (!progress) return "loading the data …";
    const speed = progress.images_per_second ? `${count(Math.round(progress.images_per_second))} images/s · ` : "";
    const elbo = progress.train ? ` · ELBO ${decimal(elboOf(progress.train), 1)}` : "";
    return `epoch ${decimal(progress.epoch, 1)} / ${data.epochs}${elbo} · ${speed}${spoken(progress.eta_seconds)} left`;
  }
}

/**
 * As a person would say it.
 * @param {number} seconds
 */
export function spoken(seconds) {
  if (seconds < 90) return `${Math.max(1, Math.round(seconds))} s`;
  if (seconds < 5400) return `${Math.round(seconds / 60)} min`;
  return `${decimal(seconds / 3600, 1)} h`;
}
