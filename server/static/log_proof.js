// Checks the proof of one look (C2SP tlog-proof) by itself: the row up to its look, the look up to the root, the root against the log's signature
// and those of its witnesses. Bytes and keys in, what it says or an error with one of the words of REASONS out; nothing is fetched here.
//
// - The keys are whatever the caller believes; a proof signed by another log, or by witnesses nobody named, proves nothing.
// - A statement's proof is of the entry its receipt promises: nothing stands between the entry and the root.
// - What cannot be read is "text"; what can be read and does not hold is "path" or "signature"; no witness among those asked for is "witness".
import { verifyAsync } from "/static/vendor/noble-ed25519/index.js";

const DASH = "— ";
const LOG = 1, WITNESS = 4;
const raise = (reason) => { throw new Error(reason); };
const utf8 = (text) => new TextEncoder().encode(text);
const alike = (one, other) => one.length === other.length && one.every((byte, at) => byte === other[at]);

function unbase64(text) {
  if (!/^[A-Za-z0-9+/]*={0,2}$/.test(text)) raise("text");
  try { return Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0)); } catch { return raise("text"); }
}

async function sha256(...parts) {
  const whole = new Uint8Array(parts.reduce((length, part) => length + part.length, 0));
  let at = 0;
  for (const part of parts) { whole.set(part, at); at += part.length; }
  return new Uint8Array(await crypto.subtle.digest("SHA-256", whole));
}

function hash(text) {
  const bytes = unbase64(text);
  return bytes.length === 32 ? bytes : raise("text");
}

function size(text) {
  const number = Number(text);
  return /^(0|[1-9][0-9]{0,15})$/.test(text) && Number.isSafeInteger(number) ? number : raise("text");
}

// RFC 9162 2.1.3.2; division instead of shifts, which JavaScript does in 32 bits
async function climb(leaf, index, count, path) {
  if (!(index < count)) raise("path");
  let at = index, last = count - 1, found = leaf;
  for (const other of path) {
    if (last === 0) raise("path");
    const fromLeft = at % 2 === 1 || at === last;
    found = fromLeft ? await sha256([1], other, found) : await sha256([1], found, other);
    if (fromLeft) while (at !== 0 && at % 2 === 0) { at /= 2; last = Math.floor(last / 2); }
    at = Math.floor(at / 2); last = Math.floor(last / 2);
  }
  return last === 0 ? found : raise("path");
}

async function readKey(line) {
  const [, name, id, content] = /^([^+\s]+)\+([0-9a-f]{8})\+(\S+)$/.exec(line.trim()) ?? raise("text");
  const bytes = unbase64(content), digest = await sha256(utf8(`${name}\n`), bytes);
  const ownId = digest.slice(0, 4);
  if (bytes.length !== 33 || [...ownId].map((byte) => byte.toString(16).padStart(2, "0")).join("") !== id) raise("text");
  return { name, kind: bytes[0], public: bytes.slice(1), id: ownId };
}

async function signedBy(key, lines, text) {
  for (const line of lines) {
    const [name, content] = line.slice(DASH.length).split(" ");
    const bytes = unbase64(content ?? "");
    if (name !== key.name || !alike(bytes.slice(0, 4), key.id)) continue;
    const seen = key.kind === WITNESS ? bytes.slice(4, 12).reduce((sum, byte) => sum * 256 + byte, 0) : null;
    const said = key.kind === WITNESS ? `cosignature/v1\ntime ${seen}\n${text}` : text;
    const signature = bytes.slice(key.kind === WITNESS ? 12 : 4);
    if (signature.length !== 64 || !(await verifyAsync(signature, utf8(said), key.public, { zip215: false }))) raise("signature");
    return { name, seconds: seen };
  }
  return null;
}

async function openCheckpoint(note, trust) {
  const middle = note.lastIndexOf("\n\n");
  if (middle < 0) raise("text");
  const text = note.slice(0, middle + 1), lines = note.slice(middle + 2).split("\n").filter((line) => line);
  if (!lines.length || lines.length > 64 || !lines.every((line) => line.startsWith(DASH))) raise("text");
  const log = await readKey(trust.key);
  if (log.kind !== LOG || !(await signedBy(log, lines, text))) raise("signature");
  const [origin, count, root] = text.split("\n");
  if (origin !== log.name) raise("signature");
  const witnesses = [];
  for (const each of trust.witnesses) {
    const key = await readKey(each);
    const seen = key.kind === WITNESS ? await signedBy(key, lines, text) : raise("text");
    if (seen) witnesses.push(seen);
  }
  if (trust.witnesses.length && !witnesses.length) raise("witness");
  return { size: size(count), root: hash(root ?? ""), witnesses };
}

