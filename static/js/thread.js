/* The comments on the page, as a tree of list items. Puts a changed comment where it belongs; showing the same change
   again changes nothing. Used by comments.js. */

/** @import { NewItems } from "./new-items.js" */
/** @import { Change, Status } from "./helpers/placement.js" */

import { element, fromHTML, one, repliesOf } from "./helpers/dom.js";
import { counted, difference, isSorted, placed } from "./helpers/placement.js";

/** @type {Status[]} */
const STATUSES = ["published", "held", "gone"];
const NOT_SHOWN = ["nowhere", "keep", "wait"];

export class Thread {
  /** @type {Map<string, Change>} replies whose parent is not on this page, by their ids */
  #waiting = new Map();

  /**
   * @param {HTMLElement} root
   * @param {NewItems} newItems
   */
  constructor(root, newItems) {
    this.root = root;
    this.newItems = newItems;
    this.list = one(root, ".thread");
    this.count = Number(root.dataset.count);
    this.first = placesOf(this.list)[0];
    /** @type {(id: string) => unknown} called after a comment was shown */
    this.onShown = () => {};
    /** @type {(item: HTMLElement) => unknown} called before an item is removed */
    this.onRemove = () => {};
  }

  /**
   * The list item of a comment. It also contains the replies.
   * @param {string} id
   */
  item(id) {
    return document.getElementById(`c${id}`)?.closest("li") ?? null;
  }

  /**
   * A comment without its replies.
   * @param {string} id
   */
  article(id) {
    return articleOf(this.item(id));
  }

  /** @param {string} id */
  hasReplies(id) {
    return Boolean(this.item(id)?.querySelector("li"));
  }

  /** @param {Change} change */
  show(change, isOwn = false) {
    for (const removed of change.above ?? []) if (!this.item(removed.id)) this.show(removed, isOwn);
    const item = this.item(change.id);
    const before = statusOf(articleOf(item));
    /** @param {string} id */
    const isShown = (id) => Boolean(this.item(id));
    const isHeldHere = () => !isOwn && before === "held";
    const todo = placed(change, this.root.dataset.roots, isShown, isHeldHere, isOwn, this.first);
    this.#waiting.delete(change.id);
    if (todo === "wait") this.#waiting.set(change.id, change);
    if (NOT_SHOWN.includes(todo)) return;
    this.#recount(difference(before, change.status));
    if (item && todo === "remove") return this.#remove(item);
    const shown = item ? this.#replace(item, change) : this.#add(change, isOwn);
    if (isOwn) this.newItems.markSeen(shown);
    this.onShown(change.id);
    for (const reply of [...this.#waiting.values()].filter(({ parent }) => parent === change.id)) this.show(reply);
  }

  /**
   * Lets the next change remove a held comment, which its author has deleted: `show` leaves held comments in place.
   * @param {string} id
   */
  release(id) {
    this.article(id)?.classList.remove("held");
  }

  /**
   * Replaces the comment in an item. The item moves only if it is now in the wrong place: a comment gets its place when
   * it is published.
   * @param {HTMLElement} item
   * @param {Change} change
   */
  #replace(item, change) {
    const old = articleOf(item);
    const fresh = fromHTML(change.html);
    const hadFocus = old?.contains(document.activeElement);
    old?.replaceWith(fresh);
    const list = this.#listOf(change);
    if (item.parentElement !== list || !isSorted(placesOf(list))) list.insertBefore(item, nextOf(item, list));
    if (!hadFocus) return item;
    fresh.setAttribute("tabindex", "-1");
    fresh.focus({ preventScroll: true });
    return item;
  }

  /**
   * @param {Change} change
   * @param {boolean} isOwn
   */
  #add(change, isOwn) {
    const item = element("li", {}, fromHTML(change.html));
    const list = this.#listOf(change);
    const next = nextOf(item, list);
    if (isOwn) list.insertBefore(item, next);
    else this.newItems.add(item, list, next);
    return item;
  }

  /** @param {Change} change */
  #listOf({ parent }) {
    const above = parent && this.item(parent);
    return above ? repliesOf(above) : this.list;
  }

  /**
   * Removes an item, and tombstones above it that have no other replies.
   * @param {HTMLElement} item
   */
  #remove(item) {
    this.onRemove(item);
    this.newItems.markSeen(item);
    const above = item.parentElement?.closest("li");
    item.remove();
    if (above && statusOf(articleOf(above)) === "gone" && !above.querySelector("li")) this.#remove(above);
  }

  /** @param {number} by */
  #recount(by) {
    this.count += by;
    const heading = one(this.root, ".thread-head h2");
    if (by) heading.textContent = this.count > 0 ? counted(this.count, "comment") : "Comments";
  }
}

/**
 * @param {Element | null} item
 * @returns {HTMLElement | null}
 */
function articleOf(item) {
  return item?.querySelector(":scope > article") ?? null;
}

/** @param {Element | null} article */
function statusOf(article) {
  return STATUSES.find((status) => article?.classList.contains(status)) ?? null;
}

/**
 * The number by which the server orders siblings. A comment that was never published stands last.
 * @param {Element} item
 */
function placeOf(item) {
  return Number(articleOf(item)?.dataset.place ?? Infinity);
}

/** @param {HTMLElement} list */
function placesOf(list) {
  return [...list.children].map(placeOf);
}

/**
 * The first sibling with a higher place than an item; null if there is none.
 * @param {HTMLElement} item
 * @param {HTMLElement} list
 */
function nextOf(item, list) {
  return [...list.children].find((other) => other !== item && placeOf(other) > placeOf(item)) ?? null;
}
