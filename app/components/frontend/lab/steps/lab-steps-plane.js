// The latent plane of "Training, step by step": all codes faint, the batch with its pulls, the followed image in full.

import { colourOf } from "../../kit/colours.js";
import { Chart } from "../../paint/chart.js";

/**
 * @import { Point } from "../../paint/chart.js"
 * @import { Numbers } from "../../types.d.ts"
 */

/**
 * @typedef {object} Copy of a pass: what is shown of it, row by row
 * @property {Float64Array} mu
 * @property {Float64Array} sigma
 * @property {Float64Array} epsilon
 * @property {Float64Array} z
 * @property {Float64Array} pull
 * @property {Float64Array} picture
 * @property {Float64Array} reconstruction
 * @property {Float64Array} kl
 * @property {Float64Array} [moved] where the means are after the weights have moved
 */
/** @typedef {Copy & { indices: Numbers, terms: { reconstruction: number, kl: number }, one: Copy }} Shot of a batch, and of the image that is followed */
/** @typedef {"two" | "sum"} Arrows both pulls, or their sum */

/**
 * @typedef {object} Scene
 * @property {Shot} shot the batch as it was copied
 * @property {Float64Array} means (2N) of all images
 * @property {Uint8Array} labels (N) theirs
 * @property {string[]} palette
 * @property {number} stage
 * @property {boolean} walking
 * @property {number} beta
 * @property {Arrows} arrows
 * @property {number} image the one that is followed
 */
/** @typedef {(mu: Numbers, pull: Numbers, k: number, width: number) => void} Pulls what draws them */

export const [STEPS_DRAW, STEPS_DECODE, STEPS_TERMS, STEPS_PULL, STEPS_UPDATE] = [1, 2, 3, 4, 5];
const STEPS_LONGEST = 5; // nats per unit: longer arrows are cut
const STEPS_REACHES = [3.2, 4, 5, 6.5, 8, 10, 15, 20, 30, 50, 100, 200];

export class StepsPlane extends Chart {
  reach = STEPS_REACHES[0];

  /** Back to the smallest plane, for a new course; within one it never shrinks: a cloud that does is seen to. */
  shrink() {
    this.reach = STEPS_REACHES[0];
  }

  /** @param {Scene} scene */
  paint(scene) {
    const { means, labels, palette, stage } = scene;
    let far = 0;
    for (const mean of means) far = Math.max(far, Math.abs(mean));
    this.reach = Math.max(this.reach, STEPS_REACHES.find((reach) => reach > far * 1.05) ?? far);
    this.roundScale(this.reach);
    const context = this.begin();
    const prior = colourOf(this.element, "--prior");
    for (const radius of [1, 2]) this.ellipse(0, 0, radius, radius, 0, prior, { width: 1.5, dash: [5, 4] });

    context.globalAlpha = 0.4;
    const size = this.dotSize;
    for (let n = 0; n < labels.length; n++) this.dot(means[2 * n], means[2 * n + 1], palette[labels[n]], size);
    context.globalAlpha = 1;

    this.write("prior N(0, I)", this.px(-1.5), this.py(-1.6), { align: "right", weight: 600 });
    const pulls = this.pullsOf(scene);
    this.paintBatch(scene, pulls);
    this.digits(means, labels, palette);
    this.paintFollowed(scene, pulls);
    if (stage === STEPS_PULL) this.scaleBar(this.pullScale);
    this.end();
  }

  /** Plot units per nat per unit of z. */
  get pullScale() {
    return 0.2 * (this.reach / STEPS_REACHES[0]);
  }

  /** CSS px */
  get dotSize() {
    return Math.max(1.6, this.text / 6);
  }

  /**
   * What draws both pulls on the code at `mu[k]`, or their sum.
   * @param {Scene} scene @returns {Pulls}
   */
  pullsOf({ beta, arrows }) {
    const [blue, orange] = ["--reconstruction", "--kl"].map((name) => colourOf(this.element, name));
    const { ink, paper } = this.colours;
    const { pullScale } = this;
    return (mu, pull, k, width) => {
      const [x, y] = [mu[k], mu[k + 1]];
      /** @type {Point} */
      const from = [pull[k], pull[k + 1]];
      /** @type {Point} */
      const back = [-beta * x, -beta * y];
      const draw = (/** @type {Point} */ [a, b], /** @type {string} */ colour) => {
        const scale = pullScale * Math.min(1, STEPS_LONGEST / Math.hypot(a, b));
        if (width > 3) this.arrow(x, y, x + scale * a, y + scale * b, paper, width + 3);
        this.arrow(x, y, x + scale * a, y + scale * b, colour, width);
      };
      if (arrows === "sum") draw([from[0] + back[0], from[1] + back[1]], ink);
      else {
        draw(from, blue);
        draw(back, orange);
      }
    };
  }

  /**
   * From a mean to the code that was drawn.
   * @param {Numbers} mu @param {Numbers} z @param {number} k @param {number} width
   */
  link(mu, z, k, width) {
    const { context } = this;
    context.strokeStyle = this.colours.muted;
    context.lineWidth = width;
    this.stroke([
      [this.px(mu[k]), this.py(mu[k + 1])],
      [this.px(z[k]), this.py(z[k + 1])],
    ]);
  }

  /**
   * How far the weights have moved a mean, ten times as long.
   * @param {Numbers} mu @param {Numbers} to @param {number} k @param {number} width
   */
  shift(mu, to, k, width) {
    const { ink } = this.colours;
    this.arrow(mu[k], mu[k + 1], mu[k] + 10 * (to[k] - mu[k]), mu[k + 1] + 10 * (to[k + 1] - mu[k + 1]), ink, width);
  }

