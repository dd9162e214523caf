// A variational autoencoder small enough to train in the page: forward, a backward pass by hand, Adam. No DOM.
//
//   x (B, P) -> silu -> μ, log σ² (B, D) -> z = μ + σ·ε (B, D) -> silu -> log-odds f (B, P)
//   objective = mean over the batch of reconstruction − β·KL, nats per image
//   reconstruction = Σ x·log p + (1−x)·log(1−p) with p = sigmoid(f)     KL = ½ Σ (μ² + σ² − 1 − log σ²)
//
// Kingma & Welling (2014), arXiv 1312.6114, section 3. `vae_core.model.VAE` with one hidden layer is the same network, its
// tensors have the same names, and a test holds both together. N data, B batch, P pixels, H hidden, D latent; row by row.

import { toUnit } from "./safetensors.js";

/** @import { Numbers } from "../types.d.ts" */

/** @typedef {ReturnType<typeof trainerPass>} Pass */

export const TRAINER_LAYERS = ["encoder.1", "encoder.3", "decoder.0", "decoder.2"];

/**
 * (inputs, outputs) of each layer.
 * @param {number} P @param {number} H @param {number} D @returns {[number, number][]}
 */
export const trainerSizes = (P, H, D) => [
  [P, H],
  [H, 2 * D],
  [D, H],
  [H, P],
];

/**
 * What one pass of B images needs and leaves behind. Fill `x` and `epsilon`; `TrainerNet` fills the rest.
 * @param {number} B @param {number} P @param {number} H @param {number} D
 */
export function trainerPass(B, P, H, D) {
  const room = (/** @type {number} */ width) => new Float64Array(B * width);
  return {
    B,
    x: room(P),
    epsilon: room(D),
    before: room(H),
    hidden: room(H),
    parameters: room(2 * D), // before: in front of the activation
    mu: room(D),
    sigma: room(D),
    z: room(D),
    decoderBefore: room(H),
    decoderHidden: room(H),
    f: room(P),
    picture: room(P),
    reconstruction: room(1),
    kl: room(1), // (B,) nats
    pull: room(D), // ∂reconstruction/∂z, nats per unit
    dF: room(P),
    dDecoderHidden: room(H),
    dParameters: room(2 * D),
    dHidden: room(H),
  };
}

/**
 * @typedef {object} Affine one layer: weight (O, I), bias (O), their gradients, and Adam's two moments of either
 * @property {number} I
 * @property {number} O
 * @property {Float64Array} weight
 * @property {Float64Array} bias
 * @property {Float64Array} dWeight
 * @property {Float64Array} dBias
 * @property {[first: Float64Array, second: Float64Array][]} moments
 */

/** @param {Affine} layer @param {Float64Array} x @param {Float64Array} out @param {number} B */
function affine({ I, O, weight, bias }, x, out, B) {
  for (let b = 0; b < B; b++) {
    const from = b * I;
    for (let o = 0; o < O; o++) {
      const row = o * I;
      let sum = bias[o];
      for (let i = 0; i < I; i++) sum += x[from + i] * weight[row + i];
      out[b * O + o] = sum;
    }
  }
}

/**
 * The derivative with respect to the layer's input, into dx; it needs nothing but the weights.
 * @param {Affine} layer @param {Float64Array} dOut @param {Float64Array} dx @param {number} B
 */
function affineInput({ I, O, weight }, dOut, dx, B) {
  dx.fill(0);
  for (let b = 0; b < B; b++) {
    const to = b * I;
    for (let o = 0; o < O; o++) {
      const row = o * I;
      const d = dOut[b * O + o];
      for (let i = 0; i < I; i++) dx[to + i] += d * weight[row + i];
    }
  }
}

/**
 * The derivative with respect to the weights, summed over the batch, into the layer.
 * @param {Affine} layer @param {Float64Array} dOut @param {Float64Array} x @param {number} B
 */
function affineWeights({ I, O, dWeight, dBias }, dOut, x, B) {
  dWeight.fill(0);
  dBias.fill(0);
  for (let b = 0; b < B; b++) {
    const from = b * I;
    for (let o = 0; o < O; o++) {
      const row = o * I;
      const d = dOut[b * O + o];
      dBias[o] += d;
      for (let i = 0; i < I; i++) dWeight[row + i] += d * x[from + i];
    }
  }
}

