// Questions of several rows: the places of a ranking, the best and the worst. The radio buttons are the answer; keys go
// from row to row, and answers can be dragged to their place. rate.js says when a task begins and what was chosen.

const root = document.querySelector("[data-rate], [data-asked]");

const grids = () => [...root.querySelectorAll("[data-grid]")];
const rowsOf = (grid) => [...grid.querySelectorAll("[data-row]")];
const chosenIn = (row) => row.querySelector("input:checked");
const columnOf = (field) => field.value.split(":")[1];

function choose(field) {
  field.checked = true;
  field.dispatchEvent(new Event("change", { bubbles: true }));
}

// -- rows -------------------------------------------------------------------------------------------

function markRow(grid, row) {
  rowsOf(grid).forEach((each) => each.classList.toggle("is-at", each === row));
}

// After a choice the mark goes to the next row without one; when all have one, round to the next row.
function next(grid, row) {
  const rows = rowsOf(grid);
  const at = rows.indexOf(row);
  const order = rows.map((_, step) => rows[(at + 1 + step) % rows.length]);
  return order.find((each) => !chosenIn(each)) ?? order[0];
}

root.addEventListener("task:placed", (event) => {
  const { question, field, byKey } = event.detail;
  const row = field.closest("[data-row]");
  if (row) {
    question.querySelectorAll("[data-alone]:checked").forEach((box) => { box.checked = false; });
    if ("apart" in question.dataset) keepApart(question, row, field);
    if (byKey || !row.contains(document.activeElement)) goOn(question, row);
  }
  show(question);
});

function goOn(grid, row) {
  const to = next(grid, row);
  markRow(grid, to);
  if (row.contains(document.activeElement)) to.querySelector("input").focus({ preventScroll: true });
}

// Where no two rows may have the same column, the earlier choice gives way.
function keepApart(grid, row, field) {
  for (const other of rowsOf(grid)) {
    const theirs = chosenIn(other);
    if (other !== row && theirs && columnOf(theirs) === columnOf(field)) theirs.checked = false;
  }
}

root.addEventListener("focusin", (event) => {
  const row = event.target.closest("[data-row]");
  if (row) markRow(row.closest("[data-grid]"), row);
});

// -- in words, and as a board -----------------------------------------------------------------------

// What is dragged, and where to: of a ranking an answer to a place; of best and worst an answer to one of the two.
function parts(grid) {
  const byRow = grid.dataset.grid === "ranking";
  const cells = rowsOf(grid).flatMap((row) => [...row.querySelectorAll("input")].map((field) => {
    const [own, column] = field.value.split(":");
    return { field, chip: byRow ? own : column, zone: byRow ? column : own };
  }));
  return { cells, chips: [...new Set(cells.map((c) => c.chip))], zones: [...new Set(cells.map((c) => c.zone))] };
}

function titleOf(grid, zone) {
  if (grid.dataset.grid !== "ranking") return zone[0].toUpperCase() + zone.slice(1);
  return grid.querySelectorAll("thead th")[Number(zone) - 1].textContent;
}

function show(grid) {
  const { cells, chips, zones } = parts(grid);
  const placed = zones.map((zone) => cells.filter((c) => c.zone === zone && c.field.checked).map((c) => c.chip));
  const ranking = grid.dataset.grid === "ranking";
  grid.dataset.said = ranking
    ? placed.filter((own) => own.length).map((own) => own.join(" = ")).join(" › ")
    : zones.map((zone, n) => `${titleOf(grid, zone)} ${placed[n].join(", ")}`).join(", ");
  const free = chips.filter((chip) => !placed.flat().includes(chip));
  const board = grid.querySelector("[data-board]");
  board.replaceChildren(zoneOf("", said("Drag to a place"), free), ...zones.map((zone, n) => zoneOf(zone, titleOf(grid, zone), placed[n])));
  board.hidden = false;
}

function zoneOf(zone, title, chips) {
  const box = document.createElement("div");
  box.className = "zone";
  box.dataset.zone = zone;
  const head = document.createElement("span");
  head.className = "zone-title";
  head.textContent = title;
  box.append(head, ...chips.map((chip) => {
    const each = document.createElement("span");
    each.className = "chip";
    each.dataset.chip = chip;
    each.textContent = chip;
    return each;
  }));
  return box;
}

// -- dragging: pointer events, so that a finger does the same as a mouse -------------------------------

let drag = null;

root.addEventListener("pointerdown", (event) => {
  const chip = event.target.closest("[data-chip]");
  if (!chip || event.button) return;
  event.preventDefault();
  drag = { chip, grid: chip.closest("[data-grid]"), x: event.clientX, y: event.clientY };
  chip.setPointerCapture(event.pointerId);
  chip.classList.add("is-dragged");
});

function zoneUnder(event) {
  const under = document.elementsFromPoint(event.clientX, event.clientY).filter((element) => element !== drag.chip);
  return under.map((element) => element.closest("[data-zone]")).find((zone) => zone && drag.grid.contains(zone));
}

root.addEventListener("pointermove", (event) => {
  if (!drag) return;
  drag.chip.style.transform = `translate(${event.clientX - drag.x}px, ${event.clientY - drag.y}px)`;
  const over = zoneUnder(event);
  drag.grid.querySelectorAll("[data-zone]").forEach((zone) => zone.classList.toggle("is-over", zone === over));
});

root.addEventListener("pointerup", (event) => {
  if (!drag) return;
  const zone = zoneUnder(event);
  const { chip, grid } = drag;
  drag = null;
  if (zone) place(grid, chip.dataset.chip, zone.dataset.zone);
  show(grid);
});

root.addEventListener("pointercancel", () => {
  if (!drag) return;
  const { grid } = drag;
  drag = null;
  show(grid);
});

function place(grid, chip, zone) {
  const own = parts(grid).cells.filter((cell) => cell.chip === chip);
  const before = own.find((cell) => cell.field.checked);
  if (before?.zone === zone) return;
  if (before) before.field.checked = false;
  const target = own.find((cell) => cell.zone === zone);
  if (target) choose(target.field);
  else before?.field.dispatchEvent(new Event("change", { bubbles: true }));
}

root.addEventListener("task:begin", () => {
  for (const grid of grids()) {
    markRow(grid, next(grid, rowsOf(grid).at(-1)));
    show(grid);
  }
});
