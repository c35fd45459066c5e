  // the latent map

  const plane = find("plane");
  if (plane) {
    const points = [...plane.querySelectorAll(".point")];
    const byNumber = new Map(points.map((point) => [Number(point.dataset.number), point]));
    const name = (which) => {
      const { n, threshold, family, text } = automata[which];
      const kind = which < rows.length ? `automaton ${which + 1}` : "training automaton";
      return `${kind}: threshold ${threshold}${family ? `, ${family}` : ""}, n = ${n}: ${text}`;
    };
    let here = -1;
    const move = (which) => {
      byNumber.get(here)?.classList.remove("here");
      here = which;
      byNumber.get(here)?.classList.add("here");
      find("named").textContent = name(here);
    };
    plane.addEventListener("pointerover", (event) => {
      const point = event.target.closest(".point");
      if (point) find("named").textContent = name(Number(point.dataset.number));
    });
    plane.addEventListener("click", (event) => {
      const point = event.target.closest(".point");
      if (point) open(Number(point.dataset.number));
    });
    plane.addEventListener("keydown", (event) => {
      const by = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[event.key];
      if (by) {
        event.preventDefault();
        move((here + by + automata.length) % automata.length);
      } else if (event.key === "Enter" && here >= 0) {
        open(here);
      }
    });
  }
