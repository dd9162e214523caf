import assert from "node:assert/strict";
import { test } from "node:test";
import { arrowOf, keyed, letterOf, movementOf, stepped } from "../../app/components/frontend/kit/keys.js";

/** A key as a browser reports it; the target of its own listeners. */
const key = (name, more = {}) => ({
  key: name,
  code: "",
  ctrlKey: false,
  metaKey: false,
  altKey: false,
  shiftKey: false,
  ...more,
});

test("a letter is the same with Caps Lock and on layouts of other letters", () => {
  assert.equal(letterOf(key("p", { code: "KeyP" })), "p");
  assert.equal(letterOf(key("P", { code: "KeyP" })), "p", "Caps Lock");
  assert.equal(letterOf(key("з", { code: "KeyP" })), "p", "Russian");
  assert.equal(letterOf(key("π", { code: "KeyP" })), "p", "Greek");
  assert.equal(letterOf(key("פ", { code: "KeyP" })), "p", "Hebrew");
  assert.equal(letterOf(key("З", { code: "KeyP" })), "p", "Russian with Caps Lock");
});

test("a layout of Latin letters in other places keeps its letters", () => {
  assert.equal(letterOf(key("a", { code: "KeyQ" })), "a", "French: not the q of an English keyboard");
  assert.equal(letterOf(key("l", { code: "KeyP" })), "l", "Dvorak");
  assert.equal(letterOf(key("ü", { code: "KeyP" })), "", "a Latin letter, but none of a … z");
  assert.equal(letterOf(key("Dead", { code: "KeyP" })), "");
  assert.equal(letterOf(key("1", { code: "Digit1" })), "");
  assert.equal(letterOf(key("Escape", { code: "Escape" })), "");
});

test("arrows are steps, shift makes them fine, page keys large, Home and End lead to the ends", () => {
  assert.deepEqual(movementOf(key("ArrowLeft")), { x: -1, y: 0 });
  assert.deepEqual(movementOf(key("ArrowUp", { shiftKey: true })), { x: 0, y: 0.1 });
  assert.deepEqual(movementOf(key("PageDown")), { x: 0, y: -10 });
  assert.deepEqual(movementOf(key("Home")), { end: -1 });
  assert.equal(movementOf(key("ArrowLeft", { ctrlKey: true })), null, "a combination is not ours");
  assert.equal(movementOf(key("x")), null);
  assert.deepEqual(arrowOf(key("ArrowDown")), [0, -1]);
  assert.equal(arrowOf(key("ArrowDown", { altKey: true })), null);
});

test("a number is led by keys, within its range", () => {
  const range = { min: -3, max: 3, step: 0.1 };
  assert.equal(stepped(key("ArrowRight"), 0, range), 0.1);
  assert.equal(stepped(key("ArrowDown"), 0, range), -0.1);
  assert.equal(stepped(key("ArrowUp"), 2.95, range), 3);
  assert.equal(stepped(key("PageUp"), 0, { ...range, page: 5 }), 0.5);
  assert.equal(stepped(key("Home"), 1, range), -3);
  assert.equal(stepped(key("End"), 1, range), 3);
  assert.equal(stepped(key("a"), 1, range), null);
});

test("a key that is held down is one movement, released once", () => {
  const element = new EventTarget();
  const done = [];
  keyed(element, {
    move: (event) => event.key.startsWith("Arrow") && done.push("move") > 0,
    release: () => done.push("release"),
  });
  const send = (type, name, code = name) => {
    const event = Object.assign(new Event(type, { cancelable: true, bubbles: true }), { key: name, code });
    element.dispatchEvent(event);
    return event;
  };
  for (let n = 0; n < 3; n++) assert.ok(send("keydown", "ArrowRight").defaultPrevented);
  assert.ok(!send("keydown", "x").defaultPrevented, "another key is left alone");
  send("keyup", "x");
  assert.deepEqual(done, ["move", "move", "move"]);
  send("keyup", "ArrowRight");
  element.dispatchEvent(new Event("blur"));
  assert.deepEqual(done.slice(3), ["release"]);
  send("keydown", "ArrowLeft");
  element.dispatchEvent(new Event("blur"));
  send("keyup", "ArrowLeft");
  assert.deepEqual(done.slice(4), ["move", "release"]);
});
