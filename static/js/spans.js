// Marking passages: words are selected with the mouse, a finger or the keyboard, and get a category and a severity.
// A mark counts code points of the raw text, which the page holds character by character. Without this file passages
// are quoted in a form. rate.js says when a task begins and what a draft holds.

const root = document.querySelector("[data-rate], [data-asked]");
const MAX_WORDS_SHOWN = 80;

const questions = () => [...root.querySelectorAll("[data-spans]")];
const tell = (words) => root.dispatchEvent(new CustomEvent("task:note", { detail: { words } }));

let mode = null; // marking by keyboard: { pre, words, from, to }
let picked = null; // the selection that waits for its category: { question, start, end }

// -- the text and its characters ------------------------------------------------------------------------

// o1 is the second output shown; with one output the question names o0.
function preOf(question) {
  const outputs = [...root.querySelectorAll("[data-output]")];
  return outputs[Number(question.dataset.spans.slice(1)) || 0]?.querySelector("pre.raw");
}

const questionOf = (pre) => questions().filter((q) => !q.hidden && preOf(q) === pre);
const points = (text) => Array.from(text).length;
const unitsAt = (text, point) => Array.from(text).slice(0, point).join("").length;

function wordsOf(mark, pre) {
  const text = pre.textContent;
  const words = text.slice(unitsAt(text, mark.start), unitsAt(text, mark.end));
  return words.length > MAX_WORDS_SHOWN ? `${words.slice(0, MAX_WORDS_SHOWN)}…` : words;
}

const written = (mark) => `${mark.start}-${mark.end}:${mark.category}:${mark.severity}`;

function read(value) {
  const hit = /^(\d+)-(\d+):([^:]+):([^:]+)$/.exec(value);
  return hit ? { start: Number(hit[1]), end: Number(hit[2]), category: hit[3], severity: hit[4] } : null;
}

// -- the list ---------------------------------------------------------------------------------------------

const boxes = (question) => [...question.querySelectorAll("[data-marks] input[type=checkbox]")];
const marksOf = (question) => boxes(question).map((box) => read(box.value)).filter(Boolean);

function optionsOf(question, name) {
  return [...question.querySelector(`[data-quote-row] [data-${name}]`).options].map((option) => option.value);
}

function put(question, marks, { told = true } = {}) {
  const pre = preOf(question);
  const list = question.querySelector("[data-marks]");
  const sorted = [...new Map(marks.map((mark) => [written(mark), mark])).values()].sort((a, b) => a.start - b.start || a.end - b.end);
  list.replaceChildren(...sorted.map((mark) => item(question, pre, mark)));
  if (sorted.length) question.querySelectorAll("[data-alone]:checked").forEach((box) => { box.checked = false; });
  highlight();
  if (told) changed(question);
}

function changed(question) {
  question.querySelector("[data-alone]").dispatchEvent(new Event("change", { bubbles: true }));
}

function item(question, pre, mark) {
  const row = document.createElement("li");
  const box = document.createElement("input");
  Object.assign(box, { type: "checkbox", name: question.dataset.question, value: written(mark), checked: true, hidden: true });
  const words = document.createElement("q");
  words.dir = "auto";
  words.textContent = wordsOf(mark, pre);
  const remove = document.createElement("button");
  Object.assign(remove, { type: "button", className: "btn btn-quiet btn-small", textContent: "Remove" });
  remove.setAttribute("aria-label", said("Remove the mark of “{words}”", { words: words.textContent }));
  remove.dataset.unmark = "";
  row.append(box, words, chooser(question, mark, "category"), chooser(question, mark, "severity"), remove);
  return row;
}

function chooser(question, mark, name) {
  const select = document.createElement("select");
  select.className = "select";
  select.setAttribute("aria-label", name === "category" ? said("Category of this mark") : said("Severity of this mark"));
  select.dataset.change = name;
  select.append(...optionsOf(question, name).map((value) => new Option(value, value, false, value === mark[name])));
  return select;
}

