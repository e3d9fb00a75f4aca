// The rubric designer works without this. It saves while somebody types, moves rows by keys and by dragging, and
// warns before typed words are left behind.

const form = document.getElementById("designer");
const PAUSE_MS = 1200;
const RETRY_MS = 5000;

/** One group of rows that can change places: the criteria, or the levels of the open one. */
function wireRows(holder, selector, moved) {
  const rows = () => [...holder.querySelectorAll(`:scope > ${selector}`)];

  const settle = (row, grip) => {
    rows().forEach((each, n, all) => {
      const up = each.querySelector("button[value^='up:'], button[value^='level_up:']");
      const down = each.querySelector("button[value^='down:'], button[value^='level_down:']");
      if (up) up.disabled = n === 0;
      if (down) down.disabled = n === all.length - 1;
    });
    if (grip && !grip.disabled) grip.focus();
    moved(row, rows());
  };

  const step = (row, by, focus) => {
    const all = rows();
    const other = all[all.indexOf(row) + by];
    if (!other) return;
    if (by < 0) other.before(row);
    else other.after(row);
    settle(row, focus);
  };

  // Heard on the document: an element that changes its place in the page loses the pointer.
  const drag = (grip, row) => {
    grip.addEventListener("pointerdown", (event) => {
      if (event.button) return;
      event.preventDefault();
      grip.focus();
      const before = rows().indexOf(row);
      row.classList.add("is-dragged");
      const over = (move) => {
        const others = rows().filter((each) => each !== row);
        const next = others.find((each) => {
          const box = each.getBoundingClientRect();
          return move.clientY < box.top + box.height / 2;
        });
        const last = others[others.length - 1];
        if (next && row.nextElementSibling !== next) next.before(row);
        else if (!next && last && row.previousElementSibling !== last) last.after(row);
      };
      const drop = () => {
        document.removeEventListener("pointermove", over);
        row.classList.remove("is-dragged");
        if (rows().indexOf(row) !== before) settle(row, grip);
      };
      document.addEventListener("pointermove", over);
      document.addEventListener("pointerup", drop, { once: true });
      document.addEventListener("pointercancel", drop, { once: true });
    });
  };

  for (const row of rows()) {
    const grip = row.querySelector("[data-grip]");
    if (!grip) continue;
    grip.hidden = false;
    grip.addEventListener("keydown", (event) => {
      const by = { ArrowUp: -1, ArrowDown: 1 }[event.key];
      if (!by) return;
      event.preventDefault();
      step(row, by, grip);
    });
    drag(grip, row);
    for (const button of row.querySelectorAll("button[name=action]")) {
      const by = { up: -1, level_up: -1, down: 1, level_down: 1 }[button.value.split(":")[0]];
      if (!by || button.closest(selector) !== row) continue;
      button.addEventListener("click", (event) => {
        event.preventDefault();
        step(row, by, button);
      });
    }
  }
}

/** Numbers of a scale rise, so they stay where they are; what stands beside them moves. */
function keepNumbers(levels, values) {
  const fields = levels.querySelectorAll("[name=level_value]");
  fields.forEach((field, n) => { field.value = values[n]; });
}

function wireMoves() {
  const heard = form.querySelector("[data-moved]");
  const say = (row, all, words) => {
    heard.textContent = `${words}: place ${all.indexOf(row) + 1} of ${all.length}`;
    row.dispatchEvent(new Event("input", { bubbles: true }));
  };
  const criteria = form.querySelector("[data-rows]");
  wireRows(criteria, "[data-row]", (row, all) => {
    say(row, all, row.dataset.name);
  });
  const levels = form.querySelector("[data-levels]");
  if (!levels) return;
  let values = [...levels.querySelectorAll("[name=level_value]")].map((field) => field.value);
  levels.addEventListener("input", () => {
    values = [...levels.querySelectorAll("[name=level_value]")].map((field) => field.value);
  });
  wireRows(levels, "[data-level]", (row, all) => {
    if ("numbered" in levels.dataset) keepNumbers(levels, values);
    say(row, all, row.querySelector("[name=level_label]").value || "This level");
  });
}

