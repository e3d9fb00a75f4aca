// Light, dark, or as the system says. An empty <div data-theme-switch> is filled with three buttons; a page may
// also write its own: <button data-theme-switch="light">, "dark" or "system".
// The choice is kept on this device. Without scripts the system decides, and no button shows.

const KEY = "adjudge-theme";
const NAMES = { system: said("System"), light: said("Light"), dark: said("Dark") };
const root = document.documentElement;

function stored() {
  try {
    const theme = localStorage.getItem(KEY);
    return theme === "light" || theme === "dark" ? theme : "system";
  } catch {
    return "system"; // storage may be forbidden; the choice then lasts for this page
  }
}

function keep(theme) {
  try {
    if (theme === "system") localStorage.removeItem(KEY);
    else localStorage.setItem(KEY, theme);
  } catch {
    // see stored()
  }
}

function mark() {
  const chosen = root.dataset.theme ?? "system";
  for (const button of document.querySelectorAll("button[data-theme-switch]")) {
    button.setAttribute("aria-pressed", String(button.dataset.themeSwitch === chosen));
  }
}

function fill(box) {
  box.className = "theme-switch";
  box.setAttribute("role", "group");
  box.setAttribute("aria-label", said("Colours"));
  for (const [theme, name] of Object.entries(NAMES)) {
    const button = document.createElement("button");
    button.type = "button";
    button.className = "btn btn-small";
    button.dataset.themeSwitch = theme;
    button.textContent = name;
    box.append(button);
  }
}

function wire() {
  document.querySelectorAll("div[data-theme-switch]:empty").forEach(fill);
  mark();
}

function apply(theme) {
  if (theme === "system") delete root.dataset.theme;
  else root.dataset.theme = theme;
  mark();
}

// One listener on the document: buttons that a swap brings in later work as well.
document.addEventListener("click", (event) => {
  const button = event.target.closest?.("button[data-theme-switch]");
  if (!button) return;
  keep(button.dataset.themeSwitch);
  apply(button.dataset.themeSwitch);
});
document.addEventListener("htmx:afterSettle", wire);
addEventListener("storage", (event) => {
  if (event.key === KEY || event.key === null) apply(stored());
});

apply(stored());
wire(); // a module runs when the document is read
