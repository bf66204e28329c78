/* Which changes of a thread this page shows: each once, in order, none left out. Knows no page, no socket, no server:
   `after(n)` asks for the changes numbered above n, `apply(change)` shows one. */

/** What to do with the change numbered `n` when `mine` is the newest one shown. */
export function verdict(mine, n) {
  if (n <= mine) return "ignore";
  return n === mine + 1 ? "apply" : "ask";
}

export class Sequence {
  #after;
  #apply;
  #asking = null;
  #wanted = 0;
  #isPaused = false;

  constructor(n, after, apply) {
    this.n = n;
    this.isBehind = false; // something is missing, and asking for it failed or had to wait
    this.#after = after;
    this.#apply = apply;
  }

  /** A change came over the live connection. */
  receive(change) {
    const todo = verdict(this.n, change.n);
    if (todo === "ignore") return;
    if (todo === "apply" && !this.#isPaused) this.#show(change);
    else this.expect(change.n);
  }

  /** Somebody knows that the newest change is number `n`. */
  expect(n) {
    this.#wanted = Math.max(this.#wanted, n);
    if (n > this.n) this.catchUp();
  }

  pause() {
    this.#isPaused = true;
  }

  resume() {
    this.#isPaused = false;
    return this.isBehind ? this.catchUp() : Promise.resolve();
  }

  /** Ask for everything above the newest change shown. Never rejects: what failed is `isBehind`, to be tried again. */
  catchUp() {
    this.#asking ??= this.#ask().finally(() => (this.#asking = null));
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
      // A change that was told while we asked may be missing in the answer: ask again, as long as that brings anything.
      more = this.n > before && (answer.more || this.#wanted > this.n);
    }
    this.isBehind = this.#wanted > this.n;
  }

  #show(change) {
    this.n = change.n;
    this.#apply(change);
  }
}
