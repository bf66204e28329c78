/* Requests JSON from the server, and explains to visitors why a request failed. Used by all scripts that need JSON. */

const TIMEOUT = 30_000; // milliseconds; a server that accepts and never answers must not block a form for ever

/** The server refused the request. Every other error means that no readable answer arrived. */
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
 * The JSON of the answer. Throws Refused if the server refuses, another error if no complete answer arrives in time.
 * @param {string} address
 * @param {RequestInit} [options]
 * @returns {Promise<any>}
 */
export async function ask(address, options = {}, timeout = TIMEOUT) {
  const answer = await fetch(address, {
    credentials: "same-origin",
    signal: AbortSignal.timeout?.(timeout), // missing in browsers before 2022, which then use their own
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
 * Why a request failed, as a sentence for the visitor.
 * @param {unknown} error
 */
export function sentence(error) {
  if (!(error instanceof Refused)) return "The site cannot be reached. Please try again in a moment.";
  if (!error.retryAfter) return error.message;
  const wait = error.retryAfter < 100 ? `${error.retryAfter} seconds` : `${Math.ceil(error.retryAfter / 60)} minutes`;
  return `${error.message} You can try again in ${wait}.`;
}