/** @param {Float64Array} before @param {Float64Array} out @param {number} count */
function silu(before, out, count) {
  for (let k = 0; k < count; k++) out[k] = before[k] / (1 + Math.exp(-before[k]));
}

/**
 * d ← d · silu′(before), with silu′(a) = s + silu(a)·(1 − s), s = sigmoid(a).
 * @param {Float64Array} before @param {Float64Array} out @param {Float64Array} d @param {number} count
 */
function siluBack(before, out, d, count) {
  for (let k = 0; k < count; k++) {
    const s = 1 / (1 + Math.exp(-before[k]));
    d[k] *= s + out[k] * (1 - s);
  }
}

/** The network with its gradients and Adam's moments. `weights`: {"encoder.1.weight": (O·I), "encoder.1.bias": (O), …}. */
export class TrainerNet {
  /** @param {{ P: number, H: number, D: number, weights: Record<string, Numbers> }} network */
  constructor({ P, H, D, weights }) {
    this.P = P;
    this.H = H;
    this.D = D;
    this.updates = 0;
    /** @type {Affine[]} */
    this.layers = trainerSizes(P, H, D).map(([I, O], n) => {
      const [weight, bias] = ["weight", "bias"].map((part) =>
        Float64Array.from(weights[`${TRAINER_LAYERS[n]}.${part}`]),
      );
      if (weight.length !== I * O || bias.length !== O) throw new Error(`${TRAINER_LAYERS[n]} must be ${O}×${I}`);
      const like = (/** @type {Float64Array} */ array) => new Float64Array(array.length);
      return {
        I,
        O,
        weight,
        bias,
        dWeight: like(weight),
        dBias: like(bias),
        moments: [
          [like(weight), like(weight)],
          [like(bias), like(bias)],
        ],
      };
    });
  }

  /** @returns {Record<string, Float64Array>} */
  get weights() {
    return Object.fromEntries(
      this.layers.flatMap(({ weight, bias }, n) => [
        [`${TRAINER_LAYERS[n]}.weight`, weight],
        [`${TRAINER_LAYERS[n]}.bias`, bias],
      ]),
    );
  }

  /**
   * x -> μ, σ and the KL of each image.
   * @param {Pass} pass
   */
  encode(pass) {
    const { D, layers } = this;
    const { B, mu, sigma, parameters } = pass;
    affine(layers[0], pass.x, pass.before, B);
    silu(pass.before, pass.hidden, B * this.H);
    affine(layers[1], pass.hidden, parameters, B);
    for (let b = 0; b < B; b++) {
      let kl = 0;
      for (let d = 0; d < D; d++) {
        const m = parameters[b * 2 * D + d];
        const logvar = parameters[b * 2 * D + D + d];
        mu[b * D + d] = m;
        sigma[b * D + d] = Math.exp(0.5 * logvar);
        kl += 0.5 * (m * m + Math.exp(logvar) - 1 - logvar);
      }
      pass.kl[b] = kl;
    }
  }

  /**
   * x, ε -> everything up to the two terms of each image.
   * @param {Pass} pass
   */
  forward(pass) {
    const { D, P, layers } = this;
    const { B, mu, sigma, epsilon, z, f, x, picture } = pass;
    this.encode(pass);
    for (let k = 0; k < B * D; k++) z[k] = mu[k] + sigma[k] * epsilon[k];
    affine(layers[2], z, pass.decoderBefore, B);
    silu(pass.decoderBefore, pass.decoderHidden, B * this.H);
    affine(layers[3], pass.decoderHidden, f, B);
    for (let b = 0; b < B; b++) {
      let sum = 0;
      for (let k = b * P; k < (b + 1) * P; k++) {
        // x·f − log(1 + eᶠ), written so that no exponential overflows.
        const e = Math.exp(-Math.abs(f[k]));
        sum += x[k] * f[k] - Math.max(f[k], 0) - Math.log1p(e);
        picture[k] = f[k] >= 0 ? 1 / (1 + e) : e / (1 + e);
      }
      pass.reconstruction[b] = sum;
    }
  }

