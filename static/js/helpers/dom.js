/* Small things with the page's own elements. */

/** The element that the server's HTML describes. */
export function made(html) {
  const template = document.createElement("template");
  template.innerHTML = html;
  return template.content.firstElementChild;
}

export function element(tag, properties = {}, ...children) {
  const made = Object.assign(document.createElement(tag), properties);
  made.append(...children);
  return made;
}

/** The list of replies of a thread's item, made where there is none. */
export function repliesOf(item) {
  const list = item.querySelector(":scope > .replies") ?? element("ol", { className: "replies" });
  if (!list.isConnected) item.append(list);
  return list;
}
