// Factor space: the model holds where the points are; every change of it, from here or from Python, is drawn.

const SIZE = 400; // of the drawing, in its own units
const EDGE = 30;

function render({ model, el }) {
  const reach = model.get("reach");
  const axes = model.get("axes");
  const names = { users: model.get("user_names"), movies: model.get("movie_names") };
  const at = (x) => SIZE / 2 + (x / reach) * (SIZE / 2 - EDGE); // y is turned round by whoever calls
  let chosen = { kind: "users", index: 0 }; // the point that was touched last
  let user = 0; // and the user
  let moves = 0;

  // ---- the plane
  const plane = make("svg:svg", {
    class: "collabkit-plane",
    viewBox: `0 0 ${SIZE} ${SIZE}`,
    role: "group",
    "aria-label": `The plane of ${axes[0]}, to the right, and ${axes[1]}, upwards`,
  });
  const [low, high, middle] = [at(-reach), at(reach), at(0)];
  plane.append(
    make("svg:rect", { x: low, y: low, width: high - low, height: high - low, class: "collabkit-frame" }),
    make("svg:line", { x1: low, x2: high, y1: middle, y2: middle, class: "collabkit-grid" }),
    make("svg:line", { y1: low, y2: high, x1: middle, x2: middle, class: "collabkit-grid" }),
    make("svg:text", { x: high, y: high + 18, "text-anchor": "end" }, `${axes[0]} →`),
    make("svg:text", { x: 18, y: low, "text-anchor": "end", transform: `rotate(-90 18 ${low})` }, `${axes[1]} →`),
  );
  const zeros = make("svg:line", { class: "collabkit-zeros" }); // where a film scores 0 with the chosen user
  plane.append(zeros);

  // ---- the points
  const points = { users: [], movies: [] };
  for (const kind of ["users", "movies"]) {
    names[kind].forEach((name, index) => {
      // a user is an arrow from the origin, a film a disc
      const arrow = kind === "users" ? make("svg:line", { class: "collabkit-arrow" }) : null;
      const shape = kind === "users" ? make("svg:path", { d: "M 8 0 L -8 -7 L -8 7 z" }) : make("svg:circle", { r: 7 });
      const label = make("svg:text", {}, name);
      const point = make(
        "svg:g",
        {
          class: `collabkit-point collabkit-${kind}`,
          "data-kind": kind,
          "data-name": name,
          tabindex: 0,
          role: "slider",
          "aria-label": `${name}, ${kind === "users" ? "user" : "film"}`,
          "aria-valuemin": -reach,
          "aria-valuemax": reach,
          ...OWN_KEYS,
        },
        make("svg:circle", { r: 15, class: "collabkit-halo" }), // easy to hit, and seen in focus
        shape,
        label,
      );
      point.addEventListener("focus", () => choose(kind, index));
      point.addEventListener("keydown", (event) => step(event, kind, index));
      point.addEventListener("pointerdown", (event) => {
        event.preventDefault();
        point.focus();
        point.setPointerCapture(event.pointerId);
      });
      point.addEventListener("pointermove", (event) => {
        if (!point.hasPointerCapture(event.pointerId)) return;
        const box = plane.getBoundingClientRect();
        const back = (pixel, size) => (((pixel / size) * SIZE - SIZE / 2) / (SIZE / 2 - EDGE)) * reach;
        const fine = model.get("step") / 5;
        const grid = (value) => Math.round(value / fine) * fine;
        const [x, y] = [back(event.clientX - box.left, box.width), -back(event.clientY - box.top, box.height)];
        move(kind, index, grid(x), grid(y));
      });
      if (arrow) plane.append(arrow);
      points[kind].push({ point, arrow, shape, label });
    });
  }
  plane.append(...[...points.movies, ...points.users].map((each) => each.point)); // users on top: there are fewer

  // ---- the matrix
  const cells = names.users.map(() => names.movies.map(() => make("span")));
  const matrix = table(
    "Predictions: the dot product of user and film",
    ["user", ...names.movies],
    names.users.map((name, row) => [name, ...cells[row]]),
  );
  matrix.classList.add("collabkit-matrix");

  const spoken = speaker();
  const help = make("p", { class: "collabkit-help" });
  help.textContent =
    "An arrow is a user, a disc a film. Drag one, or go to it with Tab and move it with the arrow keys, with Shift in " +
    "larger steps. The dotted line belongs to the user that you touched last.";
  const root = make("div", { class: "collabkit-widget collabkit-factor-space", role: "group" });
  root.setAttribute("aria-label", "Factor space");
  root.append(make("div", { class: "collabkit-beside" }, plane, matrix), help, spoken.place);
  el.append(root);

  // ---- what happens
  const dot = (a, b) => a[0] * b[0] + a[1] * b[1];
  const place = ([x, y]) => `${axes[0]} ${number(x)}, ${axes[1]} ${number(y)}`;

  function choose(kind, index) {
    chosen = { kind, index };
    if (kind === "users") user = index;
    draw();
  }

  function step(event, kind, index) {
    const ways = { ArrowRight: [1, 0], ArrowLeft: [-1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1] };
    const way = ways[event.key];
    if (!way) return;
    event.preventDefault();
    const [x, y] = model.get(kind)[index];
    const far = model.get("step") * (event.shiftKey ? 5 : 1);
    move(kind, index, x + far * way[0], y + far * way[1]);
  }

  function move(kind, index, x, y) {
    // to six decimals: steps of 0.05 that are added up would end in 0.30000000000000004
    const within = (value) => Number(Math.min(reach, Math.max(-reach, value)).toFixed(6));
    const all = model.get(kind).map((each) => [...each]);
    all[index] = [within(x), within(y)];
    moves += 1;
    model.set(kind, all); // which draws
    model.save_changes();
    spoken.say(told(kind, index));
  }

  function told(kind, index) {
    const mine = model.get(kind)[index];
    const other = kind === "users" ? "movies" : "users";
    const scores = model.get(other).map((each, place) => `${names[other][place]} ${number(dot(mine, each))}`);
    return `${names[kind][index]}: ${place(mine)}. Dot products: ${scores.join(", ")}.`;
  }

  function draw() {
    const users = model.get("users");
    const movies = model.get("movies");
    for (const kind of ["users", "movies"]) {
      points[kind].forEach(({ point, arrow, shape, label }, index) => {
        const [x, y] = model.get(kind)[index];
        point.setAttribute("transform", `translate(${at(x)} ${at(-y)})`);
        point.setAttribute("aria-valuenow", x);
        point.setAttribute("aria-valuetext", place([x, y]));
        point.classList.toggle("collabkit-chosen", chosen.kind === kind && chosen.index === index);
        // above or below, on the outer side, and at the edges inwards
        label.setAttribute("text-anchor", x > 0.65 * reach ? "end" : x < -0.65 * reach ? "start" : "middle");
        label.setAttribute("y", y > 0 ? -19 : 28);
        if (arrow) {
          shape.setAttribute("transform", `rotate(${(-Math.atan2(y, x) * 180) / Math.PI})`);
          for (const [key, value] of Object.entries({ x1: at(0), y1: at(0), x2: at(x), y2: at(-y) })) {
            arrow.setAttribute(key, value);
          }
        }
      });
    }
    const [x, y] = users[user];
    const length = Math.hypot(x, y);
    zeros.style.display = length ? "" : "none";
    if (length) {
      // square to the user, and as long as the plane: what leaves the frame is clipped by it
      const far = reach / Math.max(Math.abs(x), Math.abs(y));
      const ends = { x1: at(-y * far), y1: at(-x * far), x2: at(y * far), y2: at(x * far) };
      for (const [key, value] of Object.entries(ends)) zeros.setAttribute(key, value);
    }
    users.forEach((mine, row) =>
      movies.forEach((each, column) => {
        const score = dot(mine, each);
        const cell = cells[row][column];
        cell.textContent = number(score);
        const strength = Math.min(1, Math.abs(score) / (reach * reach));
        const box = cell.parentElement;
        box.dataset.user = names.users[row];
        box.dataset.movie = names.movies[column];
        box.style.setProperty("--collabkit-strength", `${Math.round(15 + 45 * strength)}%`);
        box.className = score > 0 ? "collabkit-above" : score < 0 ? "collabkit-below" : "";
        const touched = chosen.kind === "users" ? chosen.index === row : chosen.index === column;
        box.classList.toggle("collabkit-touched", touched);
      }),
    );
    root.dataset.moves = moves;
  }

  draw();
  model.on("change:users", draw);
  model.on("change:movies", draw);
  return () => {
    spoken.stop();
    model.off("change:users", draw);
    model.off("change:movies", draw);
  };
}

export default { render };
