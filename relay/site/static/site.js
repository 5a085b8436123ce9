// What every signed-in page gets: buttons that copy, and a word before the session locks. Nothing depends on it.

const WARNING_SECONDS = 120;

for (const button of document.querySelectorAll("button[data-copy]")) {
  button.hidden = !navigator.clipboard; // on plain http but for this machine there is none
  button.addEventListener("click", async () => {
    const told = button.parentElement.querySelector(".copied");
    await navigator.clipboard.writeText(document.getElementById(button.dataset.copy).textContent);
    told.textContent = told.dataset.said;
    setTimeout(() => { told.textContent = ""; }, 5000);
  });
}

const dialog = document.getElementById("idle");
if (dialog) {
  let timer;
  const start = () => {
    clearTimeout(timer);
    timer = setTimeout(() => dialog.showModal(), (dialog.dataset.seconds - WARNING_SECONDS) * 1000);
  };
  dialog.addEventListener("close", async () => {
    await fetch(dialog.dataset.stay, { method: "HEAD" }); // of a page that shows nothing once only
    start();
  });
  start();
}
