// Reading a task: citations lead to their source and back, an answer sent unread or in no time is asked about once,
// and a break is suggested after a while. rate.js says when a task begins and when it is about to be sent.

const root = document.querySelector("[data-rate]");
const MAX_CITATIONS = 500; // of one answer
const CHARACTERS_A_SECOND = 120; // some 1,400 words a minute: nobody reads as fast
const SHORT = 400; // characters of all answers that a look takes in
const MAX_SECONDS = 15; // longer than this was never too quick
const REST_MS = 300_000; // five minutes away are a break

let task = {};

const tell = (words) => root.dispatchEvent(new CustomEvent("task:note", { detail: { words } }));

// -- citations --------------------------------------------------------------------------------------

// The sources are the folds of the last turn "Source" or "Sources" of the prompt, in order (projects/rendering).
const english = (who) => who?.dataset.who ?? who?.textContent ?? "";

function sourcesOf(prompt) {
  const turns = [...prompt.querySelectorAll(":scope > .turn")];
  const turn = turns.findLast((t) => /^Sources?$/.test(english(t.querySelector(":scope > .turn-who"))));
  return turn ? [...turn.querySelectorAll(":scope > details.fold, :scope > .stack > details.fold")] : [];
}

// [2], [1, 3], [Source 2], 【2†source】: numbers that no source has stay as they are.
const CITATION = /\[(?:source |doc(?:ument)? )?(\d{1,3})((?:\s*[,;]\s*\d{1,3}){0,9})\]|【(\d{1,3})[^【】]{0,40}】/giu;

function linkCitations(body) {
  const walker = document.createTreeWalker(body, NodeFilter.SHOW_TEXT);
  const found = [];
  for (let node = walker.nextNode(); node && found.length < MAX_CITATIONS; node = walker.nextNode()) {
    if (node.parentElement.closest("a, pre, code, math, summary")) continue;
    for (const hit of node.data.matchAll(CITATION)) found.push({ node, hit });
  }
  let linked = 0;
  for (const { node, hit } of found.slice(0, MAX_CITATIONS).reverse()) linked += linkNumbers(node, hit);
  return linked;
}

function linkNumbers(node, hit) {
  const numbers = [...hit[0].matchAll(/\d{1,3}/g)].slice(0, hit[3] ? 1 : 10);
  let linked = 0;
  for (const number of numbers.reverse()) {
    const source = task.sources[Number(number[0]) - 1];
    if (!source) continue;
    const start = hit.index + number.index;
    const part = node.splitText(start);
    part.splitText(number[0].length);
    const link = document.createElement("a");
    link.className = "cite";
    link.href = `#${source.id}`;
    link.setAttribute("aria-label", said("Source {n}", { n: number[0] }));
    part.replaceWith(link);
    link.append(part);
    linked += 1;
  }
  return linked;
}

function readSources() {
  const prompt = root.querySelector("section[data-prompt]");
  task.sources = prompt ? sourcesOf(prompt) : [];
  task.sources.forEach((source, n) => { source.id = `source-${n + 1}`; });
  if (task.sources.length) root.querySelectorAll("[data-output] [data-rendered]").forEach(linkCitations);
  const button = root.querySelector("[data-sources]");
  if (button) button.hidden = !task.sources.length;
}

function goTo(source) {
  task.from ??= { y: scrollY, focus: document.activeElement };
  source.open = true;
  const folded = source.closest(".is-folded");
  if (folded) foldTurn(folded.querySelector("[data-turn-fold]"));
  source.scrollIntoView({ block: "start" });
  source.querySelector("summary").focus({ preventScroll: true });
  root.querySelector("[data-sources]").setAttribute("aria-pressed", "true");
  tell(said("At the sources. The key o leads back."));
}

function goBack() {
  const { y, focus } = task.from;
  task.from = null;
  scrollTo(0, y);
  const place = focus && focus !== document.body && root.contains(focus) ? focus : root.querySelector("#main");
  place.focus({ preventScroll: true });
  root.querySelector("[data-sources]").setAttribute("aria-pressed", "false");
  tell(said("Back where you read."));
}

// -- turns ------------------------------------------------------------------------------------------

// In a conversation each turn can be folded away; a single answer stays as it is.
function foldTurns() {
  for (const body of root.querySelectorAll("section[data-prompt], [data-output] [data-rendered]")) {
    const turns = [...body.querySelectorAll(":scope > .turn")];
    if (turns.length > 1) turns.forEach(foldable);
  }
}

function foldable(turn) {
  const who = turn.querySelector(":scope > .turn-who");
  if (!who || who.querySelector("button")) return;
  const button = document.createElement("button");
  button.type = "button";
  button.className = "turn-fold";
  button.dataset.turnFold = "";
  button.setAttribute("aria-expanded", "true");
  button.append(...who.childNodes);
  who.append(button);
}

