// Reads the code of a card inside this browser, from a photo or the live camera, with zxing compiled to WebAssembly served by us.
// No picture is sent or kept: frames live on a canvas that is never attached, and the camera is let go with the first code.
"use strict";

const form = document.querySelector("[data-scan]");
const state = form.querySelector("[data-scan-state]");
const photo = form.querySelector("#photo");
const camera = form.querySelector("[data-camera]");
const picture = form.querySelector("[data-camera-picture]");
const LARGEST_SIDE = 2600;
const PAUSE = 60; // milliseconds between looks

ZXingWASM.prepareZXingModule({
  overrides: { locateFile: (name, prefix) => (name.endsWith(".wasm") ? "/static/vendor/zxing-wasm/zxing_reader.wasm" : prefix + name) },
});

function pixels(source, width, height) {
  const scale = Math.min(1, LARGEST_SIDE / Math.max(width, height));
  const canvas = document.createElement("canvas");
  canvas.width = Math.round(width * scale);
  canvas.height = Math.round(height * scale);
  const context = canvas.getContext("2d", { willReadFrequently: true });
  context.drawImage(source, 0, 0, canvas.width, canvas.height);
  return context.getImageData(0, 0, canvas.width, canvas.height);
}

async function read(image, tryHarder) {
  const codes = await ZXingWASM.readBarcodes(image, { formats: ["QRCode"], tryHarder, maxNumberOfSymbols: 4, characterSet: "UTF8" });
  const good = codes.filter((code) => code.isValid);
  return (good.find((code) => code.text.includes("|")) ?? good[0])?.text ?? "";
}

function take(text) {
  form.querySelector("#card_text").value = text;
  form.requestSubmit();
}

photo.addEventListener("change", async () => {
  if (!photo.files.length) return;
  state.textContent = state.dataset.reading;
  try {
    const bitmap = await createImageBitmap(photo.files[0], { imageOrientation: "from-image" });
    const text = await read(pixels(bitmap, bitmap.width, bitmap.height), true);
    bitmap.close();
    photo.value = "";
    if (text) take(text);
    else state.textContent = state.dataset.none;
  } catch {
    state.textContent = state.dataset.failed;
  }
});

async function watch(stream) {
  while (stream.active) {
    if (picture.videoWidth) {
      const text = await read(pixels(picture, picture.videoWidth, picture.videoHeight), false);
      if (text.includes("|")) return text;
    }
    await new Promise((done) => setTimeout(done, PAUSE));
  }
  return "";
}

camera.hidden = !navigator.mediaDevices?.getUserMedia;
camera.addEventListener("click", async () => {
  let stream;
  try {
    stream = await navigator.mediaDevices.getUserMedia({ video: { facingMode: "environment", width: { ideal: 1280 } } });
    picture.srcObject = stream;
    picture.hidden = false;
    state.textContent = state.dataset.camera;
    await picture.play();
    const text = await watch(stream);
    if (text) take(text);
  } catch {
    state.textContent = state.dataset.failed;
  } finally {
    stream?.getTracks().forEach((track) => track.stop());
    picture.hidden = true;
  }
});
