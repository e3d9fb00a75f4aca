// Questions of the rating screen on other pages: a final answer, known answers. It tells places.js and spans.js when the
// page is there and what was chosen, as rate.js does for raters. Every form works without this file.

const root = document.querySelector("[data-asked]");
const announce = (name, detail) => root.dispatchEvent(new CustomEvent(name, { detail }));

// “None of these” stands with no other box.
function standAlone(question, box) {
  const alone = "alone" in box.dataset;
  question.querySelectorAll("input:checked").forEach((other) => {
    if (other !== box && (alone || "alone" in other.dataset)) other.checked = false;
  });
}

root.addEventListener("change", (event) => {
  const question = event.target.closest("[data-question]");
  if (!question) return;
  if (event.target.type === "checkbox" && event.target.checked) standAlone(question, event.target);
  if ("grid" in question.dataset) announce("task:placed", { question, field: event.target, byKey: !event.isTrusted });
});

root.addEventListener("task:note", (event) => {
  const note = root.querySelector("[data-note]");
  if (note) note.textContent = event.detail.words;
});

const questions = root.querySelectorAll("[data-question]");
if (questions.length === 1) questions[0].classList.add("is-current"); // keys answer it
announce("task:begin");
