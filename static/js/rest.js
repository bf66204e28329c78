/* <plog-rest>: loads further posts of the home page once the first two are shown. Loaded by the home page
   (templates/home.html). If the request fails, the link to those posts stays. */

customElements.define(
  "plog-rest",
  class extends HTMLElement {
    connectedCallback() {
      if (document.readyState === "complete") this.#fill();
      else addEventListener("load", () => this.#fill(), { once: true });
    }

    async #fill() {
      const answer = await fetch(this.dataset.src ?? "", { credentials: "same-origin" }).catch(() => null);
      if (answer?.ok) {
        const page = new DOMParser().parseFromString(await answer.text(), "text/html");
        this.replaceChildren(...page.querySelectorAll("article.post"));
      }
      this.classList.add("filled");
    }
  },
);
