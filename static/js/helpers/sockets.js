/* The two ways to connect to the server: WebSocket, and SockJS for networks that block WebSocket. Used by live.js. */

/** @typedef {Pick<WebSocket, "readyState" | "send" | "close" | "onopen" | "onmessage" | "onclose">} Socket */

const SOCKJS = "/static/js/vendor/sockjs.min.js";
const TIMEOUT = 30_000; // milliseconds; a server that accepts and never answers must not stop all further attempts

/** @returns {Socket} */
export function native() {
  return new WebSocket(`${location.protocol.replace("http", "ws")}//${location.host}/live/websocket`);
}

/**
 * A SockJS connection. Its script is loaded at the first call; null if the script is missing or does not load in time.
 * @returns {Promise<Socket | null>}
 */
export async function fallback(timeout = TIMEOUT) {
  const browser = /** @type {{ SockJS?: new (address: string, _: null, options: object) => Socket }} */ (window);
  if (!browser.SockJS) await loaded(SOCKJS, timeout);
  return browser.SockJS ? new browser.SockJS("/live", null, { transports: ["xhr-streaming", "xhr-polling"] }) : null;
}

/**
 * Loads a script, and returns once it has run or failed, or the time is over. Each call is a new attempt.
 * @param {string} src
 * @param {number} timeout
 */
function loaded(src, timeout) {
  return new Promise((done) => {
    setTimeout(done, timeout);
    document.head.append(Object.assign(document.createElement("script"), { src, onload: done, onerror: done }));
  });
}
