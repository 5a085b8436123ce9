// Draws what the tests show as a government's artwork and as logos: nobody's marks, twice as large as they are shown.
// `make branding` runs it.
const path = require("path");
const { open } = require("./browser.cjs");

const tests = path.join(__dirname, "../data/branding");
const artwork = path.join(tests, "artwork");
const INK = "#1d2a3a";

// A shape that is nobody's mark: two leaves of paper.
const mark = `<svg width="44" height="55" viewBox="0 0 44 55"><rect x="1" y="5" width="34" height="45" fill="${INK}"/>
<path d="M9 11h34v33H9z" fill="#fff" stroke="${INK}" stroke-width="2"/><path d="M15 20h22M15 27h22M15 34h13" stroke="${INK}" stroke-width="2.5"/></svg>`;
const words = { en: "Government<br>of Canada", fr: "Gouvernement<br>du Canada" };
const half = (code) => `<div lang="${code}">${words[code]}</div>`;
const signature = (one, other) => `<div class="s">${mark}${half(one)}${half(other)}</div>`;
const parks = (ink, ground) => `<div class="p" style="color:${ink};background:${ground}"><svg width="52" height="46" viewBox="0 0 52 46">
<path d="M2 44 20 8l9 18 6-11 15 29z" fill="${ink}"/></svg><div><b>Parks Agency</b><br>Agence des parcs</div></div>`;
const drawings = {
  [path.join(artwork, "signature-en.png")]: [286, 55, signature("en", "fr")],
  [path.join(artwork, "signature-fr.png")]: [286, 55, signature("fr", "en")],
  [path.join(artwork, "wordmark.png")]: [123, 55, `<div class="w">${mark}</div>`],
  [path.join(tests, "logo.png")]: [216, 72, parks("#2b5a2b", "#ffffff")],
  [path.join(tests, "logo-on-colour.png")]: [216, 72, parks("#ffffff", "#1c578a")],
};
const style = `.p{display:flex;align-items:center;gap:10px;height:72px;padding:0 6px;font-size:17px;line-height:22px}*{margin:0;box-sizing:border-box}body{background:#fff;color:${INK};font-family:"Liberation Sans",Arial,sans-serif}
.s{display:flex;align-items:center;gap:12px;height:55px;font-size:15px;line-height:19px}
.w{display:flex;justify-content:flex-end;height:55px}`;

(async () => {
  const browser = await open({ deviceScaleFactor: 2 });
  const page = await browser.newPage();
  for (const [file, [width, height, markup]] of Object.entries(drawings)) {
    await page.setViewportSize({ width, height });
    await page.setContent(`<style>${style}</style>${markup}`);
    await page.screenshot({ path: file });
  }
  await browser.close();
})();