function foldTurn(button) {
  const open = button.getAttribute("aria-expanded") === "true";
  button.setAttribute("aria-expanded", String(!open));
  button.closest(".turn").classList.toggle("is-folded", open);
}

// -- was it read? -----------------------------------------------------------------------------------

// The end of an answer counts as seen once it was in view, or the rater scrolled past it. An answer that lies beside
// the window, a swipe away, is not passed by scrolling down.
function watchEnds() {
  task.unread = new Set();
  task.watch?.disconnect();
  task.watch = new IntersectionObserver((entries) => {
    for (const { isIntersecting, boundingClientRect, target } of entries) {
      const beside = boundingClientRect.left >= innerWidth || boundingClientRect.right <= 0;
      if (isIntersecting || (boundingClientRect.bottom < 0 && !beside)) task.unread.delete(target.closest("[data-output]"));
    }
  }, { rootMargin: `0px 0px -${root.querySelector(".dock").offsetHeight}px 0px` });
  for (const output of outputs()) {
    if (lengthOf(output) <= SHORT) continue;
    task.unread.add(output);
    output.querySelectorAll("[data-end]").forEach((end) => task.watch.observe(end)); // of both texts, rendered and raw
  }
}

const outputs = () => [...root.querySelectorAll("[data-output]")];
const lengthOf = (output) => output.querySelector("[data-raw]").textContent.length;
const letterOf = (output) => output.querySelector(".side-letter")?.lastChild.textContent.trim();

function doubts(activeSeconds) {
  const warned = [];
  const words = [];
  const length = outputs().reduce((n, output) => n + lengthOf(output), 0);
  const needed = Math.min(MAX_SECONDS, length / CHARACTERS_A_SECOND);
  if (length > SHORT && activeSeconds < needed) {
    warned.push("fast");
    words.push(said("That took {n} s, less than reading takes.", { n: Math.max(1, Math.round(activeSeconds)) }));
  }
  if (task.unread.size) {
    warned.push("unread");
    const letters = [...task.unread].map(letterOf);
    words.push(letters[0] ? said("The end of these answers was not in view yet: {letters}.", { letters: letters.join(", ") })
      : said("The end of the output was not in view yet."));
  }
  return { warned, words };
}

root.addEventListener("task:submit", (event) => {
  const form = root.querySelector("#answers");
  if (!form.hasAttribute("data-warn") || form.elements.warned.value || form.hasAttribute("data-revising")) return;
  const { warned, words } = doubts(event.detail.activeSeconds);
  if (!warned.length) return;
  event.preventDefault();
  form.elements.warned.value = warned.join(" ");
  form.elements.warned.dispatchEvent(new Event("input", { bubbles: true })); // kept with the draft
  const line = root.querySelector("[data-missing]");
  line.dataset.asked = ""; // a question, not a mistake
  line.textContent = `${words.join(" ")} ${said("Submit again to send it as it is.")}`;
});

// -- a break ----------------------------------------------------------------------------------------

const sitting = { worked: 0, last: Date.now() };
const STORE = "adjudge-sitting";

function recall() {
  try { Object.assign(sitting, JSON.parse(sessionStorage.getItem(STORE)) ?? {}); } catch { /* storage is off */ }
}

root.addEventListener("task:time", (event) => {
  if (Date.now() - sitting.last > REST_MS) sitting.worked = 0;
  sitting.worked += event.detail.milliseconds;
  sitting.last = Date.now();
  try { sessionStorage.setItem(STORE, JSON.stringify(sitting)); } catch { /* storage is off or full */ }
});

function suggestBreak() {
  const banner = root.querySelector("[data-break-hint]");
  const minutes = Number(banner?.dataset.breakHint);
  if (!minutes || sitting.worked < minutes * 60_000) return;
  banner.querySelector("[data-minutes]").textContent = Math.round(sitting.worked / 60_000);
  banner.hidden = false;
  sitting.worked = 0;
}

// -- events -----------------------------------------------------------------------------------------

root.addEventListener("task:begin", () => {
  task.watch?.disconnect();
  task = {};
  if (!root.querySelector("#answers")) return;
  readSources();
  foldTurns();
  watchEnds();
  suggestBreak();
});

root.addEventListener("click", (event) => {
  const link = event.target.closest("a.cite");
  if (link) {
    event.preventDefault();
    goTo(root.querySelector(link.getAttribute("href")));
  } else if (event.target.closest("[data-sources]")) {
    if (task.from) goBack(); else goTo(task.sources.find((source) => source.open) ?? task.sources[0]);
  } else if (event.target.closest("[data-turn-fold]")) {
    foldTurn(event.target.closest("[data-turn-fold]"));
  } else if (event.target.closest("[data-break-dismiss]")) {
    root.querySelector("[data-break-hint]").hidden = true;
    root.querySelector("#main").focus({ preventScroll: true });
  }
});

recall();
