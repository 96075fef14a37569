// A guest in three keys: what a scanner types or a clerk pastes is read at once (desk_scan.js), a letter chooses the room, a digit another
// reason, Enter declares.
// Everything works without it: the page has a button for each step.
"use strict";

const STAY = "luutru-stay"; // reason and nights of the last guest, nothing of who it was; ends with the tab
const TYPED = /^(INPUT|TEXTAREA|SELECT)$/; // where a key is a letter

function offerRooms(rooms, form) {
  rooms.hidden = false;
  const declare = form.querySelector("button.govuk-button:not([data-camera])");
  const choose = (button) => {
    form.querySelector("#unit").value = button.dataset.room;
    declare.focus();
  };
  for (const button of rooms.querySelectorAll("button")) button.addEventListener("click", () => choose(button));
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.altKey || event.metaKey || TYPED.test(event.target.tagName)) return;
    const button = rooms.children[event.key.length === 1 ? event.key.toUpperCase().charCodeAt(0) - 65 : -1];
    if (!button) return;
    event.preventDefault();
    choose(button);
  });
}

function offerReasons(reasons, form) {
  const list = form.querySelector("#reason");
  const show = () => {
    for (const button of reasons.children) button.setAttribute("aria-pressed", String(button.dataset.reason === list.value));
  };
  const choose = (button) => {
    list.value = button.dataset.reason;
    show();
  };
  reasons.hidden = false;
  list.addEventListener("change", show);
  for (const button of reasons.children) button.addEventListener("click", () => choose(button));
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.altKey || event.metaKey || TYPED.test(event.target.tagName)) return;
    const button = Array.from(reasons.children).find((each) => each.dataset.key === event.key);
    if (button) choose(button);
  });
  show();
}

// The second guest of an evening mostly stays as long as the first and, where the house has said no usual reason, comes for the same.
function rememberStay(form) {
  const reason = form.querySelector("#reason");
  const leaves = form.querySelector("#planned_departure");
  try {
    const last = JSON.parse(sessionStorage.getItem(STAY) ?? "null");
    if (last && "fresh" in form.dataset) {
      reason.value ||= last.reason;
      leaves.value = last.leaves > form.querySelector("#arrival").value ? last.leaves : leaves.value;
    }
    form.addEventListener("submit", () => sessionStorage.setItem(STAY, JSON.stringify({ reason: reason.value, leaves: leaves.value })));
  } catch { /* storage is switched off: nothing is remembered */ }
}

const declareForm = document.querySelector("[data-declare]");
if (declareForm) {
  const rooms = document.querySelector("[data-rooms]");
  if (rooms) offerRooms(rooms, declareForm);
  rememberStay(declareForm);
  const reasons = document.querySelector("[data-reasons]");
  if (reasons) offerReasons(reasons, declareForm);
  const troubled = document.querySelector(".govuk-error-summary");
  const toMend = document.getElementById(declareForm.dataset.mend ?? "");
  toMend?.closest("details")?.setAttribute("open", ""); // what is folded away takes no cursor
  if (toMend && toMend.type !== "hidden") toMend.focus();
  else if (troubled && !troubled.querySelector("a[href='#card_text']")) declareForm.querySelector("button.govuk-button").focus();
  else if (!("read" in declareForm.dataset)) document.querySelector("#card_text").focus();
  else if (declareForm.querySelector("#unit").value) declareForm.querySelector("button.govuk-button").focus();
  else (document.querySelector("#first-room") ?? declareForm.querySelector("#unit")).focus();
}
document.querySelector("[data-next]")?.focus({ preventScroll: true }); // what became of the guest stays in view
