/* <plog-me>: the reader's own name, and the way to the admin for staff. Asked only where this browser has commented or
   signed in, so that a reader who has done neither costs the server nothing. */

import { element } from "./helpers/dom.js";
import { ask } from "./helpers/requests.js";
import { recall, remember } from "./helpers/storage.js";

customElements.define(
  "plog-me",
  class extends HTMLElement {
    async connectedCallback() {
      if ("known" in this.dataset) remember("known", true);
      if (!recall("known")) return;
      const me = await ask("/me").catch(() => null);
      if (!me) return;
      if (me.name) this.append(element("span", { className: "name", textContent: me.name }));
      const isThere = document.querySelector('nav a[href="/admin/"]');
      if (me.staff && !isThere) this.append(element("a", { href: "/admin/", textContent: "Admin" }));
    }
  },
);