root.addEventListener("change", (event) => {
  const select = event.target.closest("[data-change]");
  if (!select) {
    if (event.target.matches("[data-spans] [data-alone]") && event.target.checked) {
      const question = event.target.closest("[data-spans]");
      question.querySelector("[data-marks]").replaceChildren();
      highlight();
    }
    return;
  }
  event.stopPropagation();
  const question = select.closest("[data-spans]");
  const box = select.closest("li").querySelector("input");
  box.value = written({ ...read(box.value), [select.dataset.change]: select.value });
  changed(question);
}, true);

// -- highlights, without touching the text ------------------------------------------------------------------

function highlight() {
  if (!globalThis.CSS?.highlights) return;
  const ranges = [];
  for (const question of questions()) {
    const node = preOf(question)?.firstChild;
    if (!node) continue;
    for (const mark of marksOf(question)) {
      const range = new Range();
      range.setStart(node, Math.min(node.length, unitsAt(node.data, mark.start)));
      range.setEnd(node, Math.min(node.length, unitsAt(node.data, mark.end)));
      ranges.push(range);
    }
  }
  CSS.highlights.set("marked", new Highlight(...ranges));
}

// -- a selection gets its category and severity ---------------------------------------------------------------

function selected() {
  const selection = getSelection();
  if (!selection.rangeCount || selection.isCollapsed) return null;
  const range = selection.getRangeAt(0);
  const whole = range.commonAncestorContainer;
  const pre = (whole.nodeType === Node.ELEMENT_NODE ? whole : whole.parentElement)?.closest("pre.raw");
  const [question] = pre && root.contains(pre) ? questionOf(pre) : [];
  if (!question) return null;
  const before = new Range();
  before.setStart(pre, 0);
  before.setEnd(range.startContainer, range.startOffset);
  const words = range.toString();
  const lead = words.length - words.trimStart().length; // the space before a word is no part of the mistake
  const start = points(before.toString()) + points(words.slice(0, lead));
  const size = points(words.trim());
  return size ? { question, start, end: start + size } : null;
}

function offer() {
  const found = selected();
  if (!found && picked && root.querySelector("[data-mark-bar]:focus-within")) return; // its own controls took the focus
  picked = found;
  for (const question of questions()) {
    const bar = question.querySelector("[data-mark-bar]");
    bar.hidden = picked?.question !== question;
    if (!bar.hidden) bar.querySelector("[data-mark-words]").textContent = wordsOf(picked, preOf(question));
  }
}

document.addEventListener("selectionchange", offer);

function add(severity) {
  const { question, start, end } = picked;
  const category = question.querySelector("[data-mark-bar] [data-category]").value;
  put(question, [...marksOf(question), { start, end, category, severity }]);
  tell(said("Marked: {category}, {severity}.", { category, severity }));
  done();
}

function done() {
  const pre = mode?.pre;
  picked = null;
  getSelection().removeAllRanges();
  questions().forEach((question) => { question.querySelector("[data-mark-bar]").hidden = true; });
  if (pre) show();
}

// -- by keyboard: a caret that goes from word to word ------------------------------------------------------------

function segments(text) {
  return [...new Intl.Segmenter(undefined, { granularity: "word" }).segment(text)].filter((s) => s.segment.trim());
}

function begin() {
  const all = questions().filter((question) => !question.hidden);
  const question = all.find((q) => q.classList.contains("is-current")) ?? all[0];
  const pre = question && preOf(question);
  if (!pre) return;
  if (pre.closest("[hidden]")) root.querySelector("[data-raw-switch]").click();
  mode = { pre, words: segments(pre.textContent), from: 0, to: 0 };
  pre.tabIndex = -1;
  pre.focus({ preventScroll: true });
  tell(said("Arrow keys go by words, with ⇧ they take more. Tab to the category, a digit for the severity, Esc ends."));
  show();
}

function show() {
  const { pre, words, from, to } = mode;
  if (!words.length) return;
  const node = pre.firstChild;
  const [a, b] = [words[Math.min(from, to)], words[Math.max(from, to)]];
  getSelection().setBaseAndExtent(node, a.index, node, b.index + b.segment.length);
  offer(); // the event of the selection comes later than the next key may
  const range = getSelection().getRangeAt(0).getBoundingClientRect();
  if (range.top < 120 || range.bottom > innerHeight - 220) scrollBy({ top: range.top - innerHeight / 3 });
}

