/* How many comments are in each state, wherever a page of the admin says so: in elements with `data-count`. */

import { recounted } from "./helpers/moderation.js";

export function countsOn(page) {
  return Object.fromEntries(
    [...page.querySelectorAll("[data-count]")].map((shown) => [shown.dataset.count, numberIn(shown)]),
  );
}

export function showCounts(counts) {
  for (const shown of document.querySelectorAll("[data-count]")) {
    if (shown.dataset.count in counts) shown.textContent = counts[shown.dataset.count].toLocaleString("en");
  }
}

/** One comment went from one state to another. */
export function recount(before, after) {
  const counts = Object.entries(countsOn(document));
  showCounts(Object.fromEntries(counts.map(([status, number]) => [status, recounted(number, status, before, after)])));
}

function numberIn(shown) {
  return Number(shown.textContent.replaceAll(",", ""));
}
