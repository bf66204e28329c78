/* A row of the moderation queue: what it shows after a decision, and how a newer version of it takes its place.
   Used by queue.js. */

import { all, one } from "./helpers/dom.js";
import { wordOf } from "./helpers/moderation.js";

const CHANGED = "The text has just changed. Please read it again.";
const REST = 1_000; // milliseconds in which nobody reads a text and decides

/**
 * Says something about a row, beside its buttons.
 * @param {HTMLElement | undefined} row
 * @param {string} message
 */
export function say(row, message) {
  const outcome = row?.querySelector(".outcome");
  if (outcome) outcome.textContent = message;
}

/**
 * @param {HTMLElement} row
 * @param {string} status
 */
export function decided(row, status) {
  row.dataset.status = status;
  row.classList.add("acted");
  one(row, ".state").textContent = wordOf(status);
  one(row, ".tick input", HTMLInputElement).checked = false;
}

/**
 * Puts a row as it is now in the place of an older one, with what staff were typing there.
 * @param {HTMLElement} row
 * @param {HTMLElement} fresh
 * @param {string} [message]
 */
export function renew(row, fresh, message = "") {
  const hadFocus = row.contains(document.activeElement);
  const hasOtherText = one(row, ".text").textContent !== one(fresh, ".text").textContent;
  fresh.classList.toggle("acted", fresh.dataset.status !== row.dataset.status || row.classList.contains("acted"));
  if (row.matches("[aria-current]")) fresh.setAttribute("aria-current", "true");
  for (const which of [".edit", ".reply"]) keepTyped(row.querySelector(which), fresh.querySelector(which));
  row.replaceWith(fresh);
  say(fresh, message || (hasOtherText ? CHANGED : ""));
  if (hasOtherText) restButtons(fresh);
  if (hadFocus) fresh.focus({ preventScroll: true });
}

/**
 * For a moment, so that a press that was meant for the text before does not decide about this one.
 * @param {HTMLElement} row
 */
function restButtons(row) {
  const buttons = /** @type {HTMLButtonElement[]} */ (all(row, ".acts button"));
  for (const button of buttons) button.disabled = true;
  setTimeout(() => {
    for (const button of buttons) button.disabled = false;
  }, REST);
}

/**
 * Moves what staff typed into a form of the old row to the same form of the new one.
 * @param {Element | null} old
 * @param {Element | null} fresh
 */
function keepTyped(old, fresh) {
  const typed = old?.querySelector("textarea");
  if (!fresh || !typed || typed.value === typed.defaultValue) return;
  fresh.toggleAttribute("open", old?.hasAttribute("open"));
  one(fresh, "textarea", HTMLTextAreaElement).value = typed.value;
}
