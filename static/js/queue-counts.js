/* The numbers of comments by status, which pages of the admin show in elements with `data-count`. Used by queue.js. */

import { all } from "./helpers/dom.js";
import { recounted } from "./helpers/moderation.js";

/** @typedef {Record<string, number>} Counts by status */

/**
 * @param {ParentNode} page
 * @returns {Counts}
 */
export function countsOn(page) {
  return Object.fromEntries(all(page, "[data-count]").map((shown) => [shown.dataset.count, numberIn(shown)]));
}

/** @param {Counts} counts */
export function showCounts(counts) {
  for (const shown of all(document, "[data-count]")) {
    const count = counts[shown.dataset.count ?? ""];
    if (count !== undefined) shown.textContent = count.toLocaleString("en");
  }
}

/**
 * Updates the numbers after a comment went from one status to another.
 * @param {string} before
 * @param {string} after
 */
export function recount(before, after) {
  const counts = Object.entries(countsOn(document));
  showCounts(Object.fromEntries(counts.map(([status, number]) => [status, recounted(number, status, before, after)])));
}

/** @param {HTMLElement} shown */
function numberIn(shown) {
  return Number(shown.textContent?.replaceAll(",", ""));
}
