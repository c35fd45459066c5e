  // the dialog of one automaton: drawing, reset word step by step, properties, relatives

  const dialog = find("automaton");
  const delays = [2000, 1200, 700, 400, 200, 90, 30];
  let number = -1;
  let opener = null;
  let automaton = null;
  let layout = "circle";
  let played = []; // letters: those of the word, or others that the reader has chosen
  let courses = []; // [letters read][state]: whether the state is occupied
  let counts = [];
  let at = 0;
  let timer = 0;
  let states = [];
  let arrows = [];

  function open(which) {
    pause();
    number = which;
    automaton = automata[which];
    const { k, threshold, family, partial } = automaton;
    const kind = which < rows.length ? `Automaton ${which + 1}`
      : which < data.mapped ? "Training automaton" : "Pictured automaton";
    const slow = threshold >= 0 ? `threshold ${threshold}` : partial ? "no careful word" : "no reset word";
    find("name").textContent = `${kind}: ${slow}${family ? `, ${family}` : ""}`;
    const neato = document.querySelector("[name=layout][value=neato]");
    neato.disabled = !automaton.neato;
    if (!automaton.neato) layout = "circle";
    document.querySelector(`[name=layout][value=${layout}]`).checked = true;
    find("work").textContent = `The ${partial ? "careful" : "reset"} word at work`;
    nameLetters(k);
    draw();
    follow();
    tabulate();
    describe();
    relate();
    write();
    if (!dialog.open) {
      opener = document.activeElement;
      dialog.showModal();
    }
    find("play").focus(); // the button that opened a relative has been removed
    dialog.scrollTop = 0;
    history.replaceState(null, "", `#automaton-${which + 1}`);
    const place = shown.indexOf(which);
    find("previous").disabled = place < 1;
    find("next").disabled = place < 0 || place === shown.length - 1;
    for (const mark of document.querySelectorAll("#plane [data-number]")) {
      mark.classList.toggle("opened", Number(mark.dataset.number) === which);
    }
    show(0);
  }

  function nameLetters(k) {
    find("letters").replaceChildren();
    for (let letter = 0; letter < k; letter += 1) {
      const entry = html("span", "", find("letters"));
      const line = svg("svg", { viewBox: "0 0 48 14", class: `letter-${letter}`, "aria-hidden": "true" }, entry);
      svg("path", { class: "arrow", d: "M0 7H36" }, line);
      svg("path", { class: "head", d: "M48 7L34 1V13Z" }, line);
      html("i", ` ${letterName(letter)}`, entry);
    }
    if (automaton.partial) {
      const entry = html("span", "", find("letters"));
      const line = svg("svg", { viewBox: "0 0 48 14", "aria-hidden": "true" }, entry);
      svg("path", { class: "stub", d: "M0 7H36" }, line);
      svg("path", { class: "bar", d: "M36 1V13" }, line);
      entry.append(" undefined");
    }
    find("tries").replaceChildren();
    for (let letter = 0; letter < k; letter += 1) {
      const button = html("button", letterName(letter), find("tries"));
      button.type = "button";
      button.addEventListener("click", () => read(letter));
    }
  }

  function draw() {
    const shapes = automaton[layout];
    const canvas = find("drawing");
    canvas.style.maxWidth = `${2.2 * shapes.box[2]}px`;
    canvas.setAttribute("aria-label", `Drawing of an automaton with ${automaton.n} states; its transitions are in the table`);
    ({ arrows, states } = sketch(canvas, automaton, shapes));
  }

  function sketch(canvas, { delta }, shapes) {
    canvas.replaceChildren();
    canvas.setAttribute("viewBox", shapes.box.join(" "));
    const lines = svg("g", {}, canvas);
    const labels = svg("g", {}, canvas);
    let start = 0;
    let stub = 0;
    const arrows = delta.map((row, letter) => row.map((target, source) => {
      const from = shapes.places.slice(2 * source, 2 * source + 2);
      if (target === null) {
        const [ax, ay, bx, by, lx, ly, rx, ry, x, y] = shapes.stubs.slice(stub, stub + 10)
          .map((value, place) => value + from[place % 2]);
        stub += 10;
        const group = svg("g", { class: `letter-${letter}` }, lines);
        const path = svg("path", { class: "stub", d: `M${ax} ${ay}L${bx} ${by}` }, group);
        svg("path", { class: "bar", d: `M${lx} ${ly}L${rx} ${ry}` }, group);
        svg("title", {}, group).textContent = `${letterName(letter)} is undefined on ${source}`;
        svg("text", { class: `label letter-${letter}`, x, y }, labels).textContent = letterName(letter);
        return path;
      }
      const to = shapes.places.slice(2 * target, 2 * target + 2);
      const middle = [(from[0] + to[0]) / 2, (from[1] + to[1]) / 2];
      const origins = [middle, from, from, to, to, to];
      const [labelX, labelY, sx, sy, bendX, bendY, cx, cy, ex, ey, tipX, tipY] =
        shapes.arrows.slice(start, start + 12)
          .map((value, place) => value + origins[place >> 1][place % 2]);
      start += 12;
      const group = svg("g", { class: `letter-${letter}` }, lines);
      const curve = `M${sx} ${sy}C${bendX} ${bendY} ${cx} ${cy} ${ex} ${ey}`;
      const path = svg("path", { class: "arrow", d: curve }, group);
      const head = Math.hypot(ex - tipX, ey - tipY) / 0.8;
      const away = Math.hypot(cx - tipX, cy - tipY) || 1;
      const [bx, by] = [(cx - tipX) / away, (cy - tipY) / away];
      const [fx, fy, side] = [tipX + head * bx, tipY + head * by, 0.38 * head];
      svg("path", { class: "head", d: `M${tipX} ${tipY}L${fx - side * by} ${fy + side * bx}L${fx + side * by} ${fy - side * bx}Z` }, group);
      svg("title", {}, group).textContent = `${source} → ${target} by ${letterName(letter)}`;
      const label = svg("text", { class: `label letter-${letter}`, x: labelX, y: labelY }, labels);
      label.textContent = letterName(letter);
      return path;
    }));
    const states = delta[0].map((_, state) => {
      const [x, y] = shapes.places.slice(2 * state, 2 * state + 2);
      const group = svg("g", { class: "state" }, canvas);
      svg("circle", { cx: x, cy: y, r: data.scale }, group);
      svg("text", { x, y }, group).textContent = state;
      return group;
    });
    return { arrows, states };
  }

  function follow() {
    const { letters, word, partial } = automaton;
    const broken = letters === null;
    find("player").hidden = broken;
    find("unreplayed").hidden = !broken;
    courses = [];
    if (automaton.threshold < 0) {
      find("unreplayed").textContent = partial ? "It has no careful word."
        : "No word leads all its states to one state.";
      return;
    }
    if (broken) {
      const short = word.length > 300 ? `${word.slice(0, 300)}…` : word;
      find("unreplayed").textContent =
        `This ${partial ? "is not careful" : "does not reset the automaton"}: ${short || "no word"}`;
      return;
    }
    take(letters);
  }

  // a word whose letters are defined on all states that it meets
  function take(letters) {
    const { n, delta } = automaton;
    played = letters;
    let occupied = new Uint8Array(n).fill(1);
    courses = [occupied];
    for (const letter of letters) {
      const next = new Uint8Array(n);
      occupied.forEach((here, state) => { if (here) next[delta[letter][state]] = 1; });
      courses.push(occupied = next);
    }
    counts = courses.map((course) => course.reduce((sum, here) => sum + here, 0));
    chart();
  }

  function undefinedOn(letter) {
    return [...courses[at].keys()].filter((q) => courses[at][q] && automaton.delta[letter][q] === null);
  }

  function read(letter) {
    pause();
    if (undefinedOn(letter).length) return;
    if (played[at] !== letter) take([...played.slice(0, at), letter]);
    show(at + 1);
  }

  const plot = { left: 44, right: 630, top: 12, bottom: 150 };
  const across = (step) => plot.left + ((plot.right - plot.left) * step) / Math.max(1, counts.length - 1);
  const up = (count) => plot.bottom - ((plot.bottom - plot.top) * (count - 1)) / Math.max(1, automaton.n - 1);

  function chart() {
    const course = find("course");
    course.replaceChildren();
    const last = counts.length - 1;
    course.setAttribute("aria-label", `Occupied states against letters: from ${counts[0]} to ${counts[last]} in ${last} letters`);
    svg("path", { class: "axis", d: `M${plot.left} ${plot.top}V${plot.bottom}H${plot.right}` }, course);
    const put = (text, x, y, anchor) => {
      svg("text", { x, y, "text-anchor": anchor }, course).textContent = text;
    };
    if (automaton.n > 1) put(automaton.n, plot.left - 6, plot.top + 5, "end");
    put(1, plot.left - 6, plot.bottom + 4, "end");
    put(0, plot.left, plot.bottom + 17, "middle");
    put(last, plot.right, plot.bottom + 17, "end");
    put("letters", (plot.left + plot.right) / 2, plot.bottom + 17, "middle");
    put("occupied states", plot.right, plot.top + 5, "end");
    let line = `M${across(0)} ${up(counts[0])}`;
    counts.forEach((count, step) => { if (step) line += `H${across(step)}V${up(count)}`; });
    svg("path", { class: "line", d: line }, course);
    svg("path", { class: "here", d: "" }, course);
  }

  function show(step) {
    if (!courses.length) return;
    at = Math.max(0, Math.min(step, courses.length - 1));
    const { n } = automaton;
    const here = courses[at];
    states.forEach((state, q) => state.classList.toggle("on", here[q] === 1));
    for (const path of document.querySelectorAll(".used")) path.classList.remove("used");
    const letter = at ? played[at - 1] : -1;
    if (at) courses[at - 1].forEach((was, q) => { if (was) arrows[letter][q].classList.add("used"); });
    find("again").hidden = played === automaton.letters;
    const word = find("again").hidden ? automaton.word : played.map(letterName).join("");
    const [done, mark, left] = find("word").children;
    done.textContent = word.slice(0, Math.max(0, at - 1));
    mark.textContent = word.slice(Math.max(0, at - 1), at);
    left.textContent = word.slice(at);
    const scroller = find("word");
    if (scroller.scrollHeight > scroller.clientHeight) {
      scroller.scrollTop = mark.offsetTop - scroller.offsetTop - scroller.clientHeight / 2;
    }
    const list = [...here.keys()].filter((q) => here[q]).join(", ");
    const count = counts[at] === 1 ? "1 state is occupied" : `${counts[at]} of ${n} states are occupied`;
    const place = at ? `Letter ${at} of ${played.length}: ${letterName(letter)}` : `Start, ${played.length} letters`;
    const barred = [];
    [...find("tries").children].forEach((button, own) => {
      const lost = undefinedOn(own).join(", ");
      button.setAttribute("aria-disabled", lost !== "");
      button.title = lost && `${letterName(own)} is undefined on ${lost}`;
      if (lost) barred.push(`${letterName(own)} on ${lost}`);
    });
    const stuck = barred.length ? ` Undefined: ${barred.join("; ")}.` : "";
    find("progress").textContent = `${place}. ${count}: ${list}.${stuck}`;
    find("occupied").style.width = `${(100 * counts[at]) / n}%`;
    document.querySelector("#course .here").setAttribute("d", `M${across(at)} ${plot.top}V${plot.bottom}`);
    for (const cell of document.querySelectorAll("#transitions td")) {
      cell.classList.toggle("on", here[Number(cell.dataset.state)] === 1);
    }
    if (at === courses.length - 1) pause();
  }

  function pause() {
    clearInterval(timer);
    timer = 0;
    find("play").textContent = "Play";
  }

  function play() {
    if (at === courses.length - 1) show(0);
    find("play").textContent = "Pause";
    clearInterval(timer);
    timer = setInterval(() => show(at + 1), delays[Number(find("speed").value)]);
  }

  function toggle() {
    if (timer) pause();
    else if (courses.length > 1) play();
  }

  function change(speed) {
    find("speed").value = Number(find("speed").value) + speed;
    if (timer) play();
  }

  function tabulate() {
    const { n, delta } = automaton;
    const head = document.createElement("tr");
    html("td", "", head);
    for (let q = 0; q < n; q += 1) html("th", q, head).scope = "col";
    find("transitions").tHead.replaceChildren(head);
    const body = delta.map((row, letter) => {
      const line = document.createElement("tr");
      html("th", letterName(letter), line).scope = "row";
      row.forEach((target, q) => { html("td", target ?? "–", line).dataset.state = q; });
      return line;
    });
    find("transitions").tBodies[0].replaceChildren(...body);
  }

  function describe() {
    const { n, k, threshold, bound, family, classes, partial } = automaton;
    const kind = partial ? "careful" : "reset";
    const facts = [["states, letters", `${n}, ${k}`]];
    facts.push([`${kind} threshold`, threshold < 0 ? `no ${kind} word` : threshold]);
    if (!partial) facts.push(["Černý bound", bound]);
    facts.push(["family", family || "none that is known"]);
    if (threshold >= 0) {
      if (!partial) facts.push(["gap", bound - threshold]);
      const not = partial ? "is not careful" : "does not reset it";
      facts.push(["word", automaton.letters ? "replayed when this page was made" : not]);
    }
    if (classes) facts.push(["classes", classes.replaceAll(",", ", ")]);
    if (number < rows.length) {
      for (const name of ["found_by", "novel", "mode", "round", "alpha", "repaired", "run", "arm", "found_at", "finds"]) {
        const column = names.indexOf(name);
        if (column >= 0 && cells[number][column] !== "") facts.push([name, cells[number][column]]);
      }
    }
    find("about").replaceChildren(...facts.map(([name, value]) => {
      const entry = document.createElement("div");
      html("dt", name, entry);
      html("dd", value, entry);
      return entry;
    }));
  }

  function relate() {
    const place = find("relatives");
    place.replaceChildren();
    const link = (text, which) => {
      const button = html("button", text, place);
      button.type = "button";
      button.addEventListener("click", () => open(which));
    };
    const texts = parentTexts(number);
    if (texts.some(Boolean)) html("h3", "Parents", place);
    texts.forEach((text, side) => {
      if (!text) return;
      const parent = automaton.parents[side];
      const label = `${text} (n = ${parent.n}, threshold ${parent.threshold})`;
      if (parent.number === null) html("p", label, place);
      else link(label, parent.number);
    });
    const own = new Set(texts.filter(Boolean));
    const related = rows.map((_, other) => other).filter((other) => other !== number && (
      (automaton.family && automata[other].family === automaton.family) ||
      parentTexts(other).some((text) => own.has(text))));
    const shownOnes = related.slice(0, 12);
    const count = related.length > 12 ? `: 12 of ${related.length}` : "";
    if (related.length) html("h3", `Same family, or a parent in common${count}`, place);
    for (const other of shownOnes) {
      const { n, threshold, family } = automata[other];
      link(`${other + 1}: n = ${n}, ${threshold}${family ? `, ${family}` : ""}`, other);
    }
  }

  function parentTexts(which) {
    return which < rows.length
      ? ["parent_a", "parent_b"].map((side) => cells[which][names.indexOf(side)] || "") : [];
  }

  function neighbour(by) {
    const place = shown.indexOf(number);
    if (place >= 0 && place + by in shown) open(shown[place + by]);
  }

  find("play").addEventListener("click", toggle);
  find("again").addEventListener("click", () => {
    pause();
    take(automaton.letters);
    show(0);
    find("play").focus(); // this button has gone
  });
  find("first").addEventListener("click", () => { pause(); show(0); });
  find("back").addEventListener("click", () => { pause(); show(at - 1); });
  find("step").addEventListener("click", () => { pause(); show(at + 1); });
  find("last").addEventListener("click", () => { pause(); show(courses.length - 1); });
  find("speed").addEventListener("input", () => change(0));
  find("previous").addEventListener("click", () => neighbour(-1));
  find("next").addEventListener("click", () => neighbour(1));
  find("close").addEventListener("click", () => dialog.close());
  find("course").addEventListener("click", (event) => {
    const box = find("course").getBoundingClientRect();
    const x = ((event.clientX - box.left) / box.width) * 640;
    pause();
    show(Math.round(((x - plot.left) / (plot.right - plot.left)) * (counts.length - 1)));
  });
  for (const choice of document.querySelectorAll("[name=layout]")) {
    choice.addEventListener("change", () => { layout = choice.value; draw(); show(at); });
  }
  for (const cell of document.querySelectorAll(".cell")) {
    cell.addEventListener("click", () => open(Number(cell.dataset.number)));
  }
  dialog.addEventListener("click", (event) => {
    if (event.target === dialog) { // the backdrop, or the edge
      const { left, right, top, bottom } = dialog.getBoundingClientRect();
      const inside = event.clientX > left && event.clientX < right && event.clientY > top && event.clientY < bottom;
      if (!inside) dialog.close();
    }
  });
  dialog.addEventListener("close", () => {
    pause();
    history.replaceState(null, "", location.pathname + location.search);
    const row = rows[number];
    if (opener?.matches(".open") && row && !row.hidden) row.querySelector(".open").focus();
    else opener?.focus();
  });
  dialog.addEventListener("keydown", (event) => {
    if (event.altKey || event.ctrlKey || event.metaKey) return;
    if (event.target.matches("input, pre") && /^(Arrow|Home|End)/.test(event.key)) return;
    const stop = (action) => { pause(); action(); };
    const actions = {
      ArrowRight: () => stop(() => show(at + 1)),
      ArrowLeft: () => stop(() => show(at - 1)),
      Home: () => stop(() => show(0)),
      End: () => stop(() => show(courses.length - 1)),
      "+": () => change(1),
      "-": () => change(-1),
      n: () => neighbour(1),
      p: () => neighbour(-1),
      ...(event.target.matches("button, input") ? {} : { " ": toggle }),
    };
    const action = actions[event.key] || actions[event.key.toLowerCase()];
    if (action) {
      event.preventDefault();
      action();
    }
  });
