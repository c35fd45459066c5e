  // the latent map: names, a thumbnail where the pointer is, colours

  const plane = find("plane");
  if (plane) {
    const points = [...plane.querySelectorAll(".point")];
    const byNumber = new Map(points.map((point) => [Number(point.dataset.number), point]));
    const thumb = find("thumb");
    const name = (which) => {
      const { n, threshold, family, text } = automata[which];
      const kind = which < rows.length ? `automaton ${which + 1}` : "training automaton";
      return `${kind}: threshold ${threshold}${family ? `, ${family}` : ""}, n = ${n}: ${text}`;
    };
    const preview = (which) => {
      const { threshold, family, circle } = automata[which];
      find("named").textContent = name(which);
      sketch(thumb.querySelector("svg"), automata[which], circle);
      thumb.querySelector("span").textContent = `${threshold}${family ? `, ${family}` : ""}`;
      thumb.hidden = false;
      const around = thumb.parentElement.getBoundingClientRect();
      const box = byNumber.get(which).getBoundingClientRect();
      const { offsetWidth: width, offsetHeight: height } = thumb;
      const right = box.right - around.left + 12;
      const left = right + width <= around.width ? right : box.left - around.left - width - 12;
      const top = box.top + box.height / 2 - around.top - height / 2;
      thumb.style.left = `${Math.max(0, Math.min(left, around.width - width))}px`;
      thumb.style.top = `${Math.max(0, Math.min(top, around.height - height))}px`;
    };
    let here = -1;
    const move = (which) => {
      byNumber.get(here)?.classList.remove("here");
      here = which;
      byNumber.get(here)?.classList.add("here");
      preview(here);
    };
    const hide = () => { thumb.hidden = true; };
    plane.addEventListener("pointerover", (event) => {
      const point = event.target.closest(".point");
      if (point) preview(Number(point.dataset.number));
      else hide();
    });
    plane.addEventListener("pointerleave", hide);
    plane.addEventListener("blur", hide);
    plane.addEventListener("click", (event) => {
      const point = event.target.closest(".point");
      if (point) open(Number(point.dataset.number));
    });
    plane.addEventListener("keydown", (event) => {
      const by = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[event.key];
      if (by) {
        event.preventDefault();
        move((here + by + data.mapped) % data.mapped);
      } else if (event.key === "Enter" && here >= 0) {
        open(here);
      } else if (event.key === "Escape") {
        hide();
      }
    });

    const classesOf = (which) => (automata[which].classes || "").split(",").filter(Boolean);
    const foundBy = ["found_by", "mode", "arm"].map((column) => names.indexOf(column)).find((column) => column >= 0);
    const groupings = {
      family: (which) => automata[which].family || "no family that is known",
      found: (which) => (which < rows.length ? cells[which][foundBy] || "not recorded" : "training set"),
    };
    const coloring = find("coloring");
    const classes = new Set([...byNumber.keys()].flatMap(classesOf));
    const shared = (own) => [...byNumber.keys()].every((which) => classesOf(which).includes(own));
    for (const own of [...classes].sort()) {
      if (shared(own)) continue; // one colour tells nothing
      html("option", `class ${own}`, coloring).value = `class ${own}`;
      groupings[`class ${own}`] = (which) => (classesOf(which).includes(own) ? own : `not ${own}`);
    }
    const most = 7; // colours of groups; all smaller groups share the grey
    coloring.addEventListener("change", () => {
      const grouping = groupings[coloring.value];
      const groups = find("groups");
      groups.replaceChildren();
      groups.hidden = !grouping;
      find("ramp").hidden = Boolean(grouping);
      if (!grouping) {
        for (const point of points) point.style.fill = "";
        return;
      }
      const counts = new Map();
      for (const which of byNumber.keys()) {
        const group = grouping(which);
        counts.set(group, (counts.get(group) || 0) + 1);
      }
      const plain = (group) => /^(no |not |training set)/.test(group);
      const ordered = [...counts.keys()].sort((one, other) => counts.get(other) - counts.get(one));
      const special = ordered.filter((group) => !plain(group));
      const color = (group) => {
        const place = special.indexOf(group);
        return place >= 0 && place < most ? `var(--group-${place})` : "var(--group-other)";
      };
      for (const [which, point] of byNumber) point.style.fill = color(grouping(which));
      const entry = (text, fill) => {
        const own = html("span", "", groups);
        html("i", "", own).style.background = fill;
        own.append(text);
      };
      for (const group of special.slice(0, most)) entry(`${group} (${counts.get(group)})`, color(group));
      if (special.length > most) entry(`${special.length - most} others`, "var(--group-other)");
      for (const group of ordered.filter(plain)) entry(`${group} (${counts.get(group)})`, "var(--group-other)");
    });
  }
