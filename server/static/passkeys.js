// Signs in with, or adds, a passkey: asks our server for options, lets the browser talk to the authenticator, sends the answer back.
"use strict";

const STEPS = {
  "sign-in": { options: "/sign-in/options", answer: "/sign-in/passkey", ask: "startAuthentication" },
  again: { options: "/sign-in/options", answer: "/sign-in/again/passkey", ask: "startAuthentication" },
  register: { options: "/account/passkeys/options", answer: "/account/passkeys", ask: "startRegistration" },
};

async function post(address, csrf, body) {
  const answer = await fetch(address, {
    method: "POST",
    headers: { "content-type": "application/json", "x-csrf-token": csrf },
    body: JSON.stringify(body),
  });
  // 401 with this code: who opened the page has to prove it again before a way in is added
  if (answer.status === 401 && address.startsWith("/account/")) window.location.assign("/sign-in/again?next=/account");
  if (!answer.ok) throw new Error(`${address} answered ${answer.status}`);
  return answer.json();
}

async function run(place) {
  const step = STEPS[place.dataset.passkey];
  const { csrf, target } = place.dataset;
  const label = place.querySelector("input")?.value ?? "";
  const options = await post(step.options, csrf, {});
  const credential = await SimpleWebAuthnBrowser[step.ask]({ optionsJSON: options });
  const query = new URLSearchParams(label ? { label } : { target: target || "/" });
  const { to } = await post(`${step.answer}?${query}`, csrf, credential);
  window.location.assign(to);
}

for (const place of document.querySelectorAll("[data-passkey]")) {
  const message = place.querySelector("[role=alert]");
  place.querySelector("button").addEventListener("click", () => {
    message.hidden = true;
    run(place).catch(() => { message.hidden = false; });
  });
}
