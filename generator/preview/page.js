"use strict";
// Draws a chart when it comes into a section or row that is open: before, it would have no size.
const figures = JSON.parse(document.getElementById("figures").textContent);
const settings = { responsive: true, displaylogo: false, displayModeBar: false };
const drawn = new Set();

function draw(within) {
  for (const place of within.querySelectorAll(".plot")) {
    if (drawn.has(place.id) || place.offsetParent === null) continue;
    drawn.add(place.id);
    const figure = figures[place.id];
    Plotly.newPlot(place, figure.data, figure.layout, settings);
  }
}

function show() {
  const boards = [...document.querySelectorAll(".board")];
  const wanted = boards.find((board) => `#${board.dataset.anchor}` === location.hash) || boards[0];
  for (const board of boards) board.hidden = board !== wanted;
  for (const link of document.querySelectorAll("nav a")) {
    link.classList.toggle("here", link.dataset.board === wanted.dataset.board);
  }
  draw(wanted);
}

for (const row of document.querySelectorAll(".row")) {
  row.addEventListener("toggle", () => row.open && draw(row));
}
window.addEventListener("hashchange", () => { show(); scrollTo(0, 0); });
show();
document.body.dataset.drawn = drawn.size;
