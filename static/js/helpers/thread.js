/* Where a changed comment goes on the page. Pure: `isShown(id)` and `hasReplies(id)` look at the page for it. */

/** One of replace, remove, keep, append (to the root list), reply (under its parent), nowhere (not on this page).
    `roots` says which root comments this page has: all, the newest, or older ones, to which none is ever added. */
export function placed(change, roots, isShown, isHeldHere) {
  if (change.status === "gone" && !change.html) {
    if (!isShown(change.id)) return "nowhere";
    return isHeldHere(change.id) ? "keep" : "remove"; // an edit may send a comment back to be held: its author goes on seeing it
  }
  if (isShown(change.id)) return "replace";
  if (change.parent && isShown(change.parent)) return "reply";
  if (change.parent) return roots === "all" ? "append" : "nowhere"; // its parent was removed here, or is on another page
  return roots === "older" ? "nowhere" : "append";
}

/** How the number of comments changes when one of this status takes the place of one of that (null: there was none). */
export function difference(before, after) {
  return Number(after === "published") - Number(before === "published");
}

export function counted(number, word) {
  return `${number.toLocaleString("en")} ${word}${number === 1 ? "" : "s"}`;
}
