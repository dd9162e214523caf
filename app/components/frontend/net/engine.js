// Owns the network in the page: a manifest of layers and its tensors -> decode(z), encode(x), in plain JavaScript.
//
// Linear, convolution and transposed convolution are one operation here: an output position is its bias plus, for each
// of its taps, the input vector at one position times one (I, O) matrix. A linear layer has one position and one tap.
// With the channels last and the matrix transposed to (I, O), that is an axpy over contiguous weights, which can leave
// out inputs that are zero: after a ReLU, about half of them. Nothing is allocated after `compile`.

import { OUTPUTS } from "./likelihoods.js";

/**
 * @import { ActivationLayer, Code, ConvolutionLayer, Layer, LinearLayer, Manifest } from "../types.d.ts"
 * @import { Network, Numbers, ReshapeLayer, Tensor, WindowLayer } from "../types.d.ts"
 */

/**
 * A step takes the values of the one before it and gives its own, which are valid until its next call.
 * @typedef {(x: Float32Array) => Float32Array} Step
 * @typedef {{ shape: number[], run: Step }} Built
 * @typedef {Map<string, Pick<Tensor, "shape" | "data">>} Tensors
 */

/**
 * One layer as sums of vector × matrix. start (P+1): the taps of output position p are start[p] … start[p+1]-1;
 * tap t reads input position pixel[t] through the matrix that begins at weight[t].
 * @param {{ I: number, O: number, P: number, Q: number, start: Int32Array, pixel: Int32Array, weight: Int32Array,
 *   weights: Float32Array, bias: Numbers }} layer
 * @returns {Step}
 */
function makeProduct({ I, O, P, Q, start, pixel, weight, weights, bias }) {
  const out = new Float32Array(P * O);
  // The non-zero channels of every input position: index[q*I …], count[q] of them.
  const index = new Int32Array(Q * I);
  const count = new Int32Array(Q);
  return (x) => {
    for (let q = 0; q < Q; q++) {
      let n = 0;
      const base = q * I;
      for (let i = 0; i < I; i++) if (x[base + i] !== 0) index[base + n++] = i;
      count[q] = n;
    }
    for (let p = 0; p < P; p++) {
      const at = p * O;
      for (let o = 0; o < O; o++) out[at + o] = bias[o];
      for (let t = start[p]; t < start[p + 1]; t++) {
        const q = pixel[t] * I;
        const w = weight[t];
        const n = count[pixel[t]];
        let k = 0;
        // Four inputs in one pass over the outputs: a quarter of the loads and stores of `out`.
        for (; k + 3 < n; k += 4) {
          const i0 = index[q + k];
          const i1 = index[q + k + 1];
          const i2 = index[q + k + 2];
          const i3 = index[q + k + 3];
          const x0 = x[q + i0];
          const x1 = x[q + i1];
          const x2 = x[q + i2];
          const x3 = x[q + i3];
          const w0 = w + i0 * O;
          const w1 = w + i1 * O;
          const w2 = w + i2 * O;
          const w3 = w + i3 * O;
          for (let o = 0; o < O; o++) {
            out[at + o] += x0 * weights[w0 + o] + x1 * weights[w1 + o] + x2 * weights[w2 + o] + x3 * weights[w3 + o];
          }
        }
        for (; k < n; k++) {
          const i = index[q + k];
          const xi = x[q + i];
          const wi = w + i * O;
          for (let o = 0; o < O; o++) out[at + o] += xi * weights[wi + o];
        }
      }
    }
    return out;
  };
}

/** @param {number[]} shape */
const sizeOf = (shape) => shape.reduce((product, size) => product * size, 1);

/** @param {Tensors} tensors @param {string} name @param {number[]} shape */
function tensorOf(tensors, name, shape) {
  const tensor = tensors.get(name);
  if (!tensor) throw new Error(`the model lacks the tensor ${name}`);
  if (String(tensor.shape) !== String(shape)) {
    throw new Error(`tensor ${name} has shape [${tensor.shape}]; its layer needs [${shape}]`);
  }
  return tensor.data;
}

