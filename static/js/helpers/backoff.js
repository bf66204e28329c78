/* How long to wait, in milliseconds, before the next attempt to connect: longer after each failure, and different for
   every page, so that not all of them come back in the same moment. Used by live.js. */

const SHORTEST = 300;
const LONGEST = 30_000;
const HIDDEN = 10_000;

/**
 * Before the attempt that follows `failures` failed ones. A hidden tab waits longer.
 * @param {number} failures
 * @param {number} random in [0, 1)
 */
export function wait(failures, random, isHidden = false) {
  const full = Math.min(LONGEST, SHORTEST * 2 ** failures);
  const jittered = full * (0.5 + random / 2);
  return isHidden ? Math.max(HIDDEN * (0.5 + random / 2), jittered) : jittered;
}

/**
 * After a process said that it restarts: soon, but spread over two seconds.
 * @param {number} random in [0, 1)
 */
export function afterRestart(random) {
  return random * 2_000;
}
