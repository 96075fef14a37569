// A kiosk with one screen and a door: while nobody is being asked anything, the door's page comes over it when there is something to say or a PIN to type.
"use strict";
(() => {
  const ASK_MS = 600, ANSWER_MS = 4000;
  const idle = () => document.getElementById("state").dataset.name === "idle";
  async function ask() {
    try {
      const answer = idle() && (await fetch("/door/now", { cache: "no-store", signal: AbortSignal.timeout(ANSWER_MS) }));
      if (answer && answer.ok && (await answer.json()).shows && idle()) return location.replace("/door?here");
    } catch { /* the kiosk is away; its own page says so */ }
    setTimeout(ask, ASK_MS);
  }
  setTimeout(ask, ASK_MS);
})();
