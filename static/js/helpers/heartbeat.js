/* Decides whether a live connection is still alive: when to ping, and when to give up. Pure: the time in
   milliseconds is an argument. Used by live.js. */

export const TICK = 5_000; // how often live.js calls `due`
const QUIET = 25_000; // without a message for this long: ping
const TIMEOUT = 10_000; // without an answer for this long: give up

export class Heartbeat {
  #heard;
  #ticked;
  #asked = 0;

  /** @param {number} now */
  constructor(now) {
    this.#heard = this.#ticked = now;
  }

  /**
   * A message arrived.
   * @param {number} now
   */
  heard(now) {
    this.#heard = now;
    this.#asked = 0;
  }

  /**
   * Something was sent that must be answered: a ping, or the request to connect.
   * @param {number} now
   */
  asked(now) {
    this.#asked ||= now;
  }

  /**
   * What to do now: "drop" the connection, "ping", "wake" because this machine slept, or "nothing".
   * @param {number} now
   */
  due(now) {
    const slept = now - this.#ticked > 4 * TICK;
    this.#ticked = now;
    if (slept) return "wake";
    if (this.#asked) return now - this.#asked > TIMEOUT ? "drop" : "nothing";
    return now - this.#heard > QUIET ? "ping" : "nothing";
  }
}
