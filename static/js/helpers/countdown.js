/* Shows how much time is left to answer the open question of a battle. Used by battle.js. */

import { one } from "./dom.js";

const URGENT = 0.4; // of the time to think: below it the countdown warns

/**
 * Shows the time that is left; nothing where no question is open. `data-open` on the root says that it may be answered.
 * @param {HTMLElement} root
 * @param {any} state of the battle, or null
 * @param {number} now on the server's clock, in milliseconds
 */
export function showTime(root, state, now) {
  const clock = one(root, ".clock");
  const { opens_at: opens, closes_at: closes, phase } = state ?? {};
  clock.hidden = phase !== "asked" || !closes;
  root.toggleAttribute("data-open", !clock.hidden && now >= opens);
  if (clock.hidden) return;
  const left = Math.min(closes - opens, Math.max(0, closes - now));
  const share = left / (closes - opens);
  const seconds = one(clock, ".seconds");
  if (seconds.textContent !== `${Math.ceil(left / 1000)}`) seconds.textContent = `${Math.ceil(left / 1000)}`;
  clock.style.setProperty("--left", `${share}`);
  clock.classList.toggle("urgent", share < URGENT);
}
