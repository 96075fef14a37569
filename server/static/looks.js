// On the page of who looked: fetches each look's proof, checks it here, and compares what the log holds with what the line says.
import { verifyLook } from "/static/log_proof.js";

const list = document.querySelector("[data-looks]");
const button = document.querySelector("[data-check-looks]");

async function checked(line, trust) {
  const answer = await fetch(line.dataset.look, { credentials: "same-origin" });
  if (answer.status === 403) return list.dataset.notYet;
  if (!answer.ok) throw new Error("text");
  const proven = await verifyLook(await answer.text(), trust);
  const said = { at: line.dataset.at, role: line.dataset.role, purpose: line.dataset.purpose, fields: line.dataset.fields };
  if (Object.entries(said).some(([name, value]) => proven.row[name] !== value)) throw new Error("differs");
  const seen = proven.witnesses.map((each) => each.name).join(", ");
  const where = list.dataset.stands.replace("{index}", proven.index).replace("{size}", proven.size);
  return seen ? `${where} ${list.dataset.witnessed.replace("{names}", seen)}` : where;
}

async function checkAll() {
  button.disabled = true;
  const texts = await Promise.all(["/log/key", "/log/witnesses"].map(async (path) => {
    const answer = await fetch(path);
    return answer.ok ? answer.text() : "";
  }));
  const trust = { key: texts[0].trim(), witnesses: texts[1].split("\n").map((line) => line.trim()).filter((line) => line) };
  let bad = 0;
  for (const line of list.querySelectorAll("[data-look]")) {
    const place = line.querySelector("[data-checked]");
    try {
      place.textContent = await checked(line, trust);
    } catch {
      bad += 1;
      place.textContent = list.dataset.broken;
      place.classList.add("luutru-over");
    }
  }
  document.querySelector("[data-check-result]").textContent = bad ? list.dataset.broken : list.dataset.all;
  button.disabled = false;
}

if (list && button && window.crypto?.subtle) {
  button.hidden = false;
  button.addEventListener("click", checkAll);
}
