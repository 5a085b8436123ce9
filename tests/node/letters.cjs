// Looks at letters as people do who see little or nothing. One JSON line in, { name, html, bilingual }, one JSON line out.
const readline = require("readline");
const { open } = require("./browser.cjs");

const NARROW = { width: 320, height: 1600 }; // as high as most letters: a picture of all of one takes one look
const TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"];
// These are about pages: a letter is shown within one, which has the landmarks and the heading (its subject).
const OF_PAGES = ["region", "landmark-one-main", "page-has-heading-one"];
const OF_ONE_LANGUAGE = ["html-has-lang"]; // a letter in two says of each part in which it is
const MIN_CONTRAST = 4.5;

/** In the page: where text stands, and what is clipped. */
function measure() {
  const texts = [], clipped = [];
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  if (document.documentElement.scrollWidth > innerWidth) clipped.push("the page scrolls sideways");
  for (let node = walker.nextNode(); node; node = walker.nextNode()) {
    if (!node.data.trim()) continue;
    const range = document.createRange();
    range.selectNodeContents(node);
    const rects = [...range.getClientRects()].filter((r) => r.width > 1 && r.height > 1);
    const style = getComputedStyle(node.parentElement);
    const words = node.data.trim().slice(0, 40);
    if (rects.length && parseFloat(style.lineHeight) < parseFloat(style.fontSize)) clipped.push(`lines overlap: ${words}`);
    for (const r of rects) {
      if (r.left < -1 || r.right > innerWidth + 1) clipped.push(words);
      for (let at = node.parentElement; at; at = at.parentElement) {
        const box = at.getBoundingClientRect();
        if (getComputedStyle(at).overflow !== "visible" && (r.right > box.right + 1 || r.bottom > box.bottom + 1)) clipped.push(words);
      }
      texts.push({ words, x: r.left + scrollX, y: r.top + scrollY, width: r.width, height: r.height });
    }
  }
  for (const image of document.images) {
    if (!image.naturalWidth) clipped.push(`not shown: ${image.alt}`);
    if (image.getBoundingClientRect().right > innerWidth + 1) clipped.push(image.alt);
  }
  return { texts, clipped };
}

/** In the page: text twice as large, as a reader's own setting makes it. */
function enlarge() {
  const sizes = [...document.body.querySelectorAll("*")].map((each) => [each, parseFloat(getComputedStyle(each).fontSize)]);
  for (const [each, size] of sizes) each.style.setProperty("font-size", `${2 * size}px`, "important");
}

/** In the page: the contrast of each text as it was painted, its most common colour against the one furthest from it. */
async function contrasts({ picture, texts }) {
  const image = await createImageBitmap(await (await fetch(`data:image/png;base64,${picture}`)).blob());
  const canvas = new OffscreenCanvas(image.width, image.height).getContext("2d", { willReadFrequently: true });
  canvas.drawImage(image, 0, 0);
  const channel = (c) => (c / 255 <= 0.04045 ? c / 255 / 12.92 : ((c / 255 + 0.055) / 1.055) ** 2.4);
  const luminance = (rgb) => 0.2126 * channel(rgb >> 16) + 0.7152 * channel((rgb >> 8) & 255) + 0.0722 * channel(rgb & 255);
  return texts.map(({ words, x, y, width, height }) => {
    const { data } = canvas.getImageData(Math.floor(x), Math.floor(y), Math.ceil(width), Math.ceil(height));
    const counts = new Map();
    for (let i = 0; i < data.length; i += 4) {
      const rgb = (data[i] << 16) | (data[i + 1] << 8) | data[i + 2];
      counts.set(rgb, (counts.get(rgb) || 0) + 1);
    }
    const ground = luminance([...counts].reduce((a, b) => (b[1] > a[1] ? b : a))[0]);
    const ratios = [...counts.keys()].map(luminance).map((l) => (Math.max(l, ground) + 0.05) / (Math.min(l, ground) + 0.05));
    return [words, Math.max(...ratios)];
  });
}

