// The orders in which releases, echoes and changes from outside may arrive. "told" is what the outside was told, in order.

import assert from "node:assert/strict";
import { test } from "node:test";
import { alike, Hand, PATIENCE } from "../../app/components/frontend/kit/hand.js";

/** A hand, what it told, and a clock that stands still unless it is set. */
function made(tolerance = 0) {
  const told = [];
  const clock = { now: 0 };
  const hand = new Hand((value) => told.push(value), { tolerance, clock: () => clock.now });
  return { hand, told, clock };
}

test("the first that is said from outside leads, and the same again is no news", () => {
  const { hand, told } = made();
  assert.equal(hand.hears({ z: [0, 1] }), true);
  assert.equal(hand.hears({ z: [0, 1] }), false);
  assert.deepEqual(told, []);
});

test("a release is told once, and its echo does not move the view", () => {
  const { hand, told } = made();
  hand.hears(0);
  hand.takes();
  assert.equal(hand.lets(1), true);
  assert.equal(hand.lets(1), false, "blur after change: nothing is held any more");
  assert.deepEqual(told, [1]);
  assert.equal(hand.hears(1), false);
});

test("back where it was: nothing to tell", () => {
  const { hand, told } = made();
  hand.hears(3);
  hand.takes();
  hand.lets(3);
  hand.says(4);
  hand.says(4);
  assert.deepEqual(told, [4]);
});

test("an echo of an older release does not put back a newer one", () => {
  const { hand } = made();
  hand.hears(0);
  hand.says(1);
  hand.says(2);
  assert.equal(hand.hears(1), false);
  assert.equal(hand.hears(2), false);
  assert.equal(hand.hears(1), true, "now it is somebody else's wish");
});

test("an echo that arrives during the next drag is ignored, and so is that of the drag's release", () => {
  const { hand, told } = made();
  hand.hears(0);
  hand.says(1);
  hand.takes();
  assert.equal(hand.hears(1), false);
  assert.equal(hand.held, true);
  hand.lets(2);
  assert.equal(hand.hears(2), false);
  assert.deepEqual(told, [1, 2]);
});

test("two releases answered by one: the older is not waited for", () => {
  const { hand } = made();
  hand.hears(0);
  hand.says(1);
  hand.says(2);
  assert.equal(hand.hears(2), false);
  assert.equal(hand.hears(1), true);
});

test("to and fro: each echo answers the oldest release of that value", () => {
  const { hand } = made();
  hand.hears(0);
  for (const value of [1, 2, 1]) hand.says(value);
  assert.deepEqual(
    [1, 2, 1].map((value) => hand.hears(value)),
    [false, false, false],
  );
});

test("a change from outside during a drag is dropped, and the release is told even where it changes nothing", () => {
  const { hand, told } = made();
  hand.hears(0);
  hand.takes();
  assert.equal(hand.hears(5), false);
  hand.lets(0);
  assert.deepEqual(told, [0], "the outside believes 5");
  assert.equal(hand.hears(0), false, "which it now gives up");
});

test("a change from outside ends an animation, whose end is then not told", () => {
  const { hand, told } = made();
  hand.hears(0);
  hand.takes({ yields: true });
  assert.equal(hand.hears(5), true);
  assert.equal(hand.lets(3), false);
  assert.deepEqual(told, []);
});

test("a hand on a control that moved by itself wins like any other", () => {
  const { hand } = made();
  hand.hears(0);
  hand.takes({ yields: true });
  hand.takes();
  assert.equal(hand.hears(5), false);
});

test("a change from outside after a release wins over its late echo", () => {
  const { hand } = made();
  hand.hears(0);
  hand.says(1);
  assert.equal(hand.hears(7), true);
  assert.equal(hand.hears(1), true, "who says 1 after 7 means it");
});

test("the link rounds: what comes back within its rounding is an echo", () => {
  const { hand } = made(0.0051);
  hand.hears({ z: [0, 0], image: null });
  hand.says({ z: [0.1234, -1.005], image: 3 });
  assert.equal(hand.hears({ z: [0.12, -1.01], image: 3 }), false);
  assert.equal(hand.hears({ z: [0.12, -1.01], image: 4 }), true);
});

test("an echo that never came is not waited for for ever", () => {
  const { hand, clock } = made();
  hand.hears(0);
  hand.says(1);
  hand.says(0); // both at once: the outside never sees a change
  clock.now = PATIENCE;
  assert.equal(hand.hears(1), true);
});

test("another subject starts from nothing", () => {
  const { hand, told } = made();
  hand.hears(0);
  hand.says(1);
  hand.takes();
  hand.forget();
  assert.equal(hand.hears(1), true);
  assert.equal(hand.lets(2), false);
  assert.deepEqual(told, [1]);
});

test("alike looks into every part", () => {
  assert.ok(alike({ a: [1, { b: null }] }, { a: [1, {}] }));
  assert.ok(alike(Float32Array.of(1, 2), [1, 2.005], 0.01));
  assert.ok(!alike([1, 2], [1, 2, 3]));
  assert.ok(!alike({ a: 1 }, { a: 1, b: 2 }));
  assert.ok(!alike("1", 1));
  assert.ok(!alike(Number.NaN, 1, 5));
});
