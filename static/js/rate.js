// The rating screen: keys, drafts, submit without leaving the page. Every form works without this file.

const root = document.querySelector("[data-rate]");
const IDLE_MS = 60_000;
const DRAFT_MS = 900;
const NOTE_MS = 6000;
// Where the rater's next task is, whatever address this page has.
const HERE = root.dataset.address;

let state = {};

// -- one task ---------------------------------------------------------------------------------------

function begin() {
  const form = root.querySelector("#answers");
  clearInterval(state.retry);
  clearTimeout(state.draftTimer);
  clearTimeout(state.sendTimer);
  state = { form, active: 0, seen: performance.now(), typed: performance.now(), current: 0, sending: false };
  if (!form) { announce("task:begin"); return beginWaiting(); }
  root.querySelectorAll("[data-raw-switch]").forEach((button) => { button.hidden = false; });
  restore();
  state.active = 1000 * Number(form.elements.active_seconds.value);
  showConditional();
  point(nextOpen(0));
  announce("task:begin");
  left();
}

// To compare.js and reading.js, which know nothing of requests and drafts. False: one of them objects.
function announce(name, detail = {}) {
  return root.dispatchEvent(new CustomEvent(name, { detail, cancelable: true, bubbles: true }));
}

function beginWaiting() {
  const waiting = root.querySelector("[data-retry]");
  if (!waiting) return;
  state.retry = setInterval(() => load(HERE), Number(waiting.dataset.retry) * 1000);
}

const questions = () => [...state.form.querySelectorAll("[data-question]")].filter((q) => !q.hidden);
const panelQuestions = () => questions().filter((q) => q.classList.contains("criterion"));

function answered(question) {
  if ("grid" in question.dataset) {
    const rows = [...question.querySelectorAll("[data-row]")];
    return Boolean(question.querySelector("[data-alone]:checked")) || rows.every((row) => row.querySelector(":checked"));
  }
  if ("spans" in question.dataset) return Boolean(question.querySelector("input:checked"));
  const field = question.querySelector("input:checked") ?? question.querySelector("textarea, input:not([type=radio], [type=checkbox], [data-unable])");
  return Boolean(field && field.value.trim());
}

function isRequired(question) {
  return question.hasAttribute("data-required");
}

// The next question that a key can answer and none has; where there is none, the mark stays.
function nextOpen(from) {
  const all = panelQuestions();
  const order = [...all.keys()].map((step) => (from + step) % all.length);
  return order.find((i) => all[i].querySelector("[data-key], [data-slider-number]") && !answered(all[i])) ?? from;
}

function point(index) {
  const all = panelQuestions();
  if (!all.length) return;
  state.current = Math.min(Math.max(index, 0), all.length - 1);
  all.forEach((q, i) => q.classList.toggle("is-current", i === state.current));
  root.querySelectorAll(".turn.is-asked").forEach((turn) => turn.classList.remove("is-asked"));
  turnOf(all[state.current])?.classList.add("is-asked");
}

// The turn of an answer that a question is about.
function turnOf(question) {
  const link = question?.querySelector("[data-turn]");
  return link && root.querySelector(link.hash);
}

// When the rater moves the mark it comes into view. When a task begins it does not: reading begins at the top.
function mark(index) {
  point(index);
  const question = panelQuestions()[state.current];
  // The turn it is about as well, where the text stands beside the questions and not above them.
  if (question?.closest(".rate-panel")) turnOf(question)?.scrollIntoView({ block: "nearest" });
  question?.scrollIntoView({ block: "nearest" });
}

// Going to a text question means to write; Escape leads back to the keys.
function move(step) {
  mark(state.current + step);
  panelQuestions()[state.current].querySelector("textarea, input:not([type=radio], [type=checkbox], [data-unable])")?.focus();
}

// Beside each question: the key of its answer, or that it needs one.
function showStates() {
  for (const question of panelQuestions()) {
    const state = question.querySelector("[data-state]");
    if (!state) continue;
    const chosen = [...question.querySelectorAll("input:checked")];
    if ("spans" in question.dataset) { state.textContent = answered(question) ? `✓ ${question.querySelectorAll("[data-marks] li").length} marked` : ""; continue; }
    if (question.dataset.said && answered(question)) state.textContent = `✓ ${question.dataset.said}`;
    else state.textContent = chosen.length ? `✓ ${chosen.map((field) => field.dataset.key ?? "").join(" ")}` : question.classList.contains("is-missing") ? said("Needs an answer") : "";
  }
}

function left() {
  showStates();
  const open = questions().filter((q) => isRequired(q) && !answered(q)).length;
  state.left = open === 0 ? "" : open === 1 ? "1 question left" : `${open} questions left`;
  say(state.said);
}

