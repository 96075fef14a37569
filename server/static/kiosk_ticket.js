// The kiosk's code brings a ticket behind the "#" of the address: it goes into the form and out of the address, and the person presses the button.
"use strict";

const ticket = window.location.hash.slice(1);
if (/^LW1\.[A-Za-z0-9_-]{1,596}$/.test(ticket)) {
  const form = document.querySelector("[data-from-kiosk]");
  form.elements.ticket.value = ticket;
  form.hidden = false;
  document.querySelector("[data-no-ticket]").hidden = true;
  history.replaceState(null, "", window.location.pathname);
  form.querySelector("button").focus();
}
