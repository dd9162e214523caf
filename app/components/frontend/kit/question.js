// Predict, then look: one question of a view, answered with a finger before the view answers it.
//
// A view makes one `Question`, puts its element first, and calls `refresh` when its data or its state is new. What would give the
// answer away carries `data-answer` in the view, and is out of focus and out of reach until somebody has answered or skipped.

import { makeButton, makeSlider } from "./controls.js";
import { h } from "./dom.js";
import { decimal, rounded } from "./numbers.js";
import { answered, areQuestionsOff, closeQuestion, turnQuestions } from "./seen.js";

/**
 * @typedef {object} Asked
 * @property {string} name the view's, in the URL
 * @property {() => string | null} asks the question; null while what it is about is not there
 * @property {() => [low: number, high: number]} range of the guesses
 * @property {string} [unit]
 * @property {number} [digits]
 * @property {() => number | null} truth null while it is not known
 * @property {() => void} [look] brings the view to where the answer is seen
 * @property {() => string} because what there is to learn from it, a sentence
 */

const BELOW = 12; // CSS px, its margin

/** @typedef {"hidden" | "open" | "looking" | "told"} State */

export class Question {
  /** @type {State} */
  state = "hidden";
  decided = false; // whether it is to be asked at all
  guess = 0;

  /** @param {HTMLElement} root the view's @param {Asked} asked */
  constructor(root, asked) {
    this.root = root;
    this.asked = asked;
    this.digits = asked.digits ?? 1;
    this.unit = asked.unit ?? "nats";
    this.words = h("p", { class: "asks", "data-testid": "question" });
    this.slider = makeSlider({
      label: "Your guess",
      min: 0,
      max: 1,
      step: 0.1,
      value: 0.5,
      unit: this.unit,
      digits: this.digits,
      oninput: (value) => {
        this.guess = value;
      },
    });
    this.truth = h("i", { class: "truth", hidden: true });
    this.verdict = h("p", { class: "verdict", role: "status", "data-testid": "verdict" });
    const plain = (/** @type {string} */ text, /** @type {() => void} */ act) =>
      makeButton(text, act, { class: "plain" });
    this.look = makeButton("Look", () => this.answer(), { class: "primary" });
    this.skip = plain("Skip", () => this.close());
    this.never = plain("Ask no more", () => {
      turnQuestions(false);
      this.close();
    });
    this.done = makeButton("Go on", () => this.close(), { class: "primary" });
    this.parts = [
      this.words,
      h("div", { class: "guess" }, this.slider.element, this.truth),
      h("div", { class: "buttons" }, this.look, this.skip, this.never, this.done),
      this.verdict,
    ];
    this.element = h("section", { class: "question", "aria-label": "Predict, then look", hidden: true });
  }

  /** What it is about is here, or another; what was waited for may be known. */
  refresh() {
    if (this.decided && this.state === "hidden") return; // a view calls this in every frame
    if (this.state === "looking") this.tell();
    const asks = this.asked.asks();
    if (asks === null) return;
    if (!this.decided) {
      this.decided = true;
      // A tour speaks for itself.
      const toured = getComputedStyle(this.root).getPropertyValue("--tour") !== "";
      if (!toured && !areQuestionsOff() && !answered(this.asked.name)) this.open();
    }
    // A lecturer's page is fitted to the window, and has no place to give.
    this.element.classList.toggle("over", getComputedStyle(this.root).getPropertyValue("--type") !== "");
    if (this.state === "open") this.words.textContent = asks;
    this.guard();
  }

  open() {
    const [low, high] = this.asked.range();
    const { input } = this.slider;
    [input.min, input.max] = [String(low), String(high)];
    this.guess = rounded((low + high) / 2, this.digits);
    this.slider.set(this.guess);
    this.to("open");
  }

  answer() {
    this.to("looking");
    this.verdict.textContent = "It is being worked out …";
    this.asked.look?.();
    this.tell();
  }

  tell() {
    const truth = this.asked.truth();
    if (truth === null) return;
    const [low, high] = this.asked.range();
    const share = Math.min(1, Math.max(0, (truth - low) / (high - low)));
    this.truth.style.setProperty("--share", String(share));
    // As printed: the distance is that of the two numbers that stand there.
    const [said, is] = [rounded(this.guess, this.digits), rounded(truth, this.digits)];
    const distance = decimal(Math.abs(said - is), this.digits);
    const unit = this.unit && ` ${this.unit}`;
    this.verdict.replaceChildren(
      `You said ${decimal(said, this.digits)}, it is `,
      h("b", {}, `${decimal(is, this.digits)}${unit}`),
      said === is ? ": exactly. " : `: ${distance}${unit} apart. `,
      this.asked.because(),
    );
    this.to("told");
  }

  close() {
    closeQuestion(this.asked.name);
    this.to("hidden");
  }

  /** @param {State} state */
  to(state) {
    this.state = state;
    this.element.hidden = state === "hidden";
    if (this.element.hidden) this.element.replaceChildren();
    else if (!this.element.firstChild) this.element.append(...this.parts);
    this.element.dataset.state = state;
    const open = state === "open";
    this.slider.input.disabled = !open;
    for (const button of [this.look, this.skip, this.never]) button.hidden = !open;
    this.done.hidden = state !== "told";
    this.truth.hidden = state !== "told";
    this.verdict.hidden = open;
    this.guard();
  }

  /** What would give the answer away is out of focus and out of reach, also where a view has built it anew. */
  guard() {
    const open = this.state === "open";
    this.root.classList.toggle("asking", open);
    for (const answer of this.root.querySelectorAll("[data-answer]")) answer.toggleAttribute("inert", open);
  }

  /** CSS pixels that it takes from the view. */
  get height() {
    return this.element.hidden || this.element.classList.contains("over") ? 0 : this.element.offsetHeight + BELOW;
  }
}
