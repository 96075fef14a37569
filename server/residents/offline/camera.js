// Reads the code of a receipt from the camera or a photo, on this device: the reader (zxing, compiled to WebAssembly) stands in this file,
// frames live on a canvas nobody sees, and the camera is let go with the first code that is one of ours.
const OURS = /^L[SRA]1:/;
const SAID = {
  none: ["Chưa thấy mã nào của chúng tôi trong ảnh này.", "No code of ours is seen in this picture."],
  denied: ["Không dùng được máy ảnh. Hãy chọn ảnh, hoặc dán nội dung mã.", "The camera cannot be used. Choose a photo, or paste what the code says."],
  aim: ["Đưa mã vào giữa hình.", "Hold the code into the middle of the picture."],
};
ZXingWASM.prepareZXingModule({ overrides: { wasmBinary: Uint8Array.from(atob(WASM), (letter) => letter.charCodeAt(0)).buffer } });

function looking(name) {
  const place = document.getElementById("looking");
  place.replaceChildren(...(name ? [both("span", SAID[name])] : []));
}

async function codeIn(source, width, height, tryHarder) {
  const scale = Math.min(1, 2000 / Math.max(width, height)), canvas = document.createElement("canvas");
  canvas.width = Math.round(width * scale);
  canvas.height = Math.round(height * scale);
  const context = canvas.getContext("2d", { willReadFrequently: true });
  context.drawImage(source, 0, 0, canvas.width, canvas.height);
  const image = context.getImageData(0, 0, canvas.width, canvas.height);
  const codes = await ZXingWASM.readBarcodes(image, { formats: ["QRCode"], tryHarder, maxNumberOfSymbols: 4, characterSet: "UTF8" });
  return codes.find((code) => code.isValid && OURS.test(code.text))?.text ?? "";
}

function take(text) {
  document.getElementById("text").value = text;
  document.getElementById("check").click();
}

async function watch(stream, picture) {
  while (stream.active) {
    const text = picture.videoWidth ? await codeIn(picture, picture.videoWidth, picture.videoHeight, false) : "";
    if (text) return text;
    await new Promise((done) => setTimeout(done, 60));
  }
  return "";
}

document.getElementById("look").addEventListener("click", async () => {
  const picture = document.getElementById("picture");
  if (picture.srcObject) return;
  let stream;
  try {
    stream = await navigator.mediaDevices.getUserMedia({ video: { facingMode: "environment", width: { ideal: 1280 } }, audio: false });
  } catch {
    return looking("denied");
  }
  looking("aim");
  picture.hidden = false;
  picture.srcObject = stream;
  try {
    await picture.play();
    const text = await watch(stream, picture);
    looking("");
    if (text) take(text);
  } finally {
    stream.getTracks().forEach((track) => track.stop());
    picture.srcObject = null;
    picture.hidden = true;
  }
});

document.getElementById("photo").addEventListener("change", async (event) => {
  const [file] = event.target.files;
  if (!file) return;
  try {
    const bitmap = await createImageBitmap(file, { imageOrientation: "from-image" });
    const text = await codeIn(bitmap, bitmap.width, bitmap.height, true);
    bitmap.close();
    looking(text ? "" : "none");
    if (text) take(text);
  } catch {
    looking("none");
  }
});
