// Owns the operators of a network in the page: a node of a graph in ONNX's words -> what computes it. Twin of the
// functions in `vae_core/networks/torch_.py`; which operators there are, `vae_core/networks/graph.py` says.
//
// Gemm, Conv and ConvTranspose are one operation here: an output position is its bias plus, for each of its taps, the
// input vector at one position times one (I, O) matrix. A Gemm has one position and one tap. With the channels last and
// the matrix transposed to (I, O), that is an axpy over contiguous weights, which can leave out inputs that are zero:
// after a ReLU, about half of them. All room is taken when a network is compiled; running one allocates nothing.

/**
 * @import { GraphNode, Numbers, Tensor } from "../types.d.ts"
 */

/**
 * @typedef {() => void} Step
 * @typedef {Map<string, Pick<Tensor, "shape" | "data">>} Tensors
 */

/**
 * One value of a network and where it lies: as ONNX lays it out, or with the channels last; where both are the same
 * numbers in the same order, it is the same array. `free`: whether its only reader may write over it.
 * @typedef {{ shape: number[], first: Float32Array | null, last: Float32Array | null, free: boolean }} Value
 */

/** @param {number[]} shape */
export const sizeOf = (shape) => shape.reduce((product, size) => product * size, 1);

/** @param {number[]} shape */
const sameEitherWay = (shape) => shape.length !== 3 || shape[0] === 1 || shape[1] * shape[2] === 1;

/**
 * A value in a layout; in the other too where they are one.
 * @param {number[]} shape @param {"first" | "last"} layout @param {boolean} free @param {Float32Array} array
 * @returns {Value}
 */
export function valueIn(shape, layout, free, array = new Float32Array(sizeOf(shape))) {
  const both = sameEitherWay(shape);
  return {
    shape,
    free,
    first: both || layout === "first" ? array : null,
    last: both || layout === "last" ? array : null,
  };
}

/**
 * The value's numbers in this layout; where they are not there yet, a step that brings them.
 * @param {Value} value @param {"first" | "last"} layout @param {Step[]} steps @returns {Float32Array}
 */
export function laidOut(value, layout, steps) {
  const there = value[layout];
  if (there) return there;
  const [C, H, W] = value.shape;
  const from = new Int32Array(C * H * W);
  for (let c = 0; c < C; c++) {
    for (let p = 0; p < H * W; p++) {
      if (layout === "last") from[p * C + c] = c * H * W + p;
      else from[c * H * W + p] = p * C + c;
    }
  }
  const out = new Float32Array(from.length);
  const source = value.first ?? value.last;
  if (!source) throw new Error("a value lies nowhere");
  steps.push(gather(source, from, out));
  value[layout] = out;
  return out;
}

/**
 * out[n] = x[from[n]], or 0 where from[n] is -1.
 * @param {Float32Array} x @param {Int32Array} from @param {Float32Array} out @returns {Step}
 */
const gather = (x, from, out) => () => {
  for (let n = 0; n < from.length; n++) out[n] = from[n] < 0 ? 0 : x[from[n]];
};

/** @param {Tensors} tensors @param {string} name @param {number[]} [shape] */
function tensorOf(tensors, name, shape) {
  const tensor = tensors.get(name);
  if (!tensor) throw new Error(`the model lacks the tensor ${name}`);
  if (shape && String(tensor.shape) !== String(shape)) {
    throw new Error(`tensor ${name} has shape [${tensor.shape}]; its operator needs [${shape}]`);
  }
  return tensor;
}

/** @param {Tensors} tensors @param {string | undefined} name @param {number} outputs @returns {Numbers} */
const biasOf = (tensors, name, outputs) => (name ? tensorOf(tensors, name, [outputs]).data : new Float32Array(outputs));

/** @param {GraphNode} node @param {string} name @param {number[]} otherwise @returns {number[]} */
function list(node, name, otherwise) {
  const value = node.attributes[name] ?? otherwise;
  if (!Array.isArray(value)) throw new Error(`${name} of ${node.op} is ${value}; it is a list`);
  return value;
}

