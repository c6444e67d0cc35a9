// Sorting of tables, and the photo that somebody tries. All by delegation: pages come and go.
"use strict";

document.addEventListener("click", (event) => {
  const button = event.target.closest("button.sort");
  if (button) sortBy(button.closest("th"));
});

function sortBy(head) {
  const rising = head.getAttribute("aria-sort") !== "ascending";
  for (const other of head.parentElement.children) other.removeAttribute("aria-sort");
  head.setAttribute("aria-sort", rising ? "ascending" : "descending");
  const body = head.closest("table").tBodies[0];
  const value = (row) => row.cells[head.cellIndex].dataset.value;
  const rows = [...body.rows].sort((one, other) => compare(value(one), value(other)));
  if (!rising) rows.reverse();
  body.append(...rows);
}

function compare(one, other) {
  const [first, second] = [Number(one), Number(other)];
  const numbers = one !== "" && other !== "" && !isNaN(first) && !isNaN(second);
  return numbers ? first - second : one.localeCompare(other);
}

// A photo goes from here to the gateway and nowhere else; it is made small enough on the way.
const LONGEST_SIDE = 1600;
const MOST_BYTES = 1024 * 1024;
let camera = null;

document.addEventListener("change", (event) => {
  if (event.target.matches(".photo input[type=file]") && event.target.files.length) {
    assess(event.target.closest(".photo"), event.target.files[0]);
    event.target.value = "";
  }
});

document.addEventListener("click", async (event) => {
  const button = event.target.closest(".photo [data-do]");
  if (!button) return;
  const panel = button.closest(".photo");
  if (button.dataset.do === "start") await startCamera(panel);
  else await takePhoto(panel);
});

async function startCamera(panel) {
  const video = panel.querySelector("video");
  try {
    camera = await navigator.mediaDevices.getUserMedia({ video: { width: 1280, height: 960 } });
  } catch {
    say(panel, panel.dataset.noCamera);
    return;
  }
  video.srcObject = camera;
  await video.play();
  show(panel, "video");
}

async function takePhoto(panel) {
  const video = panel.querySelector("video");
  const photo = await smaller(video, video.videoWidth, video.videoHeight);
  camera.getTracks().forEach((track) => track.stop());
  await assess(panel, photo);
}

async function assess(panel, file) {
  show(panel, "img");
  const image = panel.querySelector(".stage img");
  URL.revokeObjectURL(image.src);
  image.src = URL.createObjectURL(file);
  panel.setAttribute("aria-busy", "true");
  say(panel, panel.dataset.working);
  try {
    const photo = file.size > MOST_BYTES ? await shrunk(file) : file;
    const answer = await fetch(`/photo${location.search}`, { method: "POST", body: photo });
    if (answer.redirected || answer.status === 403) location.reload();
    else panel.querySelector(".result").innerHTML = await answer.text();
  } catch {
    say(panel, panel.dataset.failed);
  }
  panel.removeAttribute("aria-busy");
}

async function shrunk(file) {
  const image = await createImageBitmap(file);
  return smaller(image, image.width, image.height);
}

function smaller(source, width, height) {
  const scale = Math.min(1, LONGEST_SIDE / Math.max(width, height));
  const canvas = document.createElement("canvas");
  [canvas.width, canvas.height] = [Math.round(width * scale), Math.round(height * scale)];
  canvas.getContext("2d").drawImage(source, 0, 0, canvas.width, canvas.height);
  return new Promise((done) => canvas.toBlob(done, "image/jpeg", 0.9));
}

function show(panel, what) {
  for (const tag of ["video", "img"]) panel.querySelector(`.stage ${tag}`).hidden = tag !== what;
  panel.querySelector("[data-do=start]").hidden = what === "video";
  panel.querySelector("[data-do=take]").hidden = what !== "video";
}

function say(panel, words) {
  const result = panel.querySelector(".result");
  result.replaceChildren(Object.assign(document.createElement("p"), { textContent: words }));
}
