// What a page of the desk keeps in this browser: forms, sealed under a key of the account, in IndexedDB and written through to the disk before the
// page says that they are kept. (What is put into localStorage is written seconds later: a browser that is killed meanwhile loses it.)
"use strict";

const KEPT = "luutru-desk:"; // KEPT + declaration id -> nonce.sealed form that waits to be sent
const BEGUN = "luutru-begun:"; // BEGUN + declaration id -> nonce.sealed form of a guest who is not declared yet
const FORMS = "forms";
const box = document.querySelector("[data-queue]");
const told = new BroadcastChannel("luutru-desk"); // other pages list again
const gone = new Set(); // ids that were sent from here: they are not begun any more
let key;
let base;

const raw = (text) => Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
const written = (buffer) => btoa(String.fromCharCode(...new Uint8Array(buffer)));
const utf8 = (text) => new TextEncoder().encode(text);
const serverNow = () => new Date(Date.now() + AHEAD); // luutru.js

function openBase() {
  return new Promise((done, failed) => {
    const request = indexedDB.open("luutru-desk", 1);
    request.onupgradeneeded = () => request.result.createObjectStore(FORMS);
    request.onsuccess = () => done(request.result);
    request.onerror = () => failed(request.error);
  });
}

function at(mode, act) {
  return new Promise((done, failed) => {
    const work = base.transaction(FORMS, mode, { durability: "strict" });
    const request = act(work.objectStore(FORMS));
    work.oncomplete = () => done(request.result);
    work.onabort = () => failed(work.error);
  });
}

async function keep(id, fields, where = KEPT) {
  const iv = crypto.getRandomValues(new Uint8Array(12));
  const sealed = await crypto.subtle.encrypt({ name: "AES-GCM", iv, additionalData: utf8(id) }, key, utf8(fields.toString()));
  if (where === BEGUN && gone.has(id)) return;
  await at("readwrite", (forms) => forms.put(`${written(iv)}.${written(sealed)}`, where + id));
  told.postMessage(where);
}

async function opened(id, where = KEPT) {
  const text = await at("readonly", (forms) => forms.get(where + id));
  const [iv, sealed] = text.split(".").map(raw);
  const plain = await crypto.subtle.decrypt({ name: "AES-GCM", iv, additionalData: utf8(id) }, key, sealed);
  return new URLSearchParams(new TextDecoder().decode(plain));
}

async function keptIds(where = KEPT) {
  const names = await at("readonly", (forms) => forms.getAllKeys(IDBKeyRange.bound(where, `${where}\uffff`)));
  return names.map((name) => name.slice(where.length));
}

async function drop(id, where = KEPT) {
  await at("readwrite", (forms) => forms.delete(where + id));
  told.postMessage(where);
}

async function takeOver() { // what an earlier version kept
  for (const name of Object.keys(localStorage).filter((each) => each.startsWith(KEPT))) {
    await at("readwrite", (forms) => forms.put(localStorage.getItem(name), name));
    localStorage.removeItem(name);
  }
}

function newId() { // UUIDv7 by the server's clock
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  const time = BigInt(serverNow().getTime());
  for (let place = 0; place < 6; place++) bytes[place] = Number((time >> BigInt(40 - 8 * place)) & 255n);
  bytes[6] = (bytes[6] & 15) | 112;
  bytes[8] = (bytes[8] & 63) | 128;
  const hex = Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join("-");
}

async function openStore() { // whether anything can be kept here
  if (!globalThis.crypto?.subtle) return false;
  try {
    base = await openBase();
    key = await crypto.subtle.importKey("raw", raw(box.dataset.key), "AES-GCM", false, ["encrypt", "decrypt"]);
    await takeOver();
  } catch { return false; } // storage is switched off
  return true;
}

function isConnected() {
  return fetch("/healthz").then(() => true, () => false);
}
