/* How long to wait, in milliseconds, before trying again: longer each time, and never everybody at once. */

export const SHORTEST = 300;
export const LONGEST = 30_000;
const HIDDEN = 10_000;

/** Before the attempt after `failures` failed ones. `random` is in [0, 1). A hidden tab is in no hurry. */
export function wait(failures, random, isHidden = false) {
  const full = Math.min(LONGEST, SHORTEST * 2 ** failures);
  const jittered = full * (0.5 + random / 2);
  return isHidden ? Math.max(HIDDEN * (0.5 + random / 2), jittered) : jittered;
}

/** After a process said that it restarts: soon, but spread over two seconds. */
export function afterRestart(random) {
  return random * 2_000;
}
