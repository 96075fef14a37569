// Keeps a declaration through a lost connection or a closed tab: it is sealed and stored before it is sent, and goes when it was answered.
// The id was made with the form, so what is sent twice is declared once. Without WebCrypto nothing is kept and the form is sent as ever.
"use strict";

const box = document.querySelector("[data-queue]");
const KEPT = "luutru-desk:"; // in localStorage: KEPT + declaration id -> nonce.sealed form
const AGAIN = 10000; // milliseconds
const scanned = document.querySelector("[data-scan]");
const declared = document.querySelector("[data-declare]");
const looks = new Map(); // id -> form the server did not take
const others = new Set(); // ids another account kept
let key;

const raw = (text) => Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
const written = (buffer) => btoa(String.fromCharCode(...new Uint8Array(buffer)));
const utf8 = (text) => new TextEncoder().encode(text);
const serverNow = () => new Date(Date.now() + AHEAD); // luutru.js

async function keep(id, fields) {
  const iv = crypto.getRandomValues(new Uint8Array(12));
  const sealed = await crypto.subtle.encrypt({ name: "AES-GCM", iv, additionalData: utf8(id) }, key, utf8(fields.toString()));
  localStorage.setItem(KEPT + id, `${written(iv)}.${written(sealed)}`);
}

async function opened(id) {
  const [iv, sealed] = localStorage.getItem(KEPT + id).split(".").map(raw);
  const plain = await crypto.subtle.decrypt({ name: "AES-GCM", iv, additionalData: utf8(id) }, key, sealed);
  return new URLSearchParams(new TextDecoder().decode(plain));
}

function keptIds() {
  return Object.keys(localStorage).filter((name) => name.startsWith(KEPT)).map((name) => name.slice(KEPT.length)).sort();
}

function forget(id) {
  localStorage.removeItem(KEPT + id);
  looks.delete(id);
}

function newId() { // UUIDv7 by the server's clock
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  const time = BigInt(serverNow().getTime());
  for (let at = 0; at < 6; at++) bytes[at] = Number((time >> BigInt(40 - 8 * at)) & 255n);
  bytes[6] = (bytes[6] & 15) | 112;
  bytes[8] = (bytes[8] & 63) | 128;
  const hex = Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join("-");
}

function openForm(id) { // as the page that asked for it would have sent it, with today's token
  const form = document.createElement("form");
  form.method = "post";
  form.action = "/desk/declare";
  const fields = looks.get(id);
  fields.set("csrf", box.dataset.csrf);
  for (const [name, value] of fields) {
    const input = document.createElement("input");
    Object.assign(input, { type: "hidden", name, value });
    form.append(input);
  }
  document.body.append(form);
  forget(id);
  form.submit();
}

function show() {
  const ids = keptIds();
  const waiting = ids.filter((id) => !looks.has(id) && !others.has(id)).length;
  box.replaceChildren();
  const say = (text, count) => count && box.append(Object.assign(document.createElement("p"), { textContent: `${text} ${count}` }));
  say(box.dataset.waiting, waiting);
  say(box.dataset.other, others.size);
  say(box.dataset.look, looks.size);
  for (const id of looks.keys()) {
    const button = Object.assign(document.createElement("button"), { type: "button", className: "govuk-button", textContent: box.dataset.open });
    button.addEventListener("click", () => openForm(id));
    box.append(button);
  }
  box.hidden = ids.length === 0;
}

async function sendKept() {
  for (const id of keptIds().filter((each) => !looks.has(each))) {
    const fields = await opened(id).catch(() => null);
    if (!fields) { others.add(id); continue; }
    const answer = await fetch("/desk/queued", { method: "POST", body: fields, headers: { "x-csrf-token": box.dataset.csrf } }).catch(() => null);
    if (answer?.ok) forget(id);
    else if (answer?.status === 422) looks.set(id, fields);
    else break; // no connection, or signed out: it waits
  }
  show();
}

function nextGuest() {
  for (const name of ["full_name", "birth", "personal_number", "document_number", "residence_text", "note", "unit", "permitted_stay_until"]) declared.elements[name].value = "";
  for (const button of declared.querySelectorAll("input[type=radio], input[type=checkbox]")) button.checked = false;
  declared.elements.document_kind.value = "";
  declared.elements.declaration_id.value = newId();
  declared.elements.seen_warnings.value = "";
  declared.elements.card_text?.remove();
  declared.elements.shown?.remove();
  if (declared.elements.accompanied_by) declared.elements.accompanied_by.value = "";
  scanned.querySelector("#card_text").value = "";
  scanned.querySelector("#card_text").focus();
}

async function send(event) {
  event.preventDefault();
  const fields = new URLSearchParams(new FormData(declared));
  const id = fields.get("declaration_id");
  fields.set("kept_at", serverNow().toISOString());
  await keep(id, fields);
  const answer = await fetch(declared.action, { method: "POST", body: fields }).catch(() => null);
  if (answer?.redirected && answer.ok) {
    forget(id);
    location.assign(answer.url);
  } else if (answer && answer.status === 422) {
    forget(id);
    declared.submit(); // shows every problem beside its field
  } else if (answer && answer.status < 500) {
    location.assign("/desk"); // signed out meanwhile: it is sent after signing in
  } else {
    show();
    nextGuest();
  }
}

async function readLater(event) { // a card scanned without a connection is read when it is sent
  event.preventDefault();
  const answer = await fetch("/healthz").catch(() => null);
  if (answer) return scanned.submit();
  const text = scanned.querySelector("#card_text").value;
  let field = declared.elements.card_text;
  if (!field) {
    field = Object.assign(document.createElement("input"), { type: "hidden", name: "card_text" });
    declared.append(field);
  }
  field.value = text;
  scanned.querySelector("[data-scan-state]").textContent = box.dataset.later;
  (document.querySelector("#first-room") ?? declared.querySelector("#unit")).focus();
}

async function start() {
  if (!globalThis.crypto?.subtle) return;
  try {
    localStorage.length; // throws where storage is switched off
    key = await crypto.subtle.importKey("raw", raw(box.dataset.key), "AES-GCM", false, ["encrypt", "decrypt"]);
  } catch { return; }
  if (scanned && declared) {
    declared.addEventListener("submit", send);
    scanned.addEventListener("submit", readLater);
  }
  addEventListener("online", sendKept);
  setInterval(() => keptIds().length && sendKept(), AGAIN);
  await sendKept();
}

start();
