// The page's network, operation by operation: against numbers worked out by hand, and against the plainest loops that could
// be written for the same formula.

import assert from "node:assert/strict";
import { test } from "node:test";
import { compile, program } from "../../app/components/frontend/net/engine.js";
import { gaussianKL } from "../../app/components/frontend/net/posterior.js";
import { uniforms } from "../../app/components/frontend/kit/random.js";

/** Numbers in (−1, 1) that a test can repeat; every third is zero, for the engine leaves zeros out. */
function numbers(count, seed) {
  const uniform = uniforms(seed);
  return Float32Array.from({ length: count }, (_, n) => (n % 3 === 2 ? 0 : 2 * uniform() - 1));
}

const size = (shape) => shape.reduce((product, length) => product * length, 1);
const tensor = (shape, data) => ({ shape, data: Float32Array.from(data) });
const close = (actual, expected, tolerance = 1e-5) => {
  assert.equal(actual.length, expected.length);
  for (const [n, value] of Array.from(expected).entries()) {
    assert.ok(Math.abs(actual[n] - value) <= tolerance, `[${n}] is ${actual[n]}; expected ${value}`);
  }
};

/** A node that reads the value before it, and these tensors. */
const node = (op, attributes = {}, ...weights) => ({ op, attributes, weights });
const reshape = (...shape) => node("Reshape", { shape: [0, ...shape] });
const gemm = (weight, bias) => node("Gemm", { transB: 1 }, weight, bias);
const window = (op, stride, padding) =>
  node(op, { strides: [stride, stride], pads: [padding, padding, padding, padding] }, "w", "b");

/** A graph of nodes one after the other. */
function graph(nodes, input, inputShape, outputs, tensors) {
  const weights = nodes.flatMap((one) => one.weights);
  const last = nodes.length - 1;
  return {
    inputs: [{ name: input, shape: ["N", ...inputShape] }],
    outputs: Object.entries(outputs).map(([name, shape]) => ({ name, shape: ["N", ...shape] })),
    initializers: weights.map((name) => ({ name, shape: tensors[name].shape })),
    nodes: nodes.map(({ op, attributes, weights }, n) => ({
      op,
      inputs: [n ? `v${n}` : input, ...weights],
      outputs: n === last ? Object.keys(outputs) : [`v${n + 1}`],
      attributes,
    })),
  };
}

/** A decoder of these nodes from z (D) to an image, with nothing after it: `parameters` are its own values. */
function decoder(nodes, D, shape, tensors = {}) {
  const manifest = {
    format: 2,
    name: "a decoder",
    latent_dim: D,
    image_shape: shape,
    likelihood: "gaussian",
    posterior: "diagonal",
    is_log_likelihood: true,
    decoder: graph(nodes, "z", [D], { f: shape }, tensors),
    encoder: null,
  };
  return compile(manifest, new Map(Object.entries(tensors)));
}

/** What one node makes of x (C, H, W): z is reshaped to it. */
function layer(one, inputShape, shape, x, tensors) {
  return decoder([reshape(...inputShape), one], size(inputShape), shape, tensors).parameters(x);
}

test("a linear layer is W x + b", () => {
  const layers = [gemm("w", "b"), reshape(1, 1, 2)];
  const tensors = { w: tensor([2, 3], [1, 2, 3, -1, 0, 0.5]), b: tensor([2], [10, -10]) };
  close(decoder(layers, 3, [1, 1, 2], tensors).parameters([1, -1, 4]), [1 - 2 + 12 + 10, -1 + 2 - 10]);
});

test("more inputs than are taken in one pass, some of them zero", () => {
  const [I, O] = [11, 3];
  const [x, w, b] = [numbers(I, 1), numbers(O * I, 2), numbers(O, 3)];
  const layers = [gemm("w", "b"), reshape(3, 1, 1)];
  const expected = Array.from(b, (bias, o) => x.reduce((sum, value, i) => sum + value * w[o * I + i], bias));
  close(decoder(layers, I, [3, 1, 1], { w: tensor([O, I], w), b: tensor([O], b) }).parameters(x), expected);
});

