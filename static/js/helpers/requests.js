/* Asking the server for JSON, and what it says when it refuses. */

export class Refused extends Error {
  constructor(status, answer, retryAfter) {
    super(answer.message || "The site could not do that.");
    this.status = status;
    this.problems = answer.problems ?? {};
    this.retryAfter = retryAfter;
  }
}

/** The answer's JSON; Refused where the server said no, TypeError where it could not be reached. */
export async function ask(address, { method = "GET", body, headers = {} } = {}) {
  const answer = await fetch(address, {
    method,
    body,
    credentials: "same-origin",
    headers: { Accept: "application/json", ...headers },
  });
  const told = await answer.json().catch(() => ({}));
  if (!answer.ok) throw new Refused(answer.status, told, Number(answer.headers.get("Retry-After")) || 0);
  return told;
}

export function askWith(address, method, value, headers = {}) {
  return ask(address, {
    method,
    body: JSON.stringify(value),
    headers: { "Content-Type": "application/json", ...headers },
  });
}

/** Why it failed, in the visitor's words. */
export function sentence(error) {
  if (!(error instanceof Refused))
    return "The site cannot be reached right now. Your text is kept here; try again in a moment.";
  if (!error.retryAfter) return error.message;
  const wait = error.retryAfter < 100 ? `${error.retryAfter} seconds` : `${Math.ceil(error.retryAfter / 60)} minutes`;
  return `${error.message} You can try again in ${wait}.`;
}