function end() {
  const { pre } = mode;
  mode = null;
  done();
  pre.removeAttribute("tabindex");
  document.querySelector("#main").focus({ preventScroll: true });
}

const STEPS = { ArrowLeft: -1, ArrowRight: 1, ArrowUp: -8, ArrowDown: 8 };

function onKey(event) {
  if (root.querySelector(":popover-open") || event.ctrlKey || event.metaKey || event.altKey) return;
  const inBar = event.target.closest?.("[data-mark-bar]");
  const typing = !inBar && event.target.matches("textarea, select, input:not([type=radio], [type=checkbox])");
  if (typing) return;
  if (!mode && !picked && event.key === "m" && questions().length) begin();
  else if ((mode || picked) && event.key === "Escape") { if (mode) end(); else done(); }
  else if (picked && /^[1-9]$/.test(event.key)) {
    const button = picked.question.querySelectorAll("[data-mark-bar] [data-severity]")[Number(event.key) - 1];
    if (button) add(button.dataset.severity);
  } else if (mode && !inBar && event.key in STEPS) {
    const last = mode.words.length - 1;
    mode.to = Math.min(last, Math.max(0, mode.to + STEPS[event.key]));
    if (!event.shiftKey) mode.from = mode.to;
    show();
  } else if (mode && !inBar && event.key === "Tab" && picked) {
    picked.question.querySelector("[data-mark-bar] [data-category]").focus();
  } else return;
  event.preventDefault();
  event.stopPropagation();
}

document.addEventListener("keydown", onKey, true);

root.addEventListener("click", (event) => {
  const question = event.target.closest("[data-spans]");
  if (!question) return;
  const severity = event.target.closest("[data-mark-bar] [data-severity]");
  if (severity && picked) add(severity.dataset.severity);
  else if (event.target.closest("[data-mark-cancel]")) { if (mode) end(); else done(); }
  else if (event.target.closest("[data-unmark]")) {
    event.target.closest("li").remove();
    put(question, marksOf(question));
    question.querySelector("[data-alone]").focus();
  } else if (event.target.closest("[data-quote-add]")) quote(question);
});

// A click into the bar must not take the selection away before it is used.
root.addEventListener("pointerdown", (event) => {
  if (event.target.closest("[data-mark-bar] button")) event.preventDefault();
});

// -- by quoting, for whoever cannot select -----------------------------------------------------------------------

function quote(question) {
  const text = preOf(question).textContent;
  const field = (name) => question.querySelector(`[data-quote-row] [name$=".${name}"]`);
  const words = field("quote").value.trim();
  const times = words ? text.split(words).length - 1 : 0;
  const nth = Number(field("occurrence").value || 1);
  const status = question.querySelector("[data-quote-said]");
  if (!times) { status.textContent = said("These words do not stand in the answer."); return; }
  if (!(nth >= 1 && nth <= times)) { status.textContent = said("They stand there {n} times.", { n: times }); return; }
  let at = -words.length;
  for (let n = 0; n < nth; n += 1) at = text.indexOf(words, at + words.length);
  const start = points(text.slice(0, at));
  const mark = { start, end: start + points(words), category: field("category").value, severity: field("severity").value };
  put(question, [...marksOf(question), mark]);
  field("quote").value = "";
  status.textContent = said("Marked.");
}

// -- tasks and drafts ----------------------------------------------------------------------------------------

root.addEventListener("task:fill", (event) => {
  const question = questions().find((each) => each.dataset.question === event.detail.name);
  if (question) put(question, event.detail.value.split("|").map(read).filter(Boolean), { told: false });
});

root.addEventListener("task:begin", () => {
  mode = null;
  picked = null;
  const all = questions();
  for (const question of all) {
    question.querySelectorAll("[data-quote-row] :is(input, select, textarea)").forEach((each) => { each.setAttribute("form", "by-script"); });
    question.querySelectorAll("[data-more]").forEach((row) => { row.hidden = true; });
    question.querySelectorAll("[data-how], [data-quote-act]").forEach((each) => { each.hidden = false; });
    put(question, marksOf(question), { told: false });
  }
  const button = root.querySelector("[data-raw-switch]");
  if (all.length && button && button.getAttribute("aria-pressed") !== "true") button.click();
});
