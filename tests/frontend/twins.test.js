import assert from "node:assert/strict";
import { test } from "node:test";
import { twinsOf } from "../../app/components/frontend/lab/rate-distortion/twins.js";

const member = (beta, rate, elbo) => ({ beta, rate, elbo });
const names = (sweep) => twinsOf(sweep)?.map(({ beta }) => beta) ?? null;

test("twins have one ELBO and rates that are far apart, the lower one first", () => {
  const sweep = [member(0.25, 27.4, -106.3), member(1, 16.4, -106), member(4, 8.1, -119), member(16, 1.4, -176.8)];
  assert.deepEqual(names(sweep), [1, 0.25]);
  assert.deepEqual(names([...sweep, member(0.1, 40, -106.9)]), [1, 0.1], "the farthest apart of all");
  assert.equal(names(sweep.slice(1)), null);
});

test("a rate that cost nothing is nobody's twin, and neither is a model its own", () => {
  assert.equal(names([member(0, 180, -106), member(1, 16.4, -106)]), null);
  assert.equal(names([member(1, 16.4, -106)]), null);
  assert.equal(names([member(1, 16.4, -106), member(2, 16.9, -106)]), null, "half a nat is no difference");
  assert.equal(names([]), null);
});
