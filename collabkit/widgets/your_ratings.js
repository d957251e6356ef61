// Your ratings: titles are looked for here, in the browser; a rating goes to the kernel, and a list comes back.

const STARS = [1, 2, 3, 4, 5];
const FOUND = 8; // titles shown at once

function render({ model, el }) {
  const titles = model.get("titles");
  // without accents and capitals, so that "amelie" finds Amélie
  const plain = (text) => text.normalize("NFD").replace(/\p{M}/gu, "").toLowerCase();
  const searched = titles.map(plain);

  // ---- the search: a box for text with a list of titles below it, which the arrow keys go through
  const listId = fresh("titles");
  const box = make("input", {
    type: "text",
    id: fresh("search"),
    role: "combobox",
    autocomplete: "off",
    spellcheck: "false",
    placeholder: "a few letters of its title",
    "aria-autocomplete": "list",
    "aria-expanded": "false",
    "aria-controls": listId,
  });
  const options = make("ul", { id: listId, role: "listbox", "aria-label": "Films found", class: "collabkit-found" });
  options.hidden = true;
  const found = make("span", { class: "collabkit-help", "aria-live": "polite" });
  let hits = [];
  let active = -1;

  function look() {
    const words = plain(box.value).split(/\s+/).filter(Boolean);
    const all = words.length ? [...titles.keys()].filter((i) => words.every((word) => searched[i].includes(word))) : [];
    hits = all.slice(0, FOUND).map((i) => titles[i]);
    active = hits.length ? 0 : -1;
    const more = all.length > hits.length ? `, the first ${hits.length} are shown` : "";
    found.textContent = words.length ? `${all.length} ${all.length === 1 ? "film" : "films"} found${more}` : "";
    options.replaceChildren(
      ...hits.map((title, i) => {
        const option = make("li", { role: "option", id: `${listId}-${i}` }, title);
        option.addEventListener("pointerdown", (event) => event.preventDefault()); // the box keeps the focus
        option.addEventListener("click", () => pick(title));
        return option;
      }),
    );
    mark();
  }

  function mark() {
    options.hidden = !hits.length;
    box.setAttribute("aria-expanded", String(hits.length > 0));
    [...options.children].forEach((option, i) => option.setAttribute("aria-selected", String(i === active)));
    if (active >= 0) box.setAttribute("aria-activedescendant", `${listId}-${active}`);
    else box.removeAttribute("aria-activedescendant");
  }

  function pick(title) {
    box.value = "";
    look();
    const row = rows.get(title) ?? add(title);
    films.prepend(row.element);
    row.focus();
  }

  box.addEventListener("input", look);
  box.addEventListener("keydown", (event) => {
    const ways = { ArrowDown: 1, ArrowUp: -1 };
    if (event.key in ways && hits.length) {
      active = (active + ways[event.key] + hits.length) % hits.length;
      mark();
    } else if (event.key === "Enter" && active >= 0) {
      pick(hits[active]);
    } else if (event.key === "Escape" && box.value) {
      box.value = "";
      look();
    } else {
      return;
    }
    event.preventDefault();
    event.stopPropagation();
  });

  // ---- the films, each with its stars
  const films = make("div", { class: "collabkit-films" });
  const rows = new Map(); // title -> {element, show, focus}

  function add(title) {
    const name = fresh("stars");
    const radios = STARS.map((stars) => make("input", { type: "radio", name, value: stars, ...OWN_KEYS }));
    const marks = STARS.map(() => make("span", { "aria-hidden": "true" }));
    const labels = STARS.map((n, i) => {
      const spoken = make("span", { class: "collabkit-spoken" }, n === 1 ? "1 star" : `${n} stars`);
      return make("label", {}, radios[i], marks[i], spoken);
    });
    const clear = make("button", { type: "button", "aria-label": `Take back the rating of ${title}` }, "×");
    const stars = make("span", { class: "collabkit-stars" }, ...labels, clear);
    const element = make("fieldset", { "data-title": title }, make("legend", {}, title), stars);
    const show = () => {
      const given = model.get("ratings")[title] ?? 0;
      radios.forEach((radio, i) => {
        radio.checked = STARS[i] === given;
        marks[i].textContent = STARS[i] <= given ? "★" : "☆";
      });
      element.dataset.stars = given;
      clear.style.visibility = given ? "visible" : "hidden";
    };
    const focus = () => (radios.find((radio) => radio.checked) ?? radios[0]).focus();
    radios.forEach((radio, i) => radio.addEventListener("change", () => rate(title, STARS[i])));
    clear.addEventListener("click", () => {
      focus();
      rate(title, 0);
    });
    stars.addEventListener("keydown", (event) => {
      if (event.ctrlKey || event.metaKey || event.altKey) return;
      const typed = STARS.find((each) => event.key === String(each));
      const takenBack = event.key === "0" || event.key === "Delete" || event.key === "Backspace";
      if (!typed && !takenBack) return;
      event.preventDefault();
      rate(title, typed ?? 0);
      focus();
    });
    films.append(element);
    rows.set(title, { element, show, focus });
    show();
    return rows.get(title);
  }

  function rate(title, stars) {
    const ratings = { ...model.get("ratings") };
    if (stars) ratings[title] = stars;
    else delete ratings[title];
    root.dataset.state = "waiting";
    model.set("ratings", ratings);
    model.save_changes();
  }

  function showRatings() {
    for (const title of Object.keys(model.get("ratings"))) if (!rows.has(title)) add(title);
    rows.forEach((row) => row.show());
  }

  // ---- the list
  const list = make("div", { class: "collabkit-list" });
  const spoken = speaker();
  const popularity = make("input", { type: "range", id: fresh("popularity"), min: 0, max: 1, step: 0.1, ...OWN_KEYS });
  const weight = make("output", { for: popularity.id, class: "collabkit-value" });
  popularity.addEventListener("input", () => {
    root.dataset.state = "waiting";
    model.set("popularity", Number(popularity.value));
    model.save_changes();
  });

  function showList() {
    const { columns, rows: lines, problem, number: made } = model.get("listed");
    const n = Object.keys(model.get("ratings")).length;
    const from = `from ${n} ${n === 1 ? "rating" : "ratings"} of yours`;
    if (problem) {
      list.replaceChildren(make("p", {}, problem));
      spoken.say(problem);
    } else {
      const cells = lines.map((row, i) => [String(i + 1), ...row.map(String)]);
      list.replaceChildren(table(`Your list, ${from}`, ["place", ...columns], cells));
      spoken.say(`Your list, ${from}, begins with: ${lines.slice(0, 3).map((row) => row[0]).join("; ")}.`);
    }
    popularity.value = model.get("popularity");
    weight.textContent = number(model.get("popularity"), 1);
    root.dataset.lists = made;
    root.dataset.state = "ready";
  }

  const line = make("div", { class: "collabkit-row" }, make("label", { for: box.id }, "Find a film"), box, found);
  const help = "Rate with the mouse, or with the arrow keys or 1 to 5; 0 takes a rating back.";
  const search = make("div", {}, line, options, make("p", { class: "collabkit-help" }, help), films);
  const slider = make("label", { for: popularity.id }, "popularity");
  const side = make("div", {}, make("div", { class: "collabkit-row" }, slider, popularity, weight), list);
  const names = { class: "collabkit-widget collabkit-ratings", role: "group", "aria-label": "Your ratings" };
  const root = make("div", names);
  root.append(make("div", { class: "collabkit-beside" }, search, side), spoken.place);
  spoken.place.classList.add("collabkit-spoken");
  el.append(root);

  model.get("start").forEach((title) => add(title));
  showRatings();
  showList();
  model.on("change:ratings", showRatings);
  model.on("change:listed", showList);
  return () => {
    spoken.stop();
    model.off("change:ratings", showRatings);
    model.off("change:listed", showList);
  };
}

export default { render };
