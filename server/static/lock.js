// Hides a page nobody touches, keeps what was entered in it, and opens it again by a passkey of the same account. All tabs together.
"use strict";

const META = document.querySelector("meta[name=lock-after]");
const PLACE = document.getElementById("luutru-lock");
const CHANNEL = new BroadcastChannel("luutru-lock");
const AGAIN = 5000; // milliseconds between tries to tell the server
const TITLE = document.title;
let touched = Date.now();
let told = 0;
let hidden = [];

function isLocked() { return !PLACE.hidden; }

function touch() {
  if (isLocked() || Date.now() - touched < 1000) return;
  touched = Date.now();
  CHANNEL.postMessage({ touched });
}

function hide() {
  if (isLocked()) return;
  hidden = [...document.body.children].filter((each) => each !== PLACE && !each.hidden && each.tagName !== "SCRIPT");
  for (const each of document.querySelectorAll("dialog[open]")) each.close();
  for (const each of hidden) { each.hidden = true; each.inert = true; }
  document.title = document.getElementById("luutru-lock-title").textContent;
  PLACE.hidden = false;
  document.getElementById("luutru-lock-title").focus();
}

function show(csrf) {
  for (const each of document.querySelectorAll("input[name=csrf]")) each.value = csrf;
  for (const each of document.querySelectorAll("[data-csrf]")) each.dataset.csrf = csrf;
  for (const each of hidden) { each.hidden = false; each.inert = false; }
  document.title = TITLE;
  PLACE.hidden = true;
  touched = Date.now();
}

function post(address, body) {
  return fetch(address, {
    method: "POST",
    headers: { "content-type": "application/json", "x-csrf-token": META.dataset.csrf },
    body: JSON.stringify(body),
  }).then((answer) => (answer.ok ? answer.json() : Promise.reject(new Error(`${address} answered ${answer.status}`))));
}

// Hidden at once, here; the server refuses everything else of this session once it knows. Without a network it is told later.
function lock() {
  hide();
  told = Date.now();
  post("/account/lock", {}).then(() => { told = Infinity; }).catch(() => {});
}

function load(source) {
  return new Promise((resolve, reject) => {
    const script = Object.assign(document.createElement("script"), { src: source, onload: resolve, onerror: reject });
    document.head.append(script);
  });
}

async function unlock() {
  if (!window.SimpleWebAuthnBrowser) await load("/static/vendor/simplewebauthn/index.umd.min.js");
  const options = await post("/sign-in/options", {});
  const { csrf } = await post("/sign-in/again/passkey", await SimpleWebAuthnBrowser.startAuthentication({ optionsJSON: options }));
  told = 0;
  CHANNEL.postMessage({ csrf });
  show(csrf);
}

CHANNEL.onmessage = ({ data }) => {
  if (data.touched) touched = Math.max(touched, data.touched);
  if (data.locked) hide();
  if (data.csrf) show(data.csrf);
};
for (const kind of ["pointerdown", "keydown", "wheel", "touchstart"]) document.addEventListener(kind, touch, { passive: true, capture: true });
document.addEventListener("htmx:beforeRequest", (event) => { if (isLocked()) event.preventDefault(); });
// Keys of the page itself must not act on what nobody sees.
document.addEventListener("keydown", (event) => { if (isLocked() && !PLACE.contains(event.target)) event.stopImmediatePropagation(); }, { capture: true });
PLACE.querySelector("[data-unlock]").addEventListener("click", () => {
  const message = PLACE.querySelector("[role=alert]");
  message.hidden = true;
  unlock().catch(() => { message.hidden = false; });
});
setInterval(() => {
  if (!isLocked() && Date.now() - touched > Number(META.content) * 1000) {
    CHANNEL.postMessage({ locked: true });
    lock();
  } else if (isLocked() && told && Date.now() - told > AGAIN) lock();
}, 500);
