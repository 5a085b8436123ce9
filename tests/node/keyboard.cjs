// The tabulator, key by key, as who has no pointer moves: it is seen where one is, the order is the page's, and nothing holds one.
const MOST = 300;

/** In the page: what is wrong with where the focus is, after it was where `before` is. */
function look(before) {
  const at = document.activeElement, wrong = [];
  if (at === document.body || at === document.documentElement) return wrong;
  const style = getComputedStyle(at), box = at.getClientRects()[0];
  const words = `${at.tagName} ${at.id || at.textContent.trim().slice(0, 40)}`;
  if (!box || box.width < 1 || box.bottom < 0 || box.top > innerHeight || box.right < 0 || box.left > innerWidth) wrong.push(`not in sight: ${words}`);
  else {
    const outlined = style.outlineStyle !== "none" && parseFloat(style.outlineWidth) >= 2;
    const ringsWithin = at.matches("iframe, [type=date], [type=time]"); // what stands in a frame, and the button of a calendar
    if (!outlined && !ringsWithin) wrong.push(`no ring: ${words}`);
    const over = document.elementFromPoint(Math.min(Math.max(box.left + box.width / 2, 0), innerWidth - 1), Math.min(Math.max(box.top + box.height / 2, 0), innerHeight - 1));
    if (over && !at.contains(over) && !over.contains(at) && ![...(at.labels ?? [])].some((each) => each.contains(over))) wrong.push(`covered: ${words}`);
  }
  const isAround = at.matches(".skip"); // past the last one: the first is next
  if (!isAround && before !== at && before !== document.body
    && !(before.compareDocumentPosition(at) & Node.DOCUMENT_POSITION_FOLLOWING)) wrong.push(`not in the page's order: ${words}`);
  return wrong;
}

/** Presses Tab until one of the elements has the focus, from where it is now, and once around from the top. */
async function tabTo(page, wanted) {
  const all = [wanted].flat();
  const isThere = async () => (await Promise.all(all.map((each) => each.evaluate((one) => one === document.activeElement)))).includes(true);
  for (let count = 0; count < MOST && !(await isThere()); count += 1) {
    const before = await page.evaluateHandle(() => document.activeElement);
    await page.keyboard.press("Tab");
    const wrong = await page.evaluate(look, before);
    if (wrong.length) throw new Error(wrong.join("; "));
  }
  if (!(await isThere())) throw new Error(`not reached by keyboard: ${await all[0].evaluate((each) => each.outerHTML.slice(0, 120))}`);
}

module.exports = { tabTo, look };
