// A run as its stream tells it.

import assert from "node:assert/strict";
import { test } from "node:test";
import { standing } from "../../app/components/frontend/train/queue.js";
import { spoken } from "../../app/components/frontend/train/status.js";
import { hasOwnObjective, rangeOf, Story } from "../../app/components/frontend/train/story.js";

const terms = (reconstruction, kl) => ({ reconstruction, kl, kl_per_dim: [kl] });
const losses = (step, elbo, objective = null) => ({
  type: "losses",
  step,
  epoch: step / 10,
  beta: 1,
  train: terms(elbo + 5, 5),
  held_out: terms(elbo + 4, 5),
  objective,
});

test("points gather, and a run that went back begins anew", () => {
  const story = new Story();
  assert.equal(story.hear({ type: "started" }), null);
  assert.equal(story.hear(losses(1, -200)), "curves");
  assert.equal(story.hear(losses(2, -150)), "curves");
  assert.equal(story.points.length, 2);
  story.hear({ type: "snapshot", index: 3, epoch: 0.1 });
  assert.equal(story.hear({ type: "again" }), "all");
  assert.deepEqual([story.points, story.moments], [[], []]);
});

test("while it goes on the frame of now is shown, then the last moment; one that is gone back to leads", () => {
  const story = new Story();
  assert.equal(story.picture(null), null);
  story.hear({ type: "snapshot", index: 0, epoch: 0 });
  story.hear({ type: "status", status: "running" });
  assert.equal(story.picture(null), "0");
  story.hear({ type: "progress", step: 7, steps: 9, epoch: 0.7, images_per_second: 1, eta_seconds: 1, frame: 6 });
  assert.equal(story.picture(null), "now?step=6");
  assert.equal(story.picture(0), "0");
  story.hear({ type: "snapshot", index: 1, epoch: 1 });
  story.hear({ type: "end", status: "finished" });
  assert.equal(story.goesOn, false);
  assert.equal(story.picture(null), "1");
});

test("a run whose worker died goes on as long as its stream does not end", () => {
  const story = new Story();
  story.hear({ type: "status", status: "interrupted" });
  assert.equal(story.goesOn, true);
  story.hear({ type: "end", status: "interrupted" });
  assert.equal(story.goesOn, false);
});

test("an axis shows what comes after the first, wild points", () => {
  const [low, high] = rangeOf([[-5000, -900, -400, -200, -180, -170, -165, -160, -158, -157, -156, -155, -154]]);
  assert.ok(low > -1000, String(low));
  assert.ok(high > -154);
  assert.equal(rangeOf([[]]), null);
  const [flat, above] = rangeOf([[3, 3]]);
  assert.ok(flat < 3 && above > 3);
});

test("an objective that is the ELBO gets no curve of its own", () => {
  assert.equal(hasOwnObjective([losses(1, -100, -100.1)]), false);
  assert.equal(hasOwnObjective([losses(1, -100, -100.1), losses(2, -100, -120)]), true);
  assert.equal(hasOwnObjective([losses(1, -100)]), false);
});

test("where a model of a sweep stands, in words", () => {
  const row = { run: "r", label: "β 1", sibling: true, ahead: null, share: null, elbo: null };
  assert.equal(standing({ ...row, status: "queued", ahead: 2 }), "2 before it");
  assert.equal(standing({ ...row, status: "queued", ahead: 0 }), "next");
  assert.equal(standing({ ...row, status: "running" }), "loading the data …");
  assert.equal(standing({ ...row, status: "running", share: 0.256 }), "26 %");
  assert.equal(standing({ ...row, status: "finished", elbo: -131.25 }), "ELBO −131.3");
  assert.deepEqual([spoken(0.2), spoken(89), spoken(600), spoken(7200)], ["1 s", "89 s", "10 min", "2.0 h"]);
});
