// Pictures of letters for docs/branding.md, 320 and 800 pixels wide. One JSON line in, { name, html }, one JSON line out.
const path = require("path");
const readline = require("readline");
const { open } = require("./browser.cjs");

const folder = path.join(__dirname, "../../docs/branding");

(async () => {
  const browser = await open();
  const [page] = browser.pages();
  for await (const line of readline.createInterface({ input: process.stdin })) {
    const { name, html } = JSON.parse(line);
    const variant = name.split(",")[0];
    for (const width of [320, 800]) {
      await page.setViewportSize({ width, height: 200 });
      await page.setContent(html);
      await page.screenshot({ path: path.join(folder, `${variant}-${width}.png`), fullPage: true });
    }
    process.stdout.write(JSON.stringify({ name }) + "\n");
  }
  await browser.close();
})();
