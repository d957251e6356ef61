// What the widgets share. base.py puts this in front of each one's script: together they are one module.

/** An element with attributes and children. A name like "svg:g" makes one of SVG. */
function make(name, attributes = {}, ...children) {
  const element = name.startsWith("svg:")
    ? document.createElementNS("http://www.w3.org/2000/svg", name.slice(4))
    : document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    element.setAttribute(key, value);
  }
  element.append(...children);
  return element;
}

/** A number with so many decimals, with a real minus sign, and none before a zero. */
function number(value, decimals = 2) {
  const text = value.toFixed(decimals);
  return /^-0\.?0*$/.test(text) ? text.slice(1) : text.replace("-", "−");
}

/** A number with three digits that count, without zeros at its end: 0.126, 0.1, 1. */
function short(value) {
  return String(Number(value.toPrecision(3)));
}

// JupyterLab takes arrow keys and letters for itself wherever no text is written. This attribute keeps them here.
const OWN_KEYS = { "data-lm-suppress-shortcuts": "true" };

let last = 0;
/** An id that no other view on this page has. */
function fresh(name) {
  last += 1;
  return `collabkit-${name}-${last}-${Math.random().toString(36).slice(2, 8)}`;
}

/** Says texts to a screen reader, the last one of a quick row alone. */
function speaker(milliseconds = 400) {
  const place = make("p", { class: "collabkit-status", "aria-live": "polite" });
  let timer;
  const say = (text) => {
    clearTimeout(timer);
    timer = setTimeout(() => (place.textContent = text), milliseconds);
  };
  return { place, say, stop: () => clearTimeout(timer) };
}

/** A table with headings above, as rows of elements or texts; the first of each row is its heading. */
function table(caption, headings, rows) {
  const head = make("tr", {}, ...headings.map((text) => make("th", { scope: "col" }, text)));
  const body = rows.map(([first, ...cells]) =>
    make("tr", {}, make("th", { scope: "row" }, first), ...cells.map((cell) => make("td", {}, cell))),
  );
  return make("table", {}, make("caption", {}, caption), make("thead", {}, head), make("tbody", {}, ...body));
}
