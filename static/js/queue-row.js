/* A row of the moderation queue: what it shows after a decision, and how a newer version replaces it.
   Used by queue.js. */

import { all, one } from "./helpers/dom.js";
import { wordOf } from "./helpers/moderation.js";

const CHANGED = "The text has just changed. Please read it again.";
const READING_TIME = 1_000; // milliseconds; nobody reads a text and decides in less

/**
 * Shows a message beside the buttons of a row.
 * @param {HTMLElement | undefined} row
 * @param {string} message
 */
export function say(row, message) {
  const outcome = row?.querySelector(".outcome");
  if (outcome) outcome.textContent = message;
}

/**
 * Shows that staff have decided about a row.
 * @param {HTMLElement} row
 * @param {string} status
 */
export function markDecided(row, status) {
  row.dataset.status = status;
  row.classList.add("acted");
  one(row, ".state").textContent = wordOf(status);
  one(row, ".tick input", HTMLInputElement).checked = false;
}

/**
 * Replaces a row by its newer version. Text that staff were typing in it is moved along.
 * @param {HTMLElement} row
 * @param {HTMLElement} fresh
 * @param {string} [message]
 */
export function replaceRow(row, fresh, message = "") {
  const hadFocus = row.contains(document.activeElement);
  const hasOtherText = one(row, ".text").textContent !== one(fresh, ".text").textContent;
  fresh.classList.toggle("acted", fresh.dataset.status !== row.dataset.status || row.classList.contains("acted"));
  if (row.matches("[aria-current]")) fresh.setAttribute("aria-current", "true");
  for (const which of [".edit", ".reply"]) moveTyped(row.querySelector(which), fresh.querySelector(which));
  row.replaceWith(fresh);
  say(fresh, message || (hasOtherText ? CHANGED : ""));
  if (hasOtherText) disableButtons(fresh);
  if (hadFocus) fresh.focus({ preventScroll: true });
}

/**
 * Disables the buttons of a row for a moment: a press that was meant for the old text must not decide about the new
 * one.
 * @param {HTMLElement} row
 */
function disableButtons(row) {
  const buttons = /** @type {HTMLButtonElement[]} */ (all(row, ".acts button"));
  for (const button of buttons) button.disabled = true;
  setTimeout(() => {
    for (const button of buttons) button.disabled = false;
  }, READING_TIME);
}

/**
 * Moves what staff typed into a form of the old row to the same form of the new one.
 * @param {Element | null} old
 * @param {Element | null} fresh
 */
function moveTyped(old, fresh) {
  const typed = old?.querySelector("textarea");
  if (!fresh || !typed || typed.value === typed.defaultValue) return;
  fresh.toggleAttribute("open", old?.hasAttribute("open"));
  one(fresh, "textarea", HTMLTextAreaElement).value = typed.value;
}
