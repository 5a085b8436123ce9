// Pictures of pages. One JSON line in, { url, cookies, path, width, height, scheme, text }, one JSON line out. `height` 0: as
// high as the page is; `text`: what is waited for, as it comes by script.
const readline = require("readline");
const { open } = require("./browser.cjs");

(async () => {
  const browser = await open({ offline: false });
  const [page] = browser.pages();
  for await (const line of readline.createInterface({ input: process.stdin })) {
    const { url, cookies = [], path, width, height = 0, scheme = "light", text = "" } = JSON.parse(line);
    await page.goto("about:blank");
    await browser.clearCookies();
    await browser.addCookies(cookies.map(([name, value]) => ({ name, value, url })));
    await page.emulateMedia({ colorScheme: scheme });
    await page.setViewportSize({ width, height: height || 720 });
    await page.goto(url);
    if (text) await page.getByText(text).first().waitFor();
    await page.screenshot({ path, fullPage: !height });
    process.stdout.write(JSON.stringify({ path }) + "\n");
  }
  await browser.close();
})();
