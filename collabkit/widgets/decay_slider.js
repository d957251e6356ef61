// The decay slider. One training is asked for at a time; what the slider shows when it is done is asked for next. So a
// slider that is dragged never makes a queue in the kernel, and its last value wins.

const PANEL = { width: 330, height: 230, left: 44, right: 12, top: 12, bottom: 46 };

function render({ model, el }) {
  const stops = model.get("stops");
  const without = model.get("without");
  const off = (i, wd) => Math.abs(stops[i] - wd);
  const nearest = (wd) => stops.reduce((best, _, i) => (off(i, wd) < off(best, wd) ? i : best), 0);

  // ---- the slider
  const slider = make("input", { type: "range", id: fresh("wd"), min: 0, max: stops.length - 1, step: 1, ...OWN_KEYS });
  const shown = make("output", { for: slider.id, class: "collabkit-value" });
  const status = make("p", { class: "collabkit-status", "aria-live": "polite" });
  const label = make("label", { for: slider.id }, "weight decay");

  // ---- the pictures
  const losses = panel("Mean squared error after each epoch");
  const lengths = panel("Mean length of the films' factors, by the films' number of ratings");
  const key = (name, text) => make("li", {}, sample(name), text);
  const now = make("span");
  const legend = make(
    "ul",
    { class: "collabkit-legend" },
    make("li", {}, sample("valid now"), now),
    key("valid old", "without decay"),
    key("valid", "validation"),
    key("train", "training"),
  );
  const numbers = make("div");
  const root = make("div", { class: "collabkit-widget collabkit-decay", role: "group", "aria-label": "Weight decay" });
  root.append(
    make("div", { class: "collabkit-row" }, label, slider, shown),
    status,
    legend,
    make("div", { class: "collabkit-beside" }, losses, lengths),
    make("details", {}, make("summary", {}, "The numbers"), numbers),
  );
  el.append(root);

  // ---- asking and drawing
  let asked = null; // the decay that the kernel trains with
  let moved = 0; // when the slider was moved, at last and to the value that is asked for
  let since = 0;
  let patience;

  const wanted = () => stops[slider.value];
  const show = () => {
    shown.textContent = short(wanted());
    slider.setAttribute("aria-valuetext", `weight decay ${short(wanted())}`);
  };

  function ask() {
    if (asked !== null || wanted() === model.get("wd")) return;
    asked = wanted();
    since = moved;
    root.dataset.state = "training";
    patience = setTimeout(() => {
      status.textContent = "The kernel is busy with something else; the curves follow when it is free.";
    }, 2000);
    model.set("wd", asked);
    model.save_changes();
  }

  slider.addEventListener("input", () => {
    moved = performance.now();
    show();
    ask();
  });

  function answered() {
    clearTimeout(patience);
    const trained = model.get("trained");
    if (asked === null) slider.value = nearest(trained.wd); // set by Python
    show();
    draw(trained);
    if (asked !== null) root.dataset.milliseconds = Math.round(performance.now() - since);
    asked = null;
    root.dataset.state = "ready";
    root.dataset.trained = trained.number;
    ask();
    if (asked === null) status.textContent = told(trained);
  }

  function told({ wd, train, valid, seconds }) {
    if (!valid.length) return `With weight decay ${short(wd)} the training ended before its first epoch.`;
    const lowest = Math.min(...valid);
    return (
      `With weight decay ${short(wd)}, after the last of ${valid.length} epochs: ` +
      `validation ${number(valid.at(-1), 3)}, training ${number(train.at(-1), 3)}. ` +
      `Lowest validation ${number(lowest, 3)}, after epoch ${valid.indexOf(lowest) + 1}. ` +
      `Trained in ${number(seconds)} s.`
    );
  }

  function draw(trained) {
    now.textContent = `weight decay ${short(trained.wd)}`;
    const top = 1.1 * Math.max(...without.train, ...without.valid);
    const epochs = trained.valid.map((_, i) => String(i + 1));
    plot(losses, epochs, "epoch", Math.max(top, ...trained.train, ...trained.valid), [
      ["train old", without.train],
      ["valid old", without.valid],
      ["train now", trained.train],
      ["valid now", trained.valid],
    ]);
    losses.setAttribute("aria-label", `Curves of mean squared error. ${told(trained)}`);
    const groups = model.get("groups");
    const highest = 1.2 * Math.max(...without.lengths, ...trained.lengths);
    plot(lengths, groups, "ratings of the film", highest, [
      ["valid old", without.lengths],
      ["valid now", trained.lengths],
    ]);
    const listed = groups.map((name, i) => `${name} ratings ${number(trained.lengths[i])}`).join(", ");
    lengths.setAttribute("aria-label", `Mean length of the films' factors: ${listed}.`);
    const headings = ["epoch", "training", "validation", "training, no decay", "validation, no decay"];
    numbers.replaceChildren(
      table(
        `Mean squared error, weight decay ${short(trained.wd)}`,
        headings,
        epochs.map((epoch, i) => [
          epoch,
          ...[trained.train, trained.valid, without.train, without.valid].map((each) => number(each[i], 3)),
        ]),
      ),
      table(
        "Mean length of the films' factors",
        ["ratings of the film", `weight decay ${short(trained.wd)}`, "no decay"],
        groups.map((name, i) => [name, number(trained.lengths[i], 3), number(without.lengths[i], 3)]),
      ),
    );
  }

  slider.value = nearest(model.get("wd"));
  answered();
  model.on("change:trained", answered);
  return () => {
    clearTimeout(patience);
    model.off("change:trained", answered);
  };
}

