/* The page's only live connection, shared by all scripts that follow a channel. It opens when a script first follows
   one. Until an attempt succeeds, it tries WebSocket twice, then SockJS, and so on. Import this module by its plain
   address: under a second address it would be a second module with a second connection. */

import { afterRestart, wait } from "./helpers/backoff.js";
import { Heartbeat, TICK } from "./helpers/heartbeat.js";
import { fallback, native } from "./helpers/sockets.js";

/** @import { Socket } from "./helpers/sockets.js" */
/**
 * The callbacks of a script that follows a channel.
 * @typedef {object} Follower
 * @property {(n: number) => void} [followed] the channel is followed, and its newest change is number n
 * @property {(n: number, data: any) => void} [event] the change numbered n
 * @property {(count: number) => void} [here] how many follow the channel
 */

/**
 * The callbacks of a script that sends messages of its own and hears all answers.
 * @typedef {object} Talker
 * @property {() => void} opened the page is live, for the first time or again
 * @property {(message: any) => void} message every message from the server
 */

class Live extends EventTarget {
  /** @type {"idle" | "connecting" | "live" | "reconnecting"} */
  state = "idle";
  since = Date.now(); // when this state began
  /** @type {Map<string, Follower>} */
  #followers = new Map();
  /** @type {Set<Talker>} */
  #talkers = new Set();
  /** @type {Socket | null} */
  #socket = null;
  #failures = 0;
  #hasOpened = false;
  #needsFallback = false;
  #isRestarting = false;
  /** @type {ReturnType<typeof setTimeout> | undefined} set while a reconnection is scheduled */
  #retry;
  #heartbeat = new Heartbeat(Date.now());

  constructor() {
    super();
    addEventListener("online", () => this.#wake());
    document.addEventListener("visibilitychange", () => this.#wake());
  }

  /**
   * @param {string} channel
   * @param {Follower} follower
   */
  follow(channel, follower) {
    this.#followers.set(channel, follower);
    if (this.state === "live") this.#send({ type: "follow", channel });
    else if (this.state === "idle") this.#start();
  }

  /** @param {Talker} talker */
  listen(talker) {
    this.#talkers.add(talker);
    if (this.state === "live") talker.opened();
    else if (this.state === "idle") this.#start();
  }

  /**
   * Sends a message, if the page is live; after a reconnection, `opened` of the talker says what is still to be said.
   * @param {{ type: string } & Record<string, unknown>} message
   */
  say(message) {
    this.#send(message);
  }

  #start() {
    this.#heartbeat = new Heartbeat(Date.now());
    setInterval(() => this.#watch(), TICK);
    this.#open();
  }

  async #open() {
    clearTimeout(this.#retry);
    this.#retry = undefined;
    this.#setState(this.#hasOpened || this.#failures ? "reconnecting" : "connecting");
    const isNative = this.#hasOpened ? !this.#needsFallback : this.#failures % 3 < 2;
    const socket = isNative ? native() : await fallback();
    this.#socket = socket;
    if (!socket) return this.#lost(null);
    this.#heartbeat.asked(Date.now()); // so that #watch drops an attempt that hangs
    socket.onopen = () => this.#opened(socket, isNative);
    socket.onmessage = (message) => this.#received(socket, JSON.parse(message.data));
    socket.onclose = () => this.#lost(socket);
  }

  /**
   * @param {Socket} socket
   * @param {boolean} isNative
   */
  #opened(socket, isNative) {
    if (socket !== this.#socket) return;
    this.#hasOpened = true;
    this.#needsFallback = !isNative;
    this.#failures = 0;
    this.#heartbeat.heard(Date.now());
    this.#setState("live");
    for (const channel of this.#followers.keys()) this.#send({ type: "follow", channel });
    for (const talker of this.#talkers) talker.opened();
  }

  /**
   * @param {Socket} socket
   * @param {any} message
   */
  #received(socket, message) {
    if (socket !== this.#socket) return;
    this.#heartbeat.heard(Date.now());
    if (message.type === "restart") this.#isRestarting = true;
    // The server cannot read the channel's newest number at present: follow again in a moment.
    if (message.code === "away") setTimeout(() => this.#opened(socket, !this.#needsFallback), wait(4, Math.random()));
    const follower = this.#followers.get(message.channel);
    if (message.type === "followed") follower?.followed?.(message.n);
    if (message.type === "event") follower?.event?.(message.n, message.data);
    if (message.type === "here") follower?.here?.(message.count);
    for (const talker of this.#talkers) talker.message(message);
  }

  /** @param {Socket | null} socket */
  #lost(socket) {
    if (socket !== this.#socket) return;
    this.#socket = null;
    this.#heartbeat.heard(Date.now());
    this.#setState("reconnecting");
    let pause = wait(this.#failures, Math.random(), document.hidden);
    if (this.#isRestarting) pause = afterRestart(Math.random());
    else this.#failures += 1;
    this.#isRestarting = false;
    this.#retry = setTimeout(() => this.#open(), pause);
  }

  /** The machine woke up, the tab is shown again, or the network is back: reconnects now, or checks the connection. */
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
      this.#lost(dead); // before close(), which may take minutes if the other end is dead
      dead.close();
    }
  }

  #ping() {
    this.#heartbeat.asked(Date.now());
    this.#send({ type: "ping", sent: Date.now() });
  }

  /** @param {{ type: string } & Record<string, unknown>} message */
  #send(message) {
    if (this.#socket?.readyState === 1) this.#socket.send(JSON.stringify(message));
  }

  /** @param {"connecting" | "live" | "reconnecting"} state */
  #setState(state) {
    if (state === this.state) return;
    this.state = state;
    this.since = Date.now();
    this.dispatchEvent(new Event("state"));
  }
}

export const live = new Live();
