// A keypad of digits, * and # in place of a pointer (docs/kiosk.md): # presses or goes on, * erases or moves on, digits choose or write.
"use strict";
(() => {
  const SAME_LETTER_MS = 1000;
  const MOST_CHOICES = 9;
  const TURNED = 0.8; // of what is in view: the last lines stay
  let last = { key: "", at: 0, turn: 0, field: null, before: "" };

  const overlay = () => document.querySelector("#overlay .warning");
  const here = () => overlay() || document;
  const seen = (each) => each.checkVisibility() && !each.disabled && !each.closest("[inert]");
  const choices = () => [...document.querySelectorAll('#stage button[name="do"]:not(.key)')].filter(seen).slice(0, MOST_CHOICES);
  const firstField = () => [...document.querySelectorAll("#stage .field")].find(seen);

  // The numbers stand on the choices of a screen that asks for nothing to be written.
  function number() {
    if (firstField()) return;
    choices().forEach((each, index) => { if (!each.dataset.choice) each.dataset.choice = index + 1; });
  }
  new MutationObserver(number).observe(document.getElementById("kiosk"), { childList: true, subtree: true });
  number();

  // What * goes through: what can be pressed or written in and what is longer than its frame, in the order of the page, beginning anew after the last.
  // Nothing is skipped unread: a list or text with more below turns a page first, and so does the whole page where what comes next is further down.
  const below = (frame) => frame.scrollHeight - frame.clientHeight - frame.scrollTop > 1;
  const frame = '#stage [tabindex="0"]';

  function moveOn() {
    const now = document.activeElement;
    if (now.matches(frame) && below(now)) return now.scrollBy(0, TURNED * now.clientHeight);
    const all = [...here().querySelectorAll(`button, summary, .field, ${frame}`)].filter(
      (each) => seen(each) && !each.matches("[data-pad] .key, [data-step], .unit") && (!each.matches(frame) || each.scrollHeight > each.clientHeight + 1));
    if (!all.length) return;
    const at = all.indexOf(now);
    const after = at >= 0 ? all[(at + 1) % all.length] : all.find((each) => now.compareDocumentPosition(each) & Node.DOCUMENT_POSITION_FOLLOWING) || all[0];
    const far = overlay() ? 0 : after.getBoundingClientRect().bottom - innerHeight;
    if (far > 0 && below(document.documentElement)) scrollBy(0, Math.min(far + 2, TURNED * innerHeight));
    if (far > TURNED * innerHeight && below(document.documentElement)) return;
    after.focus({ preventScroll: true });
    after.scrollIntoView({ block: "nearest" });
  }

  function erase(field) {
    if (!field.value) {
      const before = field.form.querySelector(`[data-next="${field.name}"]`);
      if (!before || !before.value) return moveOn();
      before.focus();
      field = before;
    }
    field.value = writing.keyed(field, "backspace");
    last.key = "";
    field.dispatchEvent(new Event("input", { bubbles: true }));
  }

  function press() {
    const now = document.activeElement;
    if (now.matches(".field")) now.form.requestSubmit(now.form.querySelector('button[name="do"]:not(.unit)'));
    else if (now.matches("button, summary")) now.click();
    else moveOn();
  }

  // Signs by pressing a key again and again, as on a telephone; which ones, the board says. ⇄ is the key to the next board.
  function letter(field, board, digit) {
    const at = performance.now();
    const keys = [...board.querySelectorAll(".key")];
    const key = (sign) => keys.find((each) => (sign === "⇄" ? each.dataset.turn : each.dataset.key === sign || each.dataset.tone === sign));
    const row = [...board.dataset.phone.split("|")[Number(digit)]].map(key).filter(Boolean);
    if (!row.length) return;
    const again = row.length > 1 && last.key === digit && last.field === field && at - last.at < SAME_LETTER_MS;
    const turn = again ? (last.turn + 1) % row.length : 0;
    if (again) field.value = last.before;
    const before = field.value, turns = row[turn].dataset.turn;
    row[turn].click();
    last = { key: turns ? "" : digit, at, turn, field, before };
  }

  function write(event) {
    const now = document.activeElement;
    const field = now.matches(".field") ? now : firstField();
    if (!field) return choose(event.key);
    const board = field.closest("form").querySelector("[data-pad] [data-phone]");
    if (board) {
      field.focus();
      letter(field, board, event.key);
    } else if (field === now) {
      return; // a field of digits takes them itself
    } else {
      field.focus();
      field.value = event.key; // in place of what was proposed
      field.dispatchEvent(new Event("input", { bubbles: true }));
    }
    event.preventDefault();
  }

  function choose(digit) {
    const chosen = digit === "0" ? document.querySelector('#bottom button[value="call"]') : choices()[Number(digit) - 1];
    if (chosen) chosen.click();
  }

  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.altKey || event.metaKey) return;
    if (event.key === "#") press();
    else if (event.key === "*") { if (document.activeElement.matches(".field") && !overlay()) erase(document.activeElement); else moveOn(); }
    else if (/^\d$/.test(event.key)) { if (!overlay()) write(event); return; }
    else return;
    event.preventDefault();
  });
})();
