// The drag machine against an element that has just what it needs: pointers, keys, and what they make of them.

import assert from "node:assert/strict";
import { test } from "node:test";
import { CLICK, draggable } from "../../app/components/frontend/kit/drag.js";

class Stage extends EventTarget {
  style = {};
  captured = [];
  classList = { names: [], add: (name) => this.classList.names.push(name) };
  setPointerCapture(id) {
    this.captured.push(id);
  }
  getBoundingClientRect() {
    return { left: 0, top: 0 };
  }
  send(type, more = {}) {
    const about = { pointerId: 1, button: 0, clientX: 0, clientY: 0, shiftKey: false, key: "", code: "" };
    const event = Object.assign(new Event(type, { cancelable: true }), about, more);
    this.dispatchEvent(event);
    return event;
  }
  down(x, y, more) {
    return this.send("pointerdown", { clientX: x, clientY: y, ...more });
  }
  to(x, y, more) {
    return this.send("pointermove", { clientX: x, clientY: y, ...more });
  }
  up(x, y, more) {
    return this.send("pointerup", { clientX: x, clientY: y, ...more });
  }
}

/** A stage that says what happens on it. */
function made(more = {}) {
  const stage = new Stage();
  const said = [];
  draggable(stage, {
    at: (event) => [event.clientX, event.clientY],
    move: (place) => said.push(["move", ...place]),
    end: () => said.push(["end"]),
    ...(typeof more === "function" ? more(said) : more),
  });
  return { stage, said };
}

test("what is held follows from where the pointer comes down until it is let go", () => {
  const { stage, said } = made();
  stage.to(3, 3);
  stage.down(10, 20);
  stage.to(11, 22);
  stage.up(11, 22);
  stage.to(50, 50);
  assert.deepEqual(said, [["move", 10, 20], ["move", 11, 22], ["end"]]);
  assert.deepEqual(stage.captured, [1]);
  assert.equal(stage.style.touchAction, "none");
  assert.ok(stage.classList.names.includes("draggable"));
});

test("only the primary button drags, and only one pointer", () => {
  const { stage, said } = made();
  stage.down(0, 0, { button: 2 });
  stage.down(5, 5);
  stage.down(9, 9, { pointerId: 2 });
  stage.to(8, 8, { pointerId: 2 });
  stage.up(8, 8, { pointerId: 2 });
  stage.up(5, 5);
  assert.deepEqual(said, [["move", 5, 5], ["end"]]);
});

test("nothing is there to be taken hold of: no drag", () => {
  const { stage, said } = made({ begin: () => false });
  stage.down(1, 1);
  stage.to(30, 30);
  stage.up(30, 30);
  assert.deepEqual(said, []);
});

test("a press that hardly wanders is a click, a longer one a drag", () => {
  const clicks = (said) => ({ click: (place) => said.push(["click", ...place]) });
  const { stage, said } = made(clicks);
  stage.down(10, 10);
  stage.to(10 + CLICK - 1, 10);
  stage.up(10 + CLICK - 1, 10);
  assert.deepEqual(said, [["click", 10 + CLICK - 1, 10]]);
  stage.down(10, 10);
  stage.to(10 + CLICK + 1, 10);
  stage.to(11, 10); // near its start again: still a drag
  stage.up(11, 10);
  assert.deepEqual(said.slice(1), [["move", 10 + CLICK + 1, 10], ["move", 11, 10], ["end"]]);
});

test("shift makes the pointer's way a tenth, and letting go of shift does not jump", () => {
  const { stage, said } = made();
  stage.down(0, 0);
  stage.to(100, 0);
  stage.to(200, 0, { shiftKey: true });
  stage.to(210, 0);
  assert.deepEqual(
    said.map(([, x]) => x),
    [0, 100, 110, 120],
  );
});

test("Escape and a cancelled pointer bring back what was", () => {
  for (const cancel of [(stage) => stage.send("keydown", { key: "Escape" }), (stage) => stage.send("pointercancel")]) {
    let value = "before";
    const { stage, said } = made((log) => ({
      save: () => value,
      restore: (saved) => log.push(["restore", saved]),
      move: () => (value = "after"),
      nudge: () => {},
    }));
    stage.down(1, 1);
    stage.to(9, 9);
    cancel(stage);
    stage.to(30, 30);
    stage.up(30, 30);
    assert.deepEqual(said, [["restore", "before"], ["end"]]);
  }
});

test("a click that is cancelled is none", () => {
  const { stage, said } = made((log) => ({ click: () => log.push(["click"]) }));
  stage.down(1, 1);
  stage.send("pointercancel");
  assert.deepEqual(said, []);
});

test("arrows nudge, and a key that is held down is let go once", () => {
  const { stage, said } = made((log) => ({
    nudge: ({ x, y }) => log.push(["nudge", x, y]),
    edge: (end) => log.push(["edge", end]),
  }));
  assert.equal(stage.tabIndex, 0);
  for (let n = 0; n < 2; n++)
    assert.ok(stage.send("keydown", { key: "ArrowRight", code: "ArrowRight" }).defaultPrevented);
  stage.send("keyup", { key: "ArrowRight", code: "ArrowRight" });
  stage.send("keydown", { key: "ArrowUp", code: "ArrowUp", shiftKey: true });
  stage.send("blur");
  stage.send("keydown", { key: "Home", code: "Home" });
  stage.send("keyup", { key: "Home", code: "Home" });
  assert.ok(!stage.send("keydown", { key: "a" }).defaultPrevented);
  assert.deepEqual(said, [
    ["nudge", 1, 0],
    ["nudge", 1, 0],
    ["end"],
    ["nudge", 0, 0.1],
    ["end"],
    ["edge", -1],
    ["end"],
  ]);
});

test("other keys are the view's, and do not let go of anything", () => {
  const { stage, said } = made((log) => ({ key: (event) => event.key === "Enter" && log.push(["enter"]) > 0 }));
  assert.ok(stage.send("keydown", { key: "Enter" }).defaultPrevented);
  stage.send("keyup", { key: "Enter" });
  assert.ok(!stage.send("keydown", { key: "ArrowUp" }).defaultPrevented);
  assert.deepEqual(said, [["enter"]]);
});

test("a double click brings back the beginning", () => {
  const { stage, said } = made((log) => ({ reset: () => log.push(["reset"]) }));
  stage.send("dblclick");
  assert.deepEqual(said, [["reset"]]);
});

test("two fingers pinch: how much farther apart, around what, and how far that moved; none of it is a click or a drag", () => {
  const { stage, said } = made((log) => ({
    click: () => log.push(["click"]),
    pinch: ({ ratio, at, by }) => log.push(["pinch", ratio, at, by]),
  }));
  stage.down(0, 0);
  stage.down(10, 0, { pointerId: 2 });
  stage.to(20, 0, { pointerId: 2 });
  stage.up(20, 0, { pointerId: 2 });
  stage.to(5, 5);
  stage.up(5, 5);
  assert.deepEqual(said, [["pinch", 2, [10, 0], [5, 0]]]);
});

test("a pointer that is not down hovers", () => {
  const { stage, said } = made((log) => ({ hover: (place) => log.push(["hover", place]) }));
  stage.to(4, 5);
  stage.down(4, 5);
  stage.to(6, 5);
  stage.up(6, 5);
  stage.send("pointerleave");
  assert.deepEqual(said, [["hover", [4, 5]], ["move", 4, 5], ["move", 6, 5], ["end"], ["hover", null]]);
});
