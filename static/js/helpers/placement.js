/* Decides where a changed comment goes on the page, and counts. Pure: it sees the page only through `isShown(id)` and
   `isHeldHere(id)`. Used by thread.js and new-items.js. */

/**
 * A comment as the server describes it in answers and live events.
 * @typedef {object} Change
 * @property {string} id
 * @property {number | null} n the number of this change; null while only its author sees the comment
 * @property {string | null} parent
 * @property {Status} status
 * @property {string} html empty if nothing is to be shown
 * @property {Change[]} [above] removed comments above a reply, topmost first
 */
/** @typedef {"published" | "held" | "gone"} Status */

/**
 * "replace", "remove", "keep" as it is, "append" to the root list, "reply" under its parent, "nowhere" (not on this
 * page), or "wait" until its parent is shown: that is on another page, or changed later and so arrives after the reply.
 * @param {Change} change
 * @param {string | undefined} roots which root comments this page shows: "all", the "newest" (from place `first` on),
 *   or "older" ones (no root is ever added to these)
 * @param {(id: string) => boolean} isShown
 * @param {(id: string) => boolean} isHeldHere whether its author sees it here as held
 * @param {number} [first]
 */
export function placed(change, roots, isShown, isHeldHere, isOwn = false, first) {
  // After an edit a published comment may be held again: it disappears for others, and its author still sees it.
  if (change.status === "gone" && isHeldHere(change.id)) return "keep";
  if (change.status === "gone" && !change.html) return isShown(change.id) ? "remove" : "nowhere";
  if (!change.html) return "nowhere";
  if (isShown(change.id)) return "replace";
  if (change.parent && isShown(change.parent)) return "reply";
  if (change.parent) return isOwn && roots === "all" ? "append" : "wait";
  const place = /^<[^>]* data-place="(\d+)/.exec(change.html)?.[1];
  const isOld = first !== undefined && place !== undefined && Number(place) < first;
  return roots === "older" || (roots === "newest" && isOld) ? "nowhere" : "append";
}

/**
 * Whether siblings stand in the order of their places.
 * @param {number[]} places
 */
export function isSorted(places) {
  return places.every((place, at) => at === 0 || Number(places[at - 1]) <= place);
}

/**
 * How the number of published comments changes when a comment goes from one status to another.
 * @param {Status | null} before null if it was not on the page
 * @param {Status} after
 */
export function difference(before, after) {
  return Number(after === "published") - Number(before === "published");
}

/**
 * "1 comment", "2 comments"
 * @param {number} number
 * @param {string} word
 */
export function counted(number, word) {
  return `${number.toLocaleString("en")} ${word}${number === 1 ? "" : "s"}`;
}
