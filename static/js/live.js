/* The page's only live connection, shared by all scripts that follow a channel. Opens with the first follower.
   WebSocket first; where that fails twice before it ever opened, SockJS. Import it by its plain address: a second address
   would be a second connection. */

import { afterRestart, wait } from "./helpers/backoff.js";
import { Heartbeat, TICK } from "./helpers/heartbeat.js";
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
  #heartbeat = null;

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
    this.#heartbeat = new Heartbeat(Date.now());
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
    this.#heartbeat.asked(Date.now()); // an attempt that hangs is given up by the watch
    socket.onopen = () => this.#opened(socket, isNative);
    socket.onmessage = (message) => this.#received(socket, JSON.parse(message.data));
    socket.onclose = () => this.#lost(socket);
  }

  #opened(socket, isNative) {
    if (socket !== this.#socket) return;
    this.#hasOpened = true;
    this.#needsFallback = !isNative;
    this.#failures = 0;
    this.#heartbeat.heard(Date.now());
    this.#become("live");
    for (const channel of this.#followers.keys()) this.#send({ type: "follow", channel });
  }

  #received(socket, message) {
    if (socket !== this.#socket) return;
    this.#heartbeat.heard(Date.now());
    if (message.type === "restart") this.#isRestarting = true;
    // The server cannot read the channel's number just now: follow again in a moment.
    if (message.code === "away") setTimeout(() => this.#opened(socket, !this.#needsFallback), wait(4, Math.random()));
    const follower = this.#followers.get(message.channel);
    if (message.type === "followed") follower?.followed?.(message.n);
    if (message.type === "event") follower?.event?.(message.n, message.data);
    if (message.type === "here") follower?.here?.(message.count);
  }

  #lost(socket) {
    if (socket !== this.#socket) return;
    this.#socket = null;
    this.#heartbeat.heard(Date.now());
    this.#become("reconnecting");
    let pause = wait(this.#failures, Math.random(), document.hidden);
    if (this.#isRestarting) pause = afterRestart(Math.random());
    else this.#failures += 1;
    this.#isRestarting = false;
    this.#retry = setTimeout(() => this.#open(), pause);
  }

  /** Back from sleep, from another tab, from no network: do not wait, and do not believe an old connection. */
  #wake() {
    if (this.#retry && !document.hidden) this.#open();
    else if (this.state === "live") this.#ping();
  }

  #watch() {
    const due = this.#heartbeat.due(Date.now());
    if (due === "wake") this.#wake();
    if (due === "ping" && this.state === "live") this.#ping();
    if (due === "drop" && this.#socket) {
      const dead = this.#socket;
      this.#lost(dead); // now: the closing of a dead connection may take minutes
      dead.close();
    }
  }

  #ping() {
    this.#heartbeat.asked(Date.now());
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