/** Saves the form a moment after the last key, one request at a time. */
class Autosave {
  constructor() {
    this.unsaved = form.hasAttribute("data-unsaved");
    this.byHand = form.hasAttribute("data-by-hand"); // two texts are shown: only a button decides
    this.status = document.querySelector("[data-saved]");
    this.both = document.querySelector("[data-see-both]");
    this.leaving = false;
    this.busy = false;
    this.turn = 0;
  }

  say(words) {
    if (this.status && this.status.textContent !== words) this.status.textContent = words;
  }

  typed(wait = PAUSE_MS) {
    this.unsaved = true;
    this.turn += 1;
    this.say("Not saved yet");
    if (this.byHand) return;
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.save(), wait);
  }

  save() {
    if (this.busy || this.leaving || !this.unsaved) return;
    this.busy = true;
    this.running = this.send();
  }

  async send() {
    const turn = this.turn;
    let said;
    try {
      const answer = await fetch(form.dataset.autosave, { method: "POST", body: new FormData(form) });
      said = answer.ok ? await answer.json() : { state: "failed", words: "Not saved: the server did not answer as it should." };
    } catch {
      said = { state: "failed", words: "Not saved: no connection. Trying again." };
    }
    this.busy = false;
    if (this.leaving) return;
    this.took(said, turn);
  }

  took(said, turn) {
    if (said.state === "saved") {
      for (const name of ["edit", "original", "base_criterion", "base_about", "base_order"]) {
        const field = form.querySelector(`input[type=hidden][name=${name}]`);
        if (field) field.value = said[name];
      }
      this.follow(said.original);
      this.unsaved = turn !== this.turn;
    }
    this.say(said.words);
    if (said.state === "conflict" || said.state === "gone") {
      this.byHand = true;
      if (this.both) this.both.hidden = false;
    } else if (said.state === "again" || said.state === "failed") {
      this.typed(said.state === "again" ? 0 : RETRY_MS);
    } else if (turn !== this.turn) {
      this.typed();
    }
  }

  /** The open criterion's key may follow its question until somebody gives it one. */
  follow(original) {
    if (original) history.replaceState(null, "", `?criterion=${encodeURIComponent(original)}`); // a reload comes back here
    const editor = form.querySelector("[data-editor]");
    const order = editor?.querySelector("[name=order]");
    if (order) order.value = original;
    for (const button of editor?.querySelectorAll("button[name=action]") ?? []) {
      const [act] = button.value.split(":");
      if (["up", "down", "delete", "copy"].includes(act)) button.value = `${act}:${original}`;
    }
  }
}

if (form) {
  const saver = new Autosave();
  form.addEventListener("input", (event) => {
    if (["new_type", "shown", "width"].includes(event.target.name)) return;
    saver.typed();
  });
  // The box that was left is most likely finished.
  form.addEventListener("change", (event) => {
    if (!["new_type", "shown", "width"].includes(event.target.name)) saver.typed(200);
  });

  // The fields that a type needs come from the server, with everything typed so far.
  const retype = form.querySelector("[data-retype]");
  const type = form.querySelector("[data-editor] select[name=type]");
  if (retype && type) {
    retype.hidden = true;
    type.addEventListener("change", () => form.requestSubmit(retype));
  }

  const look = document.querySelector("[data-look]");
  if (look) look.hidden = true;
  document.querySelectorAll("[data-looks] input").forEach((box) => {
    box.addEventListener("change", () => document.getElementById("preview").dispatchEvent(new Event("look")));
  });

  wireMoves();
  form.addEventListener("submit", (event) => {
    // A save that is under way changes the draft: sent beside it, the form would take it for somebody else's change.
    if (saver.busy) {
      event.preventDefault();
      saver.running.then(() => form.requestSubmit(event.submitter));
      return;
    }
    saver.leaving = true;
    saver.unsaved = false;
  });
  window.addEventListener("beforeunload", (event) => {
    if (saver.unsaved && !saver.leaving) event.preventDefault();
  });
}
