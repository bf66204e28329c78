/* <plog-comments>: a thread that stays up to date. It connects when it comes near the screen, shows every change once
   and in order, asks for what it missed, and leaves the text being read where it is.
   The connection (live.js), the form (comment-form.js) and what this visitor wrote before (own-comments.js) are fetched
   when needed. */

import { ask } from "./helpers/requests.js";
import { Sequence } from "./helpers/sequence.js";
import { recall } from "./helpers/storage.js";
import { NewItems } from "./new-items.js";
import { Thread } from "./thread.js";

const TICK = 5_000;
const SAFETY = 300_000; // how often to ask although the connection is fine

class PlogComments extends HTMLElement {
  connectedCallback() {
    this.url = this.dataset.url;
    this.form = this.querySelector("form.write");
    this.home = this.querySelector("#write");
    this.thread = new Thread(this, new NewItems(this.querySelector(".news"), "comment"));
    this.sequence = new Sequence(
      Number(this.dataset.n),
      (n) => ask(`${this.url}?after=${n}`),
      (change) => this.thread.show(change),
    );
    this.#goToPage();
    const near = new IntersectionObserver((entries) => this.#near(entries, near), { rootMargin: "800px" });
    near.observe(this);
    if (this.form) this.#takeWriting();
    if (recall("known")) this.mine();
  }

  /** The comment that an address names may be on another page by now. */
  #goToPage() {
    const id = /^#c([0-9a-v]{12})$/.exec(location.hash)?.[1];
    if (id && !this.thread.item(id)) location.replace(`${this.url}/${id}`);
  }

  async #near(entries, observer) {
    if (!entries.some((entry) => entry.isIntersecting)) return;
    observer.disconnect();
    const [{ live }] = await Promise.all([import("./live.js"), import("./live-indicator.js")]);
    const indicator = this.querySelector("plog-live");
    live.follow(this.dataset.channel, {
      followed: (n) => this.sequence.expect(n),
      event: (n, change) => this.sequence.receive({ ...change.comment, n }),
      here: (count) => indicator.here(count),
    });
    this.asked = Date.now();
    setInterval(() => this.#poll(live), TICK);
  }

  /** Without a connection every 5 s, with one every 5 min, and whenever something is known to be missing. */
  #poll(live) {
    const now = Date.now();
    const isDown = live.state !== "live" && now - live.since > TICK;
    if (document.hidden || !(isDown || this.sequence.isBehind || now - this.asked > SAFETY)) return;
    this.asked = now;
    this.sequence.catchUp();
  }

  #takeWriting() {
    this.form.addEventListener("focusin", () => this.write(), { once: true });
    this.form.addEventListener("submit", async (event) => {
      event.preventDefault();
      (await this.write()).send();
    });
    this.addEventListener("click", async (event) => {
      const reply = event.target.closest(".reply");
      if (!reply) return;
      event.preventDefault();
      (await this.write()).replyTo(reply.closest("li"));
    });
    if (recall(`draft:${this.url}`)) this.write();
    this.thread.onRemove = (item) => item.contains(this.form) && this.write().then((write) => write.goHome());
    this.#pauseWhileWriting();
  }

  /** Nothing changes around somebody who types a reply or an edit inside the thread. */
  #pauseWhileWriting() {
    const isWriting = () => Boolean(document.activeElement?.closest(".thread form"));
    this.addEventListener("focusin", () => isWriting() && this.sequence.pause());
    this.addEventListener("focusout", () => setTimeout(() => isWriting() || this.sequence.resume()));
  }

  write() {
    return (this.writing ??= import("./comment-form.js").then(({ CommentForm }) => new CommentForm(this)));
  }

  mine() {
    return (this.owned ??= import("./own-comments.js").then(({ OwnComments }) => new OwnComments(this)));
  }

  /** This visitor's comment was just stored: it is there at once, whatever else is on its way. */
  async own(answer, parent, text) {
    (await this.mine()).keep(answer, text);
    this.changed({ parent, ...answer });
    this.thread.item(answer.id)?.scrollIntoView({ block: "nearest" });
  }

  /** This visitor wrote, changed or removed a comment. What is left of one with replies only the server knows. */
  changed(change) {
    const isKnown = change.html || !change.n || !this.thread.hasReplies(change.id);
    if (isKnown) this.thread.show(change, true);
    else this.thread.release(change.id);
    this.sequence.resume();
    if (isKnown && change.n) this.sequence.receive(change);
    else if (change.n) this.sequence.expect(change.n);
  }
}

customElements.define("plog-comments", PlogComments);
