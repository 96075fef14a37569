// Seals and signs one visit in the browser: HPKE (RFC 9180 base mode, X25519, HKDF-SHA256, AES-256-GCM) around a data key, Ed25519 over the header.
// The form is residence/wire/visits.py; tests hold it to another implementation of HPKE.
"use strict";

const utf8 = (text) => new TextEncoder().encode(text);
const raw = (text) => Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
const written = (bytes) => btoa(String.fromCharCode(...new Uint8Array(bytes)));
const hex = (bytes) => Array.from(new Uint8Array(bytes), (byte) => byte.toString(16).padStart(2, "0")).join("");
const joined = (...parts) => Uint8Array.from(parts.flatMap((part) => [...new Uint8Array(part)]));
const randomBytes = (count) => crypto.getRandomValues(new Uint8Array(count));

const KEM = joined(utf8("KEM"), [0, 0x20]);
const HPKE = joined(utf8("HPKE"), [0, 0x20], [0, 1], [0, 2]); // X25519, HKDF-SHA256, AES-256-GCM
const INFO = utf8("luutru visit key/1");
const SIGNED_AS = utf8("luutru visit/1\0");

async function hmac(key, data) { // an empty key is the same as zeros, and browsers take no empty one
  const used = await crypto.subtle.importKey("raw", key.length ? key : new Uint8Array(32), { name: "HMAC", hash: "SHA-256" }, false, ["sign"]);
  return new Uint8Array(await crypto.subtle.sign("HMAC", used, data));
}

const extract = (suite, salt, label, ikm) => hmac(salt, joined(utf8("HPKE-v1"), suite, utf8(label), ikm));

async function expand(suite, secret, label, info, length) { // at most 32 bytes: one block
  const labelled = joined([0, length], utf8("HPKE-v1"), suite, utf8(label), info);
  return (await hmac(secret, joined(labelled, [1]))).slice(0, length);
}

async function wrap(secret, publicKey) {
  const ours = await crypto.subtle.generateKey({ name: "X25519" }, true, ["deriveBits"]);
  const theirs = await crypto.subtle.importKey("raw", publicKey, { name: "X25519" }, true, []);
  const enc = new Uint8Array(await crypto.subtle.exportKey("raw", ours.publicKey));
  const agreed = new Uint8Array(await crypto.subtle.deriveBits({ name: "X25519", public: theirs }, ours.privateKey, 256));
  const shared = await expand(KEM, await extract(KEM, [], "eae_prk", agreed), "shared_secret", joined(enc, publicKey), 32);
  const context = joined([0], await extract(HPKE, [], "psk_id_hash", []), await extract(HPKE, [], "info_hash", INFO));
  const scheduled = await extract(HPKE, shared, "secret", []);
  const key = await crypto.subtle.importKey("raw", await expand(HPKE, scheduled, "key", context, 32), "AES-GCM", false, ["encrypt"]);
  const iv = await expand(HPKE, scheduled, "base_nonce", context, 12);
  return joined(enc, await crypto.subtle.encrypt({ name: "AES-GCM", iv }, key, secret));
}

function newVisitId(now) { // UUIDv7
  const bytes = randomBytes(16);
  const time = BigInt(now);
  for (let at = 0; at < 6; at++) bytes[at] = Number((time >> BigInt(40 - 8 * at)) & 255n);
  bytes[6] = (bytes[6] & 15) | 112;
  bytes[8] = (bytes[8] & 63) | 128;
  const text = hex(bytes);
  return [text.slice(0, 8), text.slice(8, 12), text.slice(12, 16), text.slice(16, 20), text.slice(20)].join("-");
}

async function sealVisit(visit, { now, device, signer, authority }) {
  const body = joined(randomBytes(16), utf8(JSON.stringify(visit)));
  const secret = randomBytes(32);
  const nonce = randomBytes(12);
  const id = newVisitId(now);
  const header = utf8(JSON.stringify({
    v: 1, visit_id: id, device_id: device, kept_at: new Date(now).toISOString(),
    body_digest: hex(await crypto.subtle.digest("SHA-256", body)), key: authority.name,
    wrapped: written(await wrap(secret, raw(authority.public))), nonce: written(nonce),
  }));
  const key = await crypto.subtle.importKey("raw", secret, "AES-GCM", false, ["encrypt"]);
  secret.fill(0);
  const sealed = await crypto.subtle.encrypt({ name: "AES-GCM", iv: nonce, additionalData: header }, key, body);
  const signature = await crypto.subtle.sign("Ed25519", signer, joined(SIGNED_AS, header));
  return { id, sent: { header: written(header), signature: written(signature), sealed: written(sealed) } };
}
