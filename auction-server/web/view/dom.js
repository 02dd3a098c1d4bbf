// Elements, built and changed. What comes from the market is only ever set as text.

/** An element: `props` are properties, `on…` handlers, or attributes where no property has the name. */
export function el(tag, props = {}, ...children) {
  const node = document.createElement(tag);
  set(node, props);
  node.append(...children.flat().filter((child) => child !== null && child !== undefined));
  return node;
}

const SVG = "http://www.w3.org/2000/svg";

export function svg(tag, attributes = {}, ...children) {
  const node = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, value);
  node.append(...children);
  return node;
}

function set(node, props) {
  for (const [name, value] of Object.entries(props)) {
    if (value === undefined || value === null || value === false) continue;
    if (name === "class") node.className = value;
    else if (name === "data") Object.assign(node.dataset, value);
    else if (name.startsWith("on")) node.addEventListener(name.slice(2), value);
    else if (name in node && !name.startsWith("aria") && name !== "role" && name !== "list") node[name] = value;
    else node.setAttribute(name, value === true ? "" : value);
  }
}

/** Sets a text, if it is another one: an unchanged text costs nothing, and no screen reader hears it twice. */
export function say(node, text) {
  if (node.saidText === text) return false;
  node.saidText = text;
  node.textContent = text;
  return true;
}

/** Sets or takes away an attribute, if that changes anything. */
export function mark(node, name, value) {
  const before = node.getAttribute(name);
  const after = value === null || value === false ? null : value === true ? "" : String(value);
  if (before === after) return;
  if (after === null) node.removeAttribute(name);
  else node.setAttribute(name, after);
}

export function show(node, isShown) {
  if (node.hidden === isShown) node.hidden = !isShown;
}

/** A labelled field: the label, the input, and room for what is wrong with it. */
export function field(label, input, hint = null) {
  const id = `f${(field.count = (field.count ?? 0) + 1)}`;
  input.id = id;
  const fault = el("p", { class: "fault", id: `${id}-fault` });
  const hints = hint ? el("p", { class: "hint", id: `${id}-hint` }, hint) : null;
  input.setAttribute("aria-describedby", [hints && `${id}-hint`, `${id}-fault`].filter(Boolean).join(" "));
  const node = el("div", { class: "field" }, el("label", { htmlFor: id }, label), input, hints, fault);
  node.fault = (text) => {
    say(fault, text ?? "");
    mark(input, "aria-invalid", text ? "true" : null);
  };
  node.input = input;
  return node;
}

/** A table of rows of cells; a cell is text or a node, a header's words begin with `#` for numbers, and `~` to be only heard. */
export function table(caption, heads, rows) {
  const number = heads.map((head) => head.startsWith("#"));
  const cell = (tag) => (content, index) => el(tag, { class: number[index] ? "number" : undefined, scope: tag === "th" ? "col" : undefined }, content);
  return el(
    "table",
    {},
    el("caption", { class: "only-heard" }, caption),
    el("thead", {}, el("tr", {}, heads.map((head, index) => cell("th")(head.startsWith("~") ? el("span", { class: "only-heard" }, head.slice(1)) : head.replace("#", ""), index)))),
    el("tbody", {}, rows.map((row) => el("tr", { class: row.class }, row.map(cell("td"))))),
  );
}
