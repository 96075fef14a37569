// No guest is lost to the next card: the form that is open is kept, sealed, as it is filled in, until it is declared or thrown away. What was begun
// and no page has open any more (another card came, the tab was closed, the browser was killed) is asListed to be gone on with.
"use strict";

const AFTER = 300; // milliseconds after the last change
const LISTED_AGAIN = 1500; // milliseconds: a page that was left lets go of its form a little later
const DAY = 86400000; // what was begun longer ago is thrown away
const begunBox = document.querySelector("[data-begun]");
const madeAt = (id) => parseInt(id.replace("-", "").slice(0, 12), 16); // UUIDv7
const inOneLine = (text) => text.trim().split(/\s+/).join(" ");
const entered = () => Array.from(document.querySelectorAll("main form:not([data-scan])"), (form) => new URLSearchParams(new FormData(form))).join();
const asOpened = entered();
let leaving = false; // for the form of another guest
let onItsWay = ""; // the card whose guest is being opened
let held = "";
let letGo = () => {};
let released = Promise.resolve();
let soon;
let asListed = "";

function hasGuest() {
  if (!declared || gone.has(declared.elements.declaration_id.value)) return false;
  return "read" in declared.dataset || ["full_name", "personal_number", "birth", "card_text"].some((name) => declared.elements[name]?.value);
}

function hold(id) { // by a lock, from which other pages know that it is open; it ends with this page, however that ends
  if (held === id) return;
  letGo();
  held = id;
  released.then(listBegun);
  const untilThen = new Promise((done) => { letGo = done; });
  released = navigator.locks.request(BEGUN + id, { mode: "shared" }, () => untilThen);
}

async function keepOpen() {
  clearTimeout(soon);
  if (!hasGuest()) return;
  const fields = new URLSearchParams(new FormData(declared));
  fields.delete("csrf");
  hold(fields.get("declaration_id"));
  await keep(fields.get("declaration_id"), fields, BEGUN).catch(() => {}); // the disk is full: it stands in the page
}

async function begunOf(text) { // the guest whom a card was read for already
  for (const id of await keptIds(BEGUN)) {
    const fields = await opened(id, BEGUN).catch(() => null);
    if (fields && inOneLine(fields.get("card_text") ?? "") === text) return id;
  }
  return "";
}

function put(name, value) {
  const field = declared.elements[name] ?? declared.appendChild(Object.assign(document.createElement("input"), { type: "hidden", name }));
  if (field.type === "checkbox") field.checked = true;
  else field.value = value;
}

function nextStep() {
  if (declared.elements.unit.value) declared.querySelector("button.govuk-button").focus();
  else (document.querySelector("#first-room") ?? declared.elements.unit).focus();
}

function fillIn(fields) {
  nextGuest();
  for (const [name, value] of fields) put(name, value);
  hold(fields.get("declaration_id"));
  if (["card_text", "shown", "recalled"].some((name) => fields.get(name))) declared.dataset.read = "";
  nextStep();
}

async function goOn(id) {
  const fields = await opened(id, BEGUN).catch(() => null);
  if (!fields) return listBegun();
  await keepOpen();
  const isOfThisForm = declared && ["premises_id", "party"].every((name) => (fields.get(name) ?? "") === (declared.elements[name]?.value ?? ""));
  if (isOfThisForm && fields.get("full_name")) {
    fillIn(fields);
    return listBegun();
  }
  if (!await isConnected()) return say(begunBox.dataset.later);
  leaving = true;
  letGo();
  if (!fields.get("full_name")) return post("/desk/read", fields); // a card that was not read yet
  const asked = new URLSearchParams({ premises: fields.get("premises_id") });
  for (const name of ["party", "shown"]) if (fields.get(name)) asked.set(name, fields.get(name));
  return location.assign(`/desk/declare?${asked}#begun=${id}`);
}

function say(text) {
  begunBox.querySelector("[role=alert]")?.remove();
  const line = Object.assign(document.createElement("p"), { textContent: text });
  line.setAttribute("role", "alert");
  begunBox.append(line);
  begunBox.hidden = false;
}

function lineOf(id, fields) {
  const line = document.createElement("p");
  const name = Object.assign(document.createElement("strong"), { textContent: fields.get("full_name") || begunBox.dataset.card });
  const unit = fields.get("unit") ? ` · ${begunBox.dataset.unit} ${fields.get("unit")}` : "";
  line.append(`${begunBox.dataset.title} `, name, unit, " ");
  const act = (text, action) => {
    const button = Object.assign(document.createElement("button"), { type: "button", className: "luutru-room luutru-room--small", textContent: text });
    button.addEventListener("click", action);
    line.append(button, " ");
  };
  act(begunBox.dataset.open, () => goOn(id));
  act(begunBox.dataset.drop, () => drop(id, BEGUN).then(listBegun));
  return line;
}

