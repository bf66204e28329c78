/* Whether the other end of a connection is still there: pure, told the time in milliseconds. */

export const TICK = 5_000; // how often `due` is asked
const QUIET = 25_000; // nothing heard for so long: ask whether anybody is there
const PATIENCE = 10_000; // no answer for so long: nobody is

export class Heartbeat {
  #heard;
  #ticked;
  #asked = 0;

  constructor(now) {
    this.#heard = this.#ticked = now;
  }

  heard(now) {
    this.#heard = now;
    this.#asked = 0;
  }

  /** Something was asked that must be answered: a ping, or the connection itself. */
  asked(now) {
    this.#asked ||= now;
  }

  /** What is to be done now: drop the connection, ping, wake (this machine slept), or nothing. */
  due(now) {
    const slept = now - this.#ticked > 4 * TICK;
    this.#ticked = now;
    if (slept) return "wake";
    if (this.#asked) return now - this.#asked > PATIENCE ? "drop" : "nothing";
    return now - this.#heard > QUIET ? "ping" : "nothing";
  }
}
