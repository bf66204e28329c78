/* What this visitor wrote here: shows comments that are still held, and lets the visitor edit and delete for as long as
   the server allows it. Used by comments.js. */

/** @import { Thread } from "./thread.js" */
/** @import { Change } from "./helpers/placement.js" */
/** @import { Answer } from "./comment-form.js" */
/** @typedef {Record<string, { token?: string, until?: string, text: string }>} Kept by the comments' ids */

import { element } from "./helpers/dom.js";
import { ask, askWith, sentence } from "./helpers/requests.js";
import { recall, remember } from "./helpers/storage.js";

export class OwnComments {
  /**
   * @param {string} url
   * @param {Thread} thread
   * @param {(change: Change) => void} changed
   */
  constructor(url, thread, changed) {
    this.url = url;
    this.thread = thread;
    this.changed = changed;
    /** @type {Kept} */
    const kept = recall("mine") ?? {};
    this.kept = Object.fromEntries(Object.entries(kept).filter(([, { until }]) => timeLeft(until) > 0));
    this.thread.onShown = (id) => this.addButtons(id);
    for (const id of Object.keys(this.kept)) this.addButtons(id);
  }

  /** Shows those that wait for approval. They are on no page that others can see, so this asks the server. */
  async showHeld() {
    const { comments } = await ask(`${this.url}?mine=1`).catch(() => ({ comments: [] }));
    for (const comment of comments) this.thread.show(comment, true);
  }

  /**
   * This visitor has just written a comment.
   * @param {Answer} answer
   * @param {string} text
   */
  keep({ id, edit_token: token, edit_until: until }, text) {
    // Another tab may have stored a comment of its own meanwhile.
    this.kept = { ...recall("mine"), ...this.kept, [id]: { token, until, text } };
    remember("mine", this.kept);
  }

  /**
   * Gives an own comment its buttons until its time is over.
   * @param {string} id
   */
  addButtons(id) {
    const left = timeLeft(this.kept[id]?.until);
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
    const value = this.kept[id]?.text ?? "";
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
   * The first press asks, the second one does it.
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
    const { token, until, text = "" } = this.kept[id] ?? {};
    const answer = await askWith(`${this.url}/${id}`, method, { edit_token: token, ...value });
    this.kept = { ...recall("mine"), ...this.kept };
    if (method === "DELETE") delete this.kept[id];
    else this.kept[id] = { token, until, text: value.text ?? text };
    remember("mine", this.kept);
    this.changed({ html: "", ...answer });
  }
}

/**
 * Milliseconds until then; NaN without a time.
 * @param {string} [until]
 */
function timeLeft(until) {
  return Date.parse(until ?? "") - Date.now();
}
