// Keys for a work queue. Each does what a link, button or field of the page does; the help sheet lists them. Nothing is kept in the browser.
"use strict";

const list = document.querySelector("[data-triage]");
const rows = list ? list.children : []; // alive: the rest of a long queue follows the page
const sheet = document.querySelector("[data-keys]");
const status = document.querySelector("[data-status]");
const claim = document.querySelector("[data-claim]");
const find = document.querySelector("#find");
const csrf = document.querySelector("[name=csrf]").value;
let at = -1; // the row that was last gone to

const link = (row) => row.firstElementChild;
const shown = (row) => !row.hidden;
const here = () => (at >= 0 && shown(rows[at]) ? rows[at] : undefined);

function go(to) {
  if (to < 0 || to >= rows.length) return;
  at = to;
  link(rows[at]).focus();
}

function step(by) {
  let to = at + by;
  while (to >= 0 && to < rows.length && !shown(rows[to])) to += by;
  go(to);
}

// Tab and mouse move, too: what a key acts on is always what has the focus.
list?.addEventListener("focusin", (event) => { at = Array.prototype.indexOf.call(rows, event.target.closest("li")); });

async function giveToMe(row) {
  const body = new URLSearchParams({ action: "give", csrf });
  const answer = await fetch(`/police/cases/${row.dataset.case}/task`, {
    method: "POST", body, headers: { accept: "application/json" }, redirect: "error",
  }).catch(() => undefined);
  status.textContent = answer?.ok ? `${status.dataset.mine}: ${link(row).textContent}` : status.dataset.failed;
  const holder = row.querySelector("[data-holder]");
  if (answer?.ok && holder) holder.textContent = list.dataset.me;
}

function claimIt(row) {
  claim.action = `/police/cases/${row.dataset.case}`;
  claim.submit();
}

function openSheet() {
  sheet.showModal();
}

const KEYS = {
  j: () => step(1),
  k: () => (at < 0 ? step(1) : step(-1)),
  a: () => here() && giveToMe(here()),
  c: () => here() && claimIt(here()),
  f: () => document.querySelector("[data-filter] select").focus(),
  "/": () => find.focus(),
  "?": openSheet,
};

const writing = (target) => target.matches("input, textarea, select");

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || sheet.open) return;
  if (writing(event.target)) {
    if (event.key === "Escape") { event.target.blur(); at < 0 ? step(1) : go(at); event.preventDefault(); }
    return;
  }
  const act = KEYS[event.key];
  if (!act) return;
  event.preventDefault(); // else "/" would be typed, or found by the browser
  act();
});

function narrow(some) {
  const wanted = find.value.trim().toLocaleLowerCase();
  for (const row of some) row.hidden = !link(row).textContent.toLocaleLowerCase().includes(wanted);
}

find.addEventListener("input", () => {
  narrow(rows);
  at = -1;
});

// The rest of the rows, piece by piece, once the page stands.
async function bringRest() {
  let address = list?.dataset.rest;
  while (address) {
    const answer = await fetch(address, { redirect: "error" }).catch(() => undefined);
    if (!answer?.ok) return; // the link to further cases stays
    const piece = document.createElement("template");
    piece.innerHTML = await answer.text();
    const added = [...piece.content.children];
    narrow(added);
    list.append(...added);
    const next = answer.headers.get("x-rest");
    address = next ? address.replace(/from=\d+/, `from=${next}`) : "";
  }
  document.querySelector("[data-next]")?.remove();
}

if (document.readyState === "complete") bringRest();
else addEventListener("load", () => setTimeout(bringRest, 50));

document.querySelector("[data-find]").hidden = rows.length === 0;
const opener = document.querySelector("[data-open-keys]");
opener.hidden = false;
opener.addEventListener("click", openSheet);
