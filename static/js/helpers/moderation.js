/* How a decision of staff changes rows and counts of the moderation queue. Pure. Used by queue.js, queue-counts.js and
   queue-keyboard.js. */

/** @type {Record<string, string>} */
const WORDS = { held: "Waiting", published: "Published", spam: "Spam", gone: "Deleted" };

/** @param {string} status */
export function wordOf(status) {
  return WORDS[status] ?? status;
}

/**
 * The index of the row that is `by` steps from row `at` (-1: no current row), within `length` rows.
 * @param {number} at
 * @param {number} by
 * @param {number} length
 */
export function moved(at, by, length) {
  if (at < 0) return by > 0 ? 0 : length - 1;
  return Math.min(length - 1, Math.max(0, at + by));
}

/**
 * How many comments have a status after one went from `before` (null if it was not on this page) to `after`.
 * @param {number} number
 * @param {string} status
 * @param {string | null} before
 * @param {string} after
 */
export function recounted(number, status, before, after) {
  if (before === after) return number;
  return Math.max(0, number + Number(status === after) - Number(status === before));
}
