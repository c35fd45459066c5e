  // what is wider than its frame says so, until it is scrolled to its end

  for (const frame of document.querySelectorAll(".scroll")) {
    const hint = document.createElement("p");
    hint.className = "hint";
    hint.textContent = "scroll sideways ⟷";
    hint.setAttribute("aria-hidden", "true");
    hint.hidden = true;
    frame.before(hint);
    const look = () => {
      const hidden = frame.scrollWidth - frame.clientWidth;
      hint.hidden = hidden < 8;
      frame.classList.toggle("more", hidden >= 8 && frame.scrollLeft < hidden - 8);
    };
    frame.addEventListener("scroll", look, { passive: true });
    new ResizeObserver(look).observe(frame);
  }
