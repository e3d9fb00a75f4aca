// Small behaviours wired by data- attributes. Every page works without them.

const TOAST_MS = 8000;

function wireToast(toast) {
  const dismiss = toast.querySelector("[data-dismiss]");
  if (dismiss) {
    dismiss.hidden = false;
    dismiss.addEventListener("click", () => toast.remove());
  }
  // Stays while somebody points at it or has the focus in it.
  const leave = () => {
    if (toast.matches(":hover, :focus-within")) setTimeout(leave, 1000);
    else toast.remove();
  };
  setTimeout(leave, TOAST_MS);
}

function wireCopy(button) {
  if (!button.hidden) return; // wired before
  const field = document.getElementById(button.dataset.copy);
  if (!field || !navigator.clipboard) return;
  const words = button.textContent;
  button.hidden = false;
  button.addEventListener("click", async () => {
    try {
      await navigator.clipboard.writeText(field.value);
      button.textContent = said("Copied");
    } catch {
      field.select();
      button.textContent = said("Press Ctrl+C");
    }
    setTimeout(() => { button.textContent = words; }, 3000);
  });
}

function wireSelectAll(field) {
  field.addEventListener("focus", () => field.select());
}

// A menu closes by Escape, which gives the focus back to its button, and by a click elsewhere.
function closeMenus(event) {
  for (const menu of document.querySelectorAll(".drop-menu[open]")) {
    if (event.type === "click" && menu.contains(event.target)) continue;
    if (event.type === "keydown" && menu.contains(document.activeElement)) menu.querySelector("summary").focus();
    menu.open = false;
  }
}

function wire(root) {
  root.querySelectorAll("[data-toast]").forEach(wireToast);
  root.querySelectorAll("[data-copy]").forEach(wireCopy);
  root.querySelectorAll("[data-select]").forEach(wireSelectAll);
}

document.addEventListener("click", closeMenus);
document.addEventListener("keydown", (event) => { if (event.key === "Escape") closeMenus(event); });
wire(document);
document.addEventListener("task:begin", (event) => wire(event.target)); // the rating page paints itself
document.addEventListener("htmx:afterSwap", (event) => wire(event.detail.target));
