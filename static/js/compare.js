// Two answers side by side: their differences marked word by word, and scrolling together or each by itself.
// Both wait for the rater to ask. rate.js says when a task begins and presses the buttons by key.

const root = document.querySelector("[data-rate]");
const WIDE = matchMedia("(width >= 56.25rem)"); // below it the answers stand one above the other (components.css)
const MAX_WORDS = 30_000; // of both answers together
const MAX_CELLS = 4_000_000; // of one table of common words: about 10 ms

let offset = 0; // by how many pixels B was moved down against A

const sides = () => [...root.querySelectorAll(".compare [data-output]")];
const shown = (side) => side.querySelector("[data-rendered]:not([hidden]), [data-raw]:not([hidden])");
const button = (name) => root.querySelector(`[data-${name}]`);
const pressed = (control) => control.getAttribute("aria-pressed") === "true";

const tell = (words) => root.dispatchEvent(new CustomEvent("task:note", { detail: { words } }));

// -- words ------------------------------------------------------------------------------------------

function segmenterOf(language) {
  try {
    return new Intl.Segmenter(language, { granularity: "word" });
  } catch { // what an import calls a language need not be one
    return new Intl.Segmenter("en", { granularity: "word" });
  }
}

// Every word with the text node it stands in. A formula counts as one word: its parts cannot be marked.
function wordsOf(body) {
  const segmenter = segmenterOf(body.closest("[lang]")?.lang);
  const accept = (node) => {
    if (node.nodeType === Node.TEXT_NODE) return NodeFilter.FILTER_ACCEPT;
    if (node.nodeName.toLowerCase() === "math") return NodeFilter.FILTER_ACCEPT;
    return node.parentElement?.closest("math") ? NodeFilter.FILTER_REJECT : NodeFilter.FILTER_SKIP;
  };
  const walker = document.createTreeWalker(body, NodeFilter.SHOW_ELEMENT | NodeFilter.SHOW_TEXT, accept);
  const words = [];
  for (let node = walker.nextNode(); node && words.length <= MAX_WORDS; node = walker.nextNode()) {
    if (node.nodeType === Node.ELEMENT_NODE) {
      words.push({ text: node.textContent, node });
    } else if (!node.parentElement.closest("math")) {
      for (const { segment, index } of segmenter.segment(node.data)) {
        if (segment.trim()) words.push({ text: segment, node, start: index, end: index + segment.length });
      }
    }
  }
  return words;
}

// -- what two lists have in common --------------------------------------------------------------------

// Calls `same(i, j)` for the pairs of a longest common subsequence of a[from…to) and b[from…to).
function match(a, b, span, same) {
  let { a0, a1, b0, b1 } = span;
  while (a0 < a1 && b0 < b1 && a[a0] === b[b0]) same(a0++, b0++);
  while (a0 < a1 && b0 < b1 && a[a1 - 1] === b[b1 - 1]) same(--a1, --b1);
  if (a0 === a1 || b0 === b1) return;
  if ((a1 - a0) * (b1 - b0) <= MAX_CELLS) table(a, b, { a0, a1, b0, b1 }, same);
  else between(a, b, { a0, a1, b0, b1 }, same);
}

function table(a, b, { a0, a1, b0, b1 }, same) {
  const rows = a1 - a0;
  const columns = b1 - b0;
  const width = columns + 1;
  const longest = new Uint16Array((rows + 1) * width);
  for (let i = rows - 1; i >= 0; i -= 1) {
    for (let j = columns - 1; j >= 0; j -= 1) {
      const here = i * width + j;
      longest[here] = a[a0 + i] === b[b0 + j]
        ? longest[here + width + 1] + 1
        : Math.max(longest[here + width], longest[here + 1]);
    }
  }
  for (let i = 0, j = 0; i < rows && j < columns;) {
    if (a[a0 + i] === b[b0 + j]) same(a0 + i++, b0 + j++);
    else if (longest[(i + 1) * width + j] >= longest[i * width + j + 1]) i += 1;
    else j += 1;
  }
}

// Long texts are cut at the words that each holds once, in the order both have; what lies between two such words is
// matched by itself. Without any there is nothing to hold on to, and all of it counts as different.
function between(a, b, { a0, a1, b0, b1 }, same) {
  const once = (list, from, to) => {
    const places = new Map();
    for (let i = from; i < to; i += 1) places.set(list[i], places.has(list[i]) ? -1 : i);
    return places;
  };
  const inB = once(b, b0, b1);
  const anchors = [];
  for (const [word, i] of once(a, a0, a1)) if (i >= 0 && inB.get(word) >= 0) anchors.push([i, inB.get(word)]);
  const chain = rising(anchors);
  if (!chain.length) return;
  let from = [a0, b0];
  for (const [i, j] of [...chain, [a1, b1]]) {
    match(a, b, { a0: from[0], a1: i, b0: from[1], b1: j }, same);
    if (i < a1) same(i, j);
    from = [i + 1, j + 1];
  }
}

