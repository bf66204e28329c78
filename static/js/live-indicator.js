/* <plog-live>: shows whether the page is live, and how many people read it. Empty until the first attempt to connect
   succeeds or fails. Used by comments.js and queue.js. */

import { live } from "./live.js";

/** @type {Record<string, string>} */
const WORDS = { live: "Live", reconnecting: "Reconnecting…" };

export class LiveIndicator extends HTMLElement {
  count = 0;

  connectedCallback() {
    live.addEventListener("state", this);
  }

  disconnectedCallback() {
    live.removeEventListener("state", this);
  }

  handleEvent() {
    this.dataset.state = live.state;
    const others = live.state === "live" && this.count > 1 ? ` · ${this.count} reading` : "";
    this.textContent = (WORDS[live.state] ?? "") + others;
  }

  /** @param {number} count how many follow this page's channel */
  here(count) {
    this.count = count;
    this.handleEvent();
  }
}

customElements.define("plog-live", LiveIndicator);
