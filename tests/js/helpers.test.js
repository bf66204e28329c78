import assert from "node:assert/strict";
import { test } from "node:test";

import { afterRestart, wait } from "../../static/js/helpers/backoff.js";
import { Heartbeat } from "../../static/js/helpers/heartbeat.js";
import { moved, recounted, wordOf } from "../../static/js/helpers/moderation.js";
import { counted, difference, isSorted, placed } from "../../static/js/helpers/placement.js";
import { Refused, sentence } from "../../static/js/helpers/requests.js";

test("the wait grows from 0.3 to 30 seconds and differs between pages", () => {
  assert.equal(wait(0, 0), 150);
  assert.ok(wait(0, 0.99) <= 300);
  assert.ok(wait(3, 0.5) > wait(1, 0.5));
  assert.equal(wait(60, 0), 15_000);
  assert.ok(wait(60, 0.999) <= 30_000);
});

test("a hidden tab waits longer, and a restart is spread over two seconds", () => {
  assert.ok(wait(0, 0, true) >= 5_000);
  assert.ok(wait(60, 0.999, true) <= 30_000);
  assert.equal(afterRestart(0), 0);
  assert.ok(afterRestart(0.999) < 2_000);
});

test("a quiet connection is pinged, and dropped when nobody answers", () => {
  const heartbeat = new Heartbeat(0);
  for (let now = 5_000; now <= 25_000; now += 5_000) assert.equal(heartbeat.due(now), "nothing");
  assert.equal(heartbeat.due(30_000), "ping");
  heartbeat.asked(30_000);
  assert.equal(heartbeat.due(35_000), "nothing");
  assert.equal(heartbeat.due(45_000), "drop");
  heartbeat.heard(46_000);
  assert.equal(heartbeat.due(50_000), "nothing");
});

test("a clock that jumps means that this machine slept", () => {
  const heartbeat = new Heartbeat(0);
  assert.equal(heartbeat.due(3_600_000), "wake");
});

const on =
  (...ids) =>
  (id) =>
    ids.includes(id);
const nobody = () => false;

test("a new root goes to the end, but never to a page of older comments", () => {
  const change = { id: "b", parent: null, status: "published", html: "…" };
  assert.equal(placed(change, "all", on("a"), nobody), "append");
  assert.equal(placed(change, "newest", on("a"), nobody), "append");
  assert.equal(placed(change, "older", on("a"), nobody), "nowhere");
});

test("a changed old root is not added to a page of the newest roots", () => {
  const change = (place) => ({
    id: "b",
    parent: null,
    status: "published",
    html: `<article id="cb" data-n="90"${place}>…`,
  });
  const old = change(' data-place="6"');
  assert.equal(placed(old, "newest", on("a"), nobody, false, 7), "nowhere");
  assert.equal(placed({ ...old, status: "gone" }, "newest", on("a"), nobody, false, 7), "nowhere");
  assert.equal(placed(old, "newest", on("a", "b"), nobody, false, 7), "replace");
  assert.equal(placed(old, "all", on("a"), nobody, false, 7), "append");
  assert.equal(placed(change(' data-place="7"'), "newest", on("a"), nobody, false, 7), "append");
  assert.equal(placed(change(' data-place="10"'), "newest", on("a"), nobody, false, 7), "append");
  assert.equal(placed(old, "newest", on(), nobody, false, undefined), "append");
  assert.equal(placed(change(""), "newest", on("a"), nobody, true, 7), "append");
  assert.equal(placed(change('><p> data-place="6"</p'), "newest", on("a"), nobody, true, 7), "append");
});

test("a reply goes under its parent where that is shown", () => {
  const change = { id: "b", parent: "a", status: "published", html: "…" };
  assert.equal(placed(change, "older", on("a"), nobody), "reply");
  assert.equal(placed(change, "newest", on(), nobody), "wait");
  assert.equal(placed(change, "all", on(), nobody), "wait");
  assert.equal(placed(change, "all", on(), nobody, true), "append");
});

test("a comment that is already shown is replaced", () => {
  assert.equal(placed({ id: "a", parent: null, status: "published", html: "…" }, "all", on("a"), nobody), "replace");
});

test("a removed comment goes, leaves a tombstone, or stays for its author while it is held", () => {
  assert.equal(placed({ id: "a", status: "gone", html: "" }, "all", on("a"), nobody), "remove");
  assert.equal(placed({ id: "a", status: "gone", html: "<article>" }, "all", on("a"), nobody), "replace");
  assert.equal(
    placed({ id: "a", status: "gone", html: "" }, "all", on("a"), () => true),
    "keep",
  );
  assert.equal(
    placed({ id: "a", status: "gone", html: "<article>" }, "all", on("a"), () => true),
    "keep",
  );
  assert.equal(placed({ id: "a", status: "gone", html: "" }, "all", on(), nobody), "nowhere");
});

test("a comment with empty HTML is not shown", () => {
  assert.equal(placed({ id: "a", parent: null, status: "held", html: "" }, "all", on(), nobody, true), "nowhere");
  assert.equal(
    placed({ id: "a", parent: "b", status: "held", html: "" }, "all", on("a", "b"), nobody, true),
    "nowhere",
  );
});

test("siblings are sorted by place, and those without a place stand last", () => {
  assert.ok(isSorted([]) && isSorted([1, 2, 7, Infinity, Infinity]));
  assert.ok(!isSorted([1, 3, 2]) && !isSorted([Infinity, 2]));
});

test("only published comments count", () => {
  assert.equal(difference(null, "published"), 1);
  assert.equal(difference("held", "published"), 1);
  assert.equal(difference("published", "published"), 0);
  assert.equal(difference("published", "gone"), -1);
  assert.equal(difference(null, "held"), 0);
  assert.equal(counted(1, "new comment"), "1 new comment");
  assert.equal(counted(2749, "comment"), "2,749 comments");
});

test("a refusal becomes a sentence for the visitor, with the time to wait", () => {
  assert.match(sentence(new TypeError("Failed to fetch")), /cannot be reached/);
  assert.equal(sentence(new Refused(422, { message: "Too long." }, 0)), "Too long.");
  assert.equal(
    sentence(new Refused(429, { message: "Not so fast." }, 40)),
    "Not so fast. You can try again in 40 seconds.",
  );
  assert.match(sentence(new Refused(429, { message: "Not so fast." }, 300)), /5 minutes/);
});

test("the queue's keys stay within its rows", () => {
  assert.equal(moved(-1, 1, 3), 0);
  assert.equal(moved(-1, -1, 3), 2);
  assert.equal(moved(2, 1, 3), 2);
  assert.equal(moved(0, -1, 3), 0);
});

test("the numbers on the tabs follow decisions", () => {
  assert.equal(recounted(3, "held", "held", "published"), 2);
  assert.equal(recounted(7, "published", "held", "published"), 8);
  assert.equal(recounted(0, "spam", "spam", "gone"), 0);
  assert.equal(recounted(3, "held", null, "held"), 4);
  assert.equal(wordOf("gone"), "Deleted");
});
