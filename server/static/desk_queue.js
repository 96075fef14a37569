// Keeps a declaration through a lost connection, a closed tab or a browser that is killed: it is sealed and stored before it is sent (desk_store.js),
// and goes when it was answered. The id was made with the form, so what is sent twice is declared once. Where nothing can be kept the form is
// sent as ever.
"use strict";

const AGAIN = 10000; // milliseconds
const looks = new Map(); // id -> form the server did not take
const others = new Set(); // ids another account kept

async function forget(id) {
  looks.delete(id);
  await drop(id);
}

function post(address, fields) { // as the page that asked for it would have sent it, with today's token
  const form = Object.assign(document.createElement("form"), { method: "post", action: address });
  fields.set("csrf", box.dataset.csrf);
  for (const [name, value] of fields) form.append(Object.assign(document.createElement("input"), { type: "hidden", name, value }));
  document.body.append(form);
  form.submit();
}

async function openKept(id) {
  const fields = looks.get(id);
  gone.delete(id);
  await keep(id, fields, BEGUN);
  await forget(id);
  post("/desk/declare", fields);
}

async function show() {
  const ids = await keptIds();
  const waiting = ids.filter((id) => !looks.has(id) && !others.has(id)).length;
  box.replaceChildren();
  const say = (text, count) => count && box.append(Object.assign(document.createElement("p"), { textContent: `${text} ${count}` }));
  say(box.dataset.waiting, waiting);
  say(box.dataset.other, others.size);
  say(box.dataset.look, looks.size);
  for (const id of looks.keys()) {
    const button = Object.assign(document.createElement("button"), { type: "button", className: "govuk-button", textContent: box.dataset.open });
    button.addEventListener("click", () => openKept(id));
    box.append(button);
  }
  box.hidden = ids.length === 0;
}

async function sendKept() {
  const ids = await keptIds();
  for (const id of ids.filter((each) => !looks.has(each) && !sending.has(each))) {
    const fields = await opened(id).catch(() => null);
    if (!fields) { others.add(id); continue; }
    const answer = await fetch("/desk/queued", { method: "POST", body: fields, headers: { "x-csrf-token": box.dataset.csrf } }).catch(() => null);
    if (answer?.ok) await forget(id);
    else if (answer?.status === 422) looks.set(id, fields);
    else break; // no connection, or signed out: it waits
  }
  await show();
}

function nextGuest() {
  for (const name of ["full_name", "birth", "personal_number", "document_number", "residence_text", "note", "unit", "permitted_stay_until"]) declared.elements[name].value = "";
  for (const button of declared.querySelectorAll("input[type=radio], input[type=checkbox]")) button.checked = false;
  declared.elements.document_kind.value = "";
  declared.elements.declaration_id.value = newId();
  declared.elements.seen_warnings.value = "";
  for (const name of ["card_text", "shown", "recalled"]) declared.elements[name]?.remove();
  if (declared.elements.accompanied_by) declared.elements.accompanied_by.value = "";
  delete declared.dataset.read;
  if (gathering) return; // the next card is being typed already
  sink.value = "";
  sink.focus();
}

const sending = new Set(); // ids that are on their way from this page

async function keepToSend(id, fields) { // whether it is safe here
  try {
    await keep(id, fields);
  } catch { return false; } // the disk is full
  gone.add(id);
  await drop(id, BEGUN);
  return true;
}

async function send(event) {
  event.preventDefault();
  const fields = new URLSearchParams(new FormData(declared));
  const id = fields.get("declaration_id");
  if (sending.has(id)) return;
  sending.add(id);
  fields.set("kept_at", serverNow().toISOString());
  if (!await keepToSend(id, fields)) return declared.submit();
  const answer = await fetch(declared.action, { method: "POST", body: fields }).catch(() => null);
  sending.delete(id);
  await answered(id, answer);
}

async function answered(id, answer) {
  if (answer?.redirected && answer.ok) {
    await forget(id);
    if (!leaving && !gathering) location.assign(answer.url); // else the next card opens
  } else if (leaving) return; // what was not taken is told on the next card's page
  else if (answer && answer.status === 422) {
    gone.delete(id);
    await keepOpen(); // desk_begun.js
    await forget(id);
    declared.submit(); // shows every problem beside its field
  } else if (answer && answer.status < 500) location.assign("/desk"); // signed out meanwhile: it is sent after signing in
  else {
    await show();
    if (declared.elements.declaration_id.value === id) nextGuest();
  }
}

async function start() {
  if (!await openStore()) return;
  declared?.addEventListener("submit", send);
  await startBegun(); // desk_begun.js
  addEventListener("online", sendKept);
  setInterval(() => sendKept().then(listBegun), AGAIN);
  await sendKept();
}

start();
