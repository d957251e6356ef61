const AT_ONCE = 500; // rows: a browser lays out more of them slowly
const data = JSON.parse(document.getElementById("details").textContent);
const table = document.getElementById("table"), body = table.tBodies[0];
const more = document.getElementById("more"), shown = document.getElementById("shown");
const rows = [...body.rows].map((row, place) => ({
  row, place, name: row.cells[0].textContent,
  text: [row.cells[0], ...row.querySelectorAll(".status")].map(each => each.textContent).join(" ").toLowerCase(),
}));
let order = rows, limit = AT_ONCE, wanted = "";

function element(name, text, attributes = {}) {
  const made = Object.assign(document.createElement(name), attributes);
  made.append(text);
  return made;
}

function show() {
  const found = order.filter(each => each.text.includes(wanted));
  const visible = new Set(found.slice(0, limit));
  for (const each of order) {
    each.row.hidden = !visible.has(each);
    if (each.detail) each.detail.hidden = each.row.hidden;
  }
  more.hidden = found.length <= limit;
  shown.textContent = found.length === rows.length && more.hidden ? "" : `${visible.size} of ${rows.length} shown`;
}

let made = null;
function madeBy() { // student -> exercise -> sentences: found out when it is first asked for
  if (made) return made;
  made = new Map();
  for (const [exercise, sentence, who] of data.mistakes) for (const place of who) {
    if (!made.has(place)) made.set(place, new Map());
    const own = made.get(place);
    own.set(exercise, [...(own.get(exercise) ?? []), sentence]);
  }
  return made;
}

function unfold(each) {
  if (each.detail) { each.detail.remove(); each.detail = null; return false; }
  const cell = document.createElement("div"), around = element("td", cell, {colSpan: table.tHead.rows[0].cells.length});
  const own = madeBy().get(each.place) ?? new Map();
  const words = data.students[each.place].split(" ");
  let lesson = -1, list = null;
  data.exercises.forEach(([of, name, points], place) => {
    const [outcome, minutes, hints] = words[place].split("/");
    if (outcome === "-") return;
    if (of !== lesson) {
      lesson = of;
      cell.append(element("h3", table.tHead.rows[0].cells[of + 1].firstElementChild.textContent));
      list = cell.appendChild(document.createElement("ul"));
    }
    const [code, score] = outcome.split("="), [word, mark] = data.looks[parseInt(code, 16)];
    const item = list.appendChild(element("li", `${mark} `));
    item.append(element("code", name), ` ${word}, ${score ?? (word === "passed" ? points : 0)} of ${points}`);
    if (minutes) item.append(element("span", `, told: ${minutes} min, ${hints} hint${hints === "1" ? "" : "s"}`, {className: "soft"}));
    for (const sentence of own.get(place) ?? []) item.append(element("div", sentence.replaceAll("`", ""), {className: "soft"}));
  });
  if (!cell.hasChildNodes()) cell.append("Nothing of this student's could be graded.");
  each.detail = document.createElement("tr");
  each.detail.className = "detail";
  each.detail.append(around);
  each.row.after(each.detail);
  return true;
}

rows.forEach(each => {
  const head = each.row.cells[0], button = element("button", each.name, {type: "button"});
  button.setAttribute("aria-expanded", "false");
  head.replaceChildren(button);
  button.addEventListener("click", () => button.setAttribute("aria-expanded", String(unfold(each))));
});
document.getElementById("find").addEventListener("input", event => {
  wanted = event.target.value.trim().toLowerCase();
  show();
});
more.addEventListener("click", () => { limit = Infinity; show(); });
table.querySelectorAll("thead th").forEach((head, column) => head.querySelector("button").addEventListener("click", () => {
  const sign = head.getAttribute("aria-sort") === "ascending" ? -1 : 1;
  table.querySelectorAll("thead th").forEach(other => other.removeAttribute("aria-sort"));
  head.setAttribute("aria-sort", sign < 0 ? "descending" : "ascending");
  const keyed = order.map(each => [column ? Number(each.row.cells[column].dataset.value) : each.name, each]);
  keyed.sort(([a], [b]) => sign * (column ? a - b : a < b ? -1 : a > b ? 1 : 0));
  order = keyed.map(([, each]) => each);
  body.append(...order.flatMap(each => each.detail ? [each.row, each.detail] : [each.row]));
  show();
}));
document.querySelectorAll("details[data-mistake]").forEach(each => each.addEventListener("toggle", () => {
  const who = data.mistakes[each.dataset.mistake][2].map(place => rows[place].name);
  each.querySelector(".names").textContent = who.join(", ");
}, {once: true}));
show();
