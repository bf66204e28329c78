/* What this browser remembers about its own visitor, in localStorage. That may be full or forbidden: then nothing is
   remembered, and pages work without. Used by every script that remembers something. */

const PREFIX = "plog:";

/**
 * What was remembered under a name; null if nothing was.
 * @param {string} name
 * @returns {any}
 */
export function recall(name) {
  try {
    return JSON.parse(localStorage.getItem(PREFIX + name) ?? "null");
  } catch {
    return null;
  }
}

/**
 * Remembers a value, or forgets it if it is null. Returns whether that worked.
 * @param {string} name
 * @param {unknown} value
 */
export function remember(name, value) {
  try {
    if (value === null) localStorage.removeItem(PREFIX + name);
    else localStorage.setItem(PREFIX + name, JSON.stringify(value));
    return true;
  } catch {
    return false;
  }
}
