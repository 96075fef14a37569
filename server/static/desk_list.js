// Asks for one piece of a list after the other and shows how far it is; without a script the button does the same, a piece at a time.
"use strict";

const steps = document.querySelector("[data-steps]");
const bar = document.querySelector("[data-steps-bar]");
const said = document.querySelector("[data-steps-said]");

async function goOn() {
  for (;;) {
    const answer = await fetch(steps.action, { method: "POST", headers: { accept: "application/json" }, body: new URLSearchParams(new FormData(steps)) });
    if (!answer.ok) break;
    const { done, lines, of } = await answer.json();
    bar.value = lines;
    bar.max = of;
    said.textContent = `${lines} / ${of}`;
    if (done) break;
  }
  location.replace(location.pathname);
}

if (steps && steps.dataset.steps === "go") {
  steps.querySelector("button").hidden = true;
  goOn().catch(() => { steps.querySelector("button").hidden = false; });
} else if (steps) {
  steps.addEventListener("submit", (event) => {
    event.preventDefault();
    steps.querySelector("button").hidden = true;
    goOn().catch(() => { steps.querySelector("button").hidden = false; });
  });
}
