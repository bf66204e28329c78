/* <plog-rest>: the posts below the fold of the home page, fetched once the page itself is done. */

customElements.define(
  "plog-rest",
  class extends HTMLElement {
    connectedCallback() {
      if (document.readyState === "complete") this.#fill();
      else addEventListener("load", () => this.#fill(), { once: true });
    }

    async #fill() {
      const answer = await fetch(this.dataset.src, { credentials: "same-origin" }).catch(() => null);
      if (answer?.ok) {
        const page = new DOMParser().parseFromString(await answer.text(), "text/html");
        this.replaceChildren(...page.querySelectorAll("article.post"));
      }
      this.classList.add("filled"); // without an answer the link stays
    }
  },
);
