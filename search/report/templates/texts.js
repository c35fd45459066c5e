  // text forms of the automaton that is open, to be copied

  // written as by automata.text.formats
  function synchrowords({ n, k, delta }) {
    const entries = delta[0].flatMap((_, state) => delta.map((row) => row[state]));
    return `${k} ${n}\n${entries.join(" ")}\n`;
  }

  function gap({ delta }) {
    const lists = delta.map((row) => `[ ${row.map((state) => state + 1).join(", ")} ]`);
    return `[ ${lists.join(", ")} ]`;
  }

  function dot({ n, delta }) {
    const lines = [];
    for (let source = 0; source < n; source += 1) {
      const labels = new Map();
      delta.forEach((row, letter) => {
        if (row[source] === null) return;
        labels.set(row[source], [...(labels.get(row[source]) || []), letterName(letter)]);
      });
      for (const [target, letters] of [...labels].sort(([one], [other]) => one - other)) {
        lines.push(`  ${source} -> ${target} [label="${letters.join(",")}"];\n`);
      }
    }
    return `digraph automaton {\n  node [shape=circle];\n${lines.join("")}}\n`;
  }

  function write() {
    const complete = automaton.partial ? []
      : [["synchrowords", synchrowords(automaton)], ["GAP", gap(automaton)]];
    const forms = [
      ["ours", automaton.text], ["word", automaton.word], ...complete, ["DOT", dot(automaton)],
    ];
    find("texts").replaceChildren(...forms.filter(([, text]) => text).map(([name, text]) => {
      const entry = document.createElement("div");
      entry.className = "form";
      html("b", name, entry);
      const content = html("pre", text, entry);
      content.tabIndex = 0;
      const button = html("button", "Copy", entry);
      button.type = "button";
      button.setAttribute("aria-label", `Copy ${name}`);
      button.addEventListener("click", () => copy(content, button));
      return entry;
    }));
  }

  async function copy(content, button) {
    try {
      await navigator.clipboard.writeText(content.textContent);
    } catch {
      // a page opened from a file may not use the clipboard: use the older way
      getSelection().selectAllChildren(content);
      document.execCommand("copy");
    }
    button.textContent = "Copied";
    setTimeout(() => { button.textContent = "Copy"; }, 1500);
  }