/** out[o, y, x] = b[o] + Σ in[i, y·S + ky − pad, x·S + kx − pad] · w[o, i, ky, kx], as torch's conv2d. */
function conv(x, [I, H, W], w, b, O, K, S, pad) {
  const [OH, OW] = [H, W].map((n) => Math.floor((n + 2 * pad - K) / S) + 1);
  const out = new Float64Array(O * OH * OW);
  for (let o = 0; o < O; o++)
    for (let oy = 0; oy < OH; oy++)
      for (let ox = 0; ox < OW; ox++) {
        let sum = b[o];
        for (let i = 0; i < I; i++)
          for (let ky = 0; ky < K; ky++)
            for (let kx = 0; kx < K; kx++) {
              const [iy, ix] = [oy * S + ky - pad, ox * S + kx - pad];
              if (iy < 0 || ix < 0 || iy >= H || ix >= W) continue;
              sum += x[(i * H + iy) * W + ix] * w[((o * I + i) * K + ky) * K + kx];
            }
        out[(o * OH + oy) * OW + ox] = sum;
      }
  return { out, shape: [O, OH, OW] };
}

/** Every input value strews its kernel over the output: torch's conv_transpose2d, weights (I, O, K, K). */
function transposed(x, [I, H, W], w, b, O, K, S, pad) {
  const [OH, OW] = [H, W].map((n) => (n - 1) * S - 2 * pad + K);
  const out = Float64Array.from({ length: O * OH * OW }, (_, n) => b[Math.floor(n / (OH * OW))]);
  for (let i = 0; i < I; i++)
    for (let iy = 0; iy < H; iy++)
      for (let ix = 0; ix < W; ix++)
        for (let o = 0; o < O; o++)
          for (let ky = 0; ky < K; ky++)
            for (let kx = 0; kx < K; kx++) {
              const [oy, ox] = [iy * S + ky - pad, ix * S + kx - pad];
              if (oy < 0 || ox < 0 || oy >= OH || ox >= OW) continue;
              out[(o * OH + oy) * OW + ox] += x[(i * H + iy) * W + ix] * w[((i * O + o) * K + ky) * K + kx];
            }
  return { out, shape: [O, OH, OW] };
}

// Square and not, one channel and many, strides that leave a rest, no border and a wide one.
const CASES = [
  { input: [1, 4, 4], O: 1, K: 3, S: 1, pad: 1 },
  { input: [2, 8, 6], O: 5, K: 4, S: 2, pad: 1 },
  { input: [3, 5, 9], O: 2, K: 3, S: 2, pad: 0 },
  { input: [6, 4, 7], O: 4, K: 4, S: 3, pad: 2 },
  { input: [4, 1, 1], O: 3, K: 4, S: 1, pad: 0, transposedOnly: true },
];

for (const { input, O, K, S, pad, transposedOnly } of CASES) {
  const [I] = input;
  const name = `${K}×${K}, stride ${S}, padding ${pad}, ${I} to ${O} channels of ${input.slice(1).join("×")}`;
  const [x, w, b] = [numbers(size(input), 4), numbers(I * O * K * K, 5), numbers(O, 6)];
  if (!transposedOnly)
    test(`convolution: ${name}`, () => {
      const { out, shape } = conv(x, input, w, b, O, K, S, pad);
      const tensors = { w: tensor([O, I, K, K], w), b: tensor([O], b) };
      close(layer(window("Conv", S, pad), input, shape, x, tensors), out);
    });
  test(`transposed convolution: ${name}`, () => {
    const { out, shape } = transposed(x, input, w, b, O, K, S, pad);
    const tensors = { w: tensor([I, O, K, K], w), b: tensor([O], b) };
    close(layer(window("ConvTranspose", S, pad), input, shape, x, tensors), out);
  });
}

test("a transposed convolution is the other way of a convolution: ⟨A x, y⟩ = ⟨x, Aᵀ y⟩", () => {
  const [I, O, K] = [2, 3, 4];
  const w = numbers(O * I * K * K, 7);
  const [forth, back] = [window("Conv", 2, 1), window("ConvTranspose", 2, 1)];
  const [x, y] = [numbers(I * 8 * 6, 8), numbers(O * 4 * 3, 9)];
  const zero = (count) => tensor([count], new Float32Array(count));
  const Ax = layer(forth, [I, 8, 6], [O, 4, 3], x, { w: tensor([O, I, K, K], w), b: zero(O) });
  const Aty = layer(back, [O, 4, 3], [I, 8, 6], y, { w: tensor([O, I, K, K], w), b: zero(I) });
  const dot = (a, c) => a.reduce((sum, value, n) => sum + value * c[n], 0);
  assert.ok(Math.abs(dot(Ax, y) - dot(x, Aty)) < 1e-4);
});

