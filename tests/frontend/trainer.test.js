// Training in the page: every derivative against finite differences, Adam against its formula, both terms against closed forms.

import assert from "node:assert/strict";
import { test } from "node:test";
import { normals } from "../../app/components/frontend/kit/random.js";
import {
  TRAINER_LAYERS,
  TrainerCourse,
  TrainerNet,
  trainerPass,
  trainerSizes,
} from "../../app/components/frontend/net/trainer.js";

const [B, P, H, D] = [3, 5, 4, 2];
const close = (actual, expected, tolerance, what = "") =>
  assert.ok(
    Math.abs(actual - expected) <= tolerance * Math.max(1, Math.abs(expected)),
    `${what} is ${actual}; expected ${expected}`,
  );

/** A network and a batch of it, all of it random and repeatable. */
function made(seed = 1) {
  const normal = normals(seed);
  const draw = (count) => Float64Array.from({ length: count }, () => 0.7 * normal());
  const weights = {};
  trainerSizes(P, H, D).forEach(([I, O], n) => {
    weights[`${TRAINER_LAYERS[n]}.weight`] = draw(I * O);
    weights[`${TRAINER_LAYERS[n]}.bias`] = draw(O);
  });
  const pass = trainerPass(B, P, H, D);
  pass.x.forEach((_, k) => {
    pass.x[k] = 1 / (1 + Math.exp(-normal())); // grey pixels: the terms hold for all of [0, 1]
  });
  pass.epsilon.forEach((_, k) => {
    pass.epsilon[k] = normal();
  });
  return { net: new TrainerNet({ P, H, D, weights }), pass, weights };
}

const sum = (values) => values.reduce((total, value) => total + value, 0);

/** Σ reconstruction − β·KL over the batch. */
function objective(net, pass, beta) {
  net.forward(pass);
  return sum(pass.reconstruction) - beta * sum(pass.kl);
}

/** The derivative of f with respect to array[k], from both sides. */
function slope(array, k, f, step = 1e-5) {
  const before = array[k];
  array[k] = before + step;
  const above = f();
  array[k] = before - step;
  const below = f();
  array[k] = before;
  return (above - below) / (2 * step);
}

for (const beta of [0, 0.5, 1, 4]) {
  test(`the gradient of every weight and every bias, β = ${beta}`, () => {
    const { net, pass } = made();
    net.forward(pass);
    net.backward(pass, beta);
    const gradients = net.layers.map(({ dWeight, dBias }) => ({ weight: dWeight.slice(), bias: dBias.slice() }));
    net.layers.forEach((layer, n) => {
      for (const part of ["weight", "bias"]) {
        layer[part].forEach((_, k) => {
          const numeric = slope(layer[part], k, () => objective(net, pass, beta));
          close(gradients[n][part][k], numeric, 1e-7, `${TRAINER_LAYERS[n]}.${part}[${k}]`);
        });
      }
    });
  });
}

test("pull is ∂reconstruction/∂z of each image, and touches no gradient of a weight", () => {
  const { net, pass } = made(2);
  net.forward(pass);
  net.pulls(pass);
  assert.ok(net.layers.every(({ dWeight, dBias }) => [...dWeight, ...dBias].every((value) => value === 0)));
  const pull = pass.pull.slice();
  // z = μ + σ ε, so a step of ε is a step of σ in z.
  for (let k = 0; k < B * D; k++) {
    const numeric = slope(pass.epsilon, k, () => objective(net, pass, 0)) / pass.sigma[k];
    close(pull[k], numeric, 1e-7, `pull[${k}]`);
  }
});

test("the KL of each image is that of N(μ, σ²) to N(0, 1), summed over dimensions", () => {
  const { net, pass } = made(3);
  net.forward(pass);
  for (let b = 0; b < B; b++) {
    let expected = 0;
    for (let d = 0; d < D; d++) {
      const [mu, sigma] = [pass.mu[b * D + d], pass.sigma[b * D + d]];
      expected += 0.5 * (mu * mu + sigma * sigma - 1) - Math.log(sigma);
      close(pass.z[b * D + d], mu + sigma * pass.epsilon[b * D + d], 1e-12, "z");
    }
    close(pass.kl[b], expected, 1e-12, `kl[${b}]`);
  }
});

test("the reconstruction of each image is Σ x log p + (1 − x) log(1 − p)", () => {
  const { net, pass } = made(4);
  net.forward(pass);
  for (let b = 0; b < B; b++) {
    let expected = 0;
    for (let k = b * P; k < (b + 1) * P; k++) {
      const p = pass.picture[k];
      close(p, 1 / (1 + Math.exp(-pass.f[k])), 1e-12, "picture");
      expected += pass.x[k] * Math.log(p) + (1 - pass.x[k]) * Math.log(1 - p);
    }
    close(pass.reconstruction[b], expected, 1e-12, `reconstruction[${b}]`);
  }
});

