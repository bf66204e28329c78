/* The comments on the page as a tree of items: shows a comment as it is now, wherever it belongs. Showing the same again
   changes nothing. `onShown` is called with the id of each comment shown, `onRemove` with an item about to go. */

import { made, repliesOf } from "./helpers/dom.js";
import { counted, difference, isSorted, placed } from "./helpers/placement.js";

export class Thread {
  #waiting = new Map(); // replies to what is not on this page, or not yet

  constructor(root, news) {
    this.root = root;
    this.newItems = news;
    this.list = root.querySelector(".thread");
    this.count = Number(root.dataset.count);
    this.first = placesOf(this.list)[0];
    this.onShown = () => {};
    this.onRemove = () => {};
  }

  item(id) {
    return document.getElementById(`c${id}`)?.closest("li") ?? null;
  }

  hasReplies(id) {
    return Boolean(this.item(id)?.querySelector("li"));
  }

  show(change, isOwn = false) {
    for (const removed of change.above ?? []) if (!this.item(removed.id)) this.show(removed, isOwn);
    const item = this.item(change.id);
    const old = articleOf(item);
    const isShown = (id) => Boolean(this.item(id));
    const isHeldHere = () => !isOwn && statusOf(old) === "held";
    const todo = placed(change, this.root.dataset.roots, isShown, isHeldHere, isOwn, this.first);
    this.#waiting.delete(change.id);
    if (todo === "wait") this.#waiting.set(change.id, change);
    if (["nowhere", "keep", "wait"].includes(todo)) return;
    this.#recount(difference(statusOf(old), change.status));
    if (todo === "remove") return this.#remove(item);
    if (todo === "replace") this.#replace(item, change);
    else this.#add(change, isOwn);
    if (isOwn) this.newItems.forget(this.item(change.id));
    this.onShown(change.id);
    for (const reply of [...this.#waiting.values()].filter(({ parent }) => parent === change.id)) this.show(reply);
  }

  /** A held comment that its author takes back is no longer kept on the page. */
  release(id) {
    articleOf(this.item(id))?.classList.remove("held");
  }

  /** It moves only if it stands wrong now: being published settles parent and place. */
  #replace(item, change) {
    const old = articleOf(item);
    const fresh = made(change.html);
    const hadFocus = old.contains(document.activeElement);
    old.replaceWith(fresh);
    const list = this.#listOf(change);
    if (item.parentElement !== list || !isSorted(placesOf(list))) list.insertBefore(item, this.#next(list, item));
    if (!hadFocus) return;
    fresh.setAttribute("tabindex", "-1");
    fresh.focus({ preventScroll: true });
  }

  #add(change, isOwn) {
    const item = document.createElement("li");
    item.append(made(change.html));
    const list = this.#listOf(change);
    const next = this.#next(list, item);
    if (isOwn) list.insertBefore(item, next);
    else this.newItems.add(item, list, next);
  }

  /** The sibling that comes after an item by its place. */
  #next(list, item) {
    return [...list.children].find((other) => other !== item && placeOf(other) > placeOf(item)) ?? null;
  }

  #listOf({ parent }) {
    const above = parent && this.item(parent);
    return above ? repliesOf(above) : this.list;
  }

  /** Tombstones that it leaves without replies go too. */
  #remove(item) {
    this.onRemove(item);
    this.newItems.forget(item);
    const parent = item.parentElement.closest("li");
    item.remove();
    if (statusOf(articleOf(parent)) === "gone" && !parent.querySelector("li")) this.#remove(parent);
  }

  #recount(by) {
    this.count += by;
    const heading = this.root.querySelector(".thread-head h2");
    if (by) heading.textContent = this.count > 0 ? counted(this.count, "comment") : "Comments";
  }
}

function articleOf(item) {
  return item?.querySelector(":scope > article") ?? null;
}

function statusOf(article) {
  return ["published", "held", "gone"].find((status) => article?.classList.contains(status)) ?? null;
}

/** What the server orders siblings by; a comment that was never published stands last. */
function placeOf(item) {
  return Number(articleOf(item)?.dataset.place ?? Infinity);
}

function placesOf(list) {
  return [...list.children].map(placeOf);
}
