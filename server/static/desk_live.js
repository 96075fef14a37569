// A card held up at the desk's kiosk arrives in the open page: an untouched form is filled in at once, any other page offers it.
// Everything works without it: the server lists the cards that wait whenever a page is opened.
"use strict";

const liveBox = document.querySelector("[data-live]");
const listed = new Set(Array.from(liveBox.querySelectorAll("[data-shown]"), (link) => link.dataset.shown));
const guest = document.querySelector("[data-declare]");

function isUntouched() {
  if (!guest || "read" in guest.dataset || document.querySelector(".govuk-error-summary")) return false;
  return ["full_name", "personal_number", "birth"].every((name) => !guest.elements[name].value) && !document.querySelector("#card_text").value;
}

function offer(id) {
  if (listed.has(id)) return;
  listed.add(id);
  const asked = new URLSearchParams({ premises: liveBox.dataset.premises, shown: id });
  if (liveBox.dataset.party) asked.set("party", liveBox.dataset.party);
  const href = `/desk/declare?${asked}`;
  if (isUntouched()) {
    location.assign(href);
    return;
  }
  const line = document.createElement("p");
  const link = Object.assign(document.createElement("a"), { className: "govuk-link", href, textContent: liveBox.dataset.card });
  line.append(link);
  liveBox.append(line);
  liveBox.hidden = false;
  if (document.activeElement?.matches("[data-next]")) link.focus(); // on a receipt Enter opens whoever comes next
}

// How many people are still to be declared when a deadline is near; luutru.js counts it down.
function press(urgent) {
  const bar = document.querySelector("[data-urgent]");
  const title = document.title.replace(/^\(\d+\) /, "");
  document.title = urgent ? `(${urgent.people}) ${title}` : title;
  if (urgent) {
    bar.querySelector("[data-urgent-people]").textContent = urgent.people;
    bar.querySelector("[data-urgent-due]").dateTime = urgent.due;
  }
  bar.hidden = !urgent;
}

if (document.activeElement?.matches("[data-next]")) liveBox.querySelector("[data-shown]")?.focus(); // and of those that wait, the first
const shownNow = guest?.elements.shown?.value;
if (shownNow) listed.add(shownNow);
const stream = new EventSource(`/desk/live?premises=${encodeURIComponent(liveBox.dataset.premises)}`);
stream.addEventListener("card", (event) => offer(event.data));
stream.addEventListener("urgent", (event) => press(JSON.parse(event.data)));
