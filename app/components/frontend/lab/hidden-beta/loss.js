// A loss as people write it, and the β that it really has: pure, so that tests run the code that is shown against the ELBO.

import { figures } from "../../kit/numbers.js";

/** What is known of the training. @typedef {{ pixels: number, dims: number, batch: number, images: number }} Sizes */
/** Over what a term is summed, or averaged. @typedef {"sum" | "mean"} Over */
/** What a batch is divided by: nothing, its size, or the data set's. @typedef {"sum" | "batch" | "data"} Per */
/**
 * @typedef {object} Loss
 * @property {Over} pixels of the reconstruction
 * @property {Over} dims of the KL
 * @property {Per} reconstruction
 * @property {Per} kl
 * @property {"bernoulli" | "squared"} form cross-entropy, or squared error without σ
 * @property {number} weight written before the KL
 * @property {number} variance σ² of the Gaussian that a squared error stands for; the code does not say it
 */

/** @type {[Over, Over]} */
const OVER = ["sum", "mean"];
/** @type {[Per, Per, Per]} */
const PER = ["sum", "batch", "data"];
/** @type {["bernoulli", "squared"]} */
const FORM = ["bernoulli", "squared"];

/**
 * As a link has it: one letter for each choice, such as `ssbbb` for the ELBO.
 * @param {Loss} loss
 */
export const lettersOf = ({ pixels, dims, reconstruction, kl, form }) =>
  [pixels, dims, reconstruction, kl, form === "squared" ? "g" : "b"].map((word) => word[0]).join("");

/**
 * The inverse; what is no choice is the first of them.
 * @param {string} letters @param {number} weight @param {number} variance
 * @returns {Loss}
 */
export function lossOf(letters, weight, variance) {
  /** @template {string} T @param {readonly T[]} words @param {number} at @returns {T} */
  const pick = (words, at) => words.find((word) => word[0] === letters[at]) ?? words[0];
  return {
    pixels: pick(OVER, 0),
    dims: pick(OVER, 1),
    reconstruction: pick(PER, 2),
    kl: pick(PER, 3),
    form: letters[4] === "g" ? FORM[1] : FORM[0],
    weight,
    variance,
  };
}

/**
 * The factors before −log P(X|z) and before the KL of one image, each with what it is.
 * @param {Loss} loss @param {Sizes} sizes
 * @returns {{ reconstruction: [string, number][], kl: [string, number][] }}
 */
export function factorsOf(loss, sizes) {
  /** @param {Per} per @returns {[string, number][]} */
  const share = (per) =>
    per === "sum" ? [] : per === "batch" ? [["1 ∕ batch", 1 / sizes.batch]] : [["1 ∕ data set", 1 / sizes.images]];
  return {
    reconstruction: [
      .../** @type {[string, number][]} */ (loss.form === "squared" ? [["2σ²", 2 * loss.variance]] : []),
      .../** @type {[string, number][]} */ (loss.pixels === "mean" ? [["1 ∕ pixels", 1 / sizes.pixels]] : []),
      ...share(loss.reconstruction),
    ],
    kl: [
      .../** @type {[string, number][]} */ (loss.weight === 1 ? [] : [["weight", loss.weight]]),
      .../** @type {[string, number][]} */ (loss.dims === "mean" ? [["1 ∕ D", 1 / sizes.dims]] : []),
      ...share(loss.kl),
    ],
  };
}

/**
 * The weight of the KL once the loss is divided by what stands before −log P(X|z): what the training answers to, but for
 * the size of its steps.
 * @param {Loss} loss @param {Sizes} sizes
 */
export function betaOf(loss, sizes) {
  const { reconstruction, kl } = factorsOf(loss, sizes);
  const product = (/** @type {[string, number][]} */ factors) => factors.reduce((all, [, value]) => all * value, 1);
  return product(kl) / product(reconstruction);
}

/**
 * The weight that gives the loss this β.
 * @param {Loss} loss @param {Sizes} sizes @param {number} beta
 */
export const weightFor = (loss, sizes, beta) => beta / betaOf({ ...loss, weight: 1 }, sizes);

/**
 * The loss in PyTorch, in four lines. They are run by the tests.
 * @param {Loss} loss
 */
export function codeOf(loss) {
  const over = (/** @type {Over} */ how) => `.${how}(1)`;
  const per = { sum: ".sum()", batch: ".mean()", data: ".sum() / len(train_set)" };
  const error =
    loss.form === "squared"
      ? "(x - x_hat).pow(2).flatten(1)"
      : 'F.binary_cross_entropy_with_logits(logits, x, reduction="none").flatten(1)';
  const weight = loss.weight === 1 ? "" : `${figures(loss.weight, 12)} * `;
  return [
    `error = ${error}`,
    "kl = -0.5 * (1 + logvar - mu.pow(2) - logvar.exp())",
    `reconstruction = error${over(loss.pixels)}${per[loss.reconstruction]}`,
    `loss = reconstruction + ${weight}kl${over(loss.dims)}${per[loss.kl]}`,
  ];
}

/**
 * Losses that are written again and again, by what they compute.
 * @param {Sizes} sizes
 * @returns {{ name: string, letters: string, weight: number, variance: number }[]}
 */
export const presets = ({ batch, images }) => [
  { name: "Sums, averaged over the batch: the ELBO", letters: "ssbbb", weight: 1, variance: 1 },
  { name: "Mean over pixels, KL summed", letters: "msbbb", weight: 1, variance: 1 },
  { name: "Means everywhere", letters: "mmbbb", weight: 1, variance: 1 },
  { name: "Mean squared error, KL × batch ∕ data set", letters: "msbbg", weight: batch / images, variance: 1 },
  { name: "Squared error summed, KL averaged over D", letters: "smbbg", weight: 1, variance: 1 },
  { name: "Batch summed, KL per image of the data set", letters: "sssdb", weight: 1, variance: 1 },
];
