// Draws the artwork of config/branding, neutral placeholders twice as large as they are shown, and the logos of the tests.
// `make branding` runs it.
const path = require("path");
const { open } = require("./browser.cjs");

const ours = path.join(__dirname, "../../config/branding");
const tests = path.join(__dirname, "../data/branding");
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
  [path.join(ours, "signature-en.png")]: [286, 55, signature("en", "fr")],
  [path.join(ours, "signature-fr.png")]: [286, 55, signature("fr", "en")],
  [path.join(ours, "wordmark.png")]: [123, 55, `<div class="w">Canada<i></i></div>`],
  [path.join(tests, "logo.png")]: [216, 72, parks("#2b5a2b", "#ffffff")],
  [path.join(tests, "logo-on-colour.png")]: [216, 72, parks("#ffffff", "#1c578a")],
};
const style = `.p{display:flex;align-items:center;gap:10px;height:72px;padding:0 6px;font-size:17px;line-height:22px}*{margin:0;box-sizing:border-box}body{background:#fff;color:${INK};font-family:"Liberation Sans",Arial,sans-serif}
.s{display:flex;align-items:center;gap:12px;height:55px;font-size:15px;line-height:19px}
.w{height:55px;padding-right:3px;display:flex;flex-direction:column;justify-content:center;align-items:flex-end;font-size:30px;line-height:32px;font-weight:bold;letter-spacing:-.5px}
i{display:block;width:108px;height:4px;margin-top:4px;background:linear-gradient(90deg,${INK} 0 70%,#b1b4b6 70%)}`;

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
