/* Where a changed comment goes on the page. Pure: `isShown(id)` and `hasReplies(id)` look at the page for it. */

/** One of replace, remove, keep, append (to the root list), reply (under its parent), nowhere (not on this page), wait
    (for its parent, which is on another page, or changed again later and so comes after it).
    `roots` says which root comments this page has: all, the newest (from place `first` on), or older ones, to which none
    is ever added. */
export function placed(change, roots, isShown, isHeldHere, isOwn = false, first) {
  if (change.status === "gone" && isHeldHere(change.id)) return "keep"; // an edit may send a comment back to be held: its author goes on seeing it
  if (change.status === "gone" && !change.html) return isShown(change.id) ? "remove" : "nowhere";
  if (isShown(change.id)) return "replace";
  if (change.parent && isShown(change.parent)) return "reply";
  if (change.parent) return isOwn && roots === "all" ? "append" : "wait";
  const isOld = /^<[^>]* data-place="(\d+)/.exec(change.html)?.[1] < first;
  return roots === "older" || (roots === "newest" && isOld) ? "nowhere" : "append";
}

/** Whether siblings stand in the order of their places. */
export function isSorted(places) {
  return places.every((place, at) => at === 0 || places[at - 1] <= place);
}

/** How the number of comments changes when one of this status takes the place of one of that (null: there was none). */
export function difference(before, after) {
  return Number(after === "published") - Number(before === "published");
}

export function counted(number, word) {
  return `${number.toLocaleString("en")} ${word}${number === 1 ? "" : "s"}`;
}