async function look(page, session) {
  const { texts, clipped } = await page.evaluate(measure);
  const { data: picture } = await session.send("Page.captureScreenshot", { captureBeyondViewport: true, optimizeForSpeed: true });
  const found = await page.evaluate(contrasts, { picture, texts });
  const faint = found.filter(([, ratio]) => ratio < MIN_CONTRAST).map(([words, ratio]) => `${ratio.toFixed(2)}: ${words}`);
  return { clipped, faint, lowest: Math.min(...found.map(([, ratio]) => ratio)) };
}

/** What a screen reader is told, in its order: role, words, and the language in which to say them. */
async function tree(session) {
  const { nodes } = await session.send("Accessibility.getFullAXTree");
  const byId = new Map(nodes.map((node) => [node.nodeId, node]));
  const said = nodes.filter((node) => !node.ignored && ["StaticText", "image"].includes(node.role.value));
  const languages = new Map(await Promise.all(said.map(async (node) => [node.nodeId, await language(session, node.backendDOMNodeId)])));
  const lines = [];
  const visit = (id, depth) => {
    const node = byId.get(id);
    const role = node.role && node.role.value;
    const shown = !node.ignored && !["RootWebArea", "generic", "none", "InlineTextBox", "LineBreak"].includes(role);
    if (shown) {
      const says = ["StaticText", "image", "link", "ListMarker"].includes(role) ? ` "${node.name.value.trim()}"` : "";
      const lang = languages.has(id) ? ` [${languages.get(id)}]` : "";
      if (role !== "StaticText" || says.length > 3) lines.push(`${"  ".repeat(depth)}${role}${level(node)}${says}${lang}`);
    }
    for (const child of node.childIds || []) visit(child, depth + (shown ? 1 : 0));
  };
  visit(nodes[0].nodeId, 0);
  return lines;
}

function level(node) {
  const found = (node.properties || []).find((each) => each.name === "level");
  return found && node.role.value === "heading" ? ` ${found.value.value}` : "";
}

async function language(session, backendNodeId) {
  const { object } = await session.send("DOM.resolveNode", { backendNodeId });
  const functionDeclaration = "function () { const at = (this.closest ? this : this.parentElement).closest('[lang]'); return at ? at.lang : '-'; }";
  const { result } = await session.send("Runtime.callFunctionOn", { objectId: object.objectId, functionDeclaration, returnByValue: true });
  return result.value;
}

(async () => {
  const browser = await open({ viewport: NARROW });
  const [page] = browser.pages(); // one in front: what stands behind it is drawn once a second
  const session = await page.context().newCDPSession(page);
  await page.addScriptTag({ path: require.resolve("axe-core/axe.min.js") }); // stays: new content is the same window's
  for await (const line of readline.createInterface({ input: process.stdin })) {
    const { name, html, bilingual } = JSON.parse(line);
    await page.setContent(html);
    const report = { name, tree: await tree(session), narrow: await look(page, session) };
    await page.emulateMedia({ colorScheme: "dark" });
    await session.send("Emulation.setAutoDarkModeOverride", { enabled: true });
    report.dark = await look(page, session);
    await session.send("Emulation.setAutoDarkModeOverride", {});
    await page.emulateMedia({ colorScheme: null });
    const rules = Object.fromEntries([...OF_PAGES, ...(bilingual ? OF_ONE_LANGUAGE : [])].map((rule) => [rule, { enabled: false }]));
    const options = { runOnly: TAGS, rules, resultTypes: ["violations"] };
    const { violations } = await page.evaluate((o) => axe.run(document, o), options);
    report.axe = violations.map(({ id, nodes }) => `${id}: ${nodes.map((node) => node.html).join(" ")}`);
    await page.evaluate(enlarge);
    report.large = await look(page, session);
    process.stdout.write(JSON.stringify(report) + "\n");
  }
  await browser.close();
})();