  /**
   * After `forward`: ∂reconstruction/∂z of each image, into `pull`. Leaves the gradients of the weights alone.
   * @param {Pass} pass
   */
  pulls(pass) {
    const { B, x, picture, dF } = pass;
    for (let k = 0; k < B * this.P; k++) dF[k] = x[k] - picture[k];
    affineInput(this.layers[3], dF, pass.dDecoderHidden, B);
    siluBack(pass.decoderBefore, pass.decoderHidden, pass.dDecoderHidden, B * this.H);
    affineInput(this.layers[2], pass.dDecoderHidden, pass.pull, B);
  }

  /**
   * After `forward`: `pull`, and the gradient of Σ reconstruction − β·KL over the batch in every layer.
   * @param {Pass} pass @param {number} beta
   */
  backward(pass, beta) {
    const { D, layers } = this;
    const { B, mu, sigma, epsilon, pull, dParameters } = pass;
    this.pulls(pass);
    affineWeights(layers[3], pass.dF, pass.decoderHidden, B);
    affineWeights(layers[2], pass.dDecoderHidden, pass.z, B);
    for (let b = 0; b < B; b++) {
      for (let d = 0; d < D; d++) {
        const k = b * D + d;
        // ∂z/∂μ = 1 and ∂z/∂log σ² = ½σε; ∂KL/∂μ = μ and ∂KL/∂log σ² = ½(σ² − 1).
        dParameters[b * 2 * D + d] = pull[k] - beta * mu[k];
        dParameters[b * 2 * D + D + d] = 0.5 * (sigma[k] * epsilon[k] * pull[k] - beta * (sigma[k] * sigma[k] - 1));
      }
    }
    affineWeights(layers[1], dParameters, pass.hidden, B);
    affineInput(layers[1], dParameters, pass.dHidden, B);
    siluBack(pass.before, pass.hidden, pass.dHidden, B * this.H);
    affineWeights(layers[0], pass.dHidden, pass.x, B);
  }

  /**
   * After `backward` on B images: one step of Adam (Kingma & Ba 2015, arXiv 1412.6980, algorithm 1), uphill.
   * @param {number} rate @param {number} B
   */
  learn(rate, B) {
    const [b1, b2, small] = [0.9, 0.999, 1e-8];
    this.updates++;
    const [c1, c2] = [1 - b1 ** this.updates, 1 - b2 ** this.updates];
    for (const { weight, dWeight, bias, dBias, moments } of this.layers) {
      [
        [weight, dWeight],
        [bias, dBias],
      ].forEach(([value, gradient], part) => {
        const [first, second] = moments[part];
        for (let k = 0; k < value.length; k++) {
          const g = gradient[k] / B;
          first[k] = b1 * first[k] + (1 - b1) * g;
          second[k] = b2 * second[k] + (1 - b2) * g * g;
          value[k] += (rate * (first[k] / c1)) / (Math.sqrt(second[k] / c2) + small);
        }
      });
    }
  }
}

const TRAINER_PURPOSES = { weights: 1, order: 2, epsilon: 3 };

/**
 * A training that a seed decides: weights, the order of the images, every ε. `normals(seed)` gives a generator of N(0, 1).
 * `images`: (N·P) bytes. Between two calls the course stands at `step` with the batch of that step encoded and decoded.
 */
export class TrainerCourse {
  /**
   * @param {{ images: Numbers, P: number, H: number, D: number, B: number, rate: number, seed: number,
   *   normals: (seed: number) => () => number }} course
   */
  constructor({ images, P, H, D, B, rate, seed, normals }) {
    this.images = images;
    this.P = P;
    this.H = H;
    this.D = D;
    this.B = B;
    this.rate = rate;
    this.seed = seed;
    this.normals = normals;
    this.N = images.length / P;
    this.epoch = -1; // whose `order` is known
    this.order = new Int32Array(this.N);
    this.pass = trainerPass(B, P, H, D);
    this.net = new TrainerNet({ P, H, D, weights: this.startWeights() });
    this.step = 0;
    this.batch = this.indices(0);
    this.prepare();
  }

