// Arrays by address: fetched once however many ask, given at once when they are there, and said in words when they are not.

import assert from "node:assert/strict";
import { test } from "node:test";
import { loadBlob, whenBlobs } from "../../app/components/frontend/net/blob.js";

/** A byte string of one tensor "t" of one byte. */
function packed(value) {
  const text = new TextEncoder().encode(JSON.stringify({ t: { dtype: "U8", shape: [1], data_offsets: [0, 1] } }));
  const bytes = new Uint8Array(8 + text.length + 1);
  bytes[0] = text.length;
  bytes.set(text, 8);
  bytes[8 + text.length] = value;
  return bytes;
}

const asked = [];
const answers = new Map();
globalThis.fetch = async (url) => {
  const name = String(url).split("/").at(-1);
  asked.push(name);
  const answer = answers.get(name);
  if (answer === undefined) throw new TypeError("Failed to fetch");
  return typeof answer === "string" ? new Response(answer, { status: 404 }) : new Response(packed(answer));
};
const value = (blob) => (blob === null ? null : blob.tensors.get("t").data[0]);

test("two that ask at once share one fetch; later it is there at once", async () => {
  answers.set("a", 7);
  const [one, two] = await Promise.all([loadBlob("blobs/a"), loadBlob("blobs/a")]);
  assert.equal(one, two);
  assert.equal(value(await loadBlob("blobs/a")), 7);
  assert.deepEqual(asked.splice(0), ["a"]);
  let got = null;
  whenBlobs(["blobs/a", null, undefined], (...blobs) => {
    got = blobs.map(value);
  });
  assert.deepEqual(got, [7, null, null]); // before anything else happened
});

test("ready once all are there, never after stop", async () => {
  answers.set("b", 1);
  answers.set("c", 2);
  const got = await new Promise((ready) => whenBlobs(["blobs/b", null, "blobs/c"], (...blobs) => ready(blobs)));
  assert.deepEqual(got.map(value), [1, null, 2]);
  answers.set("d", 3);
  const stop = whenBlobs(["blobs/d"], () => assert.fail("it was stopped"));
  stop();
  await loadBlob("blobs/d");
  await new Promise((later) => setTimeout(later, 0));
});

test("a server that is away is asked again; what it says in the end is the error", async (context) => {
  context.mock.timers.enable({ apis: ["setTimeout"] });
  asked.length = 0;
  const failed = new Promise((fail) => whenBlobs(["blobs/gone"], () => assert.fail(), fail));
  let error = null;
  failed.then((reason) => {
    error = reason;
  });
  for (let n = 0; n < 200 && !error; n++) {
    if (asked.length === 3) answers.set("gone", "that model is not here any more");
    context.mock.timers.tick(1000);
    for (let turn = 0; turn < 5; turn++) await new Promise((later) => setImmediate(later));
  }
  assert.equal(error.message, "that model is not here any more");
  assert.ok(asked.length > 3);
  answers.set("gone", 5); // a failure is not kept
  assert.equal(value(await loadBlob("blobs/gone")), 5);
});
