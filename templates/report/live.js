"use strict";
// The events of a run, shown as they come.
(() => {
  const shown = { started: "running", progress: "running", retrying: "running", fetching: "running", waiting: "queued" };
  const words = { running: "running", queued: "waiting", built: "built", cached: "cached", failed: "failed", skipped: "skipped", stopped: "interrupted" };
  const rows = new Map([...document.querySelectorAll("tr[data-step]")].map((row) => [row.dataset.step, row]));
  const boxes = new Map([...document.querySelectorAll("svg.pipeline g[data-step]")].map((box) => [box.dataset.step, box]));
  const began = new Map();
  let start = Date.now();
  const seconds = (value) => (value < 90 ? `${value.toFixed(1)} s` : `${(value / 60).toFixed(1)} min`);
  const set = (step, status, time) => {
    const row = rows.get(step), box = boxes.get(step);
    if (row) {
      row.dataset.status = status;
      row.querySelector(".status").textContent = words[status];
      row.querySelector(".time").textContent = time;
      if (status === "built" || status === "cached") row.querySelector("progress").value = 1;
    }
    if (box) {
      box.setAttribute("class", status);
      box.querySelector(".state").textContent = time ? `${words[status]} · ${time}` : words[status];
    }
  };
  const source = new EventSource("events");
  source.addEventListener("message", (message) => {
    const event = JSON.parse(message.data);
    if (event.began) { start = event.began * 1000; return; }
    const row = rows.get(event.step);
    if (!row) return;
    if (event.status === "started") began.set(event.step, start + event.at * 1000);
    if (event.text !== undefined) row.querySelector(".says").textContent = event.text;
    if (event.fraction !== undefined) row.querySelector("progress").value = event.fraction;
    if (event.status === "warning") return;
    const status = shown[event.status] ?? event.status;
    if (status !== "running") began.delete(event.step);
    if (["built", "cached", "skipped"].includes(status)) row.querySelector(".says").textContent = "";
    set(event.step, status, event.seconds ? seconds(event.seconds) : "");
  });
  const ticking = setInterval(() => {
    document.getElementById("clock").textContent = seconds(Math.max(0, Date.now() - start) / 1000);
    for (const [step, since] of began) set(step, "running", seconds(Math.max(0, Date.now() - since) / 1000));
  }, 500);
  source.addEventListener("end", () => {
    source.close();
    clearInterval(ticking);
    const state = document.getElementById("state");
    const left = [...rows].filter(([, row]) => row.dataset.status === "running");
    for (const [step] of left) set(step, "stopped", "");
    const failed = [...rows.values()].some((row) => row.dataset.status === "failed");
    state.textContent = failed ? "failed" : left.length ? "interrupted" : "ended";
    state.className = `badge ${failed ? "failed" : left.length ? "partial" : "ok"}`;
    document.getElementById("end").hidden = false;
  });
})();
