/* <plog-me>: shows the reader's own name, and a link to the admin for staff. Loaded by every page
   (templates/base.html). It asks the server only if this browser has commented or signed in before: all other readers
   cost the server nothing. */

import { element } from "./helpers/dom.js";
import { ask } from "./helpers/requests.js";
import { load, store } from "./helpers/storage.js";

customElements.define(
  "plog-me",
  class extends HTMLElement {
    async connectedCallback() {
      if ("known" in this.dataset) store("known", true);
      if (!load("known")) return;
      const me = await ask("/me").catch(() => null);
      if (!me) return;
      if (me.name) this.append(element("span", { className: "name", textContent: me.name }));
      const hasLink = document.querySelector('nav a[href="/admin/"]');
      if (me.staff && !hasLink) this.append(element("a", { href: "/admin/", textContent: "Admin" }));
    }
  },
);
