/* The comments on the page as a tree of items: shows a comment as it is now, wherever it belongs. Showing the same again
   changes nothing. `dress` is called with the id of each comment shown, `rescue` with an item about to go. */

import { made, repliesOf } from "./helpers/dom.js";
import { counted, difference, placed } from "./helpers/thread.js";

export class Thread {
  constructor(root, news) {
    this.root = root;
    this.news = news;
    this.list = root.querySelector(".thread");
    this.count = Number(root.dataset.count);
    this.dress = () => {};
    this.rescue = () => {};
  }

  item(id) {
    return document.getElementById(`c${id}`)?.closest("li") ?? null;
  }

  hasReplies(id) {
    return Boolean(this.item(id)?.querySelector("li"));
  }

  show(change, isOwn = false) {
    const item = this.item(change.id);
    const old = articleOf(item);
    const isShown = (id) => Boolean(this.item(id));
    const todo = placed(change, this.root.dataset.roots, isShown, () => !isOwn && statusOf(old) === "held");
    if (todo === "nowhere" || todo === "keep") return;
    this.#recount(difference(statusOf(old), change.status));
    if (todo === "remove") return this.#remove(item);
    if (todo === "replace") old.replaceWith(made(change.html));
    if (todo === "append") this.#add(this.list, change, isOwn);
    if (todo === "reply") this.#add(repliesOf(this.item(change.parent)), change, isOwn);
    if (isOwn) this.news.forget(this.item(change.id));
    this.dress(change.id);
  }

  #add(list, change, isOwn) {
    const item = document.createElement("li");
    item.append(made(change.html));
    if (isOwn) list.append(item);
    else this.news.add(item, list);
  }

  /** Tombstones that it leaves without replies go too. */
  #remove(item) {
    this.rescue(item);
    this.news.forget(item);
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
