// Opens the page of visits without a network. It keeps the page, its style and scripts, which say nothing of anybody; no list and no answer of the server.
"use strict";

const KEPT = "luutru-visits-1";
const PAGE = "/police/visits/phone";
const SHELL = [PAGE, "/static/style.css", "/static/icon.svg", "/static/visits_seal.js", "/static/visits.js"];
const PATIENCE = 4000; // milliseconds, for a network that is there and answers nothing

self.addEventListener("install", (event) => {
  event.waitUntil(caches.open(KEPT).then((kept) => kept.addAll(SHELL)).then(() => self.skipWaiting()));
});

self.addEventListener("activate", (event) => {
  const old = caches.keys().then((names) => Promise.all(names.filter((each) => each.startsWith("luutru-visits-") && each !== KEPT).map((each) => caches.delete(each))));
  event.waitUntil(old.then(() => self.clients.claim()));
});

async function answer(request, path) {
  const kept = await caches.open(KEPT);
  const late = new Promise((_, failed) => { setTimeout(failed, PATIENCE); });
  try {
    const fresh = await Promise.race([fetch(request), late]);
    if (fresh.ok && !fresh.redirected) await kept.put(path, fresh.clone());
    return fresh;
  } catch {
    return (await kept.match(path)) ?? Response.error();
  }
}

self.addEventListener("fetch", (event) => {
  const path = new URL(event.request.url).pathname;
  if (event.request.method === "GET" && SHELL.includes(path)) event.respondWith(answer(event.request, path));
});
