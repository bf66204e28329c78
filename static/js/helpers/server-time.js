/* Estimates the server's clock from pings, so that both screens show the same countdown. Pure: times in milliseconds
   are arguments. Used by battle.js. */

export class ServerTime {
  #offset = 0;
  #roundTrip = Number.POSITIVE_INFINITY;

  /**
   * A ping was answered. The fastest round trip counts: half of it is the largest possible error.
   * @param {number} sent when the ping was sent
   * @param {number} received when the answer arrived, on the same clock
   * @param {number} server what the server's clock said
   */
  answered(sent, received, server) {
    const roundTrip = received - sent;
    if (roundTrip > this.#roundTrip) return;
    this.#roundTrip = roundTrip;
    this.#offset = server - (sent + received) / 2;
  }

  /**
   * A state arrived with the server's time in it: a bound until the first ping is answered.
   * @param {number} received
   * @param {number} server
   */
  saw(received, server) {
    if (this.#roundTrip === Number.POSITIVE_INFINITY) this.#offset = server - received;
  }

  /** @param {number} now */
  at(now) {
    return now + this.#offset;
  }
}