test("log-odds far out are neither infinite nor NaN", () => {
  const { net, pass } = made(5);
  net.layers[3].weight.fill(0);
  net.layers[3].bias.set([900, -900, 900, -900, 0]);
  pass.x.set([1, 0, 0, 1, 0.5], 0);
  net.forward(pass);
  close(pass.reconstruction[0], -1800 - Math.LN2, 1e-12, "reconstruction");
  net.backward(pass, 1);
  assert.ok(net.layers.every(({ dWeight, dBias }) => [...dWeight, ...dBias].every(Number.isFinite)));
});

test("Adam: three steps of one weight, against the formula", () => {
  const { net } = made(6);
  const layer = net.layers[1];
  const start = layer.weight[3];
  const [rate, b1, b2] = [0.01, 0.9, 0.999];
  let [first, second, expected] = [0, 0, start];
  [6, -3, 0.5].forEach((gradient, n) => {
    for (const { dWeight, dBias } of net.layers) {
      dWeight.fill(0);
      dBias.fill(0);
    }
    layer.dWeight[3] = gradient; // summed over a batch of 2
    net.learn(rate, 2);
    const g = gradient / 2;
    first = b1 * first + (1 - b1) * g;
    second = b2 * second + (1 - b2) * g * g;
    const t = n + 1;
    expected += (rate * (first / (1 - b1 ** t))) / (Math.sqrt(second / (1 - b2 ** t)) + 1e-8);
    close(layer.weight[3], expected, 1e-12, `after step ${t}`);
    if (t === 1) close(layer.weight[3] - start, rate, 1e-6, "the first step"); // Adam's first step is the rate
  });
  assert.equal(net.updates, 3);
});

test("weights of another size are refused by name", () => {
  const { weights } = made();
  assert.throws(() => new TrainerNet({ P, H, D: 3, weights }), /encoder\.3 must be 6×4/);
});

/** Twelve pictures of two kinds, so that there is something to learn. */
const images = Uint8Array.from({ length: 12 * P }, (_, k) =>
  Math.floor(k / P) % 2 === Math.floor(k % P) % 2 ? 230 : 20,
);
const course = (seed, size = 4) => new TrainerCourse({ images, P, H, D, B: size, rate: 0.02, seed, normals });

test("a course is decided by its seed", () => {
  const [one, same, other] = [course(3), course(3), course(4)];
  for (let n = 0; n < 5; n++) {
    for (const each of [one, same, other]) {
      each.learn(1);
      each.prepare();
    }
    assert.deepEqual(one.terms(), same.terms());
    assert.notDeepEqual(one.terms(), other.terms());
  }
});

test("every image comes once in an epoch, in another order in the next; what fills no batch is left out", () => {
  const one = course(1, 5);
  const epoch = (n) => [0, 1].flatMap((step) => [...one.indices(2 * n + step)]);
  const [first, second] = [epoch(0), epoch(1)];
  assert.equal(new Set(first).size, 10);
  assert.ok(first.every((index) => index >= 0 && index < 12));
  assert.notDeepEqual(first, second);
  assert.deepEqual(epoch(0), first);
});

test("before anything is learned the output is the mean picture's log-odds plus what the code adds", () => {
  const { net } = course(1);
  const mean = Array.from(
    { length: P },
    (_, p) => sum(Array.from({ length: 12 }, (_, n) => images[n * P + p] / 255)) / 12,
  );
  net.layers[3].bias.forEach((bias, p) => {
    close(bias, Math.log(mean[p] / (1 - mean[p])), 1e-12, `bias[${p}]`);
  });
});

test("the same image gets the same ε in any pass of one step, and another in the next", () => {
  const one = course(2);
  const single = trainerPass(1, P, H, D);
  one.run(single, [one.batch[2]]);
  const { epsilon } = one.pass;
  assert.deepEqual([...single.epsilon], [...epsilon.subarray(2 * D, 3 * D)]);
  const before = single.epsilon.slice();
  one.step++;
  one.run(single, [one.batch[2]]);
  assert.notDeepEqual(single.epsilon, before);
});

test("encode gives the means of all images, slice by slice, also over the end", () => {
  const one = course(2);
  const [slice, means, whole] = [trainerPass(5, P, H, D), new Float64Array(12 * D), new Float64Array(12 * D)];
  for (let start = 0; start < 12; start += 5) one.encode(slice, start, means);
  one.encode(trainerPass(12, P, H, D), 0, whole);
  assert.deepEqual(means, whole);
});

test("learning goes uphill", () => {
  const one = course(5, 12);
  const elbo = () => {
    const { reconstruction, kl } = one.terms();
    return reconstruction - kl;
  };
  const before = elbo();
  for (let n = 0; n < 200; n++) {
    one.learn(1);
    one.prepare();
  }
  assert.ok(elbo() > before + 0.5, `${before} became ${elbo()}`);
});
