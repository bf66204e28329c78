/* Makes sure that a page shows every change of a thread once, in order, and misses none. It knows no page, socket or
   server: `after(n)` asks for the changes numbered above n, `apply(change)` shows one. Used by comments.js. */

/** @import { Change } from "./placement.js" */
/** @typedef {Change & { n: number }} Numbered */

/**
 * What to do with the change numbered `n` if `newest` is the newest one shown.
 * @param {number} newest
 * @param {number} n
 */
export function verdict(newest, n) {
  if (n <= newest) return "ignore";
  return n === newest + 1 ? "apply" : "ask";
}

export class Sequence {
  #after;
  #apply;
  /** @type {Promise<void> | null} */
  #asking = null;
  #expected = 0;
  #isPaused = false;

  /**
   * @param {number} n the newest change that the page shows
   * @param {(n: number) => Promise<{ comments: Numbered[], more?: boolean }>} after
   * @param {(change: Numbered) => void} apply
   */
  constructor(n, after, apply) {
    this.n = n;
    this.isBehind = false; // a change is missing: the request for it failed or was paused
    this.#after = after;
    this.#apply = apply;
  }

  /**
   * A change came over the live connection.
   * @param {Numbered} change
   */
  receive(change) {
    const todo = verdict(this.n, change.n);
    if (todo === "ignore") return;
    if (todo === "apply" && !this.#isPaused) this.#show(change);
    else this.expect(change.n);
  }

  /**
   * The newest change is known to be number `n`.
   * @param {number} n
   */
  expect(n) {
    this.#expected = Math.max(this.#expected, n);
    if (n > this.n) this.catchUp();
  }

  pause() {
    this.#isPaused = true;
  }

  resume() {
    this.#isPaused = false;
    return this.isBehind ? this.catchUp() : Promise.resolve();
  }

  /** Asks for everything above the newest change shown. Never rejects: if it failed, `isBehind` stays true. */
  catchUp() {
    this.#asking ??= this.#ask().finally(() => {
      this.#asking = null;
    });
    return this.#asking;
  }

  async #ask() {
    this.isBehind = true;
    for (let more = true; more; ) {
      if (this.#isPaused) return;
      const answer = await this.#after(this.n).catch(() => null);
      if (!answer || this.#isPaused) return;
      const before = this.n;
      for (const change of answer.comments) if (change.n > this.n) this.#show(change);
      // The answer may lack a change that was announced meanwhile: ask again as long as that brings new changes.
      more = this.n > before && (Boolean(answer.more) || this.#expected > this.n);
    }
    this.isBehind = this.#expected > this.n;
  }

  /** @param {Numbered} change */
  #show(change) {
    this.n = change.n;
    this.#apply(change);
  }
}
