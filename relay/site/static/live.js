// A dashboard's figures, live: replaced when they change, told at most each 30 seconds, only while the page is seen.
const part = document.querySelector("[data-live]");
const told = document.querySelector("[data-told]");
const button = document.querySelector("[data-pause]");
const TOLD_EVERY = 30_000;
let source, last, waiting, toldAt = Date.now(), saying, paused = false;

const summary = () => part.querySelector("[data-summary]")?.textContent ?? "";

function say() {
  saying = undefined;
  toldAt = Date.now();
  if (told.textContent !== summary()) told.textContent = summary();
}

function show(html) {
  // Whoever reads or scrolls within it with the keyboard keeps their place; what came last is shown once they leave.
  if (part.contains(document.activeElement)) {
    waiting = html;
    return;
  }
  waiting = undefined;
  const open = [...part.querySelectorAll("details")].map((each) => each.open);
  part.innerHTML = html;
  part.querySelectorAll("details").forEach((each, at) => { each.open = open[at] ?? false; });
  saying ??= setTimeout(say, Math.max(0, toldAt + TOLD_EVERY - Date.now()));
}

function stop() {
  source?.close();
  source = undefined;
}

function start() {
  if (source || paused || document.hidden) return;
  source = new EventSource(part.dataset.live);
  source.onmessage = (event) => {
    if (event.data !== last) show(last = event.data);
  };
  // Refused, not interrupted: the browser does not try again, and "Refresh" is still there.
  source.onerror = () => { button.hidden = source?.readyState === EventSource.CLOSED; };
  source.onopen = () => { button.hidden = false; };
}

if (part && told && button) {
  button.hidden = false;
  button.addEventListener("click", () => {
    paused = !paused;
    button.textContent = paused ? button.dataset.resume : button.dataset.pause;
    paused ? stop() : start();
  });
  part.addEventListener("focusout", () => setTimeout(() => waiting !== undefined && show(waiting)));
  document.addEventListener("visibilitychange", () => (document.hidden ? stop() : start()));
  addEventListener("pagehide", stop);
  addEventListener("pageshow", start);
  start();
}
