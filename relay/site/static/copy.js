// The buttons that copy a value, which only work with a script.
for (const button of document.querySelectorAll("[data-copy]")) {
  button.hidden = false;
  button.addEventListener("click", async () => {
    const told = button.parentElement.querySelector("[data-said]");
    await navigator.clipboard.writeText(document.getElementById(button.dataset.copy).textContent);
    told.textContent = told.dataset.said;
    setTimeout(() => (told.textContent = ""), 3000);
  });
}
