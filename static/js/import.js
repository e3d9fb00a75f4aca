// The import page: a file can be dropped anywhere on the frame. The page works without this.

function wireDrop(zone) {
  const input = zone.querySelector("[data-drop-input]");
  if (!input) return;
  zone.querySelector("[data-drop-hint]").hidden = false;
  zone.addEventListener("dragover", (event) => event.preventDefault());
  zone.addEventListener("drop", (event) => {
    event.preventDefault();
    if (event.dataTransfer.files.length) input.files = event.dataTransfer.files;
  });
}

document.querySelectorAll("[data-drop]").forEach(wireDrop);
