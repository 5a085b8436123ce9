// Keeps a page open as somebody does who waits. One JSON line in, { url, cookies, texts }: for each text one JSON line
// out once the page shows it, with what was said aloud; and at the end what axe finds and what the browser complained of.
const readline = require("readline");
const { open } = require("./browser.cjs");
const fs = require("fs");

const AXE = fs.readFileSync(require.resolve("axe-core/axe.min.js"), "utf8");
const say = (told) => process.stdout.write(JSON.stringify(told) + "\n");

(async () => {
  const browser = await open({ offline: false, viewport: { width: 375, height: 800 } });
  const [page] = browser.pages();
  const complaints = [];
  page.on("console", (message) => message.type() === "error" && complaints.push(message.text()));
  page.on("pageerror", (error) => complaints.push(String(error)));
  for await (const line of readline.createInterface({ input: process.stdin })) {
    const { url, cookies, texts } = JSON.parse(line);
    await browser.addCookies(Object.entries(cookies).map(([name, value]) => ({ name, value, url: new URL("/", url).href })));
    await page.goto(url);
    say({ open: await page.title() });
    for (const text of texts) {
      await page.waitForFunction((t) => document.getElementById("seen").textContent.includes(t), text, { timeout: 20000 });
      say({ text, said: await page.textContent("#said") });
    }
    await page.evaluate(AXE);
    const found = await page.evaluate(() => axe.run(document, { resultTypes: ["violations"] }));
    say({ violations: found.violations.map((each) => each.id), complaints });
  }
  await browser.close();
})();