function readRow(text) {
  const lines = text.split("\n");
  if (lines[0] !== "luutru-look-row/1" || lines.pop() !== "") raise("text");
  return Object.fromEntries(lines.slice(1).map((line) => [line.slice(0, line.indexOf(" ")), line.slice(line.indexOf(" ") + 1)]));
}

function readEntry(text) {
  const lines = text.split("\n"), names = ["hour", "rows", "unit", "number", "root"];
  if (lines.shift() !== "luutru-look/2" || lines.pop() !== "" || lines.length !== names.length) raise("text");
  const read = Object.fromEntries(names.map((name, at) => [name, lines[at].startsWith(`${name} `) ? lines[at].slice(name.length + 1) : raise("text")]));
  if (!/^[0-9a-f]{16}$/.test(read.unit)) raise("text");
  return { hour: read.hour, rows: size(read.rows), number: size(read.number), root: hash(read.root) };
}

// ``trust``: {key, witnesses}, each key as one line. Returns {row, index, size, witnesses}; ``row`` by the names of its lines.
export async function verifyLook(text, trust) {
  const middle = text.indexOf("\n\n"), lines = text.slice(0, Math.max(middle, 0)).split("\n");
  if (lines[0] !== "c2sp.org/tlog-proof@v1" || !lines[1]?.startsWith("extra ") || !lines[2]?.startsWith("index ")) raise("text");
  let extra;
  try { extra = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(unbase64(lines[1].slice(6)))); } catch { raise("text"); }
  if (typeof extra.row !== "string" || typeof extra.entry !== "string" || !Array.isArray(extra.path) || !Number.isSafeInteger(extra.place)) raise("text");
  const checkpoint = await openCheckpoint(text.slice(middle + 2), trust);
  const entry = readEntry(extra.entry), index = size(lines[2].slice(6));
  const look = await climb(await sha256([0], utf8(extra.row)), extra.place, entry.rows, extra.path.map(hash));
  const root = await climb(await sha256([0], utf8(extra.entry)), index, checkpoint.size, lines.slice(3).map(hash));
  if (!alike(look, entry.root) || !alike(root, checkpoint.root)) raise("path");
  return { row: readRow(extra.row), index, size: checkpoint.size, witnesses: checkpoint.witnesses };
}

const base64 = (bytes) => btoa(String.fromCharCode(...bytes));
export const isStatementProof = (text) => text.startsWith("c2sp.org/tlog-proof@v1\nindex ");

// The entry a receipt promises (residence/transparency/statements.py). ``salt``: 16 bytes; ``seconds`` since 1970.
export async function statementEntry({ id, state, seconds, salt }) {
  const hex = [...salt].map((byte) => byte.toString(16).padStart(2, "0")).join("");
  return `luutru-statement/1\n${base64(await sha256(utf8(`luutru statement 2\n${hex}\n${id}\n${state}\n${seconds}\n`)))}\n`;
}

// Checks that the entry stands in the log. Returns {index, size, witnesses, log}; ``log`` is the id of the key, as receipts name it.
export async function verifyStatement(entry, text, trust) {
  const middle = text.indexOf("\n\n"), lines = text.slice(0, Math.max(middle, 0)).split("\n");
  if (!isStatementProof(text) || middle < 0) raise("text");
  const checkpoint = await openCheckpoint(text.slice(middle + 2), trust), index = size(lines[1].slice(6));
  const root = await climb(await sha256([0], utf8(entry)), index, checkpoint.size, lines.slice(2).map(hash));
  if (!alike(root, checkpoint.root)) raise("path");
  const log = [...(await readKey(trust.key)).id].map((byte) => byte.toString(16).padStart(2, "0")).join("");
  return { index, size: checkpoint.size, witnesses: checkpoint.witnesses, log };
}
