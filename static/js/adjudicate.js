// The adjudication page by key: levels, preferences and places as on the rating screen, w for the reason, r for
// whose answer is sent back, s to send it, j and k to others.
// Every form works without this file.

const ARROWS = { ArrowLeft: "←", ArrowRight: "→" };
const form = document.querySelector("#decide");

function keyOf(event) {
  if (!(event.key in ARROWS)) return event.key;
  return (event.altKey ? "⌥" : event.shiftKey ? "⇧" : "") + ARROWS[event.key];
}

function choose(key) {
  const grid = form.querySelector("[data-grid]");
  const field = (grid?.querySelector(".is-at") ?? form).querySelector(`input[data-key="${CSS.escape(key)}"]`);
  if (!field) return false;
  field.checked = field.type === "checkbox" ? !field.checked : true;
  if (!grid) field.focus({ preventScroll: true });
  field.dispatchEvent(new Event("change", { bubbles: true }));
  return true;
}

function press(key) {
  const control = document.querySelector(`[data-hotkey="${CSS.escape(key)}"]`);
  control?.click();
  return Boolean(control);
}

// Goes from one rater's box to the next; the space bar ticks, as everywhere.
function nextRater() {
  const boxes = [...document.querySelectorAll("[data-back]")];
  boxes[(boxes.indexOf(document.activeElement) + 1) % boxes.length]?.focus();
  return boxes.length > 0;
}

const OWN = { w: () => (form.elements.reason.focus(), true), r: nextRater };

document.addEventListener("keydown", (event) => {
  const typing = event.target.matches("textarea, select, input:not([type=radio], [type=checkbox])");
  const sends = event.key === "Enter" && (event.ctrlKey || event.metaKey);
  if (typing && event.key === "Escape") event.target.blur();
  if ((event.ctrlKey || event.metaKey) && !sends) return;
  if (typing && !sends) return;
  if (event.repeat || (event.key === "Enter" && event.target.closest("a, button, summary"))) return;
  const done = OWN[event.key]?.() || choose(keyOf(event)) || press(event.key);
  if (done) event.preventDefault();
});
