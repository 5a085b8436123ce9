// Where the words of a letter begin. One JSON line in, { name, html }, one out: by width of the window, [words, left edge] each.
const readline = require("readline");
const { open } = require("./browser.cjs");

function edges() {
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  const found = [];
  for (let node = walker.nextNode(); node; node = walker.nextNode()) {
    const range = document.createRange();
    range.selectNodeContents(node);
    const box = range.getBoundingClientRect();
    if (node.data.trim() && box.width) found.push([node.data.trim(), box.left]);
  }
  return { found, overflow: document.documentElement.scrollWidth - innerWidth };
}

(async () => {
  const browser = await open();
  const [page] = browser.pages();
  for await (const line of readline.createInterface({ input: process.stdin })) {
    const { name, html } = JSON.parse(line);
    const report = { name };
    for (const width of [320, 640, 1000, 1600]) {
      await page.setViewportSize({ width, height: 500 });
      await page.setContent(html);
      report[width] = await page.evaluate(edges);
    }
    process.stdout.write(JSON.stringify(report) + "\n");
  }
  await browser.close();
})();
