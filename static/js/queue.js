/* <plog-queue>: the moderation queue. It sends its forms without leaving the page, and shows what changes elsewhere.
   A decided row stays where it is, so that the next press never hits another row. An approval names the revision that
   staff have read; a comment that has changed since then is not published, and its newer version is shown. Loaded by
   the pages of the admin (templates/admin/page.html). */

import { all, fromHTML, one } from "./helpers/dom.js";
import { ask, Refused, sentence } from "./helpers/requests.js";
import { live } from "./live.js";
import { LiveIndicator } from "./live-indicator.js";
import { NewItems } from "./new-items.js";
import { countsOn, recount, showCounts } from "./queue-counts.js";
import { QueueKeyboard } from "./queue-keyboard.js";
import { markDecided, replaceRow, say } from "./queue-row.js";

/** @typedef {{ comments?: { id: string, status: string }[], refused?: Record<string, string> }} Answer */
/** @typedef {{ message: string, counts: Record<string, number>, rows: Record<string, { html: string }> }} Rows */

class Queue {
  /** @type {Map<string, symbol>} the newest request for each row, by the comment's id */
  #requests = new Map();

  /** @param {HTMLElement} root */
  constructor(root) {
    this.root = root;
    this.list = one(root, ".queue");
    this.newItems = new NewItems(one(root, ".news"), "comment");
    root.addEventListener("submit", (event) => this.#send(event));
    new QueueKeyboard(root);
    const indicator = one(root, "plog-live", LiveIndicator);
    live.follow("staff", {
      followed: () => this.#catchUp(),
      event: (_, { comment }) => this.#fetchRow(comment.id),
      here: (count) => indicator.here(count),
    });
  }

  /**
   * Fetches a row and the new counts: an event only says that a comment changed. Only the answer to the newest request
   * is shown.
   * @param {string} id
   */
  async #fetchRow(id) {
    const request = Symbol();
    this.#requests.set(id, request);
    const answer = await ask(`/admin/comments/${id}`).catch(() => null);
    if (!answer || this.#requests.get(id) !== request) return;
    this.#requests.delete(id);
    showCounts(answer.counts);
    this.#show(fromHTML(answer.html));
  }

  /** Shows what changed before the connection opened. These events have no numbers, so it compares the whole page. */
  async #catchUp() {
    const answer = await fetch(location.href, { credentials: "same-origin" }).catch(() => null);
    if (!answer?.ok) return;
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    showCounts(countsOn(page));
    const rows = all(page, ".queue > .row");
    const ids = rows.map((row) => row.dataset.id);
    const missing = all(this.list, ":scope > .row:not(.acted)").filter((row) => !ids.includes(row.dataset.id));
    for (const row of rows.reverse()) {
      if (row.dataset.revision !== this.#row(row.dataset.id)?.dataset.revision) this.#show(row);
    }
    for (const { dataset } of missing) this.#fetchRow(dataset.id ?? "");
  }

  /**
   * Shows the newer version of a row: in its place, or on top if it is new and belongs to this list.
   * @param {HTMLElement} fresh
   */
  #show(fresh) {
    const row = this.#row(fresh.dataset.id);
    if (row?.querySelector("details[open] textarea:focus")) return;
    if (row) replaceRow(row, fresh);
    else if (this.root.dataset.status === fresh.dataset.status) {
      this.newItems.add(fresh, this.list, this.list.firstElementChild);
    }
  }

  /** @param {string} [id] */
  #row(id = "") {
    return all(this.list, `.row[data-id="${CSS.escape(id)}"]`)[0];
  }

  /** @param {SubmitEvent} event */
  async #send(event) {
    const form = event.target;
    if (!(form instanceof HTMLFormElement)) return;
    event.preventDefault();
    const body = /** @type {any} */ (new URLSearchParams(/** @type {any} */ (new FormData(form, event.submitter))));
    const outcome = form.querySelector(".outcome") ?? one(form.closest(".row") ?? this.root, ".outcome");
    try {
      const address = form.getAttribute("action") ?? ""; // `form.action` would be the button with that name
      const answer = await ask(address, { method: "POST", body });
      outcome.textContent = "";
      this.#sent(form, answer);
    } catch (error) {
      outcome.textContent = sentence(error);
      const answer = error instanceof Refused ? /** @type {Answer & Rows} */ (error.answer) : null;
      if (answer?.rows) this.#stale(answer);
    }
  }

  /**
   * Shows at once what staff did. The live event that follows leads to the row's new HTML.
   * @param {HTMLFormElement} form
   * @param {Answer} answer
   */
  #sent(form, answer) {
    form.closest("details")?.removeAttribute("open");
    if (form.closest(".reply")) form.reset();
    this.#showDecided(answer);
  }

  /** @param {Answer} answer */
  #showDecided(answer) {
    for (const { id, status } of answer.comments ?? []) {
      const row = this.#row(id);
      if (!row || row.dataset.status === status) continue;
      recount(row.dataset.status ?? "", status);
      markDecided(row, status);
    }
    for (const [id, message] of Object.entries(answer.refused ?? {})) say(this.#row(id), message);
  }

  /**
   * Shows the newer rows of comments that were not approved because they have changed since staff read them.
   * @param {Answer & Rows} answer
   */
  #stale(answer) {
    this.#showDecided(answer);
    showCounts(answer.counts);
    for (const { html } of Object.values(answer.rows)) {
      const fresh = fromHTML(html);
      const row = this.#row(fresh.dataset.id);
      if (row) replaceRow(row, fresh, answer.message);
    }
  }
}

customElements.define(
  "plog-queue",
  class extends HTMLElement {
    connectedCallback() {
      new Queue(this);
    }
  },
);