test("activations, value by value, and the caller's numbers stay as they were", () => {
  const x = Float32Array.of(-30, -1, 0, 0.5, 2, 30);
  const of = (op) => layer(node(op), [1, 2, 3], [1, 2, 3], x, {});
  close(of("Relu"), [0, 0, 0, 0.5, 2, 30]);
  close(of("Tanh"), x.map(Math.tanh));
  close(
    of("Sigmoid"),
    x.map((value) => 1 / (1 + Math.exp(-value))),
  );
  assert.deepEqual([...x], [-30, -1, 0, 0.5, 2, 30]);
});

test("zeros around a value, and a window of it", () => {
  const x = Float32Array.from({ length: 6 }, (_, n) => n + 1); // (1, 2, 3)
  const padded = [0, 0, 0, 0, 0, 0, 1, 2, 3, 0, 0, 4, 5, 6, 0, 0, 0, 0, 0, 0];
  const pad = node("Pad", { pads: [0, 0, 1, 1, 0, 0, 1, 1] });
  const slice = node("Slice", { axes: [2, 3], starts: [1, 1], ends: [3, 4] });
  close(layer(pad, [1, 2, 3], [1, 4, 5], x, {}), padded);
  close(layer(slice, [1, 4, 5], [1, 2, 3], padded, {}), x);
});

/** The first output of a graph written out whole, for inputs x (and y). */
const ran = (nodes, inputs, outputs, given) => {
  const value = ([name, shape]) => ({ name, shape: ["N", ...shape] });
  const whole = { inputs: Object.entries(inputs).map(value), outputs: Object.entries(outputs).map(value) };
  const { run } = program({ ...whole, initializers: [], nodes }, new Map());
  return run(...given).map(({ data }) => [...data]);
};

test("a residual branch, a second input, and a value that is read again after it was changed", () => {
  const plain = (op, inputs, output, attributes = {}) => ({ op, inputs, outputs: [output], attributes });
  const branch = [plain("Relu", ["x"], "r"), plain("Add", ["x", "r"], "s"), plain("Mul", ["s", "x"], "t")];
  assert.deepEqual(ran(branch, { x: [3] }, { t: [3], r: [3] }, [[-1, 2, 3]]), [
    [1, 8, 18],
    [0, 2, 3],
  ]);
  const beside = [plain("Concat", ["x", "y"], "c", { axis: 1 })];
  assert.deepEqual(ran(beside, { x: [2], y: [1] }, { c: [3] }, [[1, 2], [7]]), [[1, 2, 7]]);
  const silu = [plain("Sigmoid", ["x"], "g"), plain("Mul", ["g", "x"], "s")];
  close(ran(silu, { x: [1] }, { s: [1] }, [[1.5]])[0], [1.5 / (1 + Math.exp(-1.5))]);
  const shared = [...silu, plain("Add", ["s", "g"], "a")];
  close(ran(shared, { x: [1] }, { a: [1] }, [[1.5]])[0], [2.5 / (1 + Math.exp(-1.5))]);
});

test("parts along each axis, and put together again", () => {
  const x = Float32Array.from({ length: 12 }, (_, n) => n); // (2, 2, 3)
  for (const [axis, split] of [
    [1, [1, 1]],
    [2, [1, 1]],
    [3, [2, 1]],
  ]) {
    const nodes = [
      { op: "Split", inputs: ["x"], outputs: ["a", "b"], attributes: { axis, split } },
      { op: "Concat", inputs: ["a", "b"], outputs: ["c"], attributes: { axis } },
    ];
    assert.deepEqual(ran(nodes, { x: [2, 2, 3] }, { c: [2, 2, 3] }, [x]), [[...x]]);
  }
});