async function listBegun() {
  if (!begunBox) return; // whoever only looks begins nothing
  const open = new Set((await navigator.locks.query()).held.map((lock) => lock.name));
  const lines = [];
  for (const id of await keptIds(BEGUN)) {
    if (serverNow() - madeAt(id) > DAY) await drop(id, BEGUN);
    else if (id !== held && !open.has(BEGUN + id)) {
      const fields = await opened(id, BEGUN).catch(() => null); // null: of another account, or gone by now
      if (fields) lines.push([id, fields]);
    }
  }
  const now = lines.map(([id, fields]) => `${id} ${fields}`).join();
  if (now === asListed) return;
  asListed = now;
  begunBox.replaceChildren(...lines.map(([id, fields]) => lineOf(id, fields)));
  begunBox.hidden = lines.length === 0;
}

async function takeCard(event) { // of the scanner, the camera, a photo or the clipboard
  event.preventDefault();
  const text = inOneLine(sink.value);
  if (onItsWay) { // the next one came before the page of the one before
    emptied();
    return onItsWay === text ? null : keepCard(await begunOf(text), text);
  }
  if (hasGuest() && inOneLine(declared.elements.card_text?.value ?? "") === text) { // the card of the guest who is open
    sink.value = "";
    return nextStep();
  }
  onItsWay = text;
  emptied();
  try {
    await openOf(text);
  } finally {
    if (!leaving) onItsWay = "";
  }
}

function emptied() { // what is typed now is another card
  sink.value = "";
  lastInSink = -CUT_OFF;
}

async function openOf(text) {
  await keepOpen();
  const begun = await begunOf(text);
  const isFree = declared || (entered() === asOpened && !Array.from(document.querySelectorAll("main textarea:not(#card_text)")).some((each) => each.value));
  if (isFree && begun) await goOn(begun);
  else if (!isFree || !await isConnected()) await (declared ? readLater(text) : keepCard(begun, text));
  else {
    leaving = true;
    letGo();
    const fields = new URLSearchParams(new FormData(scanForm));
    fields.set("card_text", text + restOf(text));
    post("/desk/read", fields);
  }
}

function restOf(text) { // a scanner that paused within a card's last field, a date, types the rest of it meanwhile
  const [rest, last] = [sink.value.trim(), text.split("|").at(-1)];
  return /^\d+$/.test(rest) && /^\d*$/.test(last) && last.length + rest.length <= 8 ? rest : "";
}

function readLater(text) { // without a connection a card is read when its guest is sent
  if (hasGuest()) nextGuest();
  put("card_text", text);
  sink.value = text;
  document.querySelector("[data-scan-state]").textContent = box.dataset.later;
  nextStep();
  return keepOpen().then(listBegun);
}

async function keepCard(begun, text) {
  const fields = new URLSearchParams(new FormData(scanForm));
  fields.delete("csrf");
  fields.set("card_text", text);
  fields.set("declaration_id", begun || newId());
  if (!begun) await keep(fields.get("declaration_id"), fields, BEGUN);
  await listBegun();
  if (onItsWay === text) begunBox.querySelector("p:last-of-type button")?.focus();
}

async function startBegun() {
  if (!scanForm) return;
  scanForm.addEventListener("submit", takeCard);
  scanForm.addEventListener("cutoff", (event) => {
    if (!hasGuest()) return;
    event.preventDefault();
    document.querySelector("[data-scan-state]").textContent = box.dataset.cut;
  });
  for (const kind of ["input", "change"]) declared?.addEventListener(kind, () => { clearTimeout(soon); soon = setTimeout(keepOpen, AFTER); });
  addEventListener("pagehide", () => letGo());
  addEventListener("pageshow", ({ persisted }) => { if (persisted) location.reload(); }); // "back": what was left is opened anew
  const begun = new URLSearchParams(location.hash.slice(1)).get("begun");
  const fields = begun && declared ? await opened(begun, BEGUN).catch(() => null) : null;
  if (begun) history.replaceState(null, "", location.pathname + location.search);
  if (fields) fillIn(fields);
  told.onmessage = ({ data }) => (data === BEGUN ? listBegun() : show());
  await keepOpen();
  await listBegun();
  setTimeout(listBegun, LISTED_AGAIN);
}
