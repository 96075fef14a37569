// Counts down to each guest's own deadline, and prints. Everything works without it: the server wrote the first value.
"use strict";

const WORDS = document.documentElement.lang === "vi" ? ["ngày", "giờ", "phút", "giây"] : ["d", "h", "min", "s"];

// htmx notes the address it was loaded at, which may hold a receipt's code; nothing of a visit stays in the browser.
try { sessionStorage.removeItem("htmx-current-path-for-history"); } catch { /* storage is switched off: nothing was noted */ }

// Deadlines are judged by the server's clock, not by the desk's.
const AHEAD = new Date(document.querySelector("meta[name=server-time]").content) - Date.now();

function spell(milliseconds) {
  const seconds = Math.floor(milliseconds / 1000);
  const parts = [Math.floor(seconds / 86400), Math.floor(seconds / 3600) % 24, Math.floor(seconds / 60) % 60, seconds % 60];
  const first = parts.findIndex((part) => part > 0);
  if (first < 0) return `0 ${WORDS[3]}`;
  return parts.slice(first, first + 2).map((part, at) => `${part} ${WORDS[first + at]}`).join(" ");
}

function tick() {
  for (const place of document.querySelectorAll("[data-countdown]")) {
    const left = new Date(place.dateTime) - Date.now() - AHEAD;
    place.classList.toggle("luutru-countdown--soon", left < 3600000);
    place.textContent = left > 0 ? spell(left) : place.dataset.over;
    if (left <= 0) place.classList.add("luutru-over");
  }
}

setInterval(tick, 1000);
for (const button of document.querySelectorAll("[data-print]")) button.addEventListener("click", () => window.print());

// An officer's menu opens without this; here it also closes by Escape, by a click elsewhere, and when the keyboard leaves it.
const menu = document.querySelector("[data-menu]");
const shut = (except) => menu.querySelectorAll("details[open]").forEach((each) => { if (each !== except) each.open = false; });
if (menu) {
  document.addEventListener("click", (event) => shut(event.target.closest("[data-menu] details")));
  menu.addEventListener("focusout", (event) => { if (event.relatedTarget) shut(event.relatedTarget.closest("[data-menu] details")); });
  menu.addEventListener("keydown", (event) => {
    const open = event.key === "Escape" && event.target.closest("details[open]");
    if (!open) return;
    open.open = false;
    open.firstElementChild.focus();
  });
}
