import assert from "node:assert/strict";
import { test } from "node:test";

import { Sequence, verdict } from "../../static/js/helpers/sequence.js";

/** A thread on a server: `change(id)` numbers a change, `after(n)` answers at most `most` of them, as the site does. */
function server(most = 500) {
  const newest = new Map();
  let n = 0;
  return {
    change(id) {
      newest.delete(id);
      newest.set(id, { id, n: ++n });
      return newest.get(id);
    },
    after(m) {
      const all = [...newest.values()].filter((change) => change.n > m);
      return { n, comments: all.slice(0, most), ...(all.length > most && { more: true }) };
    },
    all: () => [...newest.values()],
  };
}

const settled = () => new Promise((done) => setTimeout(done, 5));

test("the next number is applied, a known one is ignored, and a later one causes a request", () => {
  assert.equal(verdict(3, 4), "apply");
  assert.equal(verdict(3, 3), "ignore");
  assert.equal(verdict(3, 1), "ignore");
  assert.equal(verdict(3, 5), "ask");
});

test("a gap is filled by a request, and nothing is shown twice", async () => {
  const site = server();
  const shown = [];
  const sequence = new Sequence(
    0,
    async (n) => site.after(n),
    (change) => shown.push(change.n),
  );
  sequence.receive(site.change("a"));
  site.change("b");
  sequence.receive(site.change("c"));
  await settled();
  assert.deepEqual(shown, [1, 2, 3]);
});

test("requests are repeated while the server has more changes", async () => {
  const site = server(2);
  for (const id of "abcdefg") site.change(id);
  const shown = [];
  const sequence = new Sequence(
    0,
    async (n) => site.after(n),
    (change) => shown.push(change.n),
  );
  sequence.expect(7);
  await settled();
  assert.deepEqual(shown, [1, 2, 3, 4, 5, 6, 7]);
  assert.equal(sequence.isBehind, false);
});

test("a failed request is repeated at the next call", async () => {
  const site = server();
  let isDown = true;
  const after = async (n) => (isDown ? Promise.reject(new TypeError("no network")) : site.after(n));
  const shown = [];
  const sequence = new Sequence(0, after, (change) => shown.push(change.n));
  site.change("a");
  sequence.receive(site.change("b"));
  await settled();
  assert.equal(sequence.isBehind, true);
  isDown = false;
  await sequence.catchUp();
  assert.deepEqual(shown, [1, 2]);
  assert.equal(sequence.isBehind, false);
});

test("during a pause nothing is shown, and afterwards everything", async () => {
  const site = server();
  const shown = [];
  const sequence = new Sequence(
    0,
    async (n) => site.after(n),
    (change) => shown.push(change.n),
  );
  sequence.pause();
  sequence.receive(site.change("a"));
  sequence.receive(site.change("b"));
  await settled();
  assert.deepEqual(shown, []);
  await sequence.resume();
  assert.deepEqual(shown, [1, 2]);
});

test("a pause during a request loses nothing", async () => {
  const site = server();
  const shown = [];
  const after = async (n) => {
    await settled();
    return site.after(n);
  };
  const sequence = new Sequence(0, after, (change) => shown.push(change.n));
  site.change("a");
  sequence.receive(site.change("b"));
  sequence.pause();
  await settled();
  await settled();
  assert.deepEqual(shown, []);
  await sequence.resume();
  assert.deepEqual(shown, [1, 2]);
});

test("resuming during a request asks again if changes are missing", async () => {
  const site = server();
  const shown = [];
  const after = async (n) => {
    await settled();
    return site.after(n);
  };
  const sequence = new Sequence(0, after, (change) => shown.push(change.n));
  site.change("a");
  sequence.receive(site.change("b"));
  sequence.pause();
  await sequence.resume();
  assert.deepEqual(shown, [1, 2]);
});

test("random interleavings of changes, events, losses, pauses and answers end with the whole thread", async () => {
  let seed = 20261120;
  const random = () => {
    seed = (seed * 1103515245 + 12345) % 2147483648;
    return seed / 2147483648;
  };
  for (let round = 0; round < 300; round++) {
    const site = server(1 + Math.floor(random() * 4));
    const page = new Map();
    const numbers = [];
    const after = async (n) => {
      const answer = random() < 0.5 ? site.after(n) : null;
      for (let i = 0; i < random() * 4; i++) await null;
      if (random() < 0.2) throw new TypeError("lost");
      return answer ?? site.after(n);
    };
    const sequence = new Sequence(0, after, (change) => {
      page.set(change.id, change.n);
      numbers.push(change.n);
    });
    for (let step = 0; step < 30; step++) {
      const change = site.change(String(Math.floor(random() * 8)));
      if (random() < 0.7) sequence.receive(change);
      if (random() < 0.2) sequence.expect(change.n);
      if (random() < 0.15) sequence.pause();
      if (random() < 0.3) sequence.resume();
      if (random() < 0.5) await null;
    }
    await sequence.resume();
    sequence.expect(site.after(0).n);
    while (sequence.n < site.after(0).n) await sequence.catchUp();
    assert.deepEqual(Object.fromEntries(page), Object.fromEntries(site.all().map(({ id, n }) => [id, n])));
    assert.deepEqual(
      numbers,
      [...new Set(numbers)].sort((a, b) => a - b),
    );
  }
});
