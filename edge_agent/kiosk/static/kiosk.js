// The page's script: it fetches the screen when told to, sends forms, and forgets. Nothing is stored, nothing is logged.
"use strict";
(() => {
  const RESTART_HINT_MS = 1500, TOUCH_EVERY_MS = 5000, RETRY_MS = 3000, ALIVE_EVERY_MS = 4000, ANSWER_MS = 8000;
  const byId = (id) => document.getElementById(id);
  const parts = ["top", "stage", "bottom", "overlay"];
  let drawn = {}; // what the server last sent for each part, so that an unchanged part (and what is being typed in it) stays
  let source = null, away = 0, lost = false, leaving = false, focusBefore = null, countdown = 0, lastTouch = 0, fetching = null;
  let asked = 0, shown = 0; // the newest question to the server, and the question whose answer is on the screen

  const state = () => byId("state").dataset;

  function remember(root) {
    const now = {};
    for (const id of parts) now[id] = root.querySelector("#" + id).innerHTML;
    return now;
  }

  function leave() {
    if (leaving) return;
    leaving = true;
    hush();
    for (const id of ["stage", "overlay"]) byId(id).textContent = "";
    location.replace("/wiped");
  }

  // Put what the server sent in place of what differs; an answer overtaken by a later one is dropped, so no older screen comes back.
  function show(html, turn) {
    if (turn < shown) return;
    shown = turn;
    const next = document.createElement("div");
    next.innerHTML = html;
    const fresh = next.querySelector("#state");
    if (!fresh) return location.replace("/");
    if (fresh.dataset.visit !== state().visit) return leave();
    const moved = fresh.dataset.name !== state().name;
    const warned = byId("overlay").querySelector(".warning");
    const texts = remember(next);
    const keptFocus = document.activeElement && document.activeElement.value;
    for (const id of parts) {
      const before = byId(id), after = next.querySelector("#" + id);
      before.inert = after.inert;
      if (texts[id] === drawn[id]) continue;
      before.className = after.className;
      before.replaceChildren(...after.childNodes);
    }
    const changed = texts.stage !== drawn.stage;
    drawn = texts;
    byId("state").replaceWith(fresh);
    document.documentElement.lang = fresh.dataset.language;
    document.title = fresh.dataset.title;
    prepare();
    const warns = byId("overlay").querySelector(".warning");
    if (warns && !warned) { focusBefore = document.activeElement; focusIn(byId("overlay")); }
    else if (warned && !warns && focusBefore && focusBefore.isConnected) focusBefore.focus();
    else if (moved) { scrollTo(0, 0); focusIn(byId("stage")); }
    else if (changed || !document.activeElement || document.activeElement === document.body) refocus(keptFocus);
  }

  function focusIn(part) {
    const target = part.querySelector("[data-focus]") || part.querySelector("h1") || part.querySelector("button");
    if (target) target.focus({ preventScroll: true });
  }

  // After a redraw of the same screen the same button has the focus again.
  function refocus(value) {
    const same = value && [...document.querySelectorAll("button")].find((each) => each.value === value);
    if (same) same.focus({ preventScroll: true }); else focusIn(byId("stage"));
  }

  async function refresh() {
    if (fetching || leaving) { fetching = "again"; return; }
    fetching = "now";
    const turn = ++asked;
    try {
      const answer = await fetch("/screen", { cache: "no-store" });
      if (answer.ok) show(await answer.text(), turn);
    } catch { /* the agent is away; the event source notices */ }
    const again = fetching === "again";
    fetching = null;
    if (again) refresh();
  }

  async function send(fields) {
    const turn = ++asked;
    try {
      const answer = await fetch("/act", { method: "POST", body: new URLSearchParams(fields), headers: { "X-Part": "screen" }, cache: "no-store" });
      if (answer.ok) show(await answer.text(), turn); else refresh();
    } catch { hint(); }
  }

  document.addEventListener("submit", (event) => {
    event.preventDefault();
    if (leaving) return;
    const fields = new FormData(event.target, event.submitter);
    if (event.submitter && "once" in event.submitter.dataset) event.submitter.disabled = true;
    send(fields);
  });

  // Typing and touching count as being there, also where nothing is sent.
  function touched() {
    const now = performance.now();
    if (now - lastTouch < TOUCH_EVERY_MS || state().name === "idle" || byId("overlay").querySelector(".warning")) return; // the overlay has its own buttons
    lastTouch = now;
    const token = document.querySelector("input[name=token]");
    if (token) fetch("/act", { method: "POST", body: new URLSearchParams({ do: "touched", token: token.value }), headers: { "X-Part": "screen" } }).catch(() => {});
  }
  for (const kind of ["pointerdown", "keydown", "wheel"]) document.addEventListener(kind, touched, { passive: true, capture: true });

  // The list of languages closes when something else is touched.
  document.addEventListener("pointerdown", (event) => {
    const open = document.querySelector(".languages[open]");
    if (open && !open.contains(event.target)) open.open = false;
  });

  // ---- keys on the screen ----
  const fieldOf = (key) => {
    const form = key.closest("form");
    const active = form.querySelector(".field:focus") || form.querySelector("[data-active]") || form.querySelector(".field");
    return active;
  };

  document.addEventListener("focusin", (event) => {
    if (!event.target.classList.contains("field")) return;
    for (const each of document.querySelectorAll("[data-active]")) delete each.dataset.active;
    event.target.dataset.active = "";
  });
  // A key on the screen must not take the caret away.
  document.addEventListener("pointerdown", (event) => { if (event.target.closest("[data-pad] .key")) event.preventDefault(); });
  document.addEventListener("click", (event) => {
    const key = event.target.closest(".key");
    if (!key) return;
    if (key.dataset.step) { stepBy(byId(key.dataset.stepFor), Number(key.dataset.step)); return; }
    if (key.dataset.turn) { writing.turn(key); return; }
    const field = fieldOf(key);
    field.value = key.dataset.tone ? writing.toned(field.value, key.dataset.tone) : writing.keyed(field, key.dataset.key);
    field.dispatchEvent(new Event("input", { bubbles: true }));
  });

  function stepBy(field, by) {
    const next = Number(field.value || 0) + by;
    field.value = Math.max(Number(field.min), Math.min(Number(field.max), next));
  }

  document.addEventListener("input", (event) => {
    const field = event.target;
    if (field.dataset.digits) field.value = field.value.replace(/\D/g, "").slice(0, Number(field.dataset.digits));
    if (field.dataset.next && field.value.length === Number(field.dataset.digits)) field.form.elements[field.dataset.next].focus();
    if ("count" in field.dataset) field.form.querySelector("[data-counter]").textContent = field.value.length;
    if (field.dataset.filter) filter(byId(field.dataset.filter), field.value.trim().toLowerCase());
  });

  function filter(list, wanted) {
    if (!list) return;
    let left = 24;
    for (const each of list.children) each.hidden = !(each.dataset.unit.toLowerCase().includes(wanted) && left-- > 0);
    list.previousElementSibling.hidden = ![...list.children].some((each) => !each.hidden);
  }

  // ---- warning, sounds ----
  function prepare() {
    clearInterval(countdown);
    speak();
    const seconds = document.querySelector("[data-countdown]");
    if (seconds) countdown = setInterval(() => { seconds.textContent = Math.max(0, Number(seconds.textContent) - 1); }, 1000);
  }

  // What the screen asks, said once for each screen, as loud as the person chose; going on stops it.
  let voice = null, said = "";
  const hush = () => { if (voice) voice.pause(); };
  function speak() {
    const { prompt, volume } = state();
    if (voice) voice.volume = Number(volume) / 3;
    if (prompt === said) return;
    said = prompt;
    hush();
    if (!prompt) return;
    voice = new Audio("/prompt.wav?" + prompt);
    voice.volume = Number(volume) / 3;
    voice.play().catch(() => {}); // no sound card or no voice: the caption says the same
  }

  const tunes = { "card-read": [880], attention: [660, 660, 660], kept: [660, 880], accepted: [660, 880, 1320], problem: [330, 262], done: [660, 784], call: [988, 784, 988, 784, 988, 784] };
  let audio = null;
  function play(cue) {
    if (!tunes[cue] || !window.AudioContext) return;
    try {
      audio ??= new AudioContext();
      if (audio.state !== "running") audio.resume();
      tunes[cue].forEach((pitch, index) => {
        const tone = audio.createOscillator(), volume = audio.createGain(), at = audio.currentTime + index * 0.16;
        tone.frequency.value = pitch;
        volume.gain.setValueAtTime(0.0001, at);
        volume.gain.exponentialRampToValueAtTime(0.2, at + 0.02);
        volume.gain.exponentialRampToValueAtTime(0.0001, at + 0.14);
        tone.connect(volume).connect(audio.destination);
        tone.start(at);
        tone.stop(at + 0.15);
      });
    } catch { /* no sound card: the screen says the same */ }
  }

  // ---- the agent's word ----
  function hint() {
    if (lost || leaving) return;
    lost = true;
    hush();
    for (const id of ["stage", "overlay"]) byId(id).textContent = ""; // while the agent is away nobody could wipe it
    byId("restarting").hidden = false;
  }

  function listen() {
    source = new EventSource("/events");
    source.addEventListener("state", (event) => {
      clearTimeout(away);
      away = 0;
      if (lost) { leaving = true; location.replace("/"); return; }
      const news = JSON.parse(event.data);
      play(news.cue);
      if (String(news.version) !== state().version) refresh();
    });
    source.addEventListener("wipe", leave);
    source.addEventListener("error", () => {
      if (!away) away = setTimeout(hint, RESTART_HINT_MS);
      if (source.readyState === EventSource.CLOSED) { source.close(); setTimeout(listen, RETRY_MS); }
    });
  }

  addEventListener("contextmenu", (event) => event.preventDefault()); // a long touch or a menu key opens none of the browser's menus
  addEventListener("pagehide", () => source && source.close());
  addEventListener("pageshow", (event) => { if (event.persisted) location.replace("/"); });
  drawn = remember(document);
  prepare();
  focusIn(byId(byId("overlay").querySelector(".warning") ? "overlay" : "stage"));
  listen();
  // A sign of life: a page that hangs or crashed gives none, and the browser is started anew.
  // So is one that lies behind another: it is none that people see.
  // An agent that hangs keeps the stream of events open and answers nothing: it could wipe nobody either.
  const alive = async () => {
    if (document.hidden || leaving) return;
    try {
      await fetch("/alive", { cache: "no-store", signal: AbortSignal.timeout(ANSWER_MS) });
      if (lost && !leaving) { leaving = true; location.replace("/"); }
    } catch { hint(); }
  };
  alive();
  setInterval(alive, ALIVE_EVERY_MS);
})();
