/* <quiz-battle>: plays a quiz battle. It seeks an opponent at once, or goes on with a battle that runs. Everything
   shown is made from the newest state that the server sent. Loaded by templates/battle/battle.html. */

import { BattleScreen } from "./battle-screen.js";
import { showTime } from "./helpers/countdown.js";
import { one } from "./helpers/dom.js";
import { ServerTime } from "./helpers/server-time.js";
import { live } from "./live.js";

const TYPING_EVERY = 1_000; // milliseconds

class QuizBattle extends HTMLElement {
  #screen = new BattleScreen(this);
  #time = new ServerTime();
  /** @type {any} the newest state, or null before a battle */
  #state = null;
  #battle = "";
  #you = 0;
  #shown = 0; // the number of the question on the screen
  #typed = 0; // when the other player was last told that this one types
  #isSeeking = true; // the first time at once; later only when somebody asks for it

  connectedCallback() {
    const clicks = {
      ".alternatives": () => this.#askAlternatives(),
      ".again": () => this.#seek(),
      ".computer": () => live.say({ type: "computer" }),
      ".rematch": () => this.#rematch(),
      ".leave": () => live.say({ type: "give-up", battle: this.#battle }),
    };
    for (const [button, act] of Object.entries(clicks)) one(this, button).addEventListener("click", act);
    one(this, "form.attempt").addEventListener("submit", (event) => {
      event.preventDefault();
      this.#answer(this.#screen.input.value);
    });
    this.#screen.input.addEventListener("input", () => this.#isTyping());
    addEventListener("keydown", (event) => this.#key(event));
    addEventListener("beforeunload", (event) => this.#isPlaying && event.preventDefault());
    live.addEventListener("state", () => this.#connectionChanged());
    live.listen({ opened: () => this.#opened(), message: (message) => this.#received(message) });
    this.#tick();
  }

  #tick() {
    showTime(this, this.#state, this.#time.at(Date.now()));
    requestAnimationFrame(() => this.#tick());
  }

  get #isPlaying() {
    return this.#state !== null && this.#state.phase !== "over";
  }

  /** Whether this player may still answer the question on the screen. */
  get #mayAnswer() {
    return this.#state?.phase === "asked" && !this.#state.attempts[this.#you];
  }

  #opened() {
    live.say({ type: "ping", sent: Date.now() });
    live.say({ type: "resume" });
  }

  #seek() {
    this.#isSeeking = true;
    this.#forget("");
    this.#screen.show(".status", ".back");
    this.#screen.say("Looking for an opponent…");
    live.say({ type: "seek", rules: "default" });
  }

  /** @param {string} battle what is on the screen from now on; empty for none */
  #forget(battle) {
    this.#battle = battle;
    this.#state = null;
    this.#shown = 0;
    this.#screen.points(null);
    this.#screen.offer("");
  }

  /** @param {any} message */
  #received(message) {
    const isOurs = message.battle === this.#battle && this.#state !== null;
    if (message.type === "pong" && message.sent) this.#time.answered(message.sent, Date.now(), message.now);
    if (message.type === "seeking") this.#wait(message);
    if (message.type === "paired") this.#paired(message);
    if (message.type === "event" && message.channel === `battle:${this.#battle}`) this.#changed(message.data.state);
    if (message.type === "alternatives" && isOurs && message.number === this.#state.number)
      this.#screen.alternatives(message.choices, (choice) => this.#answer(choice));
    if (message.type === "typing" && isOurs && this.#state.phase === "asked") this.#screen.typing();
    if (message.type === "rematch" && isOurs) this.#screen.offer(`${this.#screen.other.name} wants a rematch.`);
    if (message.type === "points" && isOurs) this.#screen.points(message);
    if (message.type === "taken-over") this.#takenOver();
    if (message.type === "error") this.#refused(message);
  }

  /** @param {any} message */
  #wait(message) {
    const others = message.here - 1;
    const who = others > 0 ? ` ${others} ${others === 1 ? "other player is" : "other players are"} here.` : "";
    this.#screen.say(`Looking for an opponent…${who}`);
    this.#screen.show(".status", ".computer", ".back");
  }

  /** @param {any} message */
  #paired(message) {
    this.#isSeeking = false;
    this.#you = message.you;
    if (message.battle !== this.#battle) this.#forget(message.battle);
    if (document.hidden) document.title = "Your opponent is here!";
    this.#changed(message.state);
  }

  /** @param {any} state */
  #changed(state) {
    if (this.#state && state.version < this.#state.version) return;
    this.#time.saw(Date.now(), state.now);
    this.#state = state;
    this.#screen.players(state, this.#you);
    if (state.phase === "waiting") this.#screen.ready();
    if (state.phase === "asked" && state.number !== this.#shown) this.#screen.question();
    if (state.phase === "asked") this.#screen.progress();
    if (state.phase === "closed") this.#screen.closed();
    if (state.phase === "over") {
      if (state.closed) this.#screen.closed();
      this.#screen.result();
    }
    this.#shown = state.number;
  }

  /** @param {string} text */
  #answer(text) {
    if (!text.trim() || !this.#mayAnswer) return;
    live.say({ type: "answer", battle: this.#battle, number: this.#state.number, text: text.trim() });
  }

  #askAlternatives() {
    if (this.#mayAnswer) live.say({ type: "alternatives", battle: this.#battle, number: this.#state.number });
  }

  #rematch() {
    live.say({ type: "rematch", battle: this.#battle });
    this.#screen.offer(`${this.#screen.other.name} was asked for a rematch.`);
  }

  #isTyping() {
    if (Date.now() - this.#typed < TYPING_EVERY || !this.#mayAnswer) return;
    this.#typed = Date.now();
    live.say({ type: "typing", battle: this.#battle });
  }

  /** @param {KeyboardEvent} event */
  #key(event) {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const isInField = event.target === this.#screen.input;
    if (event.key === "Escape" && isInField) return this.#screen.input.blur();
    if (isInField) return;
    if (event.key === "a") this.#askAlternatives();
    this.#screen.choices[Number(event.key) - 1]?.click();
  }

  #takenOver() {
    this.#isSeeking = false;
    this.#forget("");
    this.#screen.show(".status", ".back");
    this.#screen.say("You go on in another tab or window.");
  }

  /** @param {any} error */
  #refused(error) {
    if (error.code === "not-in-battle" && this.#isPlaying) return this.#missedEnd();
    if (error.code === "not-in-battle") return this.#isSeeking ? this.#seek() : undefined;
    if (this.#isSeeking) this.#screen.show(".status", ".again", ".back");
    if (error.code === "too-early") return this.#screen.say("A moment: the question is not open yet.");
    if (error.code !== "closed") this.#screen.say(error.message);
  }

  /** The battle ended while this page was not connected: its replay has the result. */
  #missedEnd() {
    this.#state = null;
    location.assign(`/quiz/battles/${this.#battle}`);
  }

  #connectionChanged() {
    if (live.state === "reconnecting") this.#screen.say("Reconnecting… Your seat is kept for a while.");
  }
}

customElements.define("quiz-battle", QuizBattle);
