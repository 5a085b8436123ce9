// Pictures of pages. One JSON line in, { url, cookies, path, width, height, scheme, heading }, one JSON line out. `height` 0: as
// high as the page is; `heading`: where the picture begins.
const readline = require("readline");
const { open } = require("./browser.cjs");

(async () => {
  const browser = await open({ offline: false });
  const [page] = browser.pages();
  for await (const line of readline.createInterface({ input: process.stdin })) {
    const { url, cookies = [], path, width, height = 0, scheme = "light", heading = "" } = JSON.parse(line);
    await page.goto("about:blank");
    await browser.clearCookies();
    await browser.addCookies(cookies.map(([name, value]) => ({ name, value, url })));
    await page.emulateMedia({ colorScheme: scheme });
    await page.setViewportSize({ width, height: height || 720 });
    await page.goto(url);
    if (heading) await page.getByRole("heading", { name: heading }).evaluate((element) => element.scrollIntoView({ behavior: "instant" }));
    await page.waitForTimeout(500); // frames, and what scripts renew
    await page.screenshot({ path, fullPage: !height });
    process.stdout.write(JSON.stringify({ path }) + "\n");
  }
  await browser.close();
})();
