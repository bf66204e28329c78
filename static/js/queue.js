/* <plog-queue>: the moderation queue. Every button and key is one of its forms, sent without leaving the page. A row that
   was decided stays where it is, so that the next press never hits another one. */

import "./indicator.js";
import { made } from "./helpers/dom.js";
import { recounted, wordOf } from "./helpers/queue.js";
import { ask, sentence } from "./helpers/requests.js";
import { Keys } from "./keys.js";
import { live } from "./live.js";
import { News } from "./news.js";

class PlogQueue extends HTMLElement {
  connectedCallback() {
    this.list = this.querySelector(".queue");
    this.batch = this.querySelector(".batch");
    this.news = new News(this.querySelector(".news"), "comment");
    this.addEventListener("submit", (event) => this.#send(event));
    new Keys(this);
    const indicator = this.querySelector("plog-live");
    live.follow("staff", {
      event: (n, change) => this.#heard(change.comment),
      here: (count) => indicator.here(count),
    });
  }

  /** Events without HTML say only that something changed: its row is asked for. */
  async #heard({ id, status, html }) {
    const row = html ?? (await fetch(`/admin/comments/${id}`, { credentials: "same-origin" }).then((answer) => (answer.ok ? answer.text() : "")));
    if (row) this.show({ id, status, html: row });
  }

  /** A comment as it is now: in its row, or as a new one on top where it belongs in this list. */
  show({ id, status, html }) {
    const row = this.#row(id);
    this.#recount(row?.dataset.status ?? null, status);
    if (row) this.#renew(row, html);
    else if (!this.dataset.status || this.dataset.status === status) this.news.add(made(html), this.list, true);
  }

  #row(id) {
    return this.list.querySelector(`.row[data-id="${CSS.escape(id)}"]`);
  }

  #renew(row, html) {
    const isWriting = row.querySelector("details[open] textarea")?.matches(":focus");
    if (isWriting) return;
    const fresh = made(html);
    const hadFocus = row.contains(document.activeElement);
    fresh.classList.toggle("acted", fresh.dataset.status !== row.dataset.status || row.classList.contains("acted"));
    if (row.matches("[aria-current]")) fresh.setAttribute("aria-current", "true");
    row.replaceWith(fresh);
    if (hadFocus) fresh.focus({ preventScroll: true });
  }

  #recount(before, after) {
    for (const count of this.querySelectorAll("[data-count]")) {
      const number = Number(count.textContent.replaceAll(",", ""));
      count.textContent = recounted(number, count.dataset.count, before, after).toLocaleString("en");
    }
  }

  async #send(event) {
    event.preventDefault();
    const form = event.target; // its property `action` is a button here
    const body = new URLSearchParams(new FormData(form, event.submitter));
    const outcome = form.querySelector(".outcome") ?? form.closest(".row").querySelector(".outcome");
    try {
      const answer = await ask(form.getAttribute("action"), { method: "POST", body });
      outcome.textContent = "";
      this.#done(form, answer);
    } catch (error) {
      outcome.textContent = sentence(error);
    }
  }

  /** What staff did is seen at once; the live event that follows brings the row's new HTML. */
  #done(form, answer) {
    if (form.closest("details")) {
      form.closest("details").open = false;
      if (form.closest(".reply")) form.reset();
    }
    for (const { id, status } of answer.comments ?? []) {
      const row = this.#row(id);
      if (!row || row.dataset.status === status) continue;
      this.#recount(row.dataset.status, status);
      row.dataset.status = status;
      row.classList.add("acted");
      row.querySelector(".state").textContent = wordOf(status);
      row.querySelector(".tick input").checked = false;
    }
    for (const [id, message] of Object.entries(answer.refused ?? {})) {
      const outcome = this.#row(id)?.querySelector(".outcome");
      if (outcome) outcome.textContent = message;
    }
  }
}

customElements.define("plog-queue", PlogQueue);
