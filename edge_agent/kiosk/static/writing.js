// What a key of a board writes: Latin letters in their case, Vietnamese tones, Korean syllables, Japanese marks. The boards are edge_agent/kiosk/boards.py.
"use strict";
globalThis.writing = (() => {
  // Korean: a syllable's number is (first * 21 + vowel) * 28 + last, from U+AC00 on (The Unicode Standard, 3.12).
  const FIRST = [..."ㄱㄲㄴㄷㄸㄹㅁㅂㅃㅅㅆㅇㅈㅉㅊㅋㅌㅍㅎ"], VOWEL = [..."ㅏㅐㅑㅒㅓㅔㅕㅖㅗㅘㅙㅚㅛㅜㅝㅞㅟㅠㅡㅢㅣ"];
  const LAST = ["", ..."ㄱㄲㄳㄴㄵㄶㄷㄹㄺㄻㄼㄽㄾㄿㅀㅁㅂㅄㅅㅆㅇㅈㅊㅋㅌㅍㅎ"], SYLLABLES = 0xac00, END = 0xd7a3;
  const PAIRS = { ㅘ: "ㅗㅏ", ㅙ: "ㅗㅐ", ㅚ: "ㅗㅣ", ㅝ: "ㅜㅓ", ㅞ: "ㅜㅔ", ㅟ: "ㅜㅣ", ㅢ: "ㅡㅣ", ㄳ: "ㄱㅅ", ㄵ: "ㄴㅈ", ㄶ: "ㄴㅎ", ㄺ: "ㄹㄱ", ㄻ: "ㄹㅁ", ㄼ: "ㄹㅂ", ㄽ: "ㄹㅅ", ㄾ: "ㄹㅌ", ㄿ: "ㄹㅍ", ㅀ: "ㄹㅎ", ㅄ: "ㅂㅅ" };
  const SMALL = { あ: "ぁ", い: "ぃ", う: "ぅ", え: "ぇ", お: "ぉ", つ: "っ", や: "ゃ", ゆ: "ゅ", よ: "ょ", わ: "ゎ" };

  const paired = (one, other) => Object.keys(PAIRS).find((each) => PAIRS[each] === one + other);
  const apart = (sign) => {
    const number = sign.codePointAt(0) - SYLLABLES;
    if (!(number >= 0 && number <= END - SYLLABLES)) return FIRST.includes(sign) ? [sign, "", ""] : VOWEL.includes(sign) ? ["", sign, ""] : null;
    return [FIRST[Math.floor(number / 588)], VOWEL[Math.floor(number / 28) % 21], LAST[number % 28]];
  };
  const whole = (first, vowel, last) => (first && vowel ? String.fromCodePoint(SYLLABLES + (FIRST.indexOf(first) * 21 + VOWEL.indexOf(vowel)) * 28 + LAST.indexOf(last)) : first + vowel);

  // What the last sign and one more letter become: one or two signs.
  function joined(before, letter) {
    const parts = before ? apart(before) : null;
    if (!parts) return before + letter;
    const [first, vowel, last] = parts;
    if (VOWEL.includes(letter)) {
      if (last) { // the syllable gives its last letter to the next one
        const [stays, goes] = PAIRS[last] ? [...PAIRS[last]] : ["", last];
        return whole(first, vowel, stays) + whole(goes, letter, "");
      }
      if (!vowel) return whole(first, letter, "");
      const pair = paired(vowel, letter);
      return pair ? whole(first, pair, "") : before + letter;
    }
    if (!first || !vowel) return before + letter;
    const end = last ? paired(last, letter) : letter;
    return end && LAST.includes(end) ? whole(first, vowel, end) : before + letter;
  }

  // Erasing takes a Korean syllable's last letter, of any other text the last sign.
  function erased(text) {
    const signs = [...text], gone = signs.pop(), parts = gone ? apart(gone) : null;
    if (!parts) return signs.join("");
    const less = (pair) => (PAIRS[pair] ? PAIRS[pair][0] : "");
    const [first, vowel, last] = parts;
    return signs.join("") + (last ? whole(first, vowel, less(last)) : vowel ? whole(first, less(vowel), "") : "");
  }

  // Japanese: the last letter's next form: か が, は ば ぱ, つ っ づ, and from the last one back to the first.
  function voiced(text) {
    const signs = [...text], given = signs.pop();
    if (!given) return text;
    const bare = given.normalize("NFD")[0], base = Object.keys(SMALL).find((each) => SMALL[each] === bare) || bare;
    const forms = [base, SMALL[base], ...["\u3099", "\u309a"].map((mark) => (base + mark).normalize("NFC"))].filter((each) => each && each.length === 1);
    const at = forms.indexOf(given);
    return signs.join("") + (at < 0 ? given : forms[(at + 1) % forms.length]);
  }

  // Put a tone on the last word's vowel: the marked one (ơ, ê, ...) if there is one, else by the usual place.
  function toned(text, mark) {
    const at = text.search(/\S*$/);
    const bare = text.slice(at).normalize("NFD").replace(/[\u0300\u0301\u0309\u0303\u0323]/g, "").normalize("NFC");
    const letters = [...bare];
    const glide = /^(qu|gi(?=[aeiouyăâêôơư]))/i.exec(bare);
    const vowels = letters.map((each, index) => [each, index]).filter(([each, index]) => /[aeiouyăâêôơư]/i.test(each) && !(glide && index < 2));
    if (!vowels.length) return text;
    const marked = vowels.filter(([each]) => /[ăâêôơư]/i.test(each));
    const closed = vowels[vowels.length - 1][1] < letters.length - 1;
    const chosen = marked.length ? marked[marked.length - 1] : vowels[closed || vowels.length === 3 ? Math.min(1, vowels.length - 1) : 0];
    letters[chosen[1]] += mark;
    return text.slice(0, at) + letters.join("").normalize("NFC");
  }

  function keyed(field, key) {
    const text = field.value;
    if (key === "backspace") return erased(text);
    if (key === "゛") return voiced(text);
    const signs = [...text], last = signs.pop() || "";
    const inName = field.dataset.letters !== "sentence";
    const begins = text === "" || (inName ? /[\s'-]$/ : /[.?!]\s$/).test(text); // also H'Loan
    const sign = "letters" in field.dataset && !begins ? key.toLowerCase() : key;
    const next = apart(key) ? signs.join("") + joined(last, key) : text + sign;
    return field.maxLength > 0 && next.length > field.maxLength ? text : next;
  }

  // Put the board a key leads to in place of the one it stands on.
  function turn(key) {
    const pad = key.closest("[data-pad]");
    const wanted = [...pad.querySelectorAll("template")].find((each) => each.dataset.board === key.dataset.turn);
    pad.querySelector(".board__rows").replaceWith(wanted.content.cloneNode(true));
  }

  return { keyed, toned, turn };
})();
