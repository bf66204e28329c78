/* The form under a post's comments: posts without leaving the page, moves under the comment that is answered, and keeps
   what was typed in this browser until it is posted. Used by comments.js. Where this script does not run, the browser
   posts the form by itself. */

/** @import { Thread } from "./thread.js" */
/** @import { Change } from "./helpers/placement.js" */
/** @typedef {Change & { edit_token?: string, edit_until?: string }} Answer the server's answer to a post */

import { one } from "./helpers/dom.js";
import { ask, askWith, Refused, sentence } from "./helpers/requests.js";
import { recall, remember } from "./helpers/storage.js";

export class CommentForm {
  /**
   * @param {HTMLFormElement} form
   * @param {string} url where comments are posted; names the draft, too
   * @param {Thread} thread
   * @param {(answer: Answer, text: string) => void} posted
   */
  constructor(form, url, thread, posted) {
    this.form = form;
    this.url = url;
    this.draft = `draft:${url}`;
    this.thread = thread;
    this.posted = posted;
    this.isBusy = false;
    this.isKept = false; // whether the draft could be stored
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
      this.#keep();
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
    this.#keep();
    this.#say("");
    this.text.focus();
  }

  moveHome() {
    const reply = this.form.closest(".thread li")?.querySelector(":scope > article .reply");
    this.parent.value = "";
    this.title.textContent = "Write a comment";
    this.cancel.hidden = true;
    this.home?.append(this.form);
    this.#keep();
    if (reply instanceof HTMLElement) reply.focus();
  }

  /** The comment that was being answered is gone. */
  loseParent() {
    this.moveHome();
    this.#say("The comment that you answer is not here any more. Your text is kept: post it as a comment of its own.");
  }

  async preview() {
    this.#say("");
    await this.#during(async () => {
      const { html } = await askWith(`${this.url}/preview`, "POST", { text: this.text.value });
      this.previewed.innerHTML = html;
      this.previewed.hidden = false;
    });
  }

  async send() {
    if (this.isBusy) return;
    this.#say("Posting…");
    await this.#during(async () => {
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
    remember("known", true);
    remember("author", { name: this.name.value, email: this.email.value });
    if (this.text.value === text) this.text.value = ""; // else somebody went on typing
    this.previewed.hidden = true;
    this.moveHome();
    this.posted(answer, text);
    this.#say(answer.status === "held" ? "Thank you. It is held: only you see it until it is approved." : "Posted.");
  }

  /** @param {unknown} error */
  #notPosted(error) {
    if (error instanceof Refused && error.problems.parent) return this.loseParent();
    if (error instanceof Refused) throw error;
    const where = this.isKept
      ? "Your text is kept in this browser, even if you close this page."
      : "Your text is only on this page: please keep this page open.";
    this.#say(`The site cannot be reached: your comment is not posted yet. ${where} Post it again in a moment.`);
  }

  /**
   * Runs what asks the server, one at a time, and shows what was refused at the field that it is about.
   * @param {() => Promise<void>} work
   */
  async #during(work) {
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
   * Shows a problem beside a field, or none if the text is empty. Returns whether there is such a field.
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

  /** Stores what was typed, and which comment it answers. */
  #keep() {
    const draft = { text: this.text.value, parent: this.parent.value };
    this.isKept = remember(this.draft, draft.text ? draft : null);
  }

  /** Fills in what was typed here before. What is in the field already was typed while this script was loading. */
  #restore() {
    const { name, email } = recall("author") ?? {};
    this.name.value ||= name ?? "";
    this.email.value ||= email ?? "";
    const kept = recall(this.draft) ?? "";
    // Earlier versions kept the text alone.
    const { text, parent } = typeof kept === "string" ? { text: kept, parent: "" } : kept;
    this.text.value ||= text;
    this.parent.value = "";
    if (parent && this.text.value === text) this.#moveTo(parent);
    this.#keep();
  }
}
