// Opens previews of hostile letters in Chromium, online. One JSON line in, { url, cookies, templates, preview, file }, one JSON line
// out: what was asked of whom, what ran, and what the policies refused, as the browser says it.
const readline = require("readline");
const { open } = require("./browser.cjs");

const WAIT_MS = 700; // for what a letter may try once it stands there

async function main({ url, cookies, templates, preview, file }) {
  const browser = await open({ offline: false, viewport: { width: 1280, height: 900 } });
  await browser.addCookies(cookies.map(([name, value]) => ({ name, value, url })));
  const page = await browser.newPage(), asked = [], dialogs = [], said = [];
  browser.on("request", (request) => asked.push(request.url()));
  page.on("console", (each) => said.push(each.text()));
  page.on("dialog", (dialog) => (dialogs.push(dialog.message()), dialog.dismiss()));
  const frames = [];
  const look = async () => {
    await page.waitForTimeout(WAIT_MS);
    for (const frame of page.frames().slice(1)) frames.push({ url: frame.url(), html: (await frame.content()).slice(0, 5000) });
  };
  for (const path of templates) {
    await page.goto(url + path);
    await look();
  }
  await page.goto(url + preview);
  await page.setInputFiles("input[type=file]", { name: "a.eml", mimeType: "message/rfc822", buffer: Buffer.from(file, "base64") });
  await Promise.all([page.waitForNavigation(), page.getByRole("button", { name: "Preview" }).click()]);
  await look();
  const title = await page.title(), at = page.url();
  await browser.close();
  return { asked, dialogs, said, frames, title, at };
}

readline.createInterface({ input: process.stdin }).once("line", async (line) => {
  process.stdout.write(JSON.stringify(await main(JSON.parse(line))) + "\n", () => process.exit(0));
});