// What became of the draft, beside how much is left to answer.
function say(words) {
  state.said = words;
  const line = root.querySelector("[data-draft-status]");
  if (line) line.textContent = [words, state.left].filter(Boolean).join(" · ");
}

function miss(words) {
  const line = root.querySelector("[data-missing]");
  if (!line) return;
  delete line.dataset.asked;
  line.textContent = words;
}

function tell(words) {
  const line = root.querySelector("[data-status]");
  if (line) line.textContent = words;
}

// Said for a moment, in the place of what stands there longer.
root.addEventListener("task:note", (event) => {
  const line = root.querySelector("[data-note]");
  if (!line) return;
  line.textContent = event.detail.words;
  clearTimeout(state.noteTimer);
  state.noteTimer = setTimeout(() => { line.textContent = ""; }, NOTE_MS);
});

function showConditional() {
  state.form.querySelectorAll("[data-shown-field]").forEach((question) => {
    const names = question.dataset.shownField.split(" ").map((name) => `[name="${CSS.escape(name)}"]:checked`);
    const others = [...state.form.querySelectorAll(names.join())];
    question.hidden = !others.some((other) => question.dataset.shownIs.split("|").includes(other.value));
  });
}

// -- drafts -----------------------------------------------------------------------------------------

const taskId = () => state.form.elements.task.value;
const storageKey = () => `adjudge-draft-${taskId()}`;

// Beside the answers: what is recorded with a judgment and must not begin anew when the page is loaded again.
const BESIDE = ["confidence", "active_seconds", "used_diff", "warned"];

function answers() {
  const values = {};
  noteTime();
  for (const [name, value] of new FormData(state.form)) {
    if (BESIDE.includes(name)) values[name] = value;
    else if (name.startsWith("c-")) {
      const [question] = name.split("~"); // rows of one question are one answer
      values[question] = [values[question], value].filter(Boolean).join("|");
    }
  }
  return values;
}

function noteTime() {
  state.form.elements.active_seconds.value = (state.active / 1000).toFixed(1);
}

function restore() {
  if (state.form.hasAttribute("data-revising")) return;
  let kept = null;
  try { kept = JSON.parse(localStorage.getItem(storageKey())); } catch { /* storage is off */ }
  // Older than what the server has: the rater went on elsewhere.
  if (!kept || kept.version < Number(state.form.elements.version.value)) return;
  for (const [name, value] of Object.entries(kept.answers)) fill(name, value);
}

function fill(name, value) {
  const own = CSS.escape(name);
  for (const field of state.form.querySelectorAll(`[name="${own}"], [name^="${own}~"]`)) {
    if (field.name !== name && field.type !== "radio") continue;
    if (field.name !== name) field.checked = value.split("|").includes(field.value);
    else if (field.type === "radio") field.checked = field.value === value;
    else if (field.type === "checkbox") field.checked = value.split("|").includes(field.value);
    else if (value !== "x" || !("number" in field.dataset)) field.value = value;
  }
  announce("task:fill", { name, value });
}

function keepHere() {
  const kept = { version: Number(state.form.elements.version.value), answers: answers() };
  try { localStorage.setItem(storageKey(), JSON.stringify(kept)); } catch { /* storage is off or full */ }
}

function keepDraft() {
  if (state.form.hasAttribute("data-revising")) return;
  keepHere();
  clearTimeout(state.draftTimer);
  state.draftTimer = setTimeout(sendDraft, DRAFT_MS);
}

async function sendDraft() {
  const form = state.form;
  if (!form || state.sending) return;
  // One at a time: the version that comes back is the lock for the next.
  if (state.draftBusy) { state.draftTimer = setTimeout(sendDraft, DRAFT_MS); return; }
  state.draftBusy = true;
  try {
    noteTime();
    const reply = await post(form.dataset.draft, new FormData(form));
    if (form !== state.form) return;
    const data = await reply.json().catch(() => ({}));
    if (reply.ok && data.version) { form.elements.version.value = data.version; keepHere(); say(said("Draft saved")); }
    else if (data.problem) say(data.problem);
  } catch {
    if (form === state.form) say(said("Offline: your answers are kept on this device"));
  } finally {
    if (form === state.form) state.draftBusy = false;
  }
}

// -- requests ---------------------------------------------------------------------------------------

function post(address, body) {
  return fetch(address, { method: "POST", body, headers: { "X-Rate": "1" }, redirect: "follow" });
}

function paint(html, { keepScroll = false } = {}) {
  root.innerHTML = html;
  if (location.pathname !== HERE) history.replaceState(null, "", HERE);
  begin();
  if (!keepScroll) window.scrollTo(0, 0);
  const target = root.querySelector("[data-problem], .is-missing, [aria-invalid=true]") || root.querySelector("#main");
  if (target) {
    if (!target.hasAttribute("tabindex")) target.setAttribute("tabindex", "-1");
    target.focus({ preventScroll: !keepScroll });
  }
  const heading = root.querySelector("h1");
  if (heading) document.title = `${heading.textContent} · Adjudge`;
}

