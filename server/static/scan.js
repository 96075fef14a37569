// Reads the code in a card's photo inside this browser, with zxing compiled to WebAssembly served by us. The picture is not sent.
"use strict";

const form = document.querySelector("[data-scan]");
const state = form.querySelector("[data-scan-state]");
const photo = form.querySelector("#photo");
const LARGEST_SIDE = 2600;

ZXingWASM.prepareZXingModule({
  overrides: { locateFile: (name, prefix) => (name.endsWith(".wasm") ? "/static/vendor/zxing-wasm/zxing_reader.wasm" : prefix + name) },
});

async function pixels(file) {
  const picture = await createImageBitmap(file, { imageOrientation: "from-image" });
  const scale = Math.min(1, LARGEST_SIDE / Math.max(picture.width, picture.height));
  const canvas = document.createElement("canvas");
  canvas.width = Math.round(picture.width * scale);
  canvas.height = Math.round(picture.height * scale);
  const context = canvas.getContext("2d");
  context.drawImage(picture, 0, 0, canvas.width, canvas.height);
  picture.close();
  return context.getImageData(0, 0, canvas.width, canvas.height);
}

async function read(file) {
  const codes = await ZXingWASM.readBarcodes(await pixels(file), { formats: ["QRCode"], tryHarder: true, maxNumberOfSymbols: 4, characterSet: "UTF8" });
  const good = codes.filter((code) => code.isValid);
  return (good.find((code) => code.text.includes("|")) ?? good[0])?.text ?? "";
}

photo.addEventListener("change", async () => {
  if (!photo.files.length) return;
  state.textContent = state.dataset.reading;
  try {
    const text = await read(photo.files[0]);
    photo.value = "";
    if (!text) {
      state.textContent = state.dataset.none;
      return;
    }
    form.querySelector("#card_text").value = text;
    form.submit();
  } catch {
    state.textContent = state.dataset.failed;
  }
});
