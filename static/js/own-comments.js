/* The visitor's own comments under a post: shows those that are held, and lets the visitor edit and delete them while
   the server allows it. Used by comments.js. */

/** @import { Thread } from "./thread.js" */
/** @import { Change } from "./helpers/placement.js" */
/** @import { Answer } from "./comment-form.js" */
/** @typedef {Record<string, { token?: string, until?: string, text: string }>} Stored by the ids of comments */

import { element } from "./helpers/dom.js";
import { ask, askWith, sentence } from "./helpers/requests.js";
import { load, store } from "./helpers/storage.js";

export class OwnComments {
  /**
   * @param {string} url
   * @param {Thread} thread
   * @param {(change: Change) => void} changed called after the visitor changed or removed a comment
   */
  constructor(url, thread, changed) {
    this.url = url;
    this.thread = thread;
    this.changed = changed;
    /** @type {Stored} */
    const stored = load("mine") ?? {};
    this.stored = Object.fromEntries(Object.entries(stored).filter(([, { until }]) => timeLeft(until) > 0));
    this.thread.onShown = (id) => this.addButtons(id);
    for (const id of Object.keys(this.stored)) this.addButtons(id);
  }

  /** Shows the comments that wait for approval. They are not in the page, which is the same for everybody. */
  async showHeld() {
    const { comments } = await ask(`${this.url}?mine=1`).catch(() => ({ comments: [] }));
    for (const comment of comments) this.thread.show(comment, true);
  }

  /**
   * Stores a comment that this visitor has just written.
   * @param {Answer} answer
   * @param {string} text
   */
  store({ id, edit_token: token, edit_until: until }, text) {
    // Another tab may have stored another comment meanwhile.
    this.stored = { ...load("mine"), ...this.stored, [id]: { token, until, text } };
    store("mine", this.stored);
  }

  /**
   * Adds the buttons Edit and Delete to one of these comments. They disappear when its time is over.
   * @param {string} id
   */
  addButtons(id) {
    const left = timeLeft(this.stored[id]?.until);
    const foot = this.thread.article(id)?.querySelector("footer");
    if (!(left > 0) || !foot || foot.querySelector("button")) return;
    const edit = element("button", { type: "button", textContent: "Edit", onclick: () => this.#edit(id) });
    const remove = element("button", { type: "button", textContent: "Delete" });
    remove.onclick = () => this.#remove(id, remove);
    remove.onblur = () => {
      remove.textContent = "Delete";
    };
    foot.append(edit, remove);
    setTimeout(() => {
      edit.remove();
      remove.remove();
    }, left);
  }

  /** @param {string} id */
  #edit(id) {
    const article = this.thread.article(id);
    if (!article || article.querySelector("form")) return;
    const value = this.stored[id]?.text ?? "";
    const text = element("textarea", { value, maxLength: 10_000, required: true, ariaLabel: "Your comment" });
    const outcome = element("output", { className: "outcome" });
    const save = element("button", { className: "main", textContent: "Save" });
    const cancel = element("button", { type: "button", textContent: "Cancel" });
    const buttons = element("p", { className: "buttons" }, save, cancel);
    const form = element("form", { className: "editing" }, text, buttons, outcome);
    article.append(form); // the style sheet hides the rest of the comment
    cancel.onclick = () => form.remove();
    form.onsubmit = async (event) => {
      event.preventDefault();
      save.disabled = true;
      try {
        await this.#change(id, "PUT", { text: text.value });
        form.remove();
      } catch (error) {
        outcome.textContent = sentence(error);
      }
      save.disabled = false;
    };
    text.focus();
  }

  /**
   * The first press asks for confirmation, the second one deletes.
   * @param {string} id
   * @param {HTMLButtonElement} button
   */
  async #remove(id, button) {
    if (button.textContent === "Delete") {
      button.textContent = "Really delete?";
      return;
    }
    button.disabled = true;
    try {
      await this.#change(id, "DELETE", {});
    } catch (error) {
      button.disabled = false;
      button.textContent = sentence(error);
    }
  }

  /**
   * @param {string} id
   * @param {"PUT" | "DELETE"} method
   * @param {{ text?: string }} value
   */
  async #change(id, method, value) {
    const { token, until, text = "" } = this.stored[id] ?? {};
    const answer = await askWith(`${this.url}/${id}`, method, { edit_token: token, ...value });
    this.stored = { ...load("mine"), ...this.stored };
    if (method === "DELETE") delete this.stored[id];
    else this.stored[id] = { token, until, text: value.text ?? text };
    store("mine", this.stored);
    this.changed({ html: "", ...answer });
  }
}

/**
 * Milliseconds until a time; NaN if there is none.
 * @param {string} [until]
 */
function timeLeft(until) {
  return Date.parse(until ?? "") - Date.now();
}
