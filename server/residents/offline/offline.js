// Reads the text of a receipt (LR1:), a proof of a stay (LS1:), an answer (LA1:), a certificate of deletion (LD1:) or a proof of a look (a .tlog-proof), checks it with the keys this
// page was made with, and says what stands in it. Above this stand noble-ed25519, TRUST = {made_at, keys, words, log, statements} and what checks proofs from logs. Nothing is
// sent: the page's policy forbids it.

const ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ $%*+-./:";
const TYPES = { "LS1:": "application/vnd.luutru.stay+cwt", "LR1:": "application/vnd.luutru.receipt+json", "LA1:": "application/vnd.luutru.answer+json",
  "LD1:": "application/vnd.luutru.deletion+json" };
const FIELDS = ["", "state", "kept_at", "received_at", "accepted_at", "due", "on_time", "rule_set", "rule", "article", "premises_id", "place", "unit",
  "arrival", "departure", "declared_by", "evidence_level", "kept_until", "log"];
const TIMES = new Set(["kept_at", "received_at", "accepted_at", "due", "arrival", "departure", "kept_until", "signed_at",
  "asked_at", "answered_at", "at", "deleted_at"]);
// Vietnamese stands first everywhere; beside it one of these: what the browser wishes, or what is pressed.
const OTHERS = { en: "English", zh: "中文", ko: "한국어", ja: "日本語", ru: "Русский" };
const TAGS = { en: "en-GB", zh: "zh-Hans", ko: "ko", ja: "ja", ru: "ru" };
let other = (navigator.languages ?? []).map((each) => each.slice(0, 2).toLowerCase()).find((each) => each in OTHERS) ?? "en";
const beside = (english) => TRUST.said[english]?.[other] ?? english;
// name -> Vietnamese, English; in the order they are shown
const NAMES = {
  state: ["Trạng thái khi ký", "State when it was signed"], code: ["Mã biên nhận", "Code of the receipt"], place: ["Nơi lưu trú", "Place"],
  premises_id: ["Mã địa điểm", "Premises"], unit: ["Căn hộ, phòng", "Room"], arrival: ["Đến", "Arrival"], departure: ["Dự kiến đi", "Planned departure"],
  kept_at: ["1. Máy khai báo đã giữ", "1. Kept at the kiosk"], received_at: ["2. Cơ quan đã nhận", "2. Received by the authority"],
  accepted_at: ["3. Ghi vào sổ", "3. Recorded"], due: ["Hạn khai báo", "Deadline"], on_time: ["Đúng hạn", "In time"],
  declared_by: ["Người khai báo", "Declared by"], evidence_level: ["Mức chứng cứ", "Evidence"], article: ["Căn cứ pháp lý", "Legal basis"],
  rule: ["Quy tắc", "Rule"], rule_set: ["Bộ quy tắc", "Rule set"], kept_until: ["Lưu giữ đến", "Kept until"], signed_at: ["Ký lúc", "Signed"],
  issuer: ["Cơ quan", "Authority"],
  subject: ["Về việc", "About"], outcome: ["Trả lời", "Answer"], reason: ["Lý do", "Reason"], asked_at: ["Yêu cầu lúc", "Asked"],
  answered_at: ["Trả lời lúc", "Answered"], legal_basis: ["Căn cứ pháp lý", "Legal basis"],
  deleted_at: ["Xóa lúc", "Deleted"], deleted: ["Đã xóa", "What was deleted"], kept: ["Còn giữ, không có tên", "What stays, without the name"],
  period_keys: ["Khóa còn mở được bản sao lưu cũ cho đến khi bị hủy", "Keys that open older backups until they are destroyed"],
  at: ["Xem lúc", "Looked at"], role: ["Ai xem", "Who looked"], purpose: ["Để làm gì", "Why"], fields: ["Mục nào", "Which fields"],
  promised: ["Vị trí được hứa trong nhật ký công khai", "Place promised in the public log"], standing: ["Vị trí đó", "That place"],
  index: ["Vị trí trong nhật ký", "Place in the log"], witnesses: ["Bên làm chứng", "Witnesses"],
};
const WORDS = { state: ["state"], rule: ["rule"], evidence_level: ["evidence"], declared_by: ["declarant"], role: ["role"], purpose: ["purpose"],
  fields: ["field"], subject: ["fault", "field", "procedure"], outcome: ["dispute", "procedure_step"], deleted: ["deleted"], kept: ["deletion_kept"] };
