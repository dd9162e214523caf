// Runs graphs and models with the page's own engine, without a browser, for the tests in Python: one JSON line in, one out.
//
// {graph, tensors, inputs: [[…], …] for each example} -> {outputs: [{name: […]}, …]}; {manifest, tensors, zs, xs} -> what
// the page would say of them. Arrays travel as base64 of float32; anything thrown comes back as {error}.

import { createInterface } from "node:readline";
import { compile, program } from "../../app/components/frontend/net/engine.js";
import { gaussianKL } from "../../app/components/frontend/net/posterior.js";

const floats = (text) => new Float32Array(new Uint8Array(Buffer.from(text, "base64")).buffer);
const text = (array) => Buffer.from(Float32Array.from(array).buffer).toString("base64");

function answer({ graph, manifest, tensors, inputs, zs, xs }) {
  const own = new Map(Object.entries(tensors).map(([name, { shape, data }]) => [name, { shape, data: floats(data) }]));
  if (graph) {
    const { run } = program(graph, own);
    return {
      outputs: inputs.map((given) =>
        Object.fromEntries(run(...given.map(floats)).map(({ name, data }) => [name, text(data)])),
      ),
    };
  }
  const net = compile(manifest, own);
  return {
    parameters: zs.map((z) => text(net.parameters(floats(z)))),
    pictures: zs.map((z) => text(net.decode(floats(z)))),
    nats: zs.map((z, n) => net.distortion(floats(z), floats(xs[n]))),
    codes: xs.map((x) => {
      const { mu, logvar, lower } = net.encode(floats(x));
      return { mu: text(mu), logvar: text(logvar), lower: lower && text(lower), kl: gaussianKL(mu, logvar, lower) };
    }),
  };
}

for await (const line of createInterface({ input: process.stdin })) {
  let said;
  try {
    said = answer(JSON.parse(line));
  } catch (error) {
    said = { error: error.message };
  }
  process.stdout.write(`${JSON.stringify(said)}\n`);
}
