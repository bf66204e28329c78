/* Exponential backoff with jitter: how long to wait, in milliseconds, before the next attempt to connect. Without the
   jitter all open pages would reconnect at the same moment. Used by live.js. */

const SHORTEST = 300;
const LONGEST = 30_000;
const HIDDEN = 10_000;

/**
 * The time before the next attempt, after `failures` failed ones. A hidden tab waits longer.
 * @param {number} failures
 * @param {number} random in [0, 1)
 */
export function wait(failures, random, isHidden = false) {
  const full = Math.min(LONGEST, SHORTEST * 2 ** failures);
  const jittered = full * (0.5 + random / 2);
  return isHidden ? Math.max(HIDDEN * (0.5 + random / 2), jittered) : jittered;
}

/**
 * The time before reconnecting to a process that has announced its restart: up to two seconds.
 * @param {number} random in [0, 1)
 */
export function afterRestart(random) {
  return random * 2_000;
}