const STANDINGS = {
  in_log: ["Đã kiểm tra: khai báo nằm ở đó", "Checked: the statement stands there"],
  unchecked: ["Chưa kiểm tra. Tệp “bằng chứng kèm vị trí trong nhật ký” cho thấy khai báo có ở đó hay không", "Not checked. The file “the proof with its place in the log” shows whether it stands there"],
};
const REASONS = {
  text: ["Đây không phải mã biên nhận. Hãy sao chép lại toàn bộ.", "This is not the text of a receipt. Copy all of it again."],
  unknown: ["Trang này không có khóa đã ký mã này.", "This page does not hold the key that signed it."],
  signature: ["Chữ ký không đúng: nội dung đã bị sửa hoặc bị giả.", "The signature does not hold: it was changed or forged."],
  revoked: ["Khóa đã ký đã bị thu hồi; hãy xin lại biên nhận.", "The key that signed it was revoked; ask for the receipt again."],
  other_proof: ["Bằng chứng trong nhật ký là của một việc khác.", "The proof from the log is of something else."],
  path: ["Việc này không nằm trong nhật ký đã ký: nội dung đã bị sửa hoặc nhật ký bị thay.", "This does not stand in the signed log: it was changed, or the log was."],
  witness: ["Không bên làm chứng nào đã ký nhật ký này.", "None of the witnesses this page knows has signed this log."],
  promise: ["Bằng chứng này là của một vị trí khác với vị trí được hứa trong biên nhận.", "This proof is of another place than the receipt promises."],
  other_log: ["Trang này không có khóa của nhật ký mà biên nhận nêu.", "This page does not hold the key of the log the receipt names."],
  no_log: ["Trang này được làm không có khóa của nhật ký.", "This page was made without the key of the log."],
  expired: ["Khóa không còn hiệu lực khi ký.", "The key was not in force when it was signed."],
};
const fail = (reason) => { throw new Error(reason); };

function unbase45(text) {
  const out = [];
  for (let at = 0; at < text.length; at += 3) {
    const group = [...text.slice(at, at + 3)].map((letter) => ALPHABET.indexOf(letter));
    if (group.length < 2 || group.includes(-1)) fail("text");
    const number = group.reduce((sum, value, place) => sum + value * 45 ** place, 0);
    if (number >= (group.length === 3 ? 65536 : 256)) fail("text");
    if (group.length === 3) out.push(number >> 8);
    out.push(number & 255);
  }
  return Uint8Array.from(out);
}

// The CBOR this product writes: shortest heads, definite lengths, one tag. Whatever else there is, is refused.
function cbor(bytes) {
  let at = 0;
  const take = (count) => { if (at + count > bytes.length) fail("text"); at += count; return bytes.subarray(at - count, at); };
  const argument = (low) => {
    if (low < 24) return low;
    if (low > 27) fail("text");
    return take(1 << (low - 24)).reduce((sum, byte) => sum * 256 + byte, 0);
  };
  const item = (depth) => {
    if (depth > 6) fail("text");
    const head = take(1)[0], major = head >> 5, low = head & 31;
    if (major === 7) return low === 20 ? false : low === 21 ? true : fail("text");
    const value = argument(low);
    if (major === 0) return value;
    if (major === 1) return -1 - value;
    if (major === 2) return take(value).slice();
    if (major === 3) return new TextDecoder("utf-8", { fatal: true }).decode(take(value));
    if (value > bytes.length) fail("text");
    if (major === 4) return Array.from({ length: value }, () => item(depth + 1));
    if (major === 5) return new Map(Array.from({ length: value }, () => [item(depth + 1), item(depth + 1)]));
    return value === 18 ? item(depth + 1) : fail("text");
  };
  const found = item(0);
  if (at !== bytes.length) fail("text");
  return found;
}

function head(major, length) {
  const first = major << 5;
  return length < 24 ? [first | length] : length < 256 ? [first | 24, length] : [first | 25, length >> 8, length & 255];
}

function toBeSigned(protectedHeader, payload) {
  const context = new TextEncoder().encode("Signature1");
  return Uint8Array.from([0x84, ...head(3, context.length), ...context, ...head(2, protectedHeader.length), ...protectedHeader, 0x40, ...head(2, payload.length), ...payload]);
}

function textOf(declarationId) {
  const hex = [...declarationId].map((byte) => byte.toString(16).padStart(2, "0")).join("");
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join("-");
}

async function codeOf(declarationId) {
  const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", new TextEncoder().encode("luutru receipt code" + declarationId)));
  let bits = 0n;
  for (const byte of digest.slice(0, 8)) bits = (bits << 8n) | BigInt(byte);
  bits >>= 4n;
  const letters = Array.from({ length: 12 }, (_, place) => "0123456789ABCDEFGHJKMNPQRSTVWXYZ"[Number((bits >> BigInt(55 - 5 * place)) & 31n)]).join("");
  return letters.match(/.{4}/g).join("-");
}