  /** @param {Scene} scene @param {Pulls} pulls */
  paintBatch({ shot, stage, walking }, pulls) {
    const { context, dotSize: size } = this;
    const { ink, paper } = this.colours;
    const everyOne = (/** @type {(k: number) => void} */ act) => {
      for (let b = 0; b < shot.indices.length; b++) act(2 * b);
    };
    if (walking && stage >= STEPS_DRAW && stage < STEPS_PULL) {
      context.globalAlpha = 0.5;
      everyOne((k) => this.link(shot.mu, shot.z, k, 1));
      context.globalAlpha = 1;
      everyOne((k) => this.dot(shot.z[k], shot.z[k + 1], paper, size + 2.2));
      everyOne((k) => this.dot(shot.z[k], shot.z[k + 1], ink, size + 0.8));
    }
    if (stage === STEPS_PULL) everyOne((k) => pulls(shot.mu, shot.pull, k, 1.4));
    if (!walking || stage < STEPS_DRAW || stage >= STEPS_PULL)
      everyOne((k) => this.dot(shot.mu[k], shot.mu[k + 1], ink, size + 0.6));
    const moved = stage === STEPS_UPDATE ? shot.moved : undefined;
    if (moved) everyOne((k) => this.shift(shot.mu, moved, k, 1.5));
  }

  /** The image that is followed. @param {Scene} scene @param {Pulls} pulls */
  paintFollowed({ shot, labels, palette, stage, walking, image }, pulls) {
    const { ink, paper } = this.colours;
    const { one } = shot;
    this.ellipse(one.mu[0], one.mu[1], one.sigma[0], one.sigma[1], 0, ink, { width: 2.5, fill: 0.08 });
    if (!walking || stage >= STEPS_DRAW) {
      this.link(one.mu, one.z, 0, 2);
      this.dot(one.z[0], one.z[1], paper, 7);
      this.dot(one.z[0], one.z[1], ink, 5);
    }
    if (stage === STEPS_PULL) pulls(one.mu, one.pull, 0, 4.5);
    if (stage === STEPS_UPDATE && shot.moved && one.moved) this.shift(one.mu, one.moved, 0, 4);
    this.dot(one.mu[0], one.mu[1], paper, 8);
    this.dot(one.mu[0], one.mu[1], palette[labels[image]], 6);
    const aside = Math.atan2(one.z[1] - one.mu[1], one.z[0] - one.mu[0]);
    // μ where neither z nor an arrow is: of eight directions the one farthest from them all.
    const taken = [aside, Math.atan2(one.pull[1], one.pull[0]), Math.atan2(-one.mu[1], -one.mu[0])];
    const clear = (/** @type {number} */ angle) => Math.max(...taken.map((other) => Math.cos(angle - other)));
    const eighths = Array.from({ length: 8 }, (_, n) => (n * Math.PI) / 4);
    this.tag(
      one.mu,
      "μ",
      eighths.reduce((best, angle) => (clear(angle) < clear(best) ? angle : best)),
    );
    if (!walking || stage >= STEPS_DRAW) this.tag(one.z, "z", aside);
  }

  /**
   * A letter beside a point, in this direction.
   * @param {Numbers} point @param {string} text @param {number} angle
   */
  tag({ 0: x, 1: y }, text, angle) {
    const far = 10 + 0.7 * this.text;
    const [left, top] = [this.px(x) + far * Math.cos(angle), this.py(y) - far * Math.sin(angle)];
    this.write(text, left, top, { align: "center", times: 1.2, weight: 600 });
  }

  /**
   * Each digit where its codes are on average, once there is room for most of them.
   * @param {Float64Array} means @param {Uint8Array} labels @param {string[]} palette
   */
  digits(means, labels, palette) {
    const { context, colours } = this;
    const sums = Array.from({ length: 10 }, () => [0, 0, 0]);
    labels.forEach((label, n) => {
      sums[label][0] += means[2 * n];
      sums[label][1] += means[2 * n + 1];
      sums[label][2]++;
    });
    const radius = this.text * 0.72;
    /** @type {[left: number, top: number, digit: number][]} */
    const placed = [];
    sums.forEach(([x, y, count], digit) => {
      const [left, top] = [this.px(x / count), this.py(y / count)];
      if (placed.every(([l, t]) => Math.hypot(l - left, t - top) > 2 * radius)) placed.push([left, top, digit]);
    });
    if (placed.length < 5) return;
    context.font = `700 ${this.text}px ${this.font}`;
    context.textAlign = "center";
    context.textBaseline = "middle";
    for (const [left, top, digit] of placed) {
      context.beginPath();
      context.arc(left, top, radius, 0, 2 * Math.PI);
      context.fillStyle = colours.paper;
      context.fill();
      context.strokeStyle = palette[digit];
      context.lineWidth = 3;
      context.stroke();
      context.fillStyle = colours.ink;
      context.fillText(String(digit), left, top + 1);
    }
  }

  /**
   * How long an arrow is.
   * @param {number} scale
   */
  scaleBar(scale) {
    const { x, y } = this;
    const [left, bottom] = [x.min + 0.04 * (x.max - x.min), y.min + 0.05 * (y.max - y.min)];
    this.arrow(left, bottom, left + 2 * scale, bottom, this.colours.ink, 2.5);
    this.label(left + 2 * scale, bottom, ` 2 nats per unit of z (cut at ${STEPS_LONGEST})`, this.colours.ink);
  }
}
