/* <plog-comments>: shows changes of the comments under a post while the page is open, and lets visitors write without
   leaving the page. Loaded by every page with a post (templates/post/post.html). The live connection opens when the
   comments come near the screen. All modules are imported at once: a later import could fail, and the form would no
   longer work (docs/decisions.md). */

/** @import { Numbered } from "./helpers/sequence.js" */
/** @import { Change } from "./helpers/placement.js" */

import { CommentForm } from "./comment-form.js";
import { one } from "./helpers/dom.js";
import { ask } from "./helpers/requests.js";
import { Sequence } from "./helpers/sequence.js";
import { load } from "./helpers/storage.js";
import { live } from "./live.js";
import { LiveIndicator } from "./live-indicator.js";
import { NewItems } from "./new-items.js";
import { OwnComments } from "./own-comments.js";
import { Thread } from "./thread.js";

const TICK = 5_000; // milliseconds between two polls without a connection
const SAFETY = 300_000; // milliseconds between two polls while the connection works, in case it lost a change

class Comments {
  /** @param {HTMLElement} root */
  constructor(root) {
    this.root = root;
    this.url = root.dataset.url ?? "";
    this.thread = new Thread(root, new NewItems(one(root, ".news"), "comment"));
    this.own = new OwnComments(this.url, this.thread, (change) => this.#showOwn(change));
    this.sequence = new Sequence(
      Number(root.dataset.n),
      (n) => ask(`${this.url}?after=${n}`),
      (change) => this.thread.show(change),
    );
    this.#goToPage();
    const near = new IntersectionObserver((entries) => this.#followWhenNear(entries, near), { rootMargin: "800px" });
    near.observe(root);
    const form = root.querySelector("form.write"); // missing if comments are closed
    if (form instanceof HTMLFormElement) this.#takeOver(form);
    if (load("known")) this.own.showHeld();
  }

  /** Goes to the page that shows the comment in the address (`#c…`), if that is another page by now. */
  #goToPage() {
    const id = /^#c([0-9a-v]{12})$/.exec(location.hash)?.[1];
    if (id && !this.thread.item(id)) location.replace(`${this.url}/${id}`);
  }

  /**
   * Follows the channel once the comments come near the screen.
   * @param {IntersectionObserverEntry[]} entries
   * @param {IntersectionObserver} observer
   */
  #followWhenNear(entries, observer) {
    if (!entries.some((entry) => entry.isIntersecting)) return;
    observer.disconnect();
    const indicator = one(this.root, "plog-live", LiveIndicator);
    live.follow(this.root.dataset.channel ?? "", {
      followed: (n) => this.sequence.expect(n),
      event: (n, { comment }) => this.sequence.receive({ ...comment, n }),
      here: (count) => indicator.here(count),
    });
    this.polledAt = Date.now();
    setInterval(() => this.#poll(), TICK);
  }

  /** Asks for missed changes: every 5 s while the connection is down or a change is missing, else every 5 min. */
  #poll() {
    const now = Date.now();
    const isDown = live.state !== "live" && now - live.since > TICK;
    const isDue = isDown || this.sequence.isBehind || now - (this.polledAt ?? 0) > SAFETY;
    if (document.hidden || !isDue) return;
    this.polledAt = now;
    this.sequence.catchUp();
  }

  /**
   * Lets the script post the form.
   * @param {HTMLFormElement} element
   */
  #takeOver(element) {
    const form = new CommentForm(element, this.url, this.thread, (answer, text) => {
      this.own.store(answer, text);
      this.#showOwn(answer);
      this.thread.item(answer.id)?.scrollIntoView({ block: "nearest" });
    });
    this.root.addEventListener("click", (event) => {
      const reply = event.target instanceof Element ? event.target.closest(".reply") : null;
      const id = reply?.closest("article")?.id.slice(1);
      if (!id) return;
      event.preventDefault();
      form.replyTo(id);
    });
    this.thread.onRemove = (item) => item.contains(element) && form.dropParent();
    this.#pauseWhileWriting();
  }

  /** Shows no changes while the visitor types inside the thread: they would move the text field. */
  #pauseWhileWriting() {
    const isWriting = () => Boolean(document.activeElement?.closest(".thread form"));
    this.root.addEventListener("focusin", () => isWriting() && this.sequence.pause());
    this.root.addEventListener("focusout", () => setTimeout(() => isWriting() || this.sequence.resume()));
  }

  /**
   * Shows what this visitor has just written, changed or removed, before its live event arrives.
   * @param {Change} change
   */
  #showOwn(change) {
    // A removed comment with replies leaves a tombstone, and only the server has its HTML.
    const isKnown = Boolean(change.html) || !change.n || !this.thread.hasReplies(change.id);
    if (isKnown) this.thread.show(change, true);
    else this.thread.release(change.id);
    this.sequence.resume();
    if (!change.n) return;
    if (isKnown) this.sequence.receive(/** @type {Numbered} */ (change));
    else this.sequence.expect(change.n);
  }
}

customElements.define(
  "plog-comments",
  class extends HTMLElement {
    connectedCallback() {
      new Comments(this);
    }
  },
);