/** @param {LinearLayer} layer @param {number[]} shape @param {Tensors} tensors @returns {Built} */
function linear(layer, shape, tensors) {
  const { in: I, out: O } = layer;
  if (sizeOf(shape) !== I) throw new Error(`a linear layer of ${I} inputs came after ${sizeOf(shape)} values`);
  const source = tensorOf(tensors, layer.weight, [O, I]); // (O, I) -> (I, O)
  const weights = new Float32Array(I * O);
  for (let o = 0; o < O; o++) for (let i = 0; i < I; i++) weights[i * O + o] = source[o * I + i];
  return {
    shape: [O],
    run: makeProduct({
      I,
      O,
      P: 1,
      Q: 1,
      weights,
      start: Int32Array.of(0, 1),
      pixel: Int32Array.of(0),
      weight: Int32Array.of(0),
      bias: tensorOf(tensors, layer.bias, [O]),
    }),
  };
}

/** @param {ConvolutionLayer} layer @param {number[]} shape @param {Tensors} tensors @returns {Built} */
function convolution(layer, shape, tensors) {
  const { in: I, out: O, kernel: K, stride: S, padding: pad } = layer;
  const transposed = layer.type === "conv_transpose2d";
  const [C, H, W] = shape;
  if (shape.length !== 3 || C !== I)
    throw new Error(`a ${layer.type} of ${I} channels came after values of shape [${shape}]`);
  const grow = (/** @type {number} */ n) =>
    transposed ? (n - 1) * S - 2 * pad + K : Math.floor((n + 2 * pad - K) / S) + 1;
  const [OH, OW] = [grow(H), grow(W)];
  if (OH < 1 || OW < 1) throw new Error(`a ${layer.type} with a ${K}×${K} kernel does not fit ${H}×${W}`);
  const source = tensorOf(tensors, layer.weight, transposed ? [I, O, K, K] : [O, I, K, K]);
  const weights = new Float32Array(K * K * I * O); // (K·K, I, O)
  for (let i = 0; i < I; i++) {
    for (let o = 0; o < O; o++) {
      const from = (transposed ? i * O + o : o * I + i) * K * K;
      for (let k = 0; k < K * K; k++) weights[(k * I + i) * O + o] = source[from + k];
    }
  }
  /**
   * Input row (or column) that output row o reads through kernel row k; -1 where there is none.
   * @param {number} o @param {number} k @param {number} n
   */
  const reads = (o, k, n) => {
    const at = transposed ? (o + pad - k) / S : o * S + k - pad;
    return Number.isInteger(at) && at >= 0 && at < n ? at : -1;
  };
  const start = new Int32Array(OH * OW + 1);
  /** @type {number[]} */
  const pixel = [];
  /** @type {number[]} */
  const weight = [];
  for (let oy = 0; oy < OH; oy++) {
    for (let ox = 0; ox < OW; ox++) {
      for (let ky = 0; ky < K; ky++) {
        const iy = reads(oy, ky, H);
        if (iy < 0) continue;
        for (let kx = 0; kx < K; kx++) {
          const ix = reads(ox, kx, W);
          if (ix < 0) continue;
          pixel.push(iy * W + ix);
          weight.push((ky * K + kx) * I * O);
        }
      }
      start[oy * OW + ox + 1] = pixel.length;
    }
  }
  return {
    shape: [O, OH, OW],
    run: makeProduct({
      I,
      O,
      P: OH * OW,
      Q: H * W,
      weights,
      start,
      pixel: Int32Array.from(pixel),
      weight: Int32Array.from(weight),
      bias: tensorOf(tensors, layer.bias, [O]),
    }),
  };
}

/**
 * A layer that only moves values: out[n] = x[from[n]], or 0 where from[n] is -1.
 * @param {Int32Array} from @returns {Step}
 */