async function load(address) {
  const reply = await fetch(address, { headers: { "X-Rate": "1" } }).catch(() => null);
  if (reply && reply.status < 500 && isTask(reply)) paint(await reply.text());
}

async function submit() {
  if (state.sending) return;
  const missing = questions().filter((q) => isRequired(q) && !answered(q));
  questions().forEach((q) => q.classList.toggle("is-missing", missing.includes(q)));
  showStates();
  if (missing.length) {
    miss(missing.length === 1 ? said("1 question needs an answer") : said("{n} questions need an answer", { n: missing.length }));
    const all = panelQuestions();
    if (all.includes(missing[0])) mark(all.indexOf(missing[0]));
    missing[0].querySelector("input, textarea")?.focus();
    return;
  }
  tick();
  if (!announce("task:submit", { activeSeconds: state.active / 1000 })) return;
  clearTimeout(state.draftTimer);
  state.sending = true;
  const { form } = state;
  noteTime();
  await send(form, 0);
}

// The form's key makes a repeat harmless: the server answers a second time with the same next task.
async function send(form, attempt) {
  const key = storageKey();
  let reply = null;
  try {
    reply = await post(form.action, new FormData(form));
  } catch { /* offline */ }
  if (form !== state.form) return;
  if (!reply || reply.status >= 500) {
    const wait = Math.min(30, 2 ** attempt);
    const why = reply ? said("Adjudge does not answer.") : said("You are offline.");
    tell(`${why} ${said("Your judgment is kept on this device; next try in {n} s.", { n: wait })}`);
    state.again = () => { state.again = null; clearTimeout(state.sendTimer); send(form, attempt + 1); };
    state.sendTimer = setTimeout(() => state.again?.(), wait * 1000);
    return;
  }
  if (!isTask(reply)) return;
  const html = await reply.text();
  if (reply.ok) { try { localStorage.removeItem(key); } catch { /* storage is off */ } }
  paint(html, { keepScroll: reply.status === 422 });
}

// Anything but a task (logged out, no longer a member): the address itself says what happened. The draft stays.
function isTask(reply) {
  if (!reply.redirected && [200, 409, 422].includes(reply.status)) return true;
  location.assign(HERE);
  return false;
}

async function act(form) {
  const reply = await post(form.action, new FormData(form)).catch(() => null);
  if (!reply) { tell(said("You are offline. Try again in a moment.")); return; }
  if (!isTask(reply)) return;
  if (form.dataset.act === "next") { paint(await reply.text()); return; }
  const data = await reply.json().catch(() => ({ problem: said("That did not work. Load the page again.") }));
  form.hidePopover();
  tell(data.said || data.problem);
  if (data.said) form.reset();
}

// -- events -----------------------------------------------------------------------------------------

root.addEventListener("submit", (event) => {
  const form = event.target;
  if (form.id === "answers") { event.preventDefault(); submit(); }
  else if (form.dataset.act) { event.preventDefault(); act(form); }
});

root.addEventListener("change", (event) => {
  const question = event.target.closest("[data-question]");
  if (!question || !state.form?.contains(question)) return;
  if (event.target.type === "checkbox") standAlone(question, event.target);
  if ("grid" in question.dataset) announce("task:placed", { question, field: event.target, byKey: !event.isTrusted });
  question.classList.remove("is-missing");
  miss("");
  showConditional();
  left();
  keepDraft();
});

// “None of these” and “cannot judge” stand with no other box.
function standAlone(question, box) {
  if (!box.checked) return;
  const number = question.querySelector("[data-number]");
  if (number) number.value = "";
  const alone = "alone" in box.dataset;
  question.querySelectorAll("input:checked").forEach((other) => {
    if (other !== box && (alone || "alone" in other.dataset)) other.checked = false;
  });
}

// A number and “cannot judge” do not stand together.
function judgeAgain(question) {
  question.querySelectorAll("input:checked").forEach((box) => { box.checked = false; });
}

// The line and the number beside it say the same; only the number is sent.
function slide(target) {
  const question = target.closest(".slider");
  const [line, number] = [question.querySelector("[data-slider]"), question.querySelector("[data-slider-number]")];
  if (target === line) number.value = line.value;
  else if (/^\d+$/.test(number.value)) line.value = number.value;
  judgeAgain(question);
  line.toggleAttribute("data-unset", !/^\d+$/.test(number.value));
}

root.addEventListener("input", (event) => {
  if (event.target.closest("[data-quote-row]")) return; // not an answer yet
  if (event.target.matches("[data-slider], [data-slider-number]")) slide(event.target);
  else if (event.target.matches("[data-number]")) judgeAgain(event.target.closest("[data-question]"));
  if (event.target.matches("textarea, input:not([type=radio], [type=checkbox])") && state.form?.contains(event.target)) keepDraft();
});

