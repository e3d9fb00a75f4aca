// The rubric designer works without this. It saves a click and warns before typed words are left behind.

const form = document.getElementById("designer");

if (form) {
  let unsaved = form.hasAttribute("data-unsaved");
  const status = document.querySelector("[data-saved]");

  const tell = () => {
    if (status && unsaved) status.textContent = "Not saved yet";
  };

  form.addEventListener("input", (event) => {
    if (event.target.name === "new_type") return;
    unsaved = true;
    tell();
  });

  // The fields that a type needs come from the server, with everything typed so far.
  const retype = form.querySelector("[data-retype]");
  const type = form.querySelector("[data-editor] select[name=type]");
  if (retype && type) {
    retype.hidden = true;
    type.addEventListener("change", () => form.requestSubmit(retype));
  }

  form.addEventListener("submit", () => { unsaved = false; });
  window.addEventListener("beforeunload", (event) => {
    if (unsaved) event.preventDefault();
  });
  tell();
}
