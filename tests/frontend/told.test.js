// What the server did not hear is told again, and what it heard is not.

import assert from "node:assert/strict";
import { beforeEach, mock, test } from "node:test";
import { Told } from "../../app/components/frontend/hosts/told.js";

/** @type {[string[], [string, unknown][]][]} */
let again = [];
let rests = true;
const told = () =>
  new Told(
    (kept, asked) => again.push([kept, asked]),
    () => rests,
  );

/** In small steps: a timer that starts another is seen to have. @param {number} ms */
const pass = (ms) => {
  for (let t = 0; t < ms; t += 100) mock.timers.tick(100);
};

beforeEach(() => {
  mock.timers.reset();
  mock.timers.enable({ apis: ["setTimeout"] });
  again = [];
  rests = true;
});

test("what was heard is not told again", () => {
  const one = told();
  one.answers("a", { view: 2 });
  one.keeps("view");
  one.asks("wish", "next");
  one.answers("a", { view: 3, wish: 1 });
  pass(60_000);
  assert.deepEqual(again, []);
});

test("what was not heard is told again once the page rests, and a few times at most", () => {
  const one = told();
  one.answers("a", { wish: 1 });
  one.asks("wish", "quit");
  one.keeps("view");
  one.answers("a", { wish: 1 });
  rests = false;
  pass(30_000);
  assert.deepEqual(again, [], "the server is at work: the answer may come");
  rests = true;
  pass(1_500);
  assert.deepEqual(again, [[["view"], [["wish", "quit"]]]]);
  one.answers("a", { wish: 2 });
  pass(60_000);
  assert.ok(again.slice(1).every(([kept, asked]) => kept.join() === "view" && !asked.length));
  assert.equal(again.length, 4);
});

test("another session is told everything that was not heard, at once", () => {
  const one = told();
  one.answers("a", { view: 9 });
  one.keeps("view");
  one.asks("wish", "next");
  one.answers("b", {});
  assert.deepEqual(again, [[["view"], [["wish", "next"]]]]);
  one.answers("b", { view: 1, wish: 1 });
  pass(60_000);
  assert.equal(again.length, 1);
});

test("at its end nothing is told any more", () => {
  const one = told();
  one.asks("wish", "next");
  one.end();
  pass(60_000);
  assert.deepEqual(again, []);
});
