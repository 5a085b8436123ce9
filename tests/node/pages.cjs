// Looks at pages of the relay as people do. One JSON line in, { url, cookies }, one JSON line out: what axe finds, narrow and light,
// wide and dark, and in forced colours; what does not fit at each width, how long lines get, where the first keys lead, and
// what is lost at 200 % and 400 %, and where letters alone are twice as large, and what a service's menu shows.
const readline = require("readline");
const { open } = require("./browser.cjs");

const WIDTHS = [320, 375, 768, 1600];
const TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"];
const COLOURS = { type: "rule", values: ["color-contrast", "link-in-text-block"] }; // what colours alone can break

/** In the page: what is wider than its box or the window, and the longest line of prose in characters. */
function measure() {
  const wide = [];
  if (document.documentElement.scrollWidth > innerWidth) wide.push("the page scrolls sideways");
  for (const each of document.querySelectorAll("main *, nav *, footer *")) {
    if (each.closest("pre, .scroll")) continue; // scrolls in its own box
    const box = each.getBoundingClientRect();
    if (box.width > 1 && (box.right > innerWidth + 1 || (box.left < -1 && !each.matches(".to-contents")))) wide.push(each.outerHTML.slice(0, 80));
  }
  let longest = 0;
  for (const each of document.querySelectorAll("main p, main li, main dd")) if (each.checkVisibility()) longest = Math.max(longest, ...lines(each).values());
  return { wide, longest };
}

/** In the page: how many characters stand in each line of an element, by where the line stands. */
function lines(element) {
  const counts = new Map(), range = document.createRange();
  const walker = document.createTreeWalker(element, NodeFilter.SHOW_TEXT);
  for (let node = walker.nextNode(); node; node = walker.nextNode()) {
    for (let at = 0; at < node.length; at += 1) {
      range.setStart(node, at);
      range.setEnd(node, at + 1);
      const line = Math.round(range.getBoundingClientRect().bottom / 14); // lines are 28 pixels high, more or less
      counts.set(line, (counts.get(line) || 0) + 1);
    }
  }
  return counts;
}

/** In the page: text that is cut off, or that stands where nobody can scroll to; and how large letters are. */
function lost() {
  const found = [], walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  if (document.documentElement.scrollWidth > innerWidth) found.push("the page scrolls sideways");
  for (let node = walker.nextNode(); node; node = walker.nextNode()) {
    const element = node.parentElement;
    if (!node.data.trim() || element.closest("pre, .scroll, .unseen, .skip, .to-contents, svg, dialog:not([open]), option") || !element.checkVisibility()) continue;
    const range = document.createRange();
    range.selectNodeContents(node);
    for (const box of range.getClientRects()) {
      const words = node.data.trim().slice(0, 40);
      if (box.width < 2) continue;
      if (box.left < -1 || box.right > innerWidth + 1 || box.top + scrollY < -1) found.push(`out of the window: ${words}`);
      for (let at = element; at !== document.body; at = at.parentElement) {
        const around = at.getBoundingClientRect();
        if (getComputedStyle(at).overflow !== "visible" && (box.right > around.right + 1 || box.bottom > around.bottom + 2)) found.push(`cut off: ${words}`);
      }
    }
  }
  return { lost: [...new Set(found)], letters: parseFloat(getComputedStyle(document.body).fontSize) };
}

/** A window of 1,280 by 1,024 as the browser enlarges it, and with its letters alone twice as large. */
async function zoomed(page, session) {
  const seen = {};
  for (const [how, scale] of [["200%", 2], ["400%", 4]]) {
    await session.send("Emulation.setDeviceMetricsOverride", { width: 1280 / scale, height: 1024 / scale, deviceScaleFactor: scale, mobile: false });
    seen[how] = await page.evaluate(lost);
  }
  await session.send("Emulation.setDeviceMetricsOverride", { width: 1280, height: 1024, deviceScaleFactor: 1, mobile: false });
  await session.send("Page.setFontSizes", { fontSizes: { standard: 32, fixed: 26 } });
  seen.letters = await page.evaluate(lost);
  await session.send("Page.setFontSizes", { fontSizes: { standard: 16, fixed: 13 } });
  await session.send("Emulation.clearDeviceMetricsOverride");
  await page.setViewportSize({ width: 375, height: 800 }); // Playwright does not know of ours: what it set last it would not set again
  return seen;
}

