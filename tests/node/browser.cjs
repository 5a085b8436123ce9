// Debian's Chromium with a new empty profile, gone when it is closed; offline, so that a letter that fetches anything fails.
const { chromium } = require("playwright-core");

const args = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
  "--disable-component-update", "--disable-sync", "--font-render-hinting=none"];

/** A browser context; `options` are Playwright's. */
async function open(options = {}) {
  const executablePath = process.env.CHROMIUM || "/usr/bin/chromium";
  return chromium.launchPersistentContext("", { executablePath, args, headless: true, offline: true, ...options });
}

module.exports = { open };
