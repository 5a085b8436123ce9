// Follows a piece of the page: asks for it while it is seen, and changes the page only when it differs.
const piece = document.querySelector("[data-follow]");
const said = document.getElementById("said");
const EVERY = 2000;
let shown = null;

async function ask() {
  if (document.hidden) return true;
  const answer = await fetch(piece.dataset.follow, { credentials: "same-origin", redirect: "error" });
  if (!answer.ok) return false;
  const html = await answer.text();
  if (html !== shown) {
    if (shown !== null) said.textContent = said.dataset.news;
    piece.innerHTML = shown = html; // our own page's markup, every value in it escaped
  } else {
    said.textContent = "";
  }
  return piece.querySelector("[data-waiting]") !== null;
}

async function follow() {
  let goes = false;
  try {
    goes = await ask();
  } catch {
    // signed out, locked, or the network is away: the link is still there
  }
  if (goes) setTimeout(follow, EVERY);
}

if (piece) follow();
