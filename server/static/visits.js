// Visits on a phone: the list of the evening, and what was found, kept before it is sent. Works without a network once it was opened with one.
// In the browser's database: keys that cannot be handed out, the list sealed under one of them, visits sealed to the authority.
"use strict";

const said = document.querySelector("[data-state]");
const AGAIN = 10000; // milliseconds
let store; // the database
let list; // what /police/visits/round gave, with marks of what was kept
let ahead = 0; // of the server's clock

const asked = (request) => new Promise((done, failed) => {
  request.onsuccess = () => done(request.result);
  request.onerror = () => failed(request.error);
});
const shelf = (name, mode = "readonly") => store.transaction(name, mode).objectStore(name);
const get = (name) => asked(shelf("kept").get(name));
const put = (name, value) => asked(shelf("kept", "readwrite").put(value, name));
const drop = (name) => asked(shelf("kept", "readwrite").delete(name));
const waiting = () => asked(shelf("visits").getAll());

function openStore() {
  const request = indexedDB.open("luutru-visits", 1);
  request.onupgradeneeded = () => {
    request.result.createObjectStore("kept");
    request.result.createObjectStore("visits", { keyPath: "id" });
  };
  return asked(request);
}

async function keys() { // made once; none of them can leave this browser
  let made = await get("keys");
  if (!made) {
    made = {
      signing: await crypto.subtle.generateKey({ name: "Ed25519" }, false, ["sign", "verify"]),
      list: await crypto.subtle.generateKey({ name: "AES-GCM", length: 256 }, false, ["encrypt", "decrypt"]),
    };
    await put("keys", made);
  }
  return made;
}

async function keepList() {
  const iv = randomBytes(12);
  const sealed = await crypto.subtle.encrypt({ name: "AES-GCM", iv }, (await keys()).list, utf8(JSON.stringify(list)));
  await put("list", { iv, sealed, ends: list.ends, ahead });
}

async function keptList() {
  const kept = await get("list");
  if (!kept) return undefined;
  ahead = kept.ahead; // a phone whose clock is wrong is wrong by as much as before
  if (Date.now() + ahead >= kept.ends) { await drop("list"); return undefined; }
  const plain = await crypto.subtle.decrypt({ name: "AES-GCM", iv: kept.iv }, (await keys()).list, kept.sealed).catch(() => undefined);
  return plain && JSON.parse(new TextDecoder().decode(plain));
}

async function enrol(csrf, account) { // once for each account that signs in here
  const known = await get(`device ${account}`);
  if (known) return known;
  const key = await crypto.subtle.exportKey("raw", (await keys()).signing.publicKey);
  const answer = await fetch("/police/visits/devices", {
    method: "POST", headers: { "x-csrf-token": csrf, "content-type": "application/json" }, body: JSON.stringify({ public_key: written(key) }),
  });
  const device = (await answer.json()).device_id;
  await put(`device ${account}`, device);
  return device;
}

async function askForList() {
  const answer = await fetch(`/police/visits/round${location.search}`, { headers: { accept: "application/json" }, redirect: "manual" });
  if (!answer.ok) { // signed out: whoever holds the phone now gets no list
    await drop("list");
    list = undefined;
    return "signed-out";
  }
  const given = await answer.json();
  const marks = list?.account === given.account ? list.marks : {};
  list = { ...given, marks, device: await enrol(given.csrf, given.account) };
  ahead = given.now - Date.now();
  await keepList();
  return "online";
}

async function send() {
  const kept = (await waiting()).filter((each) => each.account === list?.account && !each.refused).slice(0, 50);
  if (!kept.length) return;
  const answer = await fetch("/police/visits", {
    method: "POST", headers: { "x-csrf-token": list.csrf, "content-type": "application/json" }, body: JSON.stringify(kept.map((each) => each.sent)),
  });
  if (!answer.ok) return;
  for (const [at, each] of (await answer.json()).entries()) {
    const visit = kept[at];
    if (each.state === "kept") {
      await asked(shelf("visits", "readwrite").delete(visit.id));
      list.marks[visit.case_id] = "sent";
    } else await asked(shelf("visits", "readwrite").put({ ...visit, refused: each.code }));
  }
  await keepList();
}

async function keep(event, entry) {
  event.preventDefault();
  const form = event.target;
  const people = form.elements.people.value;
  const visit = { case_id: entry.case_id, outcome: form.elements.outcome.value, people: people === "" ? null : Number(people) };
  const now = Date.now() + ahead;
  const { id, sent } = await sealVisit(visit, { now, device: list.device, signer: (await keys()).signing.privateKey, authority: list.key });
  await asked(shelf("visits", "readwrite").put({ id, sent, account: list.account, case_id: entry.case_id }));
  list.marks[entry.case_id] = "kept";
  await keepList();
  form.reset();
  show();
  await work();
}

function show() {
  const stops = document.querySelector("[data-stops]");
  const typed = stops.contains(document.activeElement) && document.activeElement.form?.elements.outcome.value;
  if (!typed) stops.replaceChildren(...(list?.stops ?? []).map(stopOf));
  document.querySelector("[data-none]").hidden = !list || list.stops.length > 0;
}

function stopOf(stop) {
  const shown = document.querySelector("template[data-stop]").content.cloneNode(true);
  shown.querySelector("[data-place]").textContent = stop.place;
  shown.querySelector("[data-address]").textContent = stop.address || "–";
  shown.querySelector("[data-cases]").append(...stop.cases.map(caseOf));
  return shown;
}

function caseOf(entry) {
  const shown = document.querySelector("template[data-case]").content.cloneNode(true);
  shown.querySelector("li").dataset.case = entry.case_id;
  for (const [name, text] of [["unit", entry.unit], ["rule", entry.rule], ["last", entry.last_seen]]) shown.querySelector(`[data-${name}]`).textContent = text;
  const mark = shown.querySelector("[data-kept]");
  const stands = list.marks[entry.case_id];
  mark.textContent = stands ? (stands === "sent" ? mark.dataset.sent : mark.dataset.text) : "";
  shown.querySelector("form").addEventListener("submit", (event) => keep(event, entry));
  return shown;
}

async function tell(state) {
  const all = await waiting();
  const left = all.filter((each) => !each.refused).length;
  const refused = all.length - left;
  said.textContent = said.dataset[state] + (left ? ` ${said.dataset.waiting} ${left}` : "");
  document.querySelector("[data-sign-in]").hidden = state !== "signedOut";
  const box = document.querySelector("[data-refused]");
  box.hidden = refused === 0;
  box.querySelector("span").textContent = refused;
}

let working = Promise.resolve();
function work() { // one after the other
  working = working.then(async () => {
    let state = "offline";
    try {
      state = await askForList();
      if (state === "online") await send();
    } catch { state = list ? "offline" : "over"; }
    show();
    await tell(state === "signed-out" ? "signedOut" : state);
  });
  return working;
}

async function start() {
  said.textContent = said.dataset.loading;
  try {
    store = await openStore();
    await keys();
  } catch {
    said.textContent = said.dataset.unable;
    return;
  }
  navigator.serviceWorker?.register("/police/visits/worker.js").catch(() => undefined);
  list = await keptList();
  show();
  addEventListener("online", work);
  setInterval(async () => (await waiting()).some((each) => !each.refused) && work(), AGAIN);
  await work();
}

start();
