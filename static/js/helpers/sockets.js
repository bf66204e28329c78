/* The two ways to the server: a native WebSocket, and SockJS for networks that let none through. */

const SOCKJS = "/static/js/vendor/sockjs.min.js";

export function native() {
  return new WebSocket(`${location.protocol.replace("http", "ws")}//${location.host}/live/websocket`);
}

/** SockJS, fetched when first wanted; null where the site does not have it. */
export async function fallback() {
  if (!window.SockJS) await fetched(SOCKJS).catch(() => null);
  return window.SockJS ? new window.SockJS("/live", null, { transports: ["xhr-streaming", "xhr-polling"] }) : null;
}

function fetched(address) {
  return new Promise((done, failed) => {
    const script = Object.assign(document.createElement("script"), { src: address, onload: done, onerror: failed });
    document.head.append(script);
  });
}
