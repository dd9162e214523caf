import assert from "node:assert/strict";
import { test } from "node:test";
import {
  adding,
  count,
  decimal,
  minus,
  nats,
  rounded,
  shortest,
  significant,
  weighed,
  within,
} from "../../app/components/frontend/kit/numbers.js";

test("a real minus sign, and none before zero", () => {
  assert.equal(decimal(-0.35), "−0.35");
  assert.equal(decimal(-0.004), "0.00");
  assert.equal(decimal(-0.005), "−0.01");
  assert.equal(decimal(-0), "0.00");
  assert.equal(decimal(-0.4, 0), "0");
  assert.equal(minus("-0"), "0");
  assert.equal(minus("-0.01"), "−0.01");
});

test("no number is thirty digits long", () => {
  assert.equal(decimal(-1e34, 2), "−1.0e34");
  assert.equal(decimal(123456789.123, 1), "123456789.1");
  assert.equal(decimal(Number.NaN), "NaN");
});

test("nats: two digits only where the value is small", () => {
  assert.equal(nats(-131.24), "−131.2 nats");
  assert.equal(nats(0.031), "0.03 nats");
  assert.equal(nats(0.996), "1.0 nats");
  assert.equal(nats(-0.001), "0.00 nats");
});

test("digits that count", () => {
  assert.deepEqual([21.42, 31, 0.03124, 1234.4, 0, -0.5, 0.00012].map(significant), [
    "21.4",
    "31.0",
    "0.0312",
    "1234",
    "0",
    "−0.500",
    "1.2e−4",
  ]);
  assert.deepEqual(
    [0.5, 12, -4, 0.25001].map((value) => shortest(value)),
    ["0.5", "12", "−4", "0.25"],
  );
  assert.equal(count(10000), "10,000");
});

test("a sum adds up as printed, and the largest part gives way", () => {
  assert.deepEqual(adding([-131.24, -7.04], 1), [-131.3, -7, -138.3]);
  assert.deepEqual(adding([0.004, 0.004, 3.117, 2.004]), [0, 0, 3.13, 2, 5.13]);
  assert.deepEqual(adding([]), [0]);
  assert.deepEqual(adding([Number.NaN, 1]), [Number.NaN, 1, Number.NaN]);
  assert.deepEqual(adding([1e30, 1]), [1e30, 1, 1e30]);
});

test("what is multiplied has the digits that the product needs", () => {
  // 16 times a KL of 1.43: with one digit it would be 22.4, and the sum half a nat off.
  const { beta, kl, klDigits, whole } = weighed(-175.4, 16, 1.4304, 1);
  assert.deepEqual([beta, kl, klDigits], [16, 1.43, 2]);
  assert.equal(decimal(whole, 1), "−198.3");
  assert.deepEqual(weighed(-112, 0.25, 20.04, 1), { beta: 0.25, kl: 20, klDigits: 1, whole: -117 });
  assert.equal(weighed(-112, 0.63283748, 20.04, 1).beta, 0.6328);
  assert.equal(weighed(-112, 0, 400, 1).whole, -112);
});

test("bounds and rounding", () => {
  assert.equal(within(5, 0, 3), 3);
  assert.equal(within(-5, 0, 3), 0);
  assert.equal(rounded(1.005 + 1e-9), 1.01);
  assert.ok(Object.is(rounded(-0.001), 0), "never −0");
  assert.equal(rounded(0.1 + 0.2, 12), 0.3);
});
