  // the table: sorted, filtered, downloaded

  const table = find("table");
  const rows = table ? [...table.tBodies[0].rows] : [];
  const names = table
    ? [...table.tHead.rows[0].cells].slice(1).map((cell) => cell.textContent.trim()) : [];
  const cells = rows.map((row) => [...row.cells].slice(1).map((cell) => cell.textContent));
  automata.forEach((automaton, number) => {
    if (number < rows.length) {
      automaton.text = cells[number][names.indexOf("delta")];
      automaton.word = cells[number][names.indexOf("word")];
    }
    automaton.delta = automaton.text.split("|").map((row) => row.trim().split(/\s+/)
      .map((entry) => (entry === "-" ? null : Number(entry)))); // null: undefined
    automaton.partial = automaton.delta.some((row) => row.includes(null));
    automaton.letters = automaton.replayed
      ? [...automaton.word].map((letter) => letter.charCodeAt(0) - 97) : null;
  });
  const texts = cells.map((row) => row.join("\n").toLowerCase());
  let order = rows.map((_, number) => number);
  let shown = [...order];

  function sort(button) {
    const column = Number(button.dataset.column);
    const head = button.closest("th");
    const slowest = ["reset_threshold", "ratio", "n"].includes(names[column]); // largest first
    const state = head.getAttribute("aria-sort");
    const falling = state === "none" ? slowest : state === "ascending";
    for (const other of table.tHead.rows[0].cells) {
      if (other.hasAttribute("aria-sort")) other.setAttribute("aria-sort", "none");
    }
    head.setAttribute("aria-sort", falling ? "descending" : "ascending");
    const values = cells.map((row) => row[column]);
    const numbers = values.every((value) => value === "" || Number.isFinite(Number(value)));
    const compare = numbers
      ? (one, other) => Number(one) - Number(other)
      : (one, other) => (one < other ? -1 : one > other ? 1 : 0);
    const sign = falling ? -1 : 1;
    // missing values last; equal values keep the order of the report
    order = rows.map((_, number) => number).sort((a, b) =>
      (values[a] === "") - (values[b] === "") || sign * compare(values[a], values[b]) || a - b);
    table.tBodies[0].append(...order.map((number) => rows[number]));
    filter();
  }

  function filter() {
    // search for rows of states as a whole, and for each other word separately
    const words = find("search").value.toLowerCase().match(/[0-9|-]+( +[0-9|-]+)+|\S+/g) || [];
    const most = find("gap").value;
    const gap = Number(find("gap").dataset.column);
    const choices = [...document.querySelectorAll("#filters select")]
      .filter((select) => select.value !== "")
      .map((select) => [Number(select.dataset.column), select.value.slice(1)]);
    const keep = (number) =>
      words.every((word) => texts[number].includes(word.replace(/ +/g, " "))) &&
      (most === "" || Number(cells[number][gap]) <= Number(most)) &&
      choices.every(([column, value]) => cells[number][column] === value);
    shown = order.filter(keep);
    const kept = new Set(shown);
    rows.forEach((row, number) => { row.hidden = !kept.has(number); });
    find("shown").textContent = `${shown.length} of ${rows.length} ${rows.length === 1 ? "automaton" : "automata"}`;
    for (const mark of document.querySelectorAll("#plane .candidate, #plane .paths g")) {
      mark.classList.toggle("out", !kept.has(Number(mark.dataset.number)));
    }
  }

  function download() {
    const quote = (text) => (/[",\n\r]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text);
    const lines = [names, ...shown.map((number) => cells[number])];
    const content = lines.map((line) => line.map(quote).join(",") + "\n").join("");
    const link = document.createElement("a");
    link.href = URL.createObjectURL(new Blob([content], { type: "text/csv" }));
    link.download = "automata.csv";
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 10000);
  }

  if (table) {
    table.tHead.addEventListener("click", (event) => {
      const button = event.target.closest(".sort");
      if (button) sort(button);
    });
    table.tBodies[0].addEventListener("click", (event) => {
      const row = event.target.closest("tr");
      // a click that ends a selection of text does not open an automaton
      const meant = event.target.closest("button") || !String(getSelection());
      if (row && meant) open(Number(row.dataset.number));
    });
    find("filters").addEventListener("input", filter);
    find("filters").addEventListener("reset", () => setTimeout(filter));
    find("filters").addEventListener("submit", (event) => event.preventDefault());
    find("download").addEventListener("click", download);
  }
