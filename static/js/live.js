/* The one live connection of a page. It opens when somebody follows a channel, and lasts as long as the page.
   Native WebSocket first; where that fails twice before it ever opened, SockJS is fetched and tried instead.
   Import it by its plain address only: a second address would be a second connection. */

import { afterRestart, wait } from "./helpers/backoff.js";
import { Pulse, TICK } from "./helpers/pulse.js";
import { fallback, native } from "./helpers/sockets.js";

class Live extends EventTarget {
  state = "idle"; // connecting, live, reconnecting
  since = Date.now(); // when this state began
  #followers = new Map();
  #socket = null;
  #failures = 0;
  #hasOpened = false;
  #needsFallback = false;
  #isRestarting = false;
  #retry = 0;
  #pulse = null;

  constructor() {
    super();
    addEventListener("online", () => this.#wake());
    document.addEventListener("visibilitychange", () => this.#wake());
  }

  /** `follower` has any of followed(n), event(n, data), here(count). */
  follow(channel, follower) {
    this.#followers.set(channel, follower);
    if (this.state === "live") this.#send({ type: "follow", channel });
    else if (this.state === "idle") this.#start();
  }

  #start() {
    this.#pulse = new Pulse(Date.now());
    setInterval(() => this.#watch(), TICK);
    this.#open();
  }

  async #open() {
    clearTimeout(this.#retry);
    this.#retry = 0;
    this.#become(this.#hasOpened || this.#failures ? "reconnecting" : "connecting");
    const isNative = this.#hasOpened ? !this.#needsFallback : this.#failures % 3 < 2;
    const socket = isNative ? native() : await fallback();
    this.#socket = socket;
    if (!socket) return this.#lost(null);
    this.#pulse.asked(Date.now()); // an attempt that hangs is given up by the watch
    socket.onopen = () => this.#opened(socket, isNative);
    socket.onmessage = (message) => this.#received(socket, JSON.parse(message.data));
    socket.onclose = () => this.#lost(socket);
  }

  #opened(socket, isNative) {
    if (socket !== this.#socket) return;
    this.#hasOpened = true;
    this.#needsFallback = !isNative;
    this.#failures = 0;
    this.#pulse.heard(Date.now());
    this.#become("live");
    for (const channel of this.#followers.keys()) this.#send({ type: "follow", channel });
  }

  #received(socket, message) {
    if (socket !== this.#socket) return;
    this.#pulse.heard(Date.now());
    if (message.type === "restart") this.#isRestarting = true;
    if (message.code === "away") setTimeout(() => this.#opened(socket, !this.#needsFallback), wait(4, Math.random())); // follow again
    const follower = this.#followers.get(message.channel);
    if (message.type === "followed") follower?.followed?.(message.n);
    if (message.type === "event") follower?.event?.(message.n, message.data);
    if (message.type === "here") follower?.here?.(message.count);
  }

  #lost(socket) {
    if (socket !== this.#socket) return;
    this.#socket = null;
    this.#pulse.heard(Date.now());
    this.#become("reconnecting");
    const pause = this.#isRestarting
      ? afterRestart(Math.random())
      : wait(this.#failures, Math.random(), document.hidden);
    this.#failures += this.#isRestarting ? 0 : 1;
    this.#isRestarting = false;
    this.#retry = setTimeout(() => this.#open(), pause);
  }

  /** Back from sleep, from another tab, from no network: do not wait, and do not believe an old connection. */
  #wake() {
    if (this.#retry && !document.hidden) this.#open();
    else if (this.state === "live") this.#ping();
  }

  #watch() {
    const due = this.#pulse.due(Date.now());
    if (due === "wake") this.#wake();
    if (due === "ping" && this.state === "live") this.#ping();
    if (due === "drop" && this.#socket) {
      const dead = this.#socket;
      this.#lost(dead); // now: the closing of a dead connection may take minutes
      dead.close();
    }
  }

  #ping() {
    this.#pulse.asked(Date.now());
    this.#send({ type: "ping", sent: Date.now() });
  }

  #send(message) {
    if (this.#socket?.readyState === 1) this.#socket.send(JSON.stringify(message));
  }

  #become(state) {
    if (state === this.state) return;
    this.state = state;
    this.since = Date.now();
    this.dispatchEvent(new Event("state"));
  }
}

export const live = new Live();
