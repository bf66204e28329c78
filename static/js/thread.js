/* The comments on the page as a tree of list items. Shows a comment as it is now, where it belongs; showing the same
   again changes nothing. Used by comments.js. */

/** @import { NewItems } from "./new-items.js" */
/** @import { Change, Status } from "./helpers/placement.js" */

import { element, fromHTML, one, repliesOf } from "./helpers/dom.js";
import { counted, difference, isSorted, placed } from "./helpers/placement.js";

/** @type {Status[]} */
const STATUSES = ["published", "held", "gone"];
const NOT_SHOWN = ["nowhere", "keep", "wait"];

export class Thread {
  /** @type {Map<string, Change>} replies to comments that are not on this page, or not yet */
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
   * The list item of a comment, which has its replies in it too.
   * @param {string} id
   */
  item(id) {
    return document.getElementById(`c${id}`)?.closest("li") ?? null;
  }

  /**
   * The comment itself.
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
    if (isOwn) this.newItems.forget(shown);
    this.onShown(change.id);
    for (const reply of [...this.#waiting.values()].filter(({ parent }) => parent === change.id)) this.show(reply);
  }

  /**
   * A held comment that its author takes back is no longer kept on the page.
   * @param {string} id
   */
  release(id) {
    this.article(id)?.classList.remove("held");
  }

  /**
   * Replaces what an item shows. It moves only if it now stands in the wrong place: a comment gets its place when it is
   * published.
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
   * Removes an item, and removed comments above it that have no other replies.
   * @param {HTMLElement} item
   */
  #remove(item) {
    this.onRemove(item);
    this.newItems.forget(item);
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
 * What the server orders siblings by; a comment that was never published stands last.
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
 * The sibling that comes after an item by its place.
 * @param {HTMLElement} item
 * @param {HTMLElement} list
 */
function nextOf(item, list) {
  return [...list.children].find((other) => other !== item && placeOf(other) > placeOf(item)) ?? null;
}