function saidOf(prefix, payload) {
  if (prefix !== "LS1:") return JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(payload));
  const claims = cbor(payload), stay = claims.get(-65537);
  const said = { issuer: claims.get(1), signed_at: claims.get(6), declaration_id: textOf(claims.get(7)) };
  FIELDS.forEach((name, number) => { if (stay.has(number)) said[name] = stay.get(number); });
  for (const name of TIMES) if (name in said) said[name] = new Date(said[name] * 1000).toISOString();
  return said;
}

function checkKey(key, signedAt) {
  if (key.revoked_at) fail("revoked");
  const at = Date.parse(signedAt);
  if (!(at >= Date.parse(key.valid_from)) || (key.valid_to && at >= Date.parse(key.valid_to))) fail("expired");
}

async function verify(text) {
  if (text.startsWith("c2sp.org/tlog-proof@v1\n")) return lookOf(text);
  const [stripped, ...below] = text.trim().split("\n").map((line, place) => place ? line : line.trim()), prefix = stripped.slice(0, 4);
  if (below.length && prefix === "LA1:") fail("text");
  if (!(prefix in TYPES) || stripped.length > 8192) fail("text");
  const signed = unbase45(stripped.slice(4)), parts = cbor(signed);
  if (!Array.isArray(parts) || parts.length !== 4 || parts[1].size !== 0) fail("text");
  const [protectedHeader, , payload, signature] = parts, labels = cbor(protectedHeader);
  if (labels.get(1) !== -8 || labels.get(16) !== TYPES[prefix] || labels.has(2)) fail("text");
  const key = TRUST.keys.find((each) => each.key_id === new TextDecoder().decode(labels.get(4)));
  if (!key) fail("unknown");
  const publicKey = Uint8Array.from(atob(key.public_key), (letter) => letter.charCodeAt(0));
  if (!(await verifyAsync(signature, toBeSigned(protectedHeader, payload), publicKey, { zip215: false }))) fail("signature");
  const said = saidOf(prefix, payload);
  checkKey(key, said.signed_at ?? said.answered_at ?? said.deleted_at ?? said.accepted_at);
  if (prefix === "LA1:") return said;
  const proof = below.join("\n").replace(/^\n+/, "") + "\n";
  if (prefix === "LD1:") return { ...said, ...(below.length ? await placeOf("erase-person", await hexDigest(signed), proof) : {}) };
  const code = await codeOf(said.declaration_id);
  if (said.code !== undefined && said.code !== code) fail("text");
  const promised = promiseOf(said);
  if (promised && (isStatementProof(proof) || !below.length)) return { ...said, code, ...(await promiseKept(said, promised, below.length ? proof : "")) };
  return { ...said, code, ...(below.length ? await placeOf("own-stays", await statementDigest(said), proof) : {}) };
}

function promiseOf({ log }) {
  if (log === undefined) return null;
  if (!Array.isArray(log)) return { log: log.log, index: log.index, salt: Uint8Array.from(atob(log.salt), (letter) => letter.charCodeAt(0)) };
  return { log: [...log[0]].map((byte) => byte.toString(16).padStart(2, "0")).join(""), index: log[1], salt: log[2] };
}

// The entry follows from the receipt; without a proof nothing is claimed of it.
async function promiseKept({ declaration_id: id, state, accepted_at: at }, promise, proof) {
  const promised = `${promise.index} (${promise.log})`;
  if (!proof) return { promised, standing: "unchecked" };
  if (!TRUST.statements) fail("no_log");
  const entry = await statementEntry({ id, state, seconds: Math.floor(Date.parse(at) / 1000), salt: promise.salt });
  const found = await verifyStatement(entry, proof, TRUST.statements);
  if (found.log !== promise.log) fail("other_log");
  if (found.index !== promise.index) fail("promise");
  return { promised, standing: "in_log", index: `${found.index} / ${found.size}`, witnesses: found.witnesses.map((each) => each.name).join(", ") || undefined };
}

async function hexDigest(bytes) {
  return [...new Uint8Array(await crypto.subtle.digest("SHA-256", bytes))].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}

// residence/wire/stay_proofs.py log_digest: the same for a receipt and for each proof of its statement.
async function statementDigest({ declaration_id: id, state, accepted_at: at }) {
  return hexDigest(new TextEncoder().encode(`luutru statement 1\n${id}\n${state}\n${Math.floor(Date.parse(at) / 1000)}\n`));
}

// The row of the log has to be about this very certificate or statement.
async function placeOf(purpose, digest, proof) {
  if (!TRUST.log) fail("no_log");
  const { row, index, size, witnesses } = await verifyLook(proof, TRUST.log);
  if (row.purpose !== purpose || row.about !== digest) fail("other_proof");
  return { index: `${index} / ${size}`, witnesses: witnesses.map((each) => each.name).join(", ") || undefined };
}

