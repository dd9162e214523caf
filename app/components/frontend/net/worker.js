// Owns the long batches: it decodes traversal strips and the plane beside the page, so that a drag never waits for them.
// It is told `WorkerRequest`s and answers with `WorkerAnswer`s (types.d.ts).

import { writePicture } from "../paint/picture.js";
import { compile } from "./engine.js";

/** @import { Cell, Network, Numbers, WorkerAnswer, WorkerRequest } from "../types.d.ts" */

const FRAMES = 13;
const REACH = 3;
const REST = 33; // ms before the same strip is decoded again: 30 a second look alive and leave a small machine its drag

/** @type {Network | null} */
let net = null;
/** @type {Numbers | null} */
let z = null;
/** @type {number[]} */
let dims = [];
let version = 0; // counts the codes that came
let moved = -1;
/** @type {Map<number, number>} dim -> version of the code its strip shows */
const drawn = new Map();
/** @type {Map<number, number>} dim -> when, in ms */
const decodedAt = new Map();
/** @type {{ cell: Cell, z: [number, number] }[]} still to decode */
let plane = [];
let share = 1; // of its time that it works: several workers leave a small machine what one does
let free = 0; // when it has rested enough for that, ms

/** @param {WorkerAnswer} answer */
const tell = (answer) => postMessage(answer, { transfer: [answer.pixels.buffer] });

/**
 * Latest wins: there is no queue of codes, only the newest one and the age of every strip. The oldest strip is next, so
 * no row starves while the code keeps moving; among equals the neighbours of the row being dragged come first.
 * @param {number} now
 */
function oldestStrip(now) {
  const centre = Math.max(0, dims.indexOf(moved));
  let best = -1;
  for (let row = 0; row < dims.length; row++) {
    const age = drawn.get(dims[row]) ?? -1;
    if (age >= version || now - (decodedAt.get(dims[row]) ?? -REST) < REST) continue;
    const bestAge = best < 0 ? Infinity : (drawn.get(dims[best]) ?? -1);
    if (age < bestAge || (age === bestAge && Math.abs(row - centre) < Math.abs(best - centre))) best = row;
  }
  return best < 0 ? null : dims[best];
}

/** @param {Network} net @param {Numbers} z @param {number} dim */
function decodeStrip(net, z, dim) {
  const [, H, W] = net.shape;
  const pixels = new Uint8ClampedArray(FRAMES * W * H * 4);
  const code = Float32Array.from(z);
  for (let n = 0; n < FRAMES; n++) {
    code[dim] = -REACH + (2 * REACH * n) / (FRAMES - 1);
    writePicture(pixels, net.decode(code), net.shape, { stride: FRAMES * W, left: n * W });
  }
  drawn.set(dim, version);
  decodedAt.set(dim, performance.now());
  tell({ type: "strip", dim, pixels });
}

/**
 * Coarse first: every fourth cell stands in for its 4×4 block until the finer passes arrive.
 * @param {number} side
 */
function planPlane(side) {
  plane = [];
  const at = (/** @type {number} */ n) => -REACH + (2 * REACH * n) / (side - 1);
  for (const span of [4, 2, 1]) {
    for (let row = 0; row < side; row += span) {
      for (let column = 0; column < side; column += span) {
        plane.push({ cell: [column, row, span], z: [at(column), -at(row)] });
      }
    }
  }
}

/** @param {Network} net */
function decodeCells(net) {
  const [, H, W] = net.shape;
  const batch = plane.splice(0, 16);
  const pixels = new Uint8ClampedArray(batch.length * W * H * 4);
  batch.forEach(({ z }, n) => {
    writePicture(pixels, net.decode(z), net.shape, { stride: batch.length * W, left: n * W });
  });
  tell({ type: "cells", cells: batch.map(({ cell }) => cell), pixels });
}

// One piece of work at a time, and back to the event loop, where a newer code may wait.
const next = new MessageChannel();
let scheduled = false;
let turn = 0;

function schedule() {
  if (scheduled) return;
  scheduled = true;
  next.port2.postMessage(null);
}

/** @type {ReturnType<typeof setTimeout> | null} */
let wake = null;

function awake() {
  wake = null;
  schedule();
}

next.port1.onmessage = () => {
  scheduled = false;
  if (net === null) return;
  const now = performance.now();
  if (now < free) {
    if (wake === null) wake = setTimeout(awake, free - now);
    return;
  }
  const dim = z === null ? null : oldestStrip(now);
  turn += 1;
  // Strips and the plane take turns, so neither waits for the whole of the other.
  if (plane.length && (dim === null || turn % 2)) decodeCells(net);
  else if (z !== null && dim !== null) decodeStrip(net, z, dim);
  else {
    // Strips that only rest are still to come.
    if (z !== null && dims.some((resting) => (drawn.get(resting) ?? -1) < version))
      if (wake === null) wake = setTimeout(awake, REST / 4);
    return;
  }
  const done = performance.now();
  free = done + (done - now) * (1 / share - 1);
  schedule();
};

globalThis.onmessage = (/** @type {MessageEvent<WorkerRequest>} */ { data }) => {
  if (data.type === "model") {
    net = compile(data.manifest, data.tensors);
    dims = data.dims;
    share = data.share;
  } else if (data.type === "z") {
    // The strip of a dimension does not depend on that dimension's own value: where it was fresh, it still is.
    if (data.moved >= 0 && drawn.get(data.moved) === version) drawn.set(data.moved, version + 1);
    version += 1;
    z = data.z;
    moved = data.moved;
  } else if (data.type === "dims") {
    dims = data.dims;
  } else if (data.type === "plane") {
    planPlane(data.cells);
  }
  schedule();
};
