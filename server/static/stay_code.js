// A scanned slip brings both codes behind the "#" of the address: they go into the form and out of the address, and the person presses the button.
"use strict";

const [receipt, code] = window.location.hash.slice(1).split(".");
if (receipt && code) {
  const form = document.querySelector("[data-from-slip]");
  form.elements.receipt.value = receipt;
  form.elements.code.value = code;
  history.replaceState(null, "", window.location.pathname);
  form.querySelector("button").focus();
}
