// The worker beside the page, told and answering as in a page: every strip comes, nearest to the hand first; a strip that a
// move leaves as it was is not decoded again; the plane comes coarse first and in the end whole.

import assert from "node:assert/strict";
import { after, test } from "node:test";
import { compile } from "../../app/components/frontend/net/engine.js";

// What a worker's scope has and this process has not. Its channel would keep the process alive.
const channels = [];
globalThis.MessageChannel = class extends MessageChannel {
  constructor() {
    super();
    channels.push(this);
  }
};
const answers = [];
let waiting = () => {};
globalThis.postMessage = (answer) => {
  answers.push(answer);
  waiting();
};
await import("../../app/components/frontend/net/worker.js");
after(() => {
  for (const { port1, port2 } of channels) {
    port1.close();
    port2.close();
  }
});
const tell = (data) => globalThis.onmessage({ data });

/** The answers so far, once there are `count` that `suits`; others stay out. */
async function come(count, suits) {
  for (;;) {
    const found = answers.filter(suits);
    if (found.length >= count) return found;
    await new Promise((ready) => {
      waiting = ready;
    });
  }
}

// Two codes to a picture of 1×2 pixels: the codes themselves, shifted into [0, 1].
const tensors = new Map([
  ["w", { shape: [2, 2], data: Float32Array.of(0.1, 0, 0, 0.1) }],
  ["b", { shape: [2], data: Float32Array.of(0.5, 0.5) }],
]);
const manifest = {
  format: 2,
  name: "two numbers",
  latent_dim: 2,
  image_shape: [1, 1, 2],
  likelihood: "gaussian",
  posterior: "diagonal",
  is_log_likelihood: true,
  decoder: {
    inputs: [{ name: "z", shape: ["N", 2] }],
    outputs: [{ name: "f", shape: ["N", 1, 1, 2] }],
    initializers: [
      { name: "w", shape: [2, 2] },
      { name: "b", shape: [2] },
    ],
    nodes: [
      { op: "Gemm", inputs: ["z", "w", "b"], outputs: ["g"], attributes: { transB: 1 } },
      { op: "Reshape", inputs: ["g"], outputs: ["f"], attributes: { shape: [0, 1, 1, 2] } },
    ],
  },
  encoder: null,
};
const net = compile(manifest, tensors);
const grey = (z) => Array.from(Uint8ClampedArray.from(net.decode(z), (value) => 255 * value));

test("a strip is the model along one dimension, from −3 to 3", async () => {
  tell({ type: "model", manifest, tensors, dims: [1, 0], share: 1 });
  tell({ type: "z", z: Float32Array.of(1, -2), moved: -1 });
  const strips = await come(2, ({ type }) => type === "strip");
  assert.deepEqual(strips.map(({ dim }) => dim).sort(), [0, 1]);
  for (const { dim, pixels } of strips) {
    assert.equal(pixels.length, 4 * 13 * 2);
    for (let n = 0; n < 13; n++) {
      const z = [1, -2];
      z[dim] = -3 + n / 2;
      assert.deepEqual([pixels[8 * n], pixels[8 * n + 4]], grey(z), `picture ${n} of z${dim + 1}`);
      assert.equal(pixels[8 * n + 3], 255);
    }
  }
});

test("the strip of a dimension that moved alone is as it was: only the others are decoded", async () => {
  answers.length = 0;
  tell({ type: "z", z: Float32Array.of(2, -2), moved: 0 });
  const [strip] = await come(1, ({ type }) => type === "strip");
  assert.equal(strip.dim, 1);
  tell({ type: "z", z: Float32Array.of(2, 0.5), moved: 1 }); // and now the other one is out of date
  await come(1, ({ dim, pixels }) => dim === 0 && pixels[4] === grey([0, 0.5])[1]);
  assert.ok(answers.every(({ dim }, n) => n === 0 || dim === 0));
});

test("the latest code is shown in the end, however many came meanwhile", async () => {
  answers.length = 0;
  for (let n = 0; n < 50; n++) tell({ type: "z", z: Float32Array.of(0, n / 50), moved: -1 });
  const last = grey([0, 49 / 50])[1];
  await come(1, ({ dim, pixels }) => dim === 0 && pixels[4] === last);
  assert.ok(answers.length < 50, `${answers.length} strips for 50 codes`);
});

test("the plane comes coarse first, and whole", async () => {
  answers.length = 0;
  const side = 7;
  tell({ type: "plane", cells: side });
  const cells = () => answers.filter(({ type }) => type === "cells").flatMap((answer) => answer.cells);
  const whole = 4 + 16 + side * side; // spans of 4, 2 and 1
  while (cells().length < whole)
    await new Promise((ready) => {
      waiting = ready;
    });
  const spans = cells().map(([, , span]) => span);
  assert.deepEqual(
    spans,
    [...spans].sort((a, b) => b - a),
  );
  const fine = cells().filter(([, , span]) => span === 1);
  assert.equal(new Set(fine.map(([column, row]) => `${column} ${row}`)).size, side * side);
  // Upwards is more of z2: the first row is 3, the last −3.
  for (const { cells: these, pixels } of answers.filter(({ type }) => type === "cells"))
    these.forEach(([column, row], n) => {
      const z = [-3 + column, 3 - row];
      const at = 4 * (2 * n);
      assert.deepEqual([pixels[at], pixels[at + 4]], grey(z));
    });
});

test("of several workers each rests for as long as the others work", async () => {
  const { setTimeout: real, performance: clock } = globalThis;
  const rests = [];
  let now = clock.now();
  globalThis.setTimeout = (act, ms) => {
    rests.push(ms);
    now += ms;
    return real(act, 0);
  };
  // Every look at the clock finds it 10 ms later: a strip takes that long, or a little more.
  Object.defineProperty(globalThis, "performance", { configurable: true, value: { now: () => (now += 10) } });
  try {
    answers.length = 0;
    tell({ type: "model", manifest, tensors, dims: [0, 1], share: 0.25 });
    tell({ type: "z", z: Float32Array.of(1, 1), moved: -1 });
    await come(2, ({ type }) => type === "strip");
    assert.ok(Math.max(...rests) >= 20, `it rested ${rests} ms`);
  } finally {
    globalThis.setTimeout = real;
    Object.defineProperty(globalThis, "performance", { configurable: true, value: clock });
  }
});
