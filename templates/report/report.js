"use strict";
// Tables sort and filter, charts say what one points at, pictures lie over each other. Without this script all is there, too.
(() => {
  const root = document.documentElement;
  root.classList.add("has-js");

  // What a mark of a chart says, beside the pointer.
  const tip = document.getElementById("tip");
  const told = (target) => target.closest?.("svg.chart [role=graphics-symbol][aria-label]:not([aria-roledescription=axis]):not([aria-roledescription=legend])");
  document.addEventListener("pointermove", (event) => {
    const mark = told(event.target);
    tip.hidden = !mark;
    if (!mark) return;
    tip.textContent = mark.getAttribute("aria-label");
    const right = event.clientX + 14 + tip.offsetWidth > innerWidth;
    tip.style.left = `${right ? event.clientX - 14 - tip.offsetWidth : event.clientX + 14}px`;
    tip.style.top = `${Math.min(event.clientY + 14, innerHeight - tip.offsetHeight - 4)}px`;
  });

  // The chart that follows a table: its marks begin with the row's number.
  const follow = (table) => {
    const chart = table.hasAttribute("data-chart") && table.closest("section").querySelector("svg.chart");
    if (!chart) return () => {};
    const marks = [...chart.querySelectorAll("[role=graphics-symbol][aria-label][transform]")].filter((it) => /^\d+\. /.test(it.getAttribute("aria-label")));
    const place = (it) => it.getAttribute("transform").match(/translate\(([^,]+),([^)]+)\)/).slice(1).map(Number);
    const rows = [...table.tBodies[0].rows];
    const at = new Map(), steps = [];
    for (const mark of marks) {
      const row = rows[parseInt(mark.getAttribute("aria-label"), 10) - 1];
      if (row) { at.set(mark, [row, place(mark)]); steps[rows.indexOf(row)] = place(mark)[0]; }
    }
    const known = steps.findIndex((it) => it !== undefined), last = steps.length - 1;
    const pitch = last > known ? (steps[last] - steps[known]) / (last - known) : 0;
    return () => {
      const order = new Map([...table.tBodies[0].rows].map((row, index) => [row, index]));
      for (const [mark, [row, [, y]]] of at) {
        mark.setAttribute("transform", `translate(${steps[known] + (order.get(row) - known) * pitch},${y})`);
        mark.classList.toggle("faded", row.hidden);
      }
    };
  };

  for (const table of document.querySelectorAll("table.sortable")) {
    const body = table.tBodies[0], update = follow(table);
    const value = (row, column) => {
      const cell = row.cells[column];
      return cell.dataset.value !== undefined ? Number(cell.dataset.value) : cell.textContent.trim();
    };
    [...table.tHead.rows[0].cells].forEach((head, column) => {
      const button = document.createElement("button");
      button.type = "button";
      button.textContent = head.textContent;
      head.replaceChildren(button);
      button.addEventListener("click", () => {
        const first = head.classList.contains("number") ? "descending" : "ascending";
        const now = head.getAttribute("aria-sort");
        const next = now === first ? (first === "ascending" ? "descending" : "ascending") : first;
        for (const other of table.tHead.rows[0].cells) other.removeAttribute("aria-sort");
        head.setAttribute("aria-sort", next);
        const sign = next === "ascending" ? 1 : -1;
        const compare = (one, two) => {
          const a = value(one, column), b = value(two, column);
          if (a === "" || b === "") return (a === "") - (b === "");  // what is empty goes last
          return sign * (typeof a === "number" && typeof b === "number" ? a - b : String(a).localeCompare(String(b), "en", { numeric: true }));
        };
        body.append(...[...body.rows].sort(compare));
        update();
      });
    });
    const filter = table.closest(".scroll").previousElementSibling;
    const field = filter?.classList.contains("filter") && filter.querySelector("input");
    field && field.addEventListener("input", () => {
      const words = field.value.toLowerCase().split(/\s+/).filter(Boolean);
      let shown = 0;
      for (const row of body.rows) {
        const text = row.textContent.toLowerCase();
        row.hidden = !words.every((word) => text.includes(word));
        shown += !row.hidden;
      }
      filter.querySelector("output").textContent = words.length ? `${shown} of ${body.rows.length}` : "";
      update();
    });
  }

  for (const box of document.querySelectorAll("[data-pictures]")) {
    const pick = (name) => box.querySelector(`[data-${name}]`);
    const stage = box.querySelector(".stage"), rows = [...box.querySelectorAll(".strip tbody tr")];
    const show = (image, select) => {
      const row = rows[Number(pick("row")?.value ?? 0)];
      const chosen = [...row.querySelectorAll("img")].find((it) => it.dataset.title === select.value);
      image.hidden = !chosen;
      if (chosen) { image.src = chosen.src; image.alt = chosen.alt; }
    };
    const update = () => {
      for (const [image, side] of [["under", "left"], ["over", "right"]]) {
        show(pick(image), pick(side));
        pick(`name-${side}`).textContent = pick(side).value;
      }
    };
    for (const name of ["row", "left", "right"]) pick(name)?.addEventListener("change", update);
    const slide = () => stage.style.setProperty("--at", `${pick("slide").value}%`);
    pick("slide").addEventListener("input", slide);
    const drag = (event) => {
      if (event.type === "pointermove" && !event.buttons) return;
      event.preventDefault();
      const { left, width } = stage.getBoundingClientRect();
      pick("slide").value = (100 * (event.clientX - left)) / width;
      slide();
    };
    stage.addEventListener("pointerdown", drag);
    stage.addEventListener("pointermove", drag);
    update();
    slide();
  }

  // A picture that is clicked is shown as large as the window, and larger still on request.
  const zoom = document.getElementById("zoom");
  if (zoom) {
    const large = zoom.querySelector("img"), size = zoom.querySelector("[data-size]");
    const resize = (near) => {
      zoom.classList.toggle("near", near);
      size.textContent = near ? "Smaller" : "Larger";
    };
    for (const image of document.querySelectorAll(".strip img, img.picture")) {
      const button = document.createElement("button");
      button.type = "button";
      button.className = "enlarge";
      button.title = "Enlarge";
      image.replaceWith(button);
      button.append(image);
      button.addEventListener("click", () => {
        large.src = image.src;
        large.alt = image.alt;
        zoom.querySelector("#zoom-title").textContent = image.alt;
        resize(false);
        zoom.showModal();
      });
    }
    size.addEventListener("click", () => resize(!zoom.classList.contains("near")));
    large.addEventListener("click", () => resize(!zoom.classList.contains("near")));
    zoom.querySelector("[data-close]").addEventListener("click", () => zoom.close());
    zoom.addEventListener("click", (event) => event.target === zoom && zoom.close());
  }

  // On paper, all that is folded is open.
  let folded = [];
  addEventListener("beforeprint", () => { folded = [...document.querySelectorAll("details:not([open])")]; folded.forEach((it) => (it.open = true)); });
  addEventListener("afterprint", () => folded.forEach((it) => (it.open = false)));
})();
