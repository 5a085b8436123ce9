// Fills the preview a moment after its form was changed, as its button does.
const WAIT = 700;

for (const form of document.querySelectorAll("form[data-preview]")) {
  const button = form.querySelector("[formtarget]") ?? form.querySelector("button");
  const name = button.formTarget || form.target;
  let waiting;

  const fill = () => {
    // A new frame, so that the way back does not lead through every preview.
    const old = document.getElementsByName(name)[0];
    const fresh = old.cloneNode();
    fresh.removeAttribute("src");
    old.replaceWith(fresh);
    form.requestSubmit(button);
  };

  form.addEventListener("input", () => {
    clearTimeout(waiting);
    waiting = setTimeout(fill, WAIT);
  });
  form.addEventListener("submit", (event) => {
    if (event.submitter !== button) clearTimeout(waiting);
  });
}
