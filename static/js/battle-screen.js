/* What a battle looks like: shows one state of it, as one of its two players sees it. It sends nothing and decides
   nothing. Used by battle.js. */

import { all, element, one } from "./helpers/dom.js";

const TYPING_SHOWN = 2_000; // milliseconds
const PARTS = [
  ...[".versus", ".status", ".round", ".attempt", ".choices", ".closed", ".result"],
  ...[".computer", ".rematch", ".again", ".leave", ".keys", ".back"],
];
/** @type {Record<string, string>} */
const OUTCOMES = {
  right: "right",
  wrong: "wrong",
  beaten: "wrong, and beaten to it",
  slow: "too slow",
  none: "no answer in time",
};

export class BattleScreen {
  #root;
  /** @type {any} the state on the screen */
  #state = null;
  #you = 0;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #typing;

  /** @param {HTMLElement} root */
  constructor(root) {
    this.#root = root;
  }

  get input() {
    return one(this.#root, "#answer", HTMLInputElement);
  }

  get other() {
    return this.#state.players[1 - this.#you];
  }

  /** @returns {HTMLElement[]} the buttons of the choices, if they are on the screen */
  get choices() {
    return one(this.#root, ".choices").hidden ? [] : all(this.#root, ".choices button");
  }

  /**
   * Shows these parts and no others.
   * @param {...string} parts
   */
  show(...parts) {
    for (const part of all(this.#root, PARTS.join(","))) part.hidden = !part.matches(parts.join(","));
  }

  /** @param {string} text announced to screen readers, too */
  say(text) {
    this.#write(".status", text);
  }

  /** @param {string} text */
  offer(text) {
    this.#write(".offer", text);
  }

  /** @param {{ points: number, rank: number } | null} standing */
  points(standing) {
    const text = standing && `You have ${standing.points} points now: number ${standing.rank} of all players.`;
    this.#write(".points", text ?? "");
  }

  /** Seen, but not announced: it would interrupt a screen reader every second. */
  typing() {
    this.#write(".typing", `${this.other.name} is typing…`);
    clearTimeout(this.#typing);
    this.#typing = setTimeout(() => this.#write(".typing", ""), TYPING_SHOWN);
  }

  /**
   * Shows the players of a state; everything else is about this state, too.
   * @param {any} state
   * @param {number} you
   */
  players(state, you) {
    this.#state = state;
    this.#you = you;
    for (const [name, seat] of /** @type {[string, number][]} */ (Object.entries({ you, other: 1 - you }))) {
      const player = state.players[seat];
      this.#write(`.${name} .name`, seat === you ? "You" : player.name);
      this.#write(`.${name} .score`, `${player.score}`);
      one(this.#root, `.${name}`).classList.toggle("gone", !player.here);
    }
  }

  ready() {
    this.show(".versus", ".status", ".leave");
    this.say(`You play against ${this.other.name}. Get ready!`);
  }

  /** A question that was not on the screen before. */
  question() {
    this.input.value = "";
    one(this.#root, ".choices").replaceChildren();
    this.#asked();
    this.show(".versus", ".status", ".round", ".attempt", ".leave", ".keys");
    this.say("");
    this.input.focus();
  }

  /** What has happened at the question on the screen. */
  progress() {
    const { attempts } = this.#state;
    if (attempts[this.#you]) {
      this.show(".versus", ".status", ".round", ".leave");
      this.say(`That is wrong. ${this.other.name} may still answer.`);
    } else if (attempts[1 - this.#you]) {
      this.say(`${this.other.name} answered, and was wrong. Take your time.`);
    } else if (!this.other.here) {
      this.say(`${this.other.name} has lost the connection. The question goes on.`);
    }
  }

  /**
   * @param {string[]} choices
   * @param {(choice: string) => void} choose
   */
  alternatives(choices, choose) {
    const items = choices.map((choice, index) => {
      const button = element("button", { type: "button", onclick: () => choose(choice) });
      button.append(element("kbd", { textContent: `${index + 1}` }), ` ${choice}`);
      return element("li", {}, button);
    });
    one(this.#root, ".choices").replaceChildren(...items);
    this.show(".versus", ".status", ".round", ".choices", ".leave", ".keys");
    one(this.#root, ".choices button").focus();
  }

  closed() {
    const { closed } = this.#state;
    this.#asked();
    one(this.#root, ".closed .right").replaceChildren("The answer is ", element("b", { textContent: closed.answer }));
    this.#write(".explanation", closed.explanation);
    this.#write(".source", closed.source);
    const rows = [this.#you, 1 - this.#you].map((seat) => this.#outcome(seat, closed.outcomes[seat]));
    one(this.#root, ".outcomes").replaceChildren(...rows);
    this.show(".versus", ".status", ".round", ".closed", ".leave");
    const { points, outcome } = closed.outcomes[this.#you];
    this.say(points ? `Right! ${points} ${points === 1 ? "point" : "points"}.` : `You: ${OUTCOMES[outcome]}.`);
  }

  result() {
    const { winner, ended, closed, players, replay } = this.#state;
    const won = winner === this.#you ? "You won!" : "You lost";
    const title = ended === "halted" ? "This battle was stopped" : winner === null ? "A draw" : won;
    const left = ended === "forfeit" ? ` ${winner === this.#you ? this.other.name : "You"} left.` : "";
    const score = `${players[this.#you].score} to ${this.other.score}`;
    this.#write(".result h2", title);
    this.#write(".summary", `${score} against ${this.other.name}.${left}`);
    one(this.#root, ".replay", HTMLAnchorElement).href = replay;
    const canAgree = this.other.kind === "person" && this.other.here;
    this.show(
      ".versus",
      ".result",
      ".again",
      ".back",
      ...(canAgree ? [".rematch"] : []),
      ...(closed ? [".round", ".closed"] : []),
    );
    one(this.#root, ".result h2").focus();
  }

  #asked() {
    const { number, of, question } = this.#state;
    this.#write(".meta", `Question ${number} of ${of} · ${question.genre}`);
    this.#write("#question", question.text);
  }

  /**
   * @param {number} seat
   * @param {any} outcome
   */
  #outcome(seat, { outcome, typed, seconds }) {
    const name = seat === this.#you ? "You" : this.other.name;
    const when = seconds === null ? "" : `, ${seconds.toFixed(1)} s`;
    const textContent = `${name}:${typed ? ` “${typed}”` : ""} ${OUTCOMES[outcome]}${when}`;
    return element("li", { className: outcome, textContent });
  }

  /**
   * @param {string} selector
   * @param {string} text
   */
  #write(selector, text) {
    const part = one(this.#root, selector);
    if (part.textContent !== text) part.textContent = text;
  }
}
