// What a page does before its session locks. One JSON line in, { url, cookies }, one JSON line out: whether the dialog is
// open at its minutes, where the focus is in it, and what the browser asked for when it was answered.
const readline = require("readline");
const { open } = require("./browser.cjs");

const isOpen = (page) => page.evaluate(() => document.getElementById("idle").open);

(async () => {
  for await (const line of readline.createInterface({ input: process.stdin })) {
    const { url, cookies } = JSON.parse(line);
    const browser = await open({ offline: false });
    await browser.addCookies(cookies.map(([name, value]) => ({ name, value, url })));
    const [page] = browser.pages();
    await page.clock.install();
    await page.goto(url);
    const report = { start: await isOpen(page) };
    await page.clock.fastForward("27:30");
    report.before = await isOpen(page);
    await page.clock.fastForward("01:00");
    report.due = await isOpen(page);
    report.focus = await page.evaluate(() => document.activeElement.textContent);
    const asking = page.waitForRequest((request) => request.method() === "HEAD");
    await page.keyboard.press("Enter");
    report.asked = new URL((await asking).url()).pathname;
    report.answered = await isOpen(page);
    process.stdout.write(JSON.stringify(report) + "\n");
    await browser.close();
  }
})();
