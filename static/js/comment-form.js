/* The form under a thread: sends without leaving the page, moves under the comment that is answered, and never loses a
   word. What was typed is kept in this browser until it is posted. */

import { ask, askWith, sentence } from "./helpers/requests.js";
import { recall, remember } from "./helpers/storage.js";

export class CommentForm {
  constructor(comments) {
    this.comments = comments;
    this.form = comments.form;
    this.draft = `draft:${comments.url}`;
    this.fields = this.form.elements;
    this.title = this.form.querySelector("h3");
    this.cancel = this.form.querySelector(".cancel");
    this.outcome = this.form.querySelector(".outcome");
    this.previewed = this.form.querySelector(".previewed");
    this.#recallAll();
    this.cancel.addEventListener("click", () => this.goHome());
    this.form.querySelector(".preview").addEventListener("click", () => this.preview());
    this.form.addEventListener("input", (event) => {
      if (event.target === this.fields.text) remember(this.draft, this.fields.text.value || null);
      this.#problem(event.target.name, "");
    });
  }

  replyTo(item) {
    const article = item.querySelector(":scope > article");
    this.fields.parent.value = article.id.slice(1);
    this.title.textContent = `Reply to ${article.querySelector(".name").textContent}`;
    this.cancel.hidden = false;
    article.after(this.form);
    this.fields.text.focus();
  }

  goHome() {
    const was = this.form.closest(".thread li")?.querySelector(":scope > article .reply");
    this.fields.parent.value = "";
    this.title.textContent = "Write a comment";
    this.cancel.hidden = true;
    this.comments.home.append(this.form);
    was?.focus();
  }

  async preview() {
    this.#say("");
    await this.#during(async () => {
      const { html } = await askWith(`${this.comments.url}/preview`, "POST", { text: this.fields.text.value });
      this.previewed.innerHTML = html;
      this.previewed.hidden = false;
    });
  }

  async send() {
    if (this.isBusy) return;
    this.#say("Posting…");
    await this.#during(async () => {
      const body = new URLSearchParams(new FormData(this.form));
      const answer = await ask(this.form.action, { method: "POST", body });
      await this.#posted(answer);
    });
  }

  async #posted(answer) {
    const parent = this.fields.parent.value || null;
    const text = this.fields.text.value;
    remember("known", true);
    remember("author", { name: this.fields.name.value, email: this.fields.email.value });
    remember(this.draft, null);
    this.fields.text.value = "";
    this.previewed.hidden = true;
    this.goHome();
    await this.comments.own(answer, parent, text);
    this.#say(answer.status === "held" ? "Thank you. It is held: only you see it until it is approved." : "Posted.");
  }

  /** Run what talks to the server, once at a time; show what is wrong at the fields it is about. */
  async #during(work) {
    const buttons = this.form.querySelectorAll("button:not(.cancel)");
    this.isBusy = true;
    for (const button of buttons) button.disabled = true;
    try {
      await work();
    } catch (error) {
      this.#say(sentence(error));
      const named = Object.entries(error.problems ?? {}).filter(([name]) =>
        this.form.querySelector(`#${name}-problem`),
      );
      for (const [name, text] of named) this.#problem(name, text);
      if (named.length) this.fields[named[0][0]].focus();
    } finally {
      this.isBusy = false;
      for (const button of buttons) button.disabled = false;
    }
  }

  #problem(name, text) {
    const shown = this.form.querySelector(`#${name}-problem`);
    if (!shown) return;
    shown.textContent = text;
    shown.hidden = !text;
    this.fields[name].toggleAttribute("aria-invalid", Boolean(text));
    if (text) this.fields[name].setAttribute("aria-invalid", "true");
  }

  #say(text) {
    this.outcome.textContent = text;
  }

  #recallAll() {
    const { name, email } = recall("author") ?? {};
    this.fields.name.value ||= name ?? "";
    this.fields.email.value ||= email ?? "";
    this.fields.text.value ||= recall(this.draft) ?? "";
    remember(this.draft, this.fields.text.value || null); // also what was typed while this script was on its way
  }
}