test("convolutions, activations and a linear layer after each other keep the order of channels", () => {
  const [w1, b1, w2, b2] = [numbers(3 * 2 * 9, 10), numbers(3, 11), numbers(4 * 3 * 4 * 5, 12), numbers(4, 13)];
  const x = numbers(2 * 4 * 5, 14);
  const layers = [
    reshape(2, 4, 5),
    node("Conv", { strides: [1, 1], pads: [1, 1, 1, 1] }, "w1", "b1"),
    node("Relu"),
    reshape(60),
    gemm("w2", "b2"),
    reshape(1, 2, 2),
  ];
  const tensors = {
    w1: tensor([3, 2, 3, 3], w1),
    b1: tensor([3], b1),
    w2: tensor([4, 60], w2),
    b2: tensor([4], b2),
  };
  const hidden = conv(x, [2, 4, 5], w1, b1, 3, 3, 1, 1).out.map((value) => Math.max(0, value));
  const expected = Array.from(b2, (bias, o) => hidden.reduce((sum, value, i) => sum + value * w2[o * 60 + i], bias));
  close(decoder(layers, 40, [1, 2, 2], tensors).parameters(x), expected);
});

/** A whole model of linear layers: 2 codes, an image of 1×3 pixels. */
function model({ posterior = "diagonal", likelihood = "gaussian", sigma, encoder = true } = {}) {
  const rows = posterior === "full" ? 5 : 4;
  const tensors = {
    "d.w": tensor([3, 2], [1, 0, 0, 1, 1, -1]),
    "d.b": tensor([3], [0, 0.5, 0.25]),
    "e.w": tensor([rows, 3], [1, 0, 0, 0, 1, 0, 0, 0, 1, 1, 1, 1, 0, 2, 0].slice(0, 3 * rows)),
    "e.b": tensor([rows], [0, 0, -1, 0, 0.5].slice(0, rows)),
  };
  const heads = { mu: [2], logvar: [2], ...(posterior === "full" ? { lower: [1] } : {}) };
  const split = node("Split", { axis: 1, split: Object.values(heads).flat() });
  const manifest = {
    format: 2,
    name: "a model",
    latent_dim: 2,
    image_shape: [1, 1, 3],
    likelihood,
    posterior,
    is_log_likelihood: true,
    sigma,
    decoder: graph([gemm("d.w", "d.b"), reshape(1, 1, 3)], "z", [2], { f: [1, 1, 3] }, tensors),
    encoder: encoder ? graph([reshape(3), gemm("e.w", "e.b"), split], "x", [1, 1, 3], heads, tensors) : null,
  };
  return { manifest, tensors: new Map(Object.entries(tensors)) };
}
const compiled = (options) => {
  const { manifest, tensors } = model(options);
  return compile(manifest, tensors);
};

test("encode gives μ, log σ² and what a full covariance has below its diagonal", () => {
  const diagonal = compiled().encode([1, 2, 3]);
  close(diagonal.mu, [1, 2]);
  close(diagonal.logvar, [2, 6]);
  assert.equal(diagonal.lower, null);
  const full = compiled({ posterior: "full" }).encode([1, 2, 3]);
  close(full.logvar, [2, 6]);
  close(full.lower, [4.5]);
  assert.equal(compiled({ encoder: false }).encode, null);
});

test("decode gives the mean picture; many codes in one call are the same as one by one", () => {
  const net = compiled();
  close(net.decode([0.25, -2]), [0.25, 0, 1]); // −1.5 and 2.5 are cut to what a screen shows
  const codes = Float32Array.of(0.1, 0.2, 0.3, -0.1, 0.9, 0.4);
  const batch = net.decodeBatch(codes);
  assert.equal(batch.length, 9);
  for (let n = 0; n < 3; n++) close(batch.subarray(3 * n, 3 * n + 3), net.decode(codes.subarray(2 * n, 2 * n + 2)));
  const out = new Float32Array(3);
  assert.equal(net.decode([0, 0], out), out);
});

test("distortion is −log P(x|z) at the decoder's parameters", () => {
  const x = [0, 0.5, 1];
  // f(0) = (0, ½, ¼): ½ Σ ((x − f)/σ)² + 3 (log σ + ½ log 2π)
  const nats = (sigma) => 0.5 * (0.75 / sigma) ** 2 + 3 * (Math.log(sigma) + 0.5 * Math.log(2 * Math.PI));
  assert.ok(Math.abs(compiled({ sigma: 0.5 }).distortion([0, 0], x) - nats(0.5)) < 1e-6);
  assert.ok(Math.abs(compiled({ sigma: [0.5, 0.5, 0.5] }).distortion([0, 0], x) - nats(0.5)) < 1e-6);
  assert.ok(Number.isNaN(compiled().distortion([0, 0], x)));
});

