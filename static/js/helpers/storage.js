/* Stores values in this browser (localStorage). If that is full or forbidden, nothing is stored, and pages work without
   it. Used by every script that stores something. */

const PREFIX = "plog:";

/**
 * The value stored under a name; null if there is none.
 * @param {string} name
 * @returns {any}
 */
export function load(name) {
  try {
    return JSON.parse(localStorage.getItem(PREFIX + name) ?? "null");
  } catch {
    return null;
  }
}

/**
 * Stores a value, or removes it if it is null. Returns false if the browser refuses.
 * @param {string} name
 * @param {unknown} value
 */
export function store(name, value) {
  try {
    if (value === null) localStorage.removeItem(PREFIX + name);
    else localStorage.setItem(PREFIX + name, JSON.stringify(value));
    return true;
  } catch {
    return false;
  }
}