function permutation(from) {
  const out = new Float32Array(from.length);
  return (x) => {
    for (let n = 0; n < from.length; n++) out[n] = from[n] < 0 ? 0 : x[from[n]];
    return out;
  };
}

/** @param {number[]} shape */
function channelsLast([C, H, W]) {
  const from = new Int32Array(C * H * W);
  for (let c = 0; c < C; c++) for (let p = 0; p < H * W; p++) from[p * C + c] = c * H * W + p;
  return permutation(from);
}

/** @param {number[]} shape */
function channelsFirst([C, H, W]) {
  const from = new Int32Array(C * H * W);
  for (let c = 0; c < C; c++) for (let p = 0; p < H * W; p++) from[c * H * W + p] = p * C + c;
  return permutation(from);
}

/**
 * Centred window of another size: "pad" puts zeros around, "crop" cuts off.
 * @param {WindowLayer} layer @param {number[]} shape @returns {Built}
 */
function centre(layer, shape) {
  const [C, h, w] = shape;
  const [C2, H, W] = layer.shape;
  const grows = H >= h && W >= w;
  const shrinks = H <= h && W <= w;
  if (shape.length !== 3 || C !== C2 || !(layer.type === "pad" ? grows : shrinks)) {
    throw new Error(`${layer.type} cannot make [${layer.shape}] of [${shape}]`);
  }
  const top = layer.type === "pad" ? Math.floor((H - h) / 2) : -Math.floor((h - H) / 2);
  const left = layer.type === "pad" ? Math.floor((W - w) / 2) : -Math.floor((w - W) / 2);
  const from = new Int32Array(C * H * W);
  for (let c = 0; c < C; c++) {
    for (let y = 0; y < H; y++) {
      for (let x = 0; x < W; x++) {
        const inside = y >= top && y < top + h && x >= left && x < left + w;
        from[(c * H + y) * W + x] = inside ? (c * h + y - top) * w + x - left : -1;
      }
    }
  }
  return { shape: [C, H, W], run: permutation(from) };
}

/** @type {Step} */
function relu(x) {
  for (let n = 0; n < x.length; n++) if (x[n] < 0) x[n] = 0;
  return x;
}

/** @type {Step} */
function tanh(x) {
  for (let n = 0; n < x.length; n++) x[n] = Math.tanh(x[n]);
  return x;
}

/** @type {Step} */
function silu(x) {
  for (let n = 0; n < x.length; n++) x[n] /= 1 + Math.exp(-x[n]);
  return x;
}

const ACTIVATIONS = { relu, tanh, silu };

/** @param {Layer} layer @returns {layer is ActivationLayer} */
const isActivation = (layer) => layer.type in ACTIVATIONS;

/** @param {Exclude<Layer, ActivationLayer | ReshapeLayer>} layer @param {number[]} shape @param {Tensors} tensors */
function build(layer, shape, tensors) {
  switch (layer.type) {
    case "linear":
      return linear(layer, shape, tensors);
    case "conv2d":
    case "conv_transpose2d":
      return convolution(layer, shape, tensors);
    case "pad":
    case "crop":
      return centre(layer, shape);
    default:
      // What came is what another version of the program wrote, whatever the types say.
      throw new Error(`the page does not know the layer "${/** @type {Layer} */ (layer).type}"`);
  }
}

/**
 * The layers one after the other; what `run` gives is owned by the chain.
 * @param {Layer[]} layers @param {number[]} inputShape @param {Tensors} tensors
 * @returns {{ shape: number[], run(x: Numbers): Float32Array }}
 */
