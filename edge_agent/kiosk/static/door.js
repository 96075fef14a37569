// The door's page asks twice a second what is to be shown, and sounds what came of it. Without script it loads itself again.
"use strict";
(() => {
  const ASK_MS = 500, ANSWER_MS = 4000, AWAY_AFTER = 3;
  const tunes = { open: [660, 880, 1320], wait: [880], no: [330, 262] };
  const main = () => document.querySelector("main");
  const says = (part) => `${part.dataset.said} ${part.dataset.shows}`;
  let failed = 0, audio = null;

  function play(tune) {
    if (!tune || !window.AudioContext) return;
    try {
      audio ??= new AudioContext();
      if (audio.state !== "running") audio.resume();
      tune.forEach((pitch, index) => {
        const tone = audio.createOscillator(), volume = audio.createGain(), at = audio.currentTime + index * 0.16;
        tone.frequency.value = pitch;
        volume.gain.setValueAtTime(0.2, at);
        volume.gain.exponentialRampToValueAtTime(0.0001, at + 0.14);
        tone.connect(volume).connect(audio.destination);
        tone.start(at);
        tone.stop(at + 0.15);
      });
    } catch { /* no sound card: the page says the same */ }
  }

  // Only what differs is put in place, so a PIN that is being typed stays.
  function show(text) {
    const fresh = new DOMParser().parseFromString(text, "text/html").querySelector("main");
    if (!fresh || says(fresh) === says(main())) return;
    const before = main().dataset.said;
    main().replaceWith(fresh);
    if (fresh.dataset.said !== before) play(tunes[fresh.dataset.said]);
    const pin = document.getElementById("pin");
    if (pin) pin.focus();
  }

  async function ask() {
    try {
      const answer = await fetch("/door", { cache: "no-store", signal: AbortSignal.timeout(ANSWER_MS) });
      if (!answer.ok) throw new Error();
      show(await answer.text());
      failed = 0;
    } catch {
      failed += 1;
    }
    main().hidden = failed >= AWAY_AFTER; // while the kiosk is away nothing it said before is true
    document.getElementById("away").hidden = failed < AWAY_AFTER;
    setTimeout(ask, ASK_MS);
  }

  function press(digit) {
    const pin = document.getElementById("pin");
    if (!pin) return;
    pin.value = digit ? (pin.value + digit).slice(0, pin.maxLength) : pin.value.slice(0, -1);
    pin.focus();
  }

  document.addEventListener("click", (event) => {
    const key = event.target.closest("[data-digit]");
    if (key) press(key.dataset.digit);
  });
  // A keypad of digits, * and #: # enters, * erases.
  document.addEventListener("keydown", (event) => {
    const pin = document.getElementById("pin");
    if (!pin || (event.key !== "#" && event.key !== "*")) return;
    event.preventDefault();
    if (event.key === "*") press(""); else pin.form.requestSubmit();
  });
  play(tunes[main().dataset.said]);
  setTimeout(ask, ASK_MS);
})();
