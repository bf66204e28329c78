import assert from "node:assert/strict";
import { test } from "node:test";

import { fallback } from "../../static/js/helpers/sockets.js";

/** A page whose scripts end as `end` says: with their `onload`, their `onerror`, or never. */
function page(end) {
  globalThis.window = {};
  globalThis.document = { createElement: () => ({}), head: { append: (script) => setTimeout(() => end(script)) } };
}

test("a fallback whose script never answers is given up, and the next attempt can succeed", async () => {
  page(() => {});
  const stuck = Symbol("stuck");
  const first = await Promise.race([fallback(20), new Promise((done) => setTimeout(done, 2_000, stuck))]);
  assert.equal(first, null);
  page((script) => {
    window.SockJS = class {};
    script.onload();
  });
  assert.ok((await fallback(2_000)) instanceof window.SockJS);
});

test("a fallback whose script cannot be loaded is given up at once", async () => {
  page((script) => script.onerror());
  assert.equal(await fallback(2_000), null);
});