/** @param {GraphNode} node @param {string} name @param {number} otherwise @returns {number} */
function whole(node, name, otherwise) {
  const value = node.attributes[name] ?? otherwise;
  if (typeof value !== "number") throw new Error(`${name} of ${node.op} is ${value}; it is one number`);
  return value;
}

/** @param {boolean} fits @param {GraphNode} node @param {Value[]} values @param {string} [why] */
function must(fits, node, values, why = "") {
  if (fits) return;
  const shapes = values.map(({ shape }) => `[${shape}]`).join(" and ");
  throw new Error(`${node.op} "${node.outputs[0]}" cannot take values of shape ${shapes}${why}`);
}

/**
 * Sums of vector × matrix. start (P+1): the taps of output position p are start[p] … start[p+1]-1; tap t reads input
 * position pixel[t] through the matrix that begins at weight[t].
 * @param {{ I: number, O: number, P: number, Q: number, start: Int32Array, pixel: Int32Array, weight: Int32Array,
 *   weights: Float32Array, bias: Numbers, x: Float32Array, out: Float32Array }} layer
 * @returns {Step}
 */
function product({ I, O, P, Q, start, pixel, weight, weights, bias, x, out }) {
  // The non-zero channels of every input position: index[q*I …], count[q] of them.
  const index = new Int32Array(Q * I);
  const count = new Int32Array(Q);
  return () => {
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
  };
}

/**
 * Adds what computes a node to `steps` and gives its outputs. `values` are its inputs that are no weights.
 * @typedef {(node: GraphNode, values: Value[], tensors: Tensors, steps: Step[]) => Value[]} Operator
 */

/** @type {Operator} */
function gemm(node, [value], tensors, steps) {
  const [, name, biasName] = node.inputs;
  const across = whole(node, "transB", 0) === 1; // is the matrix (O, I)?
  const source = tensorOf(tensors, name);
  const [O, I] = across ? source.shape : [source.shape[1], source.shape[0]];
  must(value.shape.length === 1 && value.shape[0] === I, node, [value], `; its weight is [${source.shape}]`);
  const weights = new Float32Array(I * O); // (I, O)
  for (let o = 0; o < O; o++) {
    for (let i = 0; i < I; i++) weights[i * O + o] = source.data[across ? o * I + i : i * O + o];
  }
  const x = laidOut(value, "first", steps);
  const out = new Float32Array(O);
  const [start, pixel, weight] = [Int32Array.of(0, 1), Int32Array.of(0), Int32Array.of(0)];
  const bias = biasOf(tensors, biasName, O);
  steps.push(product({ I, O, P: 1, Q: 1, weights, start, pixel, weight, bias, x, out }));
  return [valueIn([O], "first", true, out)];
}

/** @type {Operator} */
function convolution(node, [value], tensors, steps) {
  const [, name, biasName] = node.inputs;
  const transposed = node.op === "ConvTranspose";
  const source = tensorOf(tensors, name);
  const [I, O] = transposed ? source.shape : [source.shape[1], source.shape[0]];
  const [KH, KW] = source.shape.slice(2);
  const [C, H, W] = value.shape;
  must(value.shape.length === 3 && C === I, node, [value], `; its weight is [${source.shape}]`);
  const [SH, SW] = list(node, "strides", [1, 1]);
  const [top, left, bottom, right] = list(node, "pads", [0, 0, 0, 0]);
  const [moreH, moreW] = list(node, "output_padding", [0, 0]);
  const plain = String(list(node, "dilations", [1, 1])) === "1,1" && whole(node, "group", 1) === 1;
  must(plain, node, [value], " with dilations or groups");
  const OH = transposed ? (H - 1) * SH + KH + moreH - top - bottom : Math.floor((H + top + bottom - KH) / SH) + 1;
  const OW = transposed ? (W - 1) * SW + KW + moreW - left - right : Math.floor((W + left + right - KW) / SW) + 1;
  must(OH >= 1 && OW >= 1, node, [value], `; its kernel is ${KH}×${KW}`);
  const weights = new Float32Array(KH * KW * I * O); // (KH·KW, I, O)
  for (let i = 0; i < I; i++) {
    for (let o = 0; o < O; o++) {
      const from = (transposed ? i * O + o : o * I + i) * KH * KW;
      for (let k = 0; k < KH * KW; k++) weights[(k * I + i) * O + o] = source.data[from + k];
    }
  }
  /**
   * Input row (or column) that output row o reads through kernel row k; -1 where there is none.
   * @param {number} o @param {number} k @param {number} n @param {number} S @param {number} pad
   */
  const reads = (o, k, n, S, pad) => {
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
      for (let ky = 0; ky < KH; ky++) {
        const iy = reads(oy, ky, H, SH, top);
        if (iy < 0) continue;
        for (let kx = 0; kx < KW; kx++) {
          const ix = reads(ox, kx, W, SW, left);
          if (ix < 0) continue;
          pixel.push(iy * W + ix);
          weight.push((ky * KW + kx) * I * O);
        }
      }
      start[oy * OW + ox + 1] = pixel.length;
    }
  }
  const x = laidOut(value, "last", steps);
  const out = valueIn([O, OH, OW], "last", true);
  steps.push(
    product({
      I,
      O,
      P: OH * OW,
      Q: H * W,
      weights,
      start,
      pixel: Int32Array.from(pixel),
      weight: Int32Array.from(weight),
      bias: biasOf(tensors, biasName, O),
      x,
      out: laidOut(out, "last", steps),
    }),
  );
  return [out];
}

