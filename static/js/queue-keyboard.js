/* The keyboard of the moderation queue: single keys that press the buttons of the current row. They can be switched off,
   for people whose speech or hands press keys that they did not mean (WCAG 2.1.4). */

import { moved } from "./helpers/moderation.js";
import { recall, remember } from "./helpers/storage.js";

export class QueueKeyboard {
  constructor(queue) {
    this.queue = queue;
    this.list = queue.querySelector(".queue");
    this.list.addEventListener("focusin", (event) => this.#mark(event.target.closest(".row")));
    document.addEventListener("keydown", (event) => this.#pressed(event));
    this.box = queue.querySelector(".use-keys");
    if (!this.box) return;
    this.box.checked = recall("keys") ?? true;
    this.box.addEventListener("change", () => remember("keys", this.box.checked));
  }

  get current() {
    return this.list.querySelector(".row[aria-current]");
  }

  #mark(row) {
    if (this.current !== row) this.current?.removeAttribute("aria-current");
    row?.setAttribute("aria-current", "true");
  }

  #pressed(event) {
    const isTyping = event.target.closest("textarea, input:not([type=checkbox])");
    if (isTyping || event.ctrlKey || event.metaKey || event.altKey || this.box?.checked === false) return;
    const todo = {
      j: () => this.#go(1),
      k: () => this.#go(-1),
      x: () => this.current?.querySelector(".tick input").click(),
      a: () => this.#press("approve"),
      d: () => this.#press("delete"),
      s: () => this.#press("spam"),
      e: () => this.#open(".edit"),
      r: () => this.#open(".reply"),
      "?": () => this.queue.querySelector(".keys")?.toggleAttribute("open"),
    }[event.key];
    if (!todo) return;
    event.preventDefault();
    todo();
  }

  #go(by) {
    const rows = [...this.list.querySelectorAll(".row:not([hidden])")];
    rows[moved(rows.indexOf(this.current), by, rows.length)]?.focus();
  }

  /** On all rows that are ticked, else on the current one. */
  #press(action) {
    const isBatch = this.list.querySelector(".tick input:checked");
    const form = (isBatch && this.queue.querySelector(".batch")) || this.current;
    form?.querySelector(`button[value=${action}]`)?.click();
  }

  #open(which) {
    const details = this.current?.querySelector(which);
    if (!details) return;
    details.open = true;
    details.querySelector("textarea").focus();
  }
}