root.addEventListener("click", (event) => {
  const button = event.target.closest("[data-raw-switch]");
  if (button) toggleRaw(button.getAttribute("aria-pressed") !== "true");
});

// Both sides switch together, so that neither is read in another form.
function toggleRaw(raw) {
  root.querySelectorAll("[data-raw-switch]").forEach((b) => b.setAttribute("aria-pressed", String(raw)));
  root.querySelectorAll("[data-raw]").forEach((e) => { e.hidden = !raw; });
  root.querySelectorAll("[data-rendered]").forEach((e) => { e.hidden = raw; });
  announce("task:view");
}

const ARROWS = { ArrowLeft: "←", ArrowRight: "→" };

function choose(scope, key) {
  const field = scope?.querySelector(`input[data-key="${CSS.escape(key)}"]`);
  if (!field) return false;
  field.checked = field.type === "checkbox" ? !field.checked : true;
  field.dispatchEvent(new Event("change", { bubbles: true }));
  return true;
}

// In a question of several rows a key answers the marked row; places.js moves the mark.
function chooseInRow(question, key) {
  if (choose(question.querySelector(".is-at"), key)) {
    if (answered(question) && nextOpen(state.current) !== state.current) mark(nextOpen(state.current));
    return true;
  }
  return key === "x" && choose(question, key);
}

function chooseInPanel(key) {
  const all = panelQuestions();
  if ("grid" in all[state.current].dataset) return chooseInRow(all[state.current], key);
  if (!choose(all[state.current], key)) return false;
  if (all[state.current].hasAttribute("data-several")) return true; // more may follow
  const next = nextOpen(state.current);
  if (next !== state.current) mark(next); // where all are answered the page stays where it is read
  return true;
}

function onKey(event) {
  const typing = event.target.matches("textarea, select, input:not([type=radio], [type=checkbox])");
  if (root.querySelector(":popover-open")) return;
  const sends = event.key === "Enter" && (event.ctrlKey || event.metaKey);
  if (typing && event.key === "Escape") root.querySelector("#main")?.focus({ preventScroll: true });
  if ((event.ctrlKey || event.metaKey) && !sends) return;
  if (event.key === "Enter" && (!typing || sends) && !event.target.closest("a, button, summary") && state.form) {
    event.preventDefault();
    if (!event.repeat) submit(); // a key held down must not judge the next task too
    return;
  }
  if (typing || !handle(event)) return;
  event.preventDefault();
}

function handle(event) {
  const pref = state.form?.querySelector("fieldset.pref");
  if (event.key in ARROWS && pref) {
    const mods = event.altKey ? "⌥" : event.shiftKey ? "⇧" : "";
    return choose(pref, mods + ARROWS[event.key]);
  }
  if (event.altKey) return false;
  if (state.form && panelQuestions().length) {
    if (event.key === "ArrowDown" || event.key === "j") { move(1); return true; }
    if (event.key === "ArrowUp" || event.key === "k") { move(-1); return true; }
    if (chooseInPanel(event.key)) return true;
    // A digit begins the number of a slider: the box takes the key itself.
    if (/^\d$/.test(event.key)) panelQuestions()[state.current].querySelector("[data-slider-number]")?.focus();
  }
  if (state.form && choose(pref, event.key)) return true;
  const control = root.querySelector(`[data-hotkey="${CSS.escape(event.key)}"]`);
  if (!control || control.hidden) return false;
  control.click();
  return true;
}

document.addEventListener("keydown", onKey);

// -- time: what counts is a visible page in which something happened in the last minute ----------------

function tick() {
  const now = performance.now();
  const busy = document.visibilityState === "visible" && now - state.typed < IDLE_MS;
  const paused = root.querySelector("[data-pause]:popover-open");
  const milliseconds = busy && !paused ? Math.min(now - state.seen, 2000) : 0;
  if (milliseconds && state.form) {
    state.active += milliseconds;
    announce("task:time", { milliseconds });
  }
  state.seen = now;
}

for (const kind of ["keydown", "pointermove", "pointerdown", "wheel", "scroll", "touchmove"]) {
  document.addEventListener(kind, () => { state.typed = performance.now(); }, { passive: true, capture: true });
}
setInterval(tick, 1000);
// Renews the hold while the page is open and in use.
setInterval(() => { if (state.form && performance.now() - state.typed < 5 * IDLE_MS && !state.form.hasAttribute("data-revising")) sendDraft(); }, 4 * IDLE_MS);
window.addEventListener("online", () => {
  if (state.again) state.again();
  else if (state.form && !state.form.hasAttribute("data-revising")) sendDraft();
});

begin();