/**
 * Number by number, into `out`, which may be `x`.
 * @param {(x: Float32Array, out: Float32Array) => void} apply @returns {Operator}
 */
const each =
  (apply) =>
  (_node, [value], _tensors, steps) => {
    const layout = value.last ? "last" : "first";
    const x = laidOut(value, layout, steps);
    const out = value.free ? x : new Float32Array(x.length);
    steps.push(() => apply(x, out));
    return [valueIn(value.shape, layout, true, out)];
  };

const relu = each((x, out) => {
  for (let n = 0; n < x.length; n++) out[n] = Math.max(x[n], 0);
});
const tanh = each((x, out) => {
  for (let n = 0; n < x.length; n++) out[n] = Math.tanh(x[n]);
});
const sigmoid = each((x, out) => {
  for (let n = 0; n < x.length; n++) out[n] = 1 / (1 + Math.exp(-x[n]));
});
const silu = each((x, out) => {
  for (let n = 0; n < x.length; n++) out[n] = x[n] / (1 + Math.exp(-x[n]));
});

/**
 * Two values, number by number.
 * @param {(a: Float32Array, b: Float32Array, out: Float32Array) => void} apply @returns {Operator}
 */
const pair = (apply) => (node, values, _tensors, steps) => {
  must(values.length === 2 && String(values[0].shape) === String(values[1].shape), node, values);
  const layout = values.some((value) => value.last && !value.first) ? "last" : "first";
  const [a, b] = values.map((value) => laidOut(value, layout, steps));
  const out = values[0].free ? a : values[1].free ? b : new Float32Array(a.length);
  steps.push(() => apply(a, b, out));
  return [valueIn(values[0].shape, layout, true, out)];
};

const add = pair((a, b, out) => {
  for (let n = 0; n < out.length; n++) out[n] = a[n] + b[n];
});
const mul = pair((a, b, out) => {
  for (let n = 0; n < out.length; n++) out[n] = a[n] * b[n];
});

/** @type {Operator} */
function concat(node, values, _tensors, steps) {
  const axis = whole(node, "axis", 1) - 1;
  /** @param {number[]} shape */
  const beside = (shape) => String(shape.with(axis, 0));
  const [{ shape: model }] = values;
  must(axis >= 0 && axis < model.length, node, values, ` along axis ${axis + 1}`);
  must(
    values.every(({ shape }) => shape.length === model.length && beside(shape) === beside(model)),
    node,
    values,
    ` along axis ${axis + 1}`,
  );
  const total = values.reduce((sum, { shape }) => sum + shape[axis], 0);
  const inner = sizeOf(model.slice(axis + 1));
  const outer = sizeOf(model.slice(0, axis));
  const out = new Float32Array(outer * total * inner);
  let begin = 0;
  for (const value of values) {
    const x = laidOut(value, "first", steps);
    const [width, row, at] = [value.shape[axis] * inner, total * inner, begin * inner];
    steps.push(() => {
      for (let o = 0, n = 0; o < outer; o++) {
        for (let k = 0, to = o * row + at; k < width; k++, n++, to++) out[to] = x[n];
      }
    });
    begin += value.shape[axis];
  }
  return [valueIn(model.with(axis, total), "first", true, out)];
}