test("KL of a Gaussian to the prior: nothing at the prior, the parts by hand, a full covariance by its determinant", () => {
  assert.equal(gaussianKL([0, 0], [0, 0]), 0);
  const expected = 0.5 * (1 + 4 + Math.exp(0.5) + Math.exp(-1) - 2 - 0.5 + 1);
  assert.ok(Math.abs(gaussianKL([1, -2], [0.5, -1]) - expected) < 1e-12);
  // ½ (tr Σ + μᵀμ − D − log |Σ|) with Σ = L Lᵀ, L = [[a, 0], [c, b]]
  const [a, b, c] = [0.7, 1.3, -0.4];
  const trace = a * a + c * c + b * b;
  const full = 0.5 * (trace + 0.25 - 2 - 2 * Math.log(a * b));
  assert.ok(Math.abs(gaussianKL([0.5, 0], [2 * Math.log(a), 2 * Math.log(b)], [c]) - full) < 1e-12);
});

/** What is wrong with a changed model, in words. */
const refusal = (change) => {
  const { manifest, tensors } = model();
  change(manifest, tensors);
  try {
    compile(manifest, tensors);
  } catch (error) {
    return error.message;
  }
  return "nothing";
};

test("what does not fit is said in one sentence", () => {
  const last = (m, op, attributes = {}, ...weights) =>
    m.decoder.nodes.push({ op, inputs: ["f", ...weights], outputs: ["g"], attributes });
  const said = {
    "the model has format 7; this page reads format 2": (m) => Object.assign(m, { format: 7 }),
    'the page does not know the likelihood "poisson"': (m) => Object.assign(m, { likelihood: "poisson" }),
    'the page does not know the operator "GRU"': (m) => Object.assign(m.decoder.nodes[0], { op: "GRU" }),
    "the model lacks the tensor d.w": (_, t) => t.delete("d.w"),
    "tensor d.b has shape [2]; its operator needs [3]": (_, t) => t.set("d.b", tensor([2], [0, 0])),
    'Gemm "v1" cannot take values of shape [3]; its weight is [3,2]': (m) => {
      m.decoder.inputs[0].shape = ["N", 3];
    },
    "the decoder gives [1,1,3]; a picture is [1,2,2]": (m) => Object.assign(m, { image_shape: [1, 2, 2] }),
    "the encoder gives no numbers as lower; 2 dimensions need 1": (m) => Object.assign(m, { posterior: "full" }),
    "the encoder gives 2 numbers as mu; 3 dimensions need 3": (m) => Object.assign(m, { latent_dim: 3 }),
    "the model gives σ of 2 pixels; a picture has 3": (m) => Object.assign(m, { sigma: [1, 1] }),
    'Reshape "f" cannot take values of shape [3] to make [1,1,4] of them': (m) => {
      m.decoder.nodes[1].attributes.shape = [0, 1, 1, 4];
    },
    'the output "f" has shape [1,1,3]; the graph says [1,1,2]': (m) => {
      m.decoder.outputs[0].shape = ["N", 1, 1, 2];
    },
    'the value "w" is not known where it is read': (m) => {
      m.decoder.nodes[0].inputs = ["w"];
    },
    'Pad "g" cannot take values of shape [1,1,3] with pads [1]': (m) => last(m, "Pad", { pads: [1] }),
    'Slice "g" cannot take values of shape [1,1,3] from 2 to 5 along axis 3': (m) =>
      last(m, "Slice", { axes: [3], starts: [2], ends: [5] }),
    "axis of Split is 1,2; it is one number": (m) => last(m, "Split", { axis: [1, 2] }),
    'Conv "g" cannot take values of shape [1,1,3]; its kernel is 1×5': (m, t) => {
      m.decoder.initializers.push({ name: "k", shape: [1, 1, 1, 5] });
      t.set("k", tensor([1, 1, 1, 5], new Array(5)));
      last(m, "Conv", {}, "k");
    },
  };
  for (const [sentence, change] of Object.entries(said)) assert.equal(refusal(change), sentence);
});
