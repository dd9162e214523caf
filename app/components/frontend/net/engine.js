// Owns the network in the page: a manifest with two graphs and their tensors -> decode(z), encode(x), in plain JavaScript.
// What a graph is: `vae_core/networks/graph.py`; its other readers lie beside that file.

/**
 * @import { Code, Graph, GraphNode, Manifest, Network, Numbers } from "../types.d.ts"
 * @import { Step, Tensors, Value } from "./ops.js"
 */

import { FAMILIES } from "./likelihoods.js";
import { laidOut, OPERATORS, sizeOf, valueIn } from "./ops.js";

export const FORMAT = 2;

/**
 * The nodes in order, with x · Sigmoid(x) joined to one "Silu" where nothing else reads that Sigmoid.
 * @param {Graph} graph @param {Map<string, number>} uses @returns {GraphNode[]}
 */
function joined(graph, uses) {
  const gates = new Map(graph.nodes.filter(({ op }) => op === "Sigmoid").map((node) => [node.outputs[0], node]));
  /** @type {Set<GraphNode>} */
  const gone = new Set();
  const nodes = graph.nodes.map((node) => {
    if (node.op !== "Mul") return node;
    const [a, b] = node.inputs;
    for (const [value, gate] of [
      [a, b],
      [b, a],
    ]) {
      const made = gates.get(gate);
      if (made?.inputs[0] !== value || uses.get(gate) !== 1) continue;
      gone.add(made);
      return { op: "Silu", inputs: [value], outputs: node.outputs, attributes: {} };
    }
    return node;
  });
  return nodes.filter((node) => !gone.has(node));
}

/**
 * A graph made ready: `run` takes one array for each of its inputs and gives its outputs, which are valid until the
 * next call. Throws one sentence where graph and tensors do not fit each other.
 * @param {Graph} graph @param {Tensors} tensors
 */
export function program(graph, tensors) {
  /** @type {Map<string, number>} How many read each value; being an output of the graph counts too. */
  const uses = new Map();
  for (const name of [...graph.nodes.flatMap(({ inputs }) => inputs), ...graph.outputs.map(({ name }) => name)]) {
    uses.set(name, (uses.get(name) ?? 0) + 1);
  }
  /** @type {Map<string, Value>} */
  const values = new Map();
  const known = (/** @type {string} */ name) => {
    const value = values.get(name);
    if (!value) throw new Error(`the value "${name}" is not known where it is read`);
    return value;
  };
  const named = (/** @type {string} */ name, /** @type {Value} */ value) =>
    values.set(name, { ...value, free: value.free && uses.get(name) === 1 });
  /** @type {Step[]} */
  const steps = [];
  for (const { name, shape } of graph.inputs) named(name, valueIn(sizes(shape), "first", true));
  const given = graph.inputs.map(({ name }) => laidOut(known(name), "first", steps));
  const weights = new Set(graph.initializers.map(({ name }) => name));
  for (const node of joined(graph, uses)) {
    const operator = OPERATORS[node.op];
    if (!operator) throw new Error(`the page does not know the operator "${node.op}"`);
    const inputs = node.inputs.filter((name) => !weights.has(name)).map(known);
    operator(node, inputs, tensors, steps).forEach((value, n) => named(node.outputs[n], value));
  }
  const outputs = graph.outputs.map(({ name, shape }) => {
    const value = known(name);
    if (String(value.shape) !== String(sizes(shape))) {
      throw new Error(`the output "${name}" has shape [${value.shape}]; the graph says [${sizes(shape)}]`);
    }
    return { name, shape: value.shape, data: laidOut(value, "first", steps) };
  });
  return {
    outputs,
    run(/** @type {Numbers[]} */ ...inputs) {
      given.forEach((own, n) => own.set(inputs[n]));
      for (let n = 0; n < steps.length; n++) steps[n]();
      return outputs;
    },
  };
}

/** A declared shape without its batch, "N". @param {(string | number)[]} shape */
const sizes = (shape) => shape.slice(1).map(Number);

/**
 * Both networks of a manifest. Throws one sentence where manifest and tensors do not fit each other. Without an encoder
 * (a worker that only decodes, a moment of training) `encode` is null.
 * @param {Manifest} manifest @param {Tensors} tensors @returns {Network}
 */
export function compile(manifest, tensors) {
  if (manifest.format !== FORMAT) {
    throw new Error(`the model has format ${manifest.format}; this page reads format ${FORMAT}`);
  }
  const { latent_dim: D, image_shape: shape } = manifest;
  const size = sizeOf(shape); // C·H·W
  const family = FAMILIES[manifest.likelihood];
  if (!family) throw new Error(`the page does not know the likelihood "${manifest.likelihood}"`);
  const decoder = program(manifest.decoder, tensors);
  const [f] = decoder.outputs;
  if (String(f.shape) !== String(shape)) throw new Error(`the decoder gives [${f.shape}]; a picture is [${shape}]`);
  const encoder = manifest.encoder ? program(manifest.encoder, tensors) : null;
  const full = manifest.posterior === "full";
  const code = encoder && codeOf(encoder.outputs, D, full);
  const sigma = manifest.sigma ?? NaN; // a number, or one for each pixel
  if (Array.isArray(sigma) && sigma.length !== size) {
    throw new Error(`the model gives σ of ${sigma.length} pixels; a picture has ${size}`);
  }
  const picture = new Float32Array(size);

  const parameters = (/** @type {Numbers} */ z) => {
    decoder.run(z);
    return f.data;
  };

  /** @type {Network["decode"]} */
  const decode = (z, out = picture) => {
    family.mean(parameters(z), out);
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
    code &&
    ((/** @type {Numbers} */ x) => {
      encoder.run(x);
      return code;
    });

  /** @type {Network["distortion"]} */
  const distortion = (z, x) => family.nats(parameters(z), x, sigma);

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

/**
 * Q(z|X) where the encoder's outputs lie. A full covariance of one dimension has nothing below its diagonal.
 * @param {{ name: string, data: Float32Array }[]} outputs @param {number} D @param {boolean} full @returns {Code}
 */
function codeOf(outputs, D, full) {
  const below = full ? (D * (D - 1)) / 2 : 0;
  const part = (/** @type {string} */ name, /** @type {number} */ count) => {
    const data = count ? outputs.find((output) => output.name === name)?.data : new Float32Array(0);
    if (data?.length !== count) {
      throw new Error(`the encoder gives ${data?.length ?? "no"} numbers as ${name}; ${D} dimensions need ${count}`);
    }
    return data;
  };
  return { mu: part("mu", D), logvar: part("logvar", D), lower: full ? part("lower", below) : null };
}
