/* <plog-comments>: keeps the comments under a post up to date while somebody reads, and lets visitors write without
   leaving the page. Loaded by every page with a post (templates/post/post.html). The live connection opens when the
   comments come near the screen. Everything is imported at once, on purpose: what is imported later can fail later, and
   then the form would be dead (docs/decisions.md). */

/** @import { Numbered } from "./helpers/sequence.js" */
/** @import { Change } from "./helpers/placement.js" */

import { CommentForm } from "./comment-form.js";
import { one } from "./helpers/dom.js";
import { ask } from "./helpers/requests.js";
import { Sequence } from "./helpers/sequence.js";
import { recall } from "./helpers/storage.js";
import { live } from "./live.js";
import { LiveIndicator } from "./live-indicator.js";
import { NewItems } from "./new-items.js";
import { OwnComments } from "./own-comments.js";
import { Thread } from "./thread.js";

const TICK = 5_000;
const SAFETY = 300_000; // how often to ask although the connection is fine

class Comments {
  /** @param {HTMLElement} root */
  constructor(root) {
    this.root = root;
    this.url = root.dataset.url ?? "";
    this.thread = new Thread(root, new NewItems(one(root, ".news"), "comment"));
    this.own = new OwnComments(this.url, this.thread, (change) => this.#changed(change));
    this.sequence = new Sequence(
      Number(root.dataset.n),
      (n) => ask(`${this.url}?after=${n}`),
      (change) => this.thread.show(change),
    );
    this.#goToPage();
    const near = new IntersectionObserver((entries) => this.#near(entries, near), { rootMargin: "800px" });
    near.observe(root);
    const form = root.querySelector("form.write"); // missing where comments are closed
    if (form instanceof HTMLFormElement) this.#takeOver(form);
    if (recall("known")) this.own.showHeld();
  }

  /** The comment that the address names may be on another page by now. */
  #goToPage() {
    const id = /^#c([0-9a-v]{12})$/.exec(location.hash)?.[1];
    if (id && !this.thread.item(id)) location.replace(`${this.url}/${id}`);
  }

  /**
   * @param {IntersectionObserverEntry[]} entries
   * @param {IntersectionObserver} observer
   */
  #near(entries, observer) {
    if (!entries.some((entry) => entry.isIntersecting)) return;
    observer.disconnect();
    const indicator = one(this.root, "plog-live", LiveIndicator);
    live.follow(this.root.dataset.channel ?? "", {
      followed: (n) => this.sequence.expect(n),
      event: (n, { comment }) => this.sequence.receive({ ...comment, n }),
      here: (count) => indicator.here(count),
    });
    this.asked = Date.now();
    setInterval(() => this.#poll(), TICK);
  }

  /** Without a connection every 5 s, with one every 5 min, and whenever a change is known to be missing. */
  #poll() {
    const now = Date.now();
    const isDown = live.state !== "live" && now - live.since > TICK;
    const isDue = isDown || this.sequence.isBehind || now - (this.asked ?? 0) > SAFETY;
    if (document.hidden || !isDue) return;
    this.asked = now;
    this.sequence.catchUp();
  }

  /**
   * From now on the form posts by script.
   * @param {HTMLFormElement} element
   */
  #takeOver(element) {
    const form = new CommentForm(element, this.url, this.thread, (answer, text) => {
      this.own.keep(answer, text);
      this.#changed(answer);
      this.thread.item(answer.id)?.scrollIntoView({ block: "nearest" });
    });
    this.root.addEventListener("click", (event) => {
      const reply = event.target instanceof Element ? event.target.closest(".reply") : null;
      const id = reply?.closest("article")?.id.slice(1);
      if (!id) return;
      event.preventDefault();
      form.replyTo(id);
    });
    this.thread.onRemove = (item) => item.contains(element) && form.loseParent();
    this.#pauseWhileWriting();
  }

  /** Nothing changes around a visitor who types a reply or an edit inside the thread. */
  #pauseWhileWriting() {
    const isWriting = () => Boolean(document.activeElement?.closest(".thread form"));
    this.root.addEventListener("focusin", () => isWriting() && this.sequence.pause());
    this.root.addEventListener("focusout", () => setTimeout(() => isWriting() || this.sequence.resume()));
  }

  /**
   * This visitor wrote, changed or removed a comment: shows it at once, before anything comes over the live connection.
   * @param {Change} change
   */
  #changed(change) {
    // What is left of a removed comment with replies is described by the server only.
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