async function lookOf(text) {
  if (!TRUST.log) fail("no_log");
  const { row, index, size, witnesses } = await verifyLook(text, TRUST.log);
  const seen = witnesses.map((each) => `${each.name} (${wall(each.seconds * 1000)})`).join(", ");
  return { at: row.at, role: row.role, purpose: row.purpose, fields: row.fields.split(" "), index: `${index} / ${size}`, witnesses: seen || undefined };
}

function element(name, text, language) {
  const made = document.createElement(name);
  made.textContent = text;
  if (language) made.lang = language;
  return made;
}

function both(name, [vietnamese, english], values = {}) {
  const made = element(name, vietnamese + " ");
  const second = beside(english).replace(/\{(\w+)\}/g, (_, value) => values[value]);
  made.append(element("span", second, TAGS[other]));
  made.lastChild.className = "other";
  return made;
}

function wall(text, tag = "vi-VN") {
  return new Date(text).toLocaleString(tag, { timeZone: "Asia/Ho_Chi_Minh" });
}

function value(name, said) {
  const plain = said[name];
  if (name === "standing") return both("dd", STANDINGS[plain]);
  if (typeof plain === "boolean") return both("dd", plain ? ["Có", "Yes"] : ["Không", "No"]);
  const many = (Array.isArray(plain) ? plain : [plain]).map((each) => wordOf(name, each));
  if (name in WORDS) return both("dd", [many.map((each) => each.vi).join(", "), many.map((each) => each[other] ?? each.en).join(", ")]);
  return TIMES.has(name) ? both("dd", [wall(plain), wall(plain, TAGS[other])]) : element("dd", String(plain));
}

function wordOf(name, plain) {
  const kind = (WORDS[name] ?? []).find((each) => plain in TRUST.words[each]);
  return kind ? TRUST.words[kind][plain] : { vi: String(plain), en: "" };
}

function show(said) {
  const list = document.createElement("dl");
  for (const name of Object.keys(NAMES)) if (said[name] !== undefined && said[name] !== null) list.append(both("dt", NAMES[name]), value(name, said));
  const parts = [both("h2", ["Chữ ký đúng", "The signature holds"]), list];
  if (said.code) parts.push(both("p", ["Không có tên trong mã: người giữ mã tự chứng minh mình là ai. Trạng thái hiện nay: tra mã ở trang biên nhận khi có mạng.",
    "No name is in it: whoever holds it shows who they are themselves. How it stands today: look the code up, with a network."]));
  if (/^https?:\/\/[^\s]+$/.test(said.issuer ?? "")) {
    const link = both("a", ["Tra trạng thái hiện nay (cần mạng)", "See how it stands today (needs a network)"]);
    link.href = `${said.issuer}/receipts?code=${encodeURIComponent(said.code)}`;
    parts.push(link);
  }
  tell("holds", parts);
}

function tell(kind, parts) {
  const answer = document.getElementById("answer");
  answer.className = kind;
  answer.replaceChildren(...parts);
  answer.focus();
}

document.getElementById("file").addEventListener("change", async (event) => {
  const [file] = event.target.files;
  if (file && file.size < 65536) document.getElementById("text").value = await file.text();
});
document.getElementById("check").addEventListener("click", async () => {
  try {
    const said = await verify(document.getElementById("text").value);
    again = () => show(said);
  } catch (error) {
    again = () => tell("broken", [both("h2", ["Không đúng", "It does not hold"]), both("p", REASONS[error.message] ?? REASONS.text)]);
  }
  again();
});
// The words that stand in the page itself, and what it said last, once more in another language.
const STANDING = [...document.querySelectorAll(".other")].map((place) => [place, place.textContent]);
let again = () => {};
function speak(language) {
  other = language;
  for (const [place, english] of STANDING) {
    place.textContent = beside(english);
    place.lang = TAGS[other];
  }
  for (const each of document.querySelectorAll("#languages button")) each.setAttribute("aria-pressed", String(each.dataset.language === other));
  document.getElementById("made").replaceChildren(both("span", [`Trang được làm lúc ${wall(TRUST.made_at)}, với ${TRUST.keys.length} khóa công khai.`,
    "Made {day}, with {count} public keys."], { day: TRUST.made_at.slice(0, 10), count: TRUST.keys.length }));
  again();
}
for (const [language, name] of Object.entries(OTHERS)) {
  const button = element("button", name, TAGS[language]);
  button.type = "button";
  button.dataset.language = language;
  button.addEventListener("click", () => speak(language));
  document.getElementById("languages").append(button);
}
speak(other);
