/* <plog-queue>: the moderation queue. Every button and key is one of its forms, sent without leaving the page. A row that
   was decided stays where it is, so that the next press never hits another one. */

import { countsOn, recount, showCounts } from "./queue-counts.js";
import "./live-indicator.js";
import { made } from "./helpers/dom.js";
import { wordOf } from "./helpers/moderation.js";
import { ask, sentence } from "./helpers/requests.js";
import { live } from "./live.js";
import { NewItems } from "./new-items.js";
import { QueueKeyboard } from "./queue-keyboard.js";

class PlogQueue extends HTMLElement {
  connectedCallback() {
    this.list = this.querySelector(".queue");
    this.asked = new Map(); // by id, the newest question
    this.batch = this.querySelector(".batch");
    this.newItems = new NewItems(this.querySelector(".news"), "comment");
    this.addEventListener("submit", (event) => this.#send(event));
    new QueueKeyboard(this);
    const indicator = this.querySelector("plog-live");
    live.follow("staff", {
      followed: () => this.#catchUp(),
      event: (n, { comment }) => this.#heard(comment.id),
      here: (count) => indicator.here(count),
    });
  }

  /** Events are hints: the row is asked for, and with it how many there are of each. Only the newest answer counts. */
  async #heard(id) {
    const asked = Symbol();
    this.asked.set(id, asked);
    const answer = await ask(`/admin/comments/${id}`).catch(() => null);
    if (!answer || this.asked.get(id) !== asked) return;
    this.asked.delete(id);
    showCounts(answer.counts);
    this.show(made(answer.html));
  }

  /** What was missed before the connection, or while there was none: hints are not numbered, so all is looked at. */
  async #catchUp() {
    const answer = await fetch(location.href, { credentials: "same-origin" }).catch(() => null);
    if (!answer?.ok) return;
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    showCounts(countsOn(page));
    const rows = [...page.querySelectorAll(".queue > .row")];
    const left = [...this.list.children].filter(
      (row) => !row.matches(".acted") && !rows.some((other) => other.dataset.id === row.dataset.id),
    );
    for (const row of rows.reverse()) if (row.textContent !== this.#row(row.dataset.id)?.textContent) this.show(row);
    for (const row of left) this.#heard(row.dataset.id);
  }

  /** A comment as it is now: in its row, or as a new one on top where it belongs in this list. */
  show(fresh) {
    const row = this.#row(fresh.dataset.id);
    if (row) this.#renew(row, fresh);
    else if (this.dataset.status === fresh.dataset.status)
      this.newItems.add(fresh, this.list, this.list.firstElementChild);
  }

  #row(id) {
    return this.list.querySelector(`.row[data-id="${CSS.escape(id)}"]`);
  }

  #renew(row, fresh) {
    const isWriting = row.querySelector("details[open] textarea")?.matches(":focus");
    if (isWriting) return;
    const hadFocus = row.contains(document.activeElement);
    fresh.classList.toggle("acted", fresh.dataset.status !== row.dataset.status || row.classList.contains("acted"));
    if (row.matches("[aria-current]")) fresh.setAttribute("aria-current", "true");
    row.replaceWith(fresh);
    if (hadFocus) fresh.focus({ preventScroll: true });
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
      recount(row.dataset.status, status);
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
