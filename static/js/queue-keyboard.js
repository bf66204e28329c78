/* The keyboard of the moderation queue: single keys that press the buttons of the current row. Used by queue.js. The
   keys can be switched off, because speech input or an unsteady hand may press keys by mistake (WCAG 2.1.4). */

import { all, one } from "./helpers/dom.js";
import { moved } from "./helpers/moderation.js";
import { load, store } from "./helpers/storage.js";

export class QueueKeyboard {
  /** @param {HTMLElement} queue */
  constructor(queue) {
    this.queue = queue;
    this.list = one(queue, ".queue");
    this.list.addEventListener("focusin", ({ target }) => {
      if (target instanceof Element) this.#mark(target.closest(".row"));
    });
    document.addEventListener("keydown", (event) => this.#pressed(event));
    const box = queue.querySelector(".use-keys"); // missing on the admin's first page
    if (!(box instanceof HTMLInputElement)) return;
    this.box = box;
    box.checked = load("keys") ?? true;
    box.addEventListener("change", () => store("keys", box.checked));
  }

  get current() {
    return all(this.list, ".row[aria-current]")[0] ?? null;
  }

  /** @param {Element | null} row */
  #mark(row) {
    if (this.current !== row) this.current?.removeAttribute("aria-current");
    row?.setAttribute("aria-current", "true");
  }

  /** @param {KeyboardEvent} event */
  #pressed(event) {
    const { target, key } = event;
    const isTyping = target instanceof Element && target.closest("textarea, input:not([type=checkbox])");
    if (isTyping || event.ctrlKey || event.metaKey || event.altKey || this.box?.checked === false) return;
    /** @type {Record<string, () => void>} */
    const actions = {
      j: () => this.#go(1),
      k: () => this.#go(-1),
      x: () => click(this.current, ".tick input"),
      a: () => this.#press("approve"),
      d: () => this.#press("delete"),
      s: () => this.#press("spam"),
      e: () => this.#open(".edit"),
      r: () => this.#open(".reply"),
      "?": () => this.queue.querySelector(".keys")?.toggleAttribute("open"),
    };
    const action = Object.hasOwn(actions, key) && actions[key];
    if (!action) return;
    event.preventDefault();
    action();
  }

  /** @param {number} by */
  #go(by) {
    const rows = all(this.list, ".row:not([hidden])");
    const { current } = this;
    rows[moved(current ? rows.indexOf(current) : -1, by, rows.length)]?.focus();
  }

  /**
   * Acts on all ticked rows, or on the current row if none is ticked.
   * @param {string} action
   */
  #press(action) {
    const isBatch = this.list.querySelector(".tick input:checked");
    const form = (isBatch && this.queue.querySelector(".batch")) || this.current;
    click(form, `button[value=${action}]`);
  }

  /** @param {string} which */
  #open(which) {
    const details = this.current?.querySelector(which);
    if (!(details instanceof HTMLDetailsElement)) return;
    details.open = true;
    one(details, "textarea").focus();
  }
}

/**
 * @param {Element | null} root
 * @param {string} selector
 */
function click(root, selector) {
  const found = root?.querySelector(selector);
  if (found instanceof HTMLElement) found.click();
}