  /**
   * A generator that depends on nothing but the seed, what it is for, and a number.
   * @param {keyof typeof TRAINER_PURPOSES} purpose @param {number} index
   */
  random(purpose, index) {
    let state = Math.imul(this.seed + 1, 0x9e3779b1) ^ Math.imul(TRAINER_PURPOSES[purpose], 0x7feb352d);
    state = Math.imul(state ^ (state >>> 15), 0x2c1b3c6d) + Math.imul(index + 1, 0x297a2d39);
    return this.normals(Math.imul(state ^ (state >>> 12), 0x45d9f3b));
  }

  /** The spread of torch's defaults, 1/√(3·inputs), and an output bias that paints the mean picture, as the library does. */
  startWeights() {
    const { P, H, D } = this;
    const normal = this.random("weights", 0);
    /** @type {Record<string, Float64Array>} */
    const weights = {};
    trainerSizes(P, H, D).forEach(([I, O], n) => {
      const draw = (/** @type {number} */ count) =>
        Float64Array.from({ length: count }, () => normal() / Math.sqrt(3 * I));
      weights[`${TRAINER_LAYERS[n]}.weight`] = draw(I * O);
      weights[`${TRAINER_LAYERS[n]}.bias`] = draw(O);
    });
    const mean = new Float64Array(P);
    for (let k = 0; k < this.images.length; k++) mean[k % P] += toUnit(this.images[k]) / this.N;
    weights["decoder.2.bias"] = mean.map((p) => {
      const kept = Math.min(1 - 1e-3, Math.max(1e-3, p));
      return Math.log(kept / (1 - kept));
    });
    return weights;
  }

  /**
   * The images of step `step`: a new order in every epoch; what does not fill a batch waits for the next epoch.
   * @param {number} step
   */
  indices(step) {
    const batches = Math.floor(this.N / this.B);
    const epoch = Math.floor(step / batches);
    if (this.epoch !== epoch) {
      const normal = this.random("order", epoch);
      const keys = Float64Array.from({ length: this.N }, normal);
      this.order = Int32Array.from(keys.keys()).sort((a, b) => keys[a] - keys[b]);
      this.epoch = epoch;
    }
    const start = (step % batches) * this.B;
    return this.order.subarray(start, start + this.B);
  }

  /**
   * Put images and their ε of this step into a pass, and run it. The same image gets the same ε in any pass of a step.
   * @param {Pass} pass @param {Numbers} indices
   */
  run(pass, indices) {
    const { D } = this;
    this.load(pass, indices);
    for (let b = 0; b < pass.B; b++) {
      const normal = this.random("epsilon", this.step * this.N + indices[b]);
      for (let d = 0; d < D; d++) pass.epsilon[b * D + d] = normal();
    }
    this.net.forward(pass);
  }

  /** @param {Pass} pass @param {Numbers} indices */
  load(pass, indices) {
    const { P, images } = this;
    for (let b = 0; b < pass.B; b++) {
      for (let p = 0; p < P; p++) pass.x[b * P + p] = toUnit(images[indices[b] * P + p]);
    }
  }

  /** Encode and decode the batch of this step. */
  prepare() {
    this.batch = this.indices(this.step);
    this.run(this.pass, this.batch);
  }

  /** Means over the batch, nats per image. */
  terms() {
    const mean = (/** @type {Float64Array} */ values) => values.reduce((sum, value) => sum + value, 0) / this.B;
    return { reconstruction: mean(this.pass.reconstruction), kl: mean(this.pass.kl) };
  }

  /**
   * Learn from the batch; the next one has to be prepared.
   * @param {number} beta
   */
  learn(beta) {
    this.net.backward(this.pass, beta);
    this.net.learn(this.rate, this.B);
    this.step++;
  }

  /**
   * μ of images start … start + pass.B − 1, into means (N, D), with whatever `pass` there is for it.
   * @param {Pass} pass @param {number} start @param {Float64Array} means
   */
  encode(pass, start, means) {
    const indices = Int32Array.from({ length: pass.B }, (_, b) => (start + b) % this.N);
    this.load(pass, indices);
    this.net.encode(pass);
    for (let b = 0; b < pass.B; b++) {
      for (let d = 0; d < this.D; d++) means[indices[b] * this.D + d] = pass.mu[b * this.D + d];
    }
  }
}