// The longest chain of anchors that rises in both texts (patience sorting); they come in the order of the first.
function rising(anchors) {
  const tops = [];
  const before = [];
  anchors.forEach(([, j], n) => {
    let low = 0;
    let high = tops.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (anchors[tops[middle]][1] < j) low = middle + 1; else high = middle;
    }
    before[n] = low ? tops[low - 1] : -1;
    tops[low] = n;
  });
  const chain = [];
  for (let n = tops.at(-1) ?? -1; n >= 0; n = before[n]) chain.unshift(anchors[n]);
  return chain;
}

// -- marks ------------------------------------------------------------------------------------------

// Neighbouring words of one text node become one mark; both sides are marked alike.
function markRuns(words, common) {
  const runs = [];
  let open = null;
  words.forEach((word, n) => {
    if (common.has(n)) { open = null; return; }
    if (open && word.end !== undefined && open.node === word.node) { open.end = word.end; return; }
    open = { ...word };
    runs.push(open);
    if (word.end === undefined) open = null;
  });
  for (const run of runs.reverse()) { // from the end, so that the places before it still hold
    if (run.end === undefined) { run.node.classList.add("differs"); continue; }
    const part = run.start ? run.node.splitText(run.start) : run.node;
    if (run.end - run.start < part.length) part.splitText(run.end - run.start);
    const mark = document.createElement("mark");
    mark.className = "differs";
    part.replaceWith(mark);
    mark.append(part);
  }
  return runs.length;
}

function clearMarks() {
  root.querySelectorAll(".compare mark.differs").forEach((mark) => {
    const parent = mark.parentNode;
    mark.replaceWith(...mark.childNodes);
    parent.normalize();
  });
  root.querySelectorAll(".compare math.differs").forEach((formula) => formula.classList.remove("differs"));
}

function markDifferences() {
  const [a, b] = sides().map((side) => wordsOf(shown(side)));
  if (a.length + b.length > MAX_WORDS) return said("These answers are too long to be compared word by word.");
  const common = [new Set(), new Set()];
  const texts = [a, b].map((words) => words.map((word) => word.text));
  match(...texts, { a0: 0, a1: a.length, b0: 0, b1: b.length }, (i, j) => { common[0].add(i); common[1].add(j); });
  const places = markRuns(a, common[0]) + markRuns(b, common[1]);
  if (!places) return said("The two answers are the same, word for word.");
  return places === 1 ? "1 place differs." : `${places} places differ.`;
}

function toggleDifferences() {
  const control = button("diff-switch");
  const on = !pressed(control);
  control.setAttribute("aria-pressed", String(on));
  clearMarks();
  if (!on) { tell(said("Differences are no longer marked.")); return; }
  tell(markDifferences());
  const used = root.querySelector("#answers").elements.used_diff;
  if (used.value) return;
  used.value = "1";
  used.dispatchEvent(new Event("input", { bubbles: true })); // kept with the draft
}

// -- scrolling --------------------------------------------------------------------------------------

// Together is how the page is: both answers move with it. Apart, each has its own window of the same height. Together
// again, they stay beside each other as they were left: B, or A, is moved down by the difference.
function toggleScroll() {
  const control = button("scroll-switch");
  const apart = pressed(control);
  control.setAttribute("aria-pressed", String(!apart));
  if (apart) part(); else join();
}

const compare = () => root.querySelector(".compare");
const heads = () => sides().map((side) => side.querySelector(".sheet-head"));

function part() {
  const bodies = sides().map(shown);
  const line = heads()[0].getBoundingClientRect().bottom; // texts are read beneath it
  const behind = bodies.map((body) => Math.max(0, line - body.getBoundingClientRect().top));
  align(0);
  compare().classList.add("is-apart");
  const bar = root.querySelector(".topbar").offsetHeight;
  const dock = root.querySelector(".dock").offsetHeight;
  const room = Math.max(160, innerHeight - bar - dock - heads()[0].offsetHeight - 24);
  bodies.forEach((body) => { body.style.blockSize = `${room}px`; body.tabIndex = 0; body.setAttribute("role", "region"); });
  bodies.forEach((body, n) => { body.setAttribute("aria-label", said("Answer {letter}, scrolls by itself", { letter: "AB"[n] })); });
  scrollTo(0, scrollY + compare().getBoundingClientRect().top - bar);
  bodies.forEach((body, n) => { body.scrollTop = behind[n]; });
  bodies[0].focus({ preventScroll: true });
  tell(said("Each answer scrolls by itself."));
}

