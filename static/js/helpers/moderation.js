/* What moderation does to rows and counts: pure. */

const WORDS = { held: "Waiting", published: "Published", spam: "Spam", gone: "Deleted" };

export function wordOf(status) {
  return WORDS[status] ?? status;
}

/** The place of the next row, `by` steps from `at` (-1: none yet), within `length` rows. */
export function moved(at, by, length) {
  if (at < 0) return by > 0 ? 0 : length - 1;
  return Math.min(length - 1, Math.max(0, at + by));
}

/** A tab's number after a comment went from one status to another; `before` is null for one that is not on this page. */
export function recounted(number, status, before, after) {
  if (before === after) return number;
  return Math.max(0, number + Number(status === after) - Number(status === before));
}