async function violations(page, rules = TAGS) {
  if (!(await page.evaluate(() => "axe" in window))) await page.addScriptTag({ path: require.resolve("axe-core/axe.min.js") });
  const options = { runOnly: rules, resultTypes: ["violations"] };
  const found = await page.evaluate((o) => axe.run(document, o), options);
  return found.violations.map(({ id, nodes }) => `${id}: ${nodes.map((node) => node.html).join(" ").slice(0, 300)}`);
}

/** Where Tab and Enter lead from the top: the skip link, and past what stands above the content. */
async function keys(page) {
  await page.keyboard.press("Tab");
  const first = await page.evaluate(() => {
    const box = document.activeElement.getBoundingClientRect();
    return { href: document.activeElement.getAttribute("href"), seen: box.left >= 0 && box.top >= 0 && box.width > 1 };
  });
  await page.keyboard.press("Enter");
  if (first.href?.startsWith("#")) { // a busy browser follows a moment later, and is there with its next frame
    await page.waitForURL((url) => url.hash === first.href);
    await page.evaluate(() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done))));
  }
  await page.keyboard.press("Tab");
  return { ...first, next: await page.evaluate(() => Boolean(document.activeElement.closest("main, nav#contents, footer"))) };
}

/** What a service's pages are found by: behind a menu where there is little room. It stays open, as all that can be opened does. */
async function menu(page) {
  const summary = page.locator(".menu summary"), links = page.locator(".side li a:visible");
  if (!(await summary.count())) return null;
  const found = { words: (await summary.innerText()).replace(/\s+/g, " "), closed: await links.count() };
  await summary.focus();
  await page.keyboard.press("Enter");
  found.open = await links.count();
  await page.setViewportSize({ width: WIDTHS.at(-1), height: 800 });
  Object.assign(found, { wide: await links.count(), stays: await summary.isVisible() });
  await page.setViewportSize({ width: 375, height: 800 });
  return found;
}

(async () => {
  // The policy of the pages lets no script in; axe is one of ours.
  const browser = await open({ offline: false, bypassCSP: true, colorScheme: "light", viewport: { width: 375, height: 800 } });
  const [page] = browser.pages();
  const session = await browser.newCDPSession(page);
  const complaints = [];
  page.on("console", (message) => message.type() === "error" && complaints.push(message.text()));
  page.on("requestfailed", (request) => complaints.push(request.url()));
  for await (const line of readline.createInterface({ input: process.stdin })) {
    const { url, cookies = [] } = JSON.parse(line);
    await page.goto("about:blank"); // what the page before follows ends with it, and is no fault of it
    complaints.length = 0;
    await browser.clearCookies();
    await browser.addCookies(cookies.map(([name, value]) => ({ name, value, url: new URL("/", url).href })));
    const report = { url, widths: {} };
    await page.goto(url);
    report.keys = await keys(page);
    report.menu = await menu(page);
    await page.evaluate(() => document.querySelectorAll("details").forEach((each) => { each.open = true; }));
    report.axe = await violations(page);
    for (const width of WIDTHS) {
      await page.setViewportSize({ width, height: 800 });
      report.widths[width] = await page.evaluate(`(() => { ${lines}; return (${measure})(); })()`);
    }
    report.zoomed = await zoomed(page, session);
    await page.setViewportSize({ width: WIDTHS.at(-1), height: 800 });
    await page.emulateMedia({ colorScheme: "dark" });
    report.axe.push(...(await violations(page)));
    await page.emulateMedia({ colorScheme: "light", forcedColors: "active" });
    report.axe.push(...(await violations(page, COLOURS)));
    await page.emulateMedia({ colorScheme: "light", forcedColors: "none" });
    await page.setViewportSize({ width: 375, height: 800 });
    report.complaints = complaints.splice(0);
    process.stdout.write(JSON.stringify(report) + "\n");
  }
  await browser.close();
})();
