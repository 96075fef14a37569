// A scanner that types is heard on every page of the desk, wherever the cursor is: what it types is gathered in one field,
// and no key of it chooses a room, presses a button or stands in another field. A whole text is sent to be read at once.
"use strict";

const CARD_PARTS = [7, 11]; // a card's code
const ZONES = ["30,30,30", "36,36", "44,44"]; // lines of a machine-readable zone
const QUIET = 150; // milliseconds: a scanner types faster than this
const CUT_OFF = 1500; // after so much silence a text that is not whole was cut off
const AS_KEYS = 4; // so many keys as fast as that are no choices of a clerk
const AS_LETTERS = [10, 40]; // so many letters, this many milliseconds each, are nobody writing in a field
const SHORTEST = 10; // what is shorter was no card
const TAKES_LETTERS = "textarea, select, input:not([type=checkbox], [type=radio], [type=file])";
const scanForm = document.querySelector("[data-scan]");
const sink = scanForm?.querySelector("#card_text");
const declared = document.querySelector("[data-declare]:not([data-correcting])");
const chosen = declared ? [declared.querySelector("#unit"), declared.querySelector("#reason")] : [];
let gathering = false;
let burst = null;
let lastInSink = -CUT_OFF;
let waiting;

function isWhole(text) {
  const zone = text.trim().split(/\s+/).map((line) => line.length).join();
  return CARD_PARTS.includes(text.split("|").length) || ZONES.includes(zone);
}

// Lines of a zone may come one by one; anything else that stands in the field is a text that was not used.
const isBegunZone = (text) => /^(([A-Z0-9<]{30}|[A-Z0-9<]{36}|[A-Z0-9<]{44})\s+)+$/i.test(text);

function gatheringEnds() {
  gathering = false;
  burst = null;
  clearTimeout(waiting);
}

function cutOff() {
  const { back } = burst ?? {};
  gatheringEnds();
  if (sink.value.trim().length < SHORTEST) {
    sink.value = "";
    back?.focus();
  } else scanForm.dispatchEvent(new CustomEvent("cutoff", { cancelable: true })) && scanForm.requestSubmit();
}

function listen() {
  clearTimeout(waiting);
  if (isWhole(sink.value)) waiting = setTimeout(() => { gatheringEnds(); scanForm.requestSubmit(); }, QUIET);
  else if (gathering) waiting = setTimeout(cutOff, CUT_OFF);
}

function begin(field, now) {
  const isGoingOn = field === sink && (isBegunZone(sink.value) || now - lastInSink < CUT_OFF);
  burst = { isGoingOn: isGoingOn || (field === sink && !sink.value), text: "", began: now, last: now, field, value: field?.value, back: document.activeElement, chosen: chosen.map((each) => each.value) };
}

function isAScanner(now) {
  const { field, text, began } = burst;
  return field ? text.length >= AS_LETTERS[0] && now - began <= text.length * AS_LETTERS[1] : text.length >= AS_KEYS;
}

function gather(event) {
  event.preventDefault();
  event.stopImmediatePropagation();
  if (burst.field && burst.field !== sink) burst.field.value = burst.value;
  chosen.forEach((each, at) => {
    each.value = burst.chosen[at];
    each.dispatchEvent(new Event("change"));
  });
  sink.value = burst.text;
  gathering = true;
  sink.focus({ preventScroll: true });
  listen();
}

function hear(event) {
  if (gathering && event.target === sink) {
    if (event.key === "Tab") event.preventDefault(); // some scanners end with it
    return;
  }
  if (["Enter", "Tab"].includes(event.key)) burst = null; // a choice was made: a card begins after it
  if (event.ctrlKey || event.altKey || event.metaKey || event.repeat || event.key.length !== 1) return;
  const field = event.target.matches(TAKES_LETTERS) ? event.target : null;
  if (!burst || event.timeStamp - burst.last >= QUIET || field !== burst.field) begin(field, event.timeStamp);
  burst.last = event.timeStamp;
  burst.text += event.key;
  if (field === sink) lastInSink = event.timeStamp;
  if (!burst.isGoingOn && isAScanner(event.timeStamp)) gather(event);
}

if (sink) {
  sink.addEventListener("input", listen);
  document.addEventListener("keydown", hear, true);
  // Tonight's page asks for itself again: not in the middle of a card.
  for (const kind of ["htmx:beforeRequest", "htmx:beforeOnLoad"]) document.addEventListener(kind, (event) => { if (gathering) event.preventDefault(); });
}
