/* Asks the server for JSON, and says in the visitor's words why that failed. Used by all scripts that ask for JSON. */

const PATIENCE = 30_000; // milliseconds; a server that accepts and never answers must not keep a form waiting for ever

/** The server answered, and said no. Every other error means that there was no answer that can be read. */
export class Refused extends Error {
  /**
   * @param {number} status
   * @param {{ message?: string, problems?: Record<string, string> }} answer
   * @param {number} retryAfter in seconds, 0 if the server did not say
   */
  constructor(status, answer, retryAfter) {
    super(answer.message || "The site could not do that.");
    this.status = status;
    this.answer = answer;
    this.problems = answer.problems ?? {};
    this.retryAfter = retryAfter;
  }
}

/**
 * The answer's JSON. Throws Refused if the server said no, any other error if it did not answer whole and in time.
 * @param {string} address
 * @param {RequestInit} [options]
 * @returns {Promise<any>}
 */
export async function ask(address, options = {}, patience = PATIENCE) {
  const answer = await fetch(address, {
    credentials: "same-origin",
    signal: AbortSignal.timeout?.(patience), // browsers before 2022 have none: there it waits as long as they do
    ...options,
    headers: { Accept: "application/json", ...options.headers },
  });
  if (answer.ok) return answer.json();
  const refusal = await answer.json().catch(() => ({}));
  throw new Refused(answer.status, refusal, Number(answer.headers.get("Retry-After")) || 0);
}

/**
 * Sends a value as JSON.
 * @param {string} address
 * @param {"POST" | "PUT" | "DELETE"} method
 * @param {object} value
 */
export function askWith(address, method, value) {
  return ask(address, { method, body: JSON.stringify(value), headers: { "Content-Type": "application/json" } });
}

/**
 * Why it failed, in the visitor's words.
 * @param {unknown} error
 */
export function sentence(error) {
  if (!(error instanceof Refused)) return "The site cannot be reached. Please try again in a moment.";
  if (!error.retryAfter) return error.message;
  const wait = error.retryAfter < 100 ? `${error.retryAfter} seconds` : `${Math.ceil(error.retryAfter / 60)} minutes`;
  return `${error.message} You can try again in ${wait}.`;
}
