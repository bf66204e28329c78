/* Announces items that arrive while the page is open, by a bar: "2 new comments". An item that would move the text on
   the screen stays hidden until the bar is pressed; an item below the screen is shown at once. The bar counts both
   until they are seen. Used by comments.js and queue.js. */

import { element } from "./helpers/dom.js";
import { counted } from "./helpers/placement.js";

export class NewItems {
  #bar;
  #word;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #timer;
  /** @type {Set<HTMLElement>} */
  #unseen = new Set();
  #observer = new IntersectionObserver((entries) => {
    for (const { isIntersecting, target } of entries) {
      if (isIntersecting && target instanceof HTMLElement) this.markSeen(target);
    }
  });

  /**
   * @param {HTMLElement} bar
   * @param {string} word what an item is called, in the singular
   */
  constructor(bar, word) {
    this.#bar = bar;
    this.#word = word;
  }

  /**
   * Inserts an item into a list, before `next` or at the end, without moving anything that is on the screen.
   * @param {HTMLElement} item
   * @param {HTMLElement} list
   * @param {Element | null} next
   */
  add(item, list, next) {
    const edge = next ? next.getBoundingClientRect().top : list.getBoundingClientRect().bottom;
    const isBelow = edge >= innerHeight;
    item.hidden = !isBelow;
    list.insertBefore(item, next);
    (item.querySelector(":scope > article") ?? item).classList.add("new");
    this.#unseen.add(item);
    if (isBelow) this.#observer.observe(item);
    this.#countSoon();
  }

  /**
   * Stops counting an item: it was seen or removed, or it is the reader's own.
   * @param {HTMLElement} item
   */
  markSeen(item) {
    item.hidden = false;
    this.#observer.unobserve(item);
    if (this.#unseen.delete(item)) this.#countSoon();
  }

  /** Shows all new items and moves the focus to the first one. */
  show() {
    const items = [...this.#unseen].filter((item) => item.isConnected);
    items.sort((a, b) => (a.compareDocumentPosition(b) & Node.DOCUMENT_POSITION_FOLLOWING ? -1 : 1));
    for (const item of items) item.hidden = false;
    this.#unseen.clear();
    this.#count();
    const first = items[0]?.querySelector("article") ?? items[0];
    first?.setAttribute("tabindex", "-1");
    first?.focus({ preventScroll: true });
    first?.scrollIntoView({ block: "center" });
  }

  /** Counts after a moment: several items may arrive together, and the event of an own comment before its answer. */
  #countSoon() {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#count(), 150);
  }

  #count() {
    if (this.#unseen.size === 0) return this.#bar.replaceChildren();
    const button =
      this.#bar.querySelector("button") ?? element("button", { type: "button", onclick: () => this.show() });
    button.textContent = counted(this.#unseen.size, `new ${this.#word}`);
    if (!button.isConnected) this.#bar.append(button);
  }
}
