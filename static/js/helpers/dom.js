/* Finds and makes elements of the page. Used by all scripts. */

/**
 * Finds an element that the site's templates always contain. Throws if it is missing or has another type.
 * @template {Element} [T=HTMLElement]
 * @param {ParentNode} root
 * @param {string} selector
 * @param {abstract new () => T} [type]
 * @returns {T}
 */
export function one(root, selector, type = /** @type {any} */ (HTMLElement)) {
  const found = root.querySelector(selector);
  if (found instanceof type) return found;
  throw new TypeError(`${selector} is missing`);
}

/**
 * All elements that a selector finds.
 * @param {ParentNode} root
 * @param {string} selector
 * @returns {HTMLElement[]}
 */
export function all(root, selector) {
  return [...root.querySelectorAll(selector)].filter((found) => found instanceof HTMLElement);
}

/**
 * Makes the element of a piece of HTML from the server.
 * @param {string} html
 */
export function fromHTML(html) {
  const template = document.createElement("template");
  template.innerHTML = html;
  return one(template.content, "*");
}

/**
 * Makes an element.
 * @template {keyof HTMLElementTagNameMap} Tag
 * @param {Tag} tag
 * @param {Partial<HTMLElementTagNameMap[Tag]>} [properties]
 * @param {...Node} children
 * @returns {HTMLElementTagNameMap[Tag]}
 */
export function element(tag, properties = {}, ...children) {
  const made = Object.assign(document.createElement(tag), properties);
  made.append(...children);
  return made;
}

/**
 * The list of a comment's replies. It is added if there is none. `item` is the comment's `<li>`.
 * @param {HTMLElement} item
 */
export function repliesOf(item) {
  const list = item.querySelector(":scope > .replies");
  if (list instanceof HTMLElement) return list;
  const made = element("ol", { className: "replies" });
  item.append(made);
  return made;
}
