/* <quiz-battle>: the screen of a quiz battle. It seeks an opponent at once, or goes on with a battle that runs.
   Everything shown is made from the newest state that the server sent. Loaded by templates/battle/battle.html. */

import { all, element, one } from "./helpers/dom.js";
import { ServerTime } from "./helpers/server-time.js";
import { live } from "./live.js";

const URGENT = 0.4; // of the time to think: below it the countdown warns
const TYPING_EVERY = 1_000; // milliseconds
/** @type {Record<string, string>} */
const OUTCOMES = {
  right: "right",
  wrong: "wrong",
  beaten: "wrong, and beaten to it",
  slow: "too slow",
  none: "no answer in time",
};

class QuizBattle extends HTMLElement {
  #time = new ServerTime();
  /** @type {any} the newest state, or null before a battle */
  #state = null;
  #battle = "";
  #you = 0;
  #shown = 0; // the number of the question on the screen
  #hasAnswered = false;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #typing;
  #typed = 0;
  #isSeeking = true; // the first time at once; later only when somebody asks for it

  connectedCallback() {
    one(this, "form.attempt").addEventListener("submit", (event) => {
      event.preventDefault();
      this.#answer(this.#input.value);
    });
    this.#input.addEventListener("input", () => this.#isTyping());
    one(this, ".alternatives").addEventListener("click", () => this.#askAlternatives());
    one(this, ".again").addEventListener("click", () => this.#seek());
    one(this, ".computer").addEventListener("click", () => live.say({ type: "computer" }));
    one(this, ".rematch").addEventListener("click", () => this.#rematch());
    one(this, ".leave").addEventListener("click", () => this.#giveUp());
    addEventListener("keydown", (event) => this.#key(event));
    addEventListener("beforeunload", (event) => this.#isPlaying && event.preventDefault());
    live.addEventListener("state", () => this.#connectionChanged());
    live.listen({ opened: () => this.#opened(), message: (message) => this.#received(message) });
    const tick = () => {
      this.#showTime();
      requestAnimationFrame(tick);
    };
    tick();
  }

  get #input() {
    return one(this, "#answer", HTMLInputElement);
  }

  get #isPlaying() {
    return this.#state !== null && this.#state.phase !== "over";
  }

  #opened() {
    live.say({ type: "ping", sent: Date.now() });
    live.say({ type: "resume" });
  }

  #seek() {
    this.#isSeeking = true;
    this.#state = null;
    this.#shown = 0;
    one(this, ".points").textContent = "";
    this.#sayResult("");
    this.#show([".status"]);
    this.#say("Looking for an opponent…");
    live.say({ type: "seek", rules: "default" });
  }

  /** @param {any} message */
  #received(message) {
    if (message.type === "pong" && message.sent) this.#time.answered(message.sent, Date.now(), message.now);
    if (message.type === "seeking") this.#wait(message);
    if (message.type === "paired") this.#paired(message);
    if (message.type === "event" && message.channel === `battle:${this.#battle}`) this.#changed(message.data.state);
    if (message.type === "alternatives" && message.number === this.#state?.number) this.#showChoices(message.choices);
    if (message.type === "typing" && this.#state?.phase === "asked") this.#otherTypes();
    if (message.type === "rematch" && message.battle === this.#battle)
      this.#sayResult(`${this.#other.name} wants a rematch.`);
    if (message.type === "points" && message.battle === this.#battle) this.#showPoints(message);
    if (message.type === "taken-over") this.#takenOver();
    if (message.type === "error") this.#refused(message);
  }

  /** @param {any} message */
  #wait(message) {
    const others = message.here - 1;
    const who = others > 0 ? ` ${others} ${others === 1 ? "other player is" : "other players are"} here.` : "";
    this.#say(`Looking for an opponent…${who}`);
    this.#show([".status", ".computer"]);
  }

  /** @param {any} message */
  #paired(message) {
    this.#isSeeking = false;
    this.#you = message.you;
    if (message.battle !== this.#battle) {
      this.#battle = message.battle;
      this.#state = null;
      this.#shown = 0;
      one(this, ".points").textContent = "";
      this.#sayResult("");
    }
    if (document.hidden) document.title = "Your opponent is here!";
    this.#changed(message.state);
  }

  /** @param {any} state */
  #changed(state) {
    if (this.#state && state.version < this.#state.version) return;
    this.#time.saw(Date.now(), state.now);
    this.#state = state;
    this.#showPlayers();
    if (state.phase === "waiting") this.#getReady();
    if (state.phase === "asked") this.#showQuestion();
    if (state.phase === "closed") this.#showClosed();
    if (state.phase === "over") this.#showResult();
  }

  get #other() {
    return this.#state.players[1 - this.#you];
  }

  #getReady() {
    this.#show([".versus", ".status", ".leave"]);
    this.#say(`You play against ${this.#other.name}. Get ready!`);
  }

  #showQuestion() {
    const { number, of, question, attempts } = this.#state;
    if (number !== this.#shown) {
      this.#shown = number;
      this.#hasAnswered = false;
      this.#input.value = "";
      one(this, ".choices").replaceChildren();
      one(this, ".meta").textContent = `Question ${number} of ${of} · ${question.genre}`;
      one(this, "#question").textContent = question.text;
      this.#show([".versus", ".status", ".round", ".attempt", ".leave", ".keys"]);
      this.#say("");
      this.#input.disabled = false;
      this.#input.focus();
    }
    if (attempts[this.#you]) {
      this.#hasAnswered = true;
      this.#show([".versus", ".status", ".round", ".leave"]);
      this.#say(`That is wrong. ${this.#other.name} may still answer.`);
    } else if (attempts[1 - this.#you]) {
      this.#say(`${this.#other.name} answered, and was wrong. Take your time.`);
    } else if (!this.#other.here) {
      this.#say(`${this.#other.name} has lost the connection. The question goes on.`);
    }
  }

  #showClosed() {
    const { closed, question, number, of } = this.#state;
    this.#shown = number;
    one(this, ".meta").textContent = `Question ${number} of ${of} · ${question.genre}`;
    one(this, "#question").textContent = question.text;
    one(this, ".right").replaceChildren("The answer is ", element("b", { textContent: closed.answer }));
    one(this, ".explanation").textContent = closed.explanation;
    one(this, ".source").textContent = closed.source;
    const rows = [this.#you, 1 - this.#you].map((seat) => this.#outcomeRow(seat, closed.outcomes[seat]));
    one(this, ".outcomes").replaceChildren(...rows);
    this.#show([".versus", ".status", ".round", ".closed", ".leave"]);
    const mine = closed.outcomes[this.#you];
    this.#say(mine.points ? `Right! ${mine.points} ${mine.points === 1 ? "point" : "points"}.` : this.#words(mine));
  }

  /**
   * @param {number} seat
   * @param {any} outcome
   */
  #outcomeRow(seat, outcome) {
    const name = seat === this.#you ? "You" : this.#state.players[seat].name;
    const typed = outcome.typed ? ` “${outcome.typed}”` : "";
    const seconds = outcome.seconds === null ? "" : `, ${outcome.seconds.toFixed(1)} s`;
    const text = `${name}:${typed} ${OUTCOMES[outcome.outcome]}${seconds}`;
    return element("li", { className: outcome.outcome, textContent: text });
  }

  /** @param {any} outcome */
  #words(outcome) {
    return `You: ${OUTCOMES[outcome.outcome]}.`;
  }

  #showResult() {
    const { winner, ended, players } = this.#state;
    const title =
      ended === "halted"
        ? "This battle was stopped"
        : winner === null
          ? "A draw"
          : winner === this.#you
            ? "You won!"
            : "You lost";
    const how = ended === "forfeit" ? `${players[winner === this.#you ? 1 - this.#you : this.#you].name} left.` : "";
    one(this, ".result h2").textContent = title;
    one(this, ".summary").textContent =
      `${players[this.#you].score} to ${players[1 - this.#you].score} against ${this.#other.name}. ${how}`.trim();
    one(this, ".replay", HTMLAnchorElement).href = this.#state.replay;
    const isAgainstPerson = this.#other.kind === "person" && this.#other.here;
    this.#show([
      ".versus",
      ".result",
      ".again",
      ...(isAgainstPerson ? [".rematch"] : []),
      ...(this.#state.closed ? [".round", ".closed"] : []),
    ]);
    one(this, ".result h2").focus();
  }

  #rematch() {
    live.say({ type: "rematch", battle: this.#battle });
    this.#sayResult(`${this.#other.name} was asked for a rematch.`);
  }

  /** @param {any} message */
  #showPoints(message) {
    one(this, ".points").textContent = `You have ${message.points} points now: number ${message.rank} of all players.`;
  }

  /** @param {string} text */
  #sayResult(text) {
    one(this, ".offer").textContent = text;
  }

  /** @param {string} text */
  #answer(text) {
    if (!text.trim() || this.#hasAnswered || this.#state?.phase !== "asked") return;
    live.say({ type: "answer", battle: this.#battle, number: this.#state.number, text: text.trim() });
  }

  #askAlternatives() {
    if (this.#state?.phase !== "asked" || this.#hasAnswered) return;
    live.say({ type: "alternatives", battle: this.#battle, number: this.#state.number });
  }

  /** @param {string[]} choices */
  #showChoices(choices) {
    const items = choices.map((choice, index) => {
      const button = element("button", { type: "button", onclick: () => this.#answer(choice) });
      button.append(element("kbd", { textContent: `${index + 1}` }), ` ${choice}`);
      return element("li", {}, button);
    });
    one(this, ".choices").replaceChildren(...items);
    this.#show([".versus", ".status", ".round", ".choices", ".leave", ".keys"]);
    one(this, ".choices button").focus();
  }

  #giveUp() {
    if (this.#isPlaying) live.say({ type: "give-up", battle: this.#battle });
  }

  /** Seen, but not announced: it would interrupt a screen reader every second. */
  #otherTypes() {
    const line = one(this, ".typing");
    line.textContent = `${this.#other.name} is typing…`;
    clearTimeout(this.#typing);
    this.#typing = setTimeout(() => line.replaceChildren(), 2 * TYPING_EVERY);
  }

  #isTyping() {
    if (Date.now() - this.#typed < TYPING_EVERY || this.#state?.phase !== "asked") return;
    this.#typed = Date.now();
    live.say({ type: "typing", battle: this.#battle });
  }

  /** @param {KeyboardEvent} event */
  #key(event) {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const isInField = event.target === this.#input;
    if (event.key === "Escape" && isInField) return this.#input.blur();
    if (isInField) return;
    if (event.key === "a") this.#askAlternatives();
    const choice = all(this, ".choices button")[Number(event.key) - 1];
    if (choice && !one(this, ".choices").hidden) choice.click();
  }

  #takenOver() {
    this.#isSeeking = false;
    this.#state = null;
    this.#battle = "";
    this.#show([".status"]);
    this.#say("You go on in another tab or window.");
  }

  /** @param {any} error */
  #refused(error) {
    if (error.code === "not-in-battle" && this.#isPlaying) return this.#missedEnd();
    if (error.code === "not-in-battle") return this.#isSeeking ? this.#seek() : undefined;
    if (this.#isSeeking) this.#show([".status", ".again"]);
    if (error.code === "too-early") return this.#say("A moment: the question is not open yet.");
    if (error.code !== "closed") this.#say(error.message);
  }

  /** The battle ended while this page was not connected: its replay has the result. */
  #missedEnd() {
    this.#state = null;
    location.assign(`/quiz/battles/${this.#battle}`);
  }

  #connectionChanged() {
    if (live.state === "reconnecting") this.#say("Reconnecting… Your seat is kept for a while.");
  }

  #showPlayers() {
    for (const [name, seat] of /** @type {[string, number][]} */ ([
      ["you", this.#you],
      ["other", 1 - this.#you],
    ])) {
      const player = this.#state.players[seat];
      one(this, `.${name} .name`).textContent = seat === this.#you ? "You" : player.name;
      one(this, `.${name} .score`).textContent = player.score;
      one(this, `.${name}`).classList.toggle("gone", !player.here);
    }
  }

  #showTime() {
    const clock = one(this, ".clock");
    const { opens_at: opens, closes_at: closes, phase } = this.#state ?? {};
    clock.hidden = phase !== "asked" || !closes;
    this.toggleAttribute("data-open", !clock.hidden && this.#time.at(Date.now()) >= opens);
    if (clock.hidden) return;
    const left = Math.min(closes - opens, Math.max(0, closes - this.#time.at(Date.now())));
    const share = left / (closes - opens);
    one(clock, ".seconds").textContent = `${Math.ceil(left / 1000)}`;
    clock.style.setProperty("--left", `${share}`);
    clock.classList.toggle("urgent", share < URGENT);
  }

  /**
   * Shows these parts and no others.
   * @param {string[]} parts
   */
  #show(parts) {
    const names =
      ".versus, .status, .round, .attempt, .choices, .closed, .result, .computer, .rematch, .again, .leave, .keys";
    for (const part of all(this, names)) part.hidden = !part.matches(parts.join(","));
    one(this, ".back").hidden = this.#isPlaying;
  }

  /** @param {string} text */
  #say(text) {
    const status = one(this, ".status");
    if (status.textContent !== text) status.textContent = text;
  }
}

customElements.define("quiz-battle", QuizBattle);