function join() {
  const bodies = sides().map(shown);
  const [a, b] = bodies.map((body) => body.scrollTop);
  whole();
  align(a - b);
  const line = heads()[0].getBoundingClientRect().bottom;
  const first = bodies[0].getBoundingClientRect();
  const pad = Math.max(0, -offset);
  scrollTo(0, scrollY + (first.top + pad + a) - Math.max(line, root.querySelector(".topbar").offsetHeight));
  root.querySelector("#main").focus({ preventScroll: true });
  tell(offset ? said("The answers scroll together, as far apart as you left them.") : said("The answers scroll together."));
}

function whole() {
  compare()?.classList.remove("is-apart");
  root.querySelectorAll(".compare .sheet-body").forEach((body) => {
    body.style.removeProperty("block-size");
    for (const name of ["tabindex", "role", "aria-label"]) body.removeAttribute(name);
  });
}

// Positive: A was read further, so B is moved down beside it.
function align(pixels) {
  offset = pixels;
  sides().forEach((side, n) => {
    const shift = Math.max(0, n ? pixels : -pixels);
    side.querySelectorAll(".sheet-body").forEach((body) => { body.style.marginBlockStart = shift ? `${shift}px` : ""; });
  });
}

// -- swiping ----------------------------------------------------------------------------------------

// Where the answers do not fit beside each other they lie in one row, a swipe apart, at the same height: the strip at the
// foot says which is in view, and brings the other.
const STILL = matchMedia("(prefers-reduced-motion: reduce)");
let watch = null;

const tabs = () => [...root.querySelectorAll(".thumb [data-side]")];

function layOut() {
  watch?.disconnect();
  const row = compare();
  const swiped = sides().length === 2 && !WIDE.matches;
  row?.classList.toggle("is-swiped", swiped);
  tabs().forEach((tab) => tab.removeAttribute("aria-current"));
  if (!swiped) return;
  showSide(sides()[0].id);
  watch = new IntersectionObserver((entries) => {
    for (const entry of entries) if (entry.isIntersecting) showSide(entry.target.id);
  }, { root: row, rootMargin: "0px -49% 0px -49%" }); // what crosses the middle line
  sides().forEach((side) => watch.observe(side));
}

function showSide(id) {
  tabs().forEach((tab) => {
    if (tab.hash === `#${id}`) tab.setAttribute("aria-current", "true"); else tab.removeAttribute("aria-current");
  });
}

// The page stays where it is, so that the other answer is read on at the same place; from the prompt it moves down.
function swipeTo(side) {
  const row = compare();
  const place = row.getBoundingClientRect();
  if (place.top > innerHeight / 2 || place.bottom < innerHeight / 4) row.scrollIntoView({ block: "start" });
  const left = side.offsetLeft - sides()[0].offsetLeft;
  row.scrollTo({ left, behavior: STILL.matches ? "instant" : "smooth" });
}

// -- events -----------------------------------------------------------------------------------------

// Pictures of both sides appear at one moment, so that neither is seen first; nobody waits longer for them than this.
const PATIENCE_MS = 3000;

function showTogether() {
  const pictures = [...root.querySelectorAll(".compare img.media")].filter((picture) => !picture.complete);
  const frame = compare();
  if (!pictures.length || !frame) return;
  frame.classList.add("is-waiting");
  const settled = pictures.map((picture) => picture.decode().catch(() => {}));
  const late = new Promise((done) => { setTimeout(done, PATIENCE_MS); });
  Promise.race([Promise.all(settled), late]).then(() => frame.classList.remove("is-waiting"));
}

root.addEventListener("task:begin", () => {
  offset = 0;
  layOut();
  showTogether();
  const two = sides().length === 2;
  const differences = button("diff-switch");
  if (differences) differences.hidden = !two || !Intl.Segmenter;
  const scroll = button("scroll-switch");
  if (scroll) scroll.hidden = !two || !WIDE.matches;
});

// Another text of the same answer came into view: what was marked and measured belongs to the other one.
root.addEventListener("task:view", () => {
  const scroll = button("scroll-switch");
  if (scroll && !pressed(scroll)) { scroll.setAttribute("aria-pressed", "true"); whole(); }
  if (offset) align(0);
  const differences = button("diff-switch");
  if (differences && pressed(differences)) { clearMarks(); tell(markDifferences()); }
});

WIDE.addEventListener("change", () => {
  layOut();
  const scroll = button("scroll-switch");
  if (!scroll || sides().length !== 2) return;
  if (!pressed(scroll)) { scroll.setAttribute("aria-pressed", "true"); whole(); }
  align(0);
  scroll.hidden = !WIDE.matches;
});

root.addEventListener("click", (event) => {
  const tab = event.target.closest(".thumb [data-side]");
  if (tab && compare().classList.contains("is-swiped")) {
    event.preventDefault();
    swipeTo(root.querySelector(tab.hash));
    return;
  }
  if (event.target.closest("[data-diff-switch]")) toggleDifferences();
  else if (event.target.closest("[data-scroll-switch]")) toggleScroll();
});