function chain(layers, inputShape, tensors) {
  /** @type {Step[]} */
  const steps = [];
  let shape = inputShape;
  let last = false; // are the values channels-last just now?
  for (const layer of layers) {
    if (isActivation(layer)) {
      // Element by element and in place, so never on the caller's array.
      if (steps.length === 0) steps.push(permutation(Int32Array.from({ length: sizeOf(shape) }, (_, n) => n)));
      steps.push(ACTIVATIONS[layer.type]);
      continue;
    }
    const wantsLast = layer.type === "conv2d" || layer.type === "conv_transpose2d";
    if (wantsLast !== last && shape.length === 3) steps.push(last ? channelsFirst(shape) : channelsLast(shape));
    last = wantsLast;
    if (layer.type === "reshape") {
      if (sizeOf(layer.shape) !== sizeOf(shape)) throw new Error(`reshape cannot make [${layer.shape}] of [${shape}]`);
      shape = layer.shape;
      continue;
    }
    const built = build(layer, shape, tensors);
    steps.push(built.run);
    shape = built.shape;
  }
  if (last) steps.push(channelsFirst(shape));
  return {
    shape,
    run(x) {
      let values = /** @type {Float32Array} */ (x); // the first step only reads them
      for (let n = 0; n < steps.length; n++) values = steps[n](values);
      return values;
    },
  };
}

/**
 * Throws one sentence where manifest and tensors do not fit each other. Without `encoder` layers (a worker that only
 * decodes) `encode` is null.
 * @param {Manifest} manifest @param {Tensors} tensors @returns {Network}
 */
export function compile(manifest, tensors) {
  if (manifest.format !== 1) throw new Error(`the model has format ${manifest.format}; this page reads format 1`);
  const { latent_dim: D, image_shape: shape } = manifest;
  const size = sizeOf(shape); // C·H·W
  const output = OUTPUTS[manifest.output];
  if (!output) throw new Error(`the page does not know the output "${manifest.output}"`);
  const decoder = chain(manifest.decoder, [D], tensors);
  if (sizeOf(decoder.shape) !== size) {
    throw new Error(`the decoder gives [${decoder.shape}]; a picture is [${shape}]`);
  }
  const encoder = manifest.encoder?.length ? chain(manifest.encoder, shape, tensors) : null;
  const full = manifest.posterior === "full";
  const needed = 2 * D + (full ? (D * (D - 1)) / 2 : 0);
  if (encoder && sizeOf(encoder.shape) !== needed) {
    const what = full ? "μ, log σ² and the covariances" : "μ and log σ²";
    throw new Error(`the encoder gives [${encoder.shape}]; ${what} of ${D} dimensions need ${needed}`);
  }
  const sigma = manifest.sigma ?? NaN; // a number, or one for each pixel
  if (Array.isArray(sigma) && sigma.length !== size) {
    throw new Error(`the model gives σ of ${sigma.length} pixels; a picture has ${size}`);
  }
  const picture = new Float32Array(size);
  /** @type {Code} */
  const code = {
    mu: new Float32Array(D),
    logvar: new Float32Array(D),
    lower: full ? new Float32Array(needed - 2 * D) : null,
  };

  const parameters = (/** @type {Numbers} */ z) => decoder.run(z);

  /** @type {Network["decode"]} */
  const decode = (z, out = picture) => {
    output.mean(decoder.run(z), out);
    return out;
  };

  /** @type {Network["decodeBatch"]} */
  function decodeBatch(zs, out = new Float32Array((zs.length / D) * size)) {
    for (let n = 0; n * D < zs.length; n++) {
      decode(zs.subarray(n * D, (n + 1) * D), out.subarray(n * size, (n + 1) * size));
    }
    return out;
  }

  const encode =
    encoder &&
    ((/** @type {Numbers} */ x) => {
      const values = encoder.run(x);
      code.mu.set(values.subarray(0, D));
      code.logvar.set(values.subarray(D, 2 * D));
      code.lower?.set(values.subarray(2 * D));
      return code;
    });

  /** @type {Network["distortion"]} */
  const distortion = (z, x) => output.nats(parameters(z), x, sigma);

  return {
    D,
    shape,
    size,
    parameters,
    distortion,
    decode,
    decodeBatch,
    encode,
    isLogLikelihood: manifest.is_log_likelihood,
  };
}