function panel(label) {
  const { width, height } = PANEL;
  const viewBox = `0 0 ${width} ${height}`;
  return make("svg:svg", { viewBox, role: "img", "aria-label": label, class: "collabkit-panel" });
}

/** What a line of this kind looks like, for the legend. */
function sample(kind) {
  const svg = make("svg:svg", { viewBox: "0 0 34 12", width: 34, height: 12, "aria-hidden": "true" });
  svg.append(line(kind, "M 1 6 H 33"));
  if (kind.includes(" ")) svg.append(dot(kind, 17, 6));
  return svg;
}

/** A line of a kind: "train" or "valid", and behind it "now" or "old". */
function line(kind, d) {
  const names = ["line", ...kind.split(" ")].map((word) => `collabkit-${word}`);
  return make("svg:path", { d, class: names.join(" ") });
}

/** The mark of one value: round for now, square for the training without decay. */
function dot(kind, x, y) {
  return kind.endsWith("old")
    ? make("svg:rect", { x: x - 3.5, y: y - 3.5, width: 7, height: 7, class: "collabkit-mark collabkit-old" })
    : make("svg:circle", { cx: x, cy: y, r: 4, class: "collabkit-mark collabkit-now" });
}

/** Lines over places at equal distances, from 0 up to `top`; the values of validation and of lengths have marks. */
function plot(svg, places, xlabel, top, lines) {
  const { width, height, left, right, top: above, bottom } = PANEL;
  const x = (i) => left + 10 + (places.length > 1 ? i / (places.length - 1) : 0.5) * (width - left - right - 20);
  const y = (value) => height - bottom - (value / top) * (height - above - bottom);
  const parts = [];
  const tick = [0.1, 0.2, 0.25, 0.5, 1, 2, 5].find((each) => top / each <= 6) ?? top / 5;
  for (let value = 0; value <= top; value += tick) {
    parts.push(
      make("svg:line", { x1: left, x2: width - right, y1: y(value), y2: y(value), class: "collabkit-grid" }),
      make("svg:text", { x: left - 6, y: y(value) + 4, "text-anchor": "end" }, short(value)),
    );
  }
  places.forEach((name, i) =>
    parts.push(make("svg:text", { x: x(i), y: height - bottom + 16, "text-anchor": "middle" }, name)),
  );
  parts.push(make("svg:text", { x: (left + width - right) / 2, y: height - 8, "text-anchor": "middle" }, xlabel));
  for (const [kind, values] of lines) {
    const d = values.map((value, i) => `${i ? "L" : "M"} ${x(i)} ${y(value)}`).join(" ");
    parts.push(line(kind, d));
    if (kind.startsWith("valid")) parts.push(...values.map((value, i) => dot(kind, x(i), y(value))));
  }
  svg.replaceChildren(...parts);
}

export default { render };
