/* What this visitor wrote here: shows what is still held, and offers to edit and delete for as long as that is allowed. */

import { element } from "./helpers/dom.js";
import { ask, askWith, sentence } from "./helpers/requests.js";
import { recall, remember } from "./helpers/storage.js";

export class OwnComments {
  constructor(comments) {
    this.comments = comments;
    this.thread = comments.thread;
    const kept = Object.entries(recall("mine") ?? {}).filter(([, { until }]) => Date.parse(until) > Date.now());
    this.kept = Object.fromEntries(kept);
    this.thread.onShown = (id) => this.addButtons(id);
    for (const id of Object.keys(this.kept)) this.addButtons(id);
    this.#showHeld();
  }

  async #showHeld() {
    const { comments } = await ask(`${this.comments.url}?mine=1`).catch(() => ({ comments: [] }));
    for (const comment of comments) this.thread.show(comment, true);
  }

  keep({ id, edit_token: token, edit_until: until }, text) {
    this.kept[id] = { token, until, text };
    remember("mine", this.kept);
    this.addButtons(id);
  }

  /** Give an own comment its buttons, until its time is over. */
  addButtons(id) {
    const left = Date.parse(this.kept[id]?.until) - Date.now();
    const foot = this.thread.item(id)?.querySelector(":scope > article footer");
    if (!(left > 0) || !foot || foot.querySelector("button")) return;
    const edit = element("button", { type: "button", textContent: "Edit", onclick: () => this.#edit(id) });
    const remove = element("button", {
      type: "button",
      textContent: "Delete",
      onclick: () => this.#remove(id, remove),
    });
    remove.onblur = () => (remove.textContent = "Delete");
    foot.append(edit, remove);
    setTimeout(() => [edit, remove].forEach((button) => button.remove()), left);
  }

  #edit(id) {
    const article = this.thread.item(id).querySelector(":scope > article");
    if (article.querySelector("form")) return;
    const text = element("textarea", {
      value: this.kept[id].text,
      maxLength: 10_000,
      required: true,
      ariaLabel: "Your comment",
    });
    const told = element("output", { className: "outcome" });
    const save = element("button", { className: "main", textContent: "Save" });
    const cancel = element("button", { type: "button", textContent: "Cancel" });
    const form = element(
      "form",
      { className: "editing" },
      text,
      element("p", { className: "buttons" }, save, cancel),
      told,
    );
    const parts = article.querySelectorAll(".text, footer");
    const close = () => (form.remove(), parts.forEach((part) => (part.hidden = false)));
    cancel.onclick = close;
    form.onsubmit = async (event) => {
      event.preventDefault();
      save.disabled = true;
      try {
        await this.#change(id, "PUT", { text: text.value });
        this.kept[id].text = text.value;
        remember("mine", this.kept);
        close();
      } catch (error) {
        told.textContent = sentence(error);
      }
      save.disabled = false;
    };
    for (const part of parts) part.hidden = true;
    article.append(form);
    text.focus();
  }

  /** The first press asks, the second one does it. */
  async #remove(id, button) {
    if (button.textContent === "Delete") return void (button.textContent = "Really delete?");
    button.disabled = true;
    try {
      await this.#change(id, "DELETE", {});
    } catch (error) {
      button.textContent = sentence(error);
    }
  }

  async #change(id, method, value) {
    const answer = await askWith(`${this.comments.url}/${id}`, method, { edit_token: this.kept[id].token, ...value });
    if (method === "DELETE") delete this.kept[id];
    remember("mine", this.kept);
    this.comments.changed({ html: "", ...answer });
  }
}
