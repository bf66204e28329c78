/* "2 new comments": what came while somebody reads. Where it would push the text being read it stays hidden until it is
   asked for; further down it is there at once. The bar counts both until they are seen. */

import { counted } from "./helpers/placement.js";

export class NewItems {
  #bar;
  #word;
  #soon = 0;
  #fresh = new Set();
  #seen = new IntersectionObserver((entries) => {
    for (const entry of entries) if (entry.isIntersecting) this.forget(entry.target);
  });

  constructor(bar, word) {
    this.#bar = bar;
    this.#word = word;
  }

  /** Put `item` into `list` before another one, or at its end, without moving anything that is on the screen. */
  add(item, list, next = null) {
    const edge = next ? next.getBoundingClientRect().top : list.getBoundingClientRect().bottom;
    const isBelow = edge >= innerHeight;
    item.hidden = !isBelow;
    list.insertBefore(item, next);
    (item.querySelector(":scope > article") ?? item).classList.add("new");
    this.#fresh.add(item);
    if (isBelow) this.#seen.observe(item);
    this.#tell();
  }

  /** It was seen, or went away, or is the reader's own. */
  forget(item) {
    item.hidden = false;
    this.#seen.unobserve(item);
    if (this.#fresh.delete(item)) this.#tell();
  }

  show() {
    const items = [...this.#fresh].filter((item) => item.isConnected);
    items.sort((a, b) => (a.compareDocumentPosition(b) & Node.DOCUMENT_POSITION_FOLLOWING ? -1 : 1));
    for (const item of items) item.hidden = false;
    this.#fresh.clear();
    this.#show();
    const first = items[0]?.querySelector("article") ?? items[0];
    first?.setAttribute("tabindex", "-1");
    first?.focus({ preventScroll: true });
    first?.scrollIntoView({ block: "center" });
  }

  /** In a moment: several come at once, and one's own is heard of before the server has answered. */
  #tell() {
    clearTimeout(this.#soon);
    this.#soon = setTimeout(() => this.#show(), 150);
  }

  #show() {
    if (this.#fresh.size === 0) return this.#bar.replaceChildren();
    const button = this.#bar.querySelector("button") ?? document.createElement("button");
    button.type = "button";
    button.textContent = counted(this.#fresh.size, `new ${this.#word}`);
    button.onclick = () => this.show();
    if (!button.isConnected) this.#bar.append(button);
  }
}
