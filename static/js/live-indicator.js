/* <plog-live>: says that a page is live, and how many follow it; silent until there is something to say. */

import { live } from "./live.js";

const WORDS = { live: "Live", reconnecting: "Reconnecting…" };

customElements.define(
  "plog-live",
  class extends HTMLElement {
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

    here(count) {
      this.count = count;
      this.handleEvent();
    }
  },
);