/** @type {Operator} */
function reshape(node, [value], _tensors, steps) {
  const shape = node.op === "Flatten" ? [sizeOf(value.shape)] : list(node, "shape", []).slice(1);
  must(sizeOf(shape) === sizeOf(value.shape), node, [value], ` to make [${shape}] of them`);
  return [valueIn(shape, "first", value.free, laidOut(value, "first", steps))];
}

/**
 * A window of the value, which may reach beyond it: there are zeros.
 * @param {Value} value @param {number[]} starts @param {number[]} shape @param {Step[]} steps @returns {Value}
 */
function windowOf(value, starts, shape, steps) {
  const x = laidOut(value, "first", steps);
  const from = new Int32Array(sizeOf(shape));
  for (let n = 0; n < from.length; n++) {
    let [at, stride, rest] = [0, 1, n];
    for (let axis = shape.length - 1; axis >= 0; axis--) {
      const place = (rest % shape[axis]) + starts[axis];
      rest = Math.floor(rest / shape[axis]);
      if (place < 0 || place >= value.shape[axis]) at = Number.NEGATIVE_INFINITY;
      at += place * stride;
      stride *= value.shape[axis];
    }
    from[n] = at < 0 ? -1 : at;
  }
  const out = new Float32Array(from.length);
  steps.push(gather(x, from, out));
  return valueIn(shape, "first", true, out);
}

/** @type {Operator} */
function pad(node, [value], _tensors, steps) {
  const pads = list(node, "pads", []);
  const axes = value.shape.length + 1;
  must(pads.length === 2 * axes && pads.every((n) => n >= 0), node, [value], ` with pads [${pads}]`);
  const starts = value.shape.map((_, n) => -pads[n + 1]);
  return [
    windowOf(
      value,
      starts,
      value.shape.map((size, n) => size + pads[n + 1] + pads[axes + n + 1]),
      steps,
    ),
  ];
}

/** @type {Operator} */
function slice(node, [value], _tensors, steps) {
  const [from, to] = [list(node, "starts", []), list(node, "ends", [])];
  const starts = value.shape.map(() => 0);
  const shape = [...value.shape];
  list(node, "axes", []).forEach((axis, n) => {
    const inside = axis >= 1 && axis <= shape.length && from[n] >= 0 && from[n] < to[n] && to[n] <= shape[axis - 1];
    must(inside, node, [value], ` from ${from[n]} to ${to[n]} along axis ${axis}`);
    starts[axis - 1] = from[n];
    shape[axis - 1] = to[n] - from[n];
  });
  return [windowOf(value, starts, shape, steps)];
}

/** @type {Operator} */
function split(node, [value], _tensors, steps) {
  const axis = whole(node, "axis", 0) - 1;
  const sizes = list(node, "split", []);
  const total = sizes.reduce((sum, size) => sum + size, 0);
  must(value.shape[axis] === total, node, [value], ` in parts of [${sizes}]`);
  let begin = 0;
  return sizes.map((size) => {
    const starts = value.shape.map((_, n) => (n === axis ? begin : 0));
    begin += size;
    if (value.shape.length > 1) return windowOf(value, starts, value.shape.with(axis, size), steps);
    const whole = laidOut(value, "first", steps);
    return valueIn([size], "first", value.free, whole.subarray(begin - size, begin)); // a view of the whole
  });
}

/** @type {Record<string, Operator>} */
export const OPERATORS = {
  Gemm: gemm,
  Conv: convolution,
  ConvTranspose: convolution,
  Relu: relu,
  Tanh: tanh,
  Sigmoid: sigmoid,
  Silu: silu,
  Mul: mul,
  Add: add,
  Concat: concat,
  Reshape: reshape,
  Flatten: reshape,
  Pad: pad,
  Slice: slice,
  Split: split,
};
