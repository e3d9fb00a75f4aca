// The adjudication page by key: levels and preferences as on the rating screen, w for the reason, j and k to others.
// Every form works without this file.

const ARROWS = { ArrowLeft: "←", ArrowRight: "→" };
const form = document.querySelector("#decide");

function keyOf(event) {
  if (!(event.key in ARROWS)) return event.key;
  return (event.altKey ? "⌥" : event.shiftKey ? "⇧" : "") + ARROWS[event.key];
}

function choose(key) {
  const field = form.querySelector(`input[type=radio][data-key="${CSS.escape(key)}"]`);
  if (!field) return false;
  field.checked = true;
  field.focus({ preventScroll: true });
  return true;
}

function press(key) {
  const control = document.querySelector(`[data-hotkey="${CSS.escape(key)}"]`);
  control?.click();
  return Boolean(control);
}

document.addEventListener("keydown", (event) => {
  const typing = event.target.matches("textarea, select, input:not([type=radio])");
  const sends = event.key === "Enter" && (event.ctrlKey || event.metaKey);
  if (typing && event.key === "Escape") event.target.blur();
  if ((event.ctrlKey || event.metaKey) && !sends) return;
  if (typing && !sends) return;
  if (event.repeat || (event.key === "Enter" && event.target.closest("a, button, summary"))) return;
  const done = event.key === "w" ? (form.elements.reason.focus(), true) : choose(keyOf(event)) || press(event.key);
  if (done) event.preventDefault();
});
