/* The form under a post's comments. It posts without leaving the page, moves under the comment that is answered, and
   stores the draft in this browser until it is posted. Used by comments.js. If this script does not run, the browser
   submits the form itself. */

/** @import { Thread } from "./thread.js" */
/** @import { Change } from "./helpers/placement.js" */
/** @typedef {Change & { edit_token?: string, edit_until?: string }} Answer the server's answer to a posted comment */

import { one } from "./helpers/dom.js";
import { ask, askWith, Refused, sentence } from "./helpers/requests.js";
import { load, store } from "./helpers/storage.js";

export class CommentForm {
  /**
   * @param {HTMLFormElement} form
   * @param {string} url where comments are posted; the draft is stored under this name
   * @param {Thread} thread
   * @param {(answer: Answer, text: string) => void} posted called after a comment was posted
   */
  constructor(form, url, thread, posted) {
    this.form = form;
    this.url = url;
    this.draft = `draft:${url}`;
    this.thread = thread;
    this.posted = posted;
    this.isBusy = false;
    this.isStored = false; // false if the browser refused to store the draft
    this.home = form.parentElement;
    this.title = one(form, "h3");
    this.text = one(form, "#text", HTMLTextAreaElement);
    this.name = one(form, "#name", HTMLInputElement);
    this.email = one(form, "#email", HTMLInputElement);
    this.parent = one(form, "[name=parent]", HTMLInputElement);
    this.cancel = one(form, ".cancel");
    this.outcome = one(form, ".outcome");
    this.previewed = one(form, ".previewed");
    this.#restore();
    this.cancel.addEventListener("click", () => this.moveHome());
    one(form, ".preview").addEventListener("click", () => this.preview());
    form.addEventListener("input", ({ target }) => {
      this.#storeDraft();
      if (target instanceof HTMLElement) this.#showProblem(target.id, "");
    });
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      this.send();
    });
  }

  /** @param {string} id */
  replyTo(id) {
    this.#moveTo(id);
    this.#storeDraft();
    this.#say("");
    this.text.focus();
  }

  moveHome() {
    const reply = this.form.closest(".thread li")?.querySelector(":scope > article .reply");
    this.parent.value = "";
    this.title.textContent = "Write a comment";
    this.cancel.hidden = true;
    this.home?.append(this.form);
    this.#storeDraft();
    if (reply instanceof HTMLElement) reply.focus();
  }

  /** The comment that is being answered was removed: its reply becomes a comment of its own. */
  dropParent() {
    this.moveHome();
    this.#say(
      "The comment that you answer is not here any more. Your text is still here: you can post it as a new comment.",
    );
  }

  async preview() {
    this.#say("");
    await this.#whileBusy(async () => {
      const { html } = await askWith(`${this.url}/preview`, "POST", { text: this.text.value });
      this.previewed.innerHTML = html;
      this.previewed.hidden = false;
    });
  }

  async send() {
    if (this.isBusy) return;
    this.#say("Posting…");
    await this.#whileBusy(async () => {
      const text = this.text.value;
      const body = /** @type {any} */ (new URLSearchParams(/** @type {any} */ (new FormData(this.form))));
      const answer = await ask(this.url, { method: "POST", body }).catch((error) => this.#notPosted(error));
      if (answer) this.#wasPosted(answer, text);
    });
  }

  /**
   * @param {Answer} answer
   * @param {string} text
   */
  #wasPosted(answer, text) {
    store("known", true);
    store("author", { name: this.name.value, email: this.email.value });
    if (this.text.value === text) this.text.value = ""; // otherwise the visitor has typed more since
    this.previewed.hidden = true;
    this.moveHome();
    this.posted(answer, text);
    this.#say(
      answer.status === "held" ? "Thank you. Your comment is held: only you see it until it is approved." : "Posted.",
    );
  }

  /** @param {unknown} error */
  #notPosted(error) {
    if (error instanceof Refused && error.problems.parent) return this.dropParent();
    if (error instanceof Refused) throw error;
    const where = this.isStored
      ? "Your text is saved in this browser, even if you close this page."
      : "Your text is only on this page: please keep this page open.";
    this.#say(`The site cannot be reached, so your comment is not posted yet. ${where} Please try again in a moment.`);
  }

  /**
   * Runs a request with the buttons disabled. If the server refuses it, shows each problem beside its field.
   * @param {() => Promise<void>} work
   */
  async #whileBusy(work) {
    const buttons = this.form.querySelectorAll("button:not(.cancel)");
    this.isBusy = true;
    for (const button of buttons) button.toggleAttribute("disabled", true);
    try {
      await work();
    } catch (error) {
      this.#say(sentence(error));
      const problems = error instanceof Refused ? Object.entries(error.problems) : [];
      const shown = problems.filter(([name, text]) => this.#showProblem(name, text));
      if (shown[0]) one(this.form, `#${shown[0][0]}`).focus();
    } finally {
      this.isBusy = false;
      for (const button of buttons) button.toggleAttribute("disabled", false);
    }
  }

  /**
   * Shows a problem beside its field; an empty text hides it. Returns false if the form has no such field.
   * @param {string} name
   * @param {string} text
   */
  #showProblem(name, text) {
    const problem = this.form.querySelector(`#${CSS.escape(name)}-problem`);
    if (!(problem instanceof HTMLElement)) return false;
    problem.textContent = text;
    problem.hidden = !text;
    const field = one(this.form, `#${name}`);
    if (text) field.setAttribute("aria-invalid", "true");
    else field.removeAttribute("aria-invalid");
    return true;
  }

  /** @param {string} text */
  #say(text) {
    this.outcome.textContent = text;
  }

  /** @param {string} id the comment that is answered */
  #moveTo(id) {
    const article = this.thread.article(id);
    const name = article?.querySelector(".name")?.textContent;
    this.parent.value = id;
    this.title.textContent = name ? `Reply to ${name}` : "Reply to a comment that is not on this page";
    this.cancel.hidden = false;
    if (name) article.after(this.form);
  }

  /** Stores the text and the comment that it answers. */
  #storeDraft() {
    const draft = { text: this.text.value, parent: this.parent.value };
    this.isStored = store(this.draft, draft.text ? draft : null);
  }

  /** Fills in the stored draft, unless the visitor typed something while this script was loading. */
  #restore() {
    const { name, email } = load("author") ?? {};
    this.name.value ||= name ?? "";
    this.email.value ||= email ?? "";
    const stored = load(this.draft) ?? "";
    // Earlier versions stored only the text, as a string.
    const { text, parent } = typeof stored === "string" ? { text: stored, parent: "" } : stored;
    this.text.value ||= text;
    this.parent.value = "";
    if (parent && this.text.value === text) this.#moveTo(parent);
    this.#storeDraft();
  }
}
