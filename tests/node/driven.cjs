// A person at Chromium, one order a line (JSON in, JSON out): links by their words, fields by their labels or names, with a pointer
// or by keyboard only. Each answer tells what the page is then, what has the focus, and what the browser complained of.
const readline = require("readline");
const { open } = require("./browser.cjs");
const { tabTo } = require("./keyboard.cjs");

const DEVICE = { protocol: "ctap2", transport: "internal", hasResidentKey: true, hasUserVerification: true,
  isUserVerified: true, automaticPresenceSimulation: true };
const SECONDS = 20_000;

/** In the page: the control of a label, the choices of a legend, or what has the name. */
function control([form, key]) {
  const words = (each) => each.textContent.replace(/\s+/g, " ").trim();
  const label = [...form.querySelectorAll("label")].find((each) => words(each) === key);
  if (label) return [label.control];
  const legend = [...form.querySelectorAll("legend")].find((each) => words(each) === key);
  if (legend) return [...legend.parentElement.querySelectorAll("input")];
  return [...form.elements].filter((each) => each.name === key && each.type !== "hidden");
}

/** In the page: the button by its words, or by its name and value in the form that has all the fields. */
function button({ words, named, fields }) {
  const said = (each) => each.textContent.replace(/\s+/g, " ").trim();
  const all = [...document.querySelectorAll("main button, dialog[open] button")].filter((each) => each.form && !each.form.hidden);
  const has = (each, field) => [...each.form.elements].some((one) => one.name === field);
  return all.find((each) => (words === undefined || said(each) === words)
    && (!named ? words !== undefined || !each.name : each.name === named[0] && each.value === named[1])
    && (words !== undefined || fields.every((field) => has(each, field)))) ?? null;
}

class Hands {
  constructor(page, isKeyboard) {
    this.page = page;
    this.isKeyboard = isKeyboard;
  }

  async act(element, key = "Enter") {
    await this.reveal(element);
    if (!this.isKeyboard) return element.click();
    await tabTo(this.page, element);
    return this.page.keyboard.press(key);
  }

  /** What stands in closed details is opened, as whoever looks for it does. */
  async reveal(element) {
    const summary = await element.evaluateHandle((each) => {
      const within = each.closest("details:not([open])");
      return within && !within.querySelector("summary").contains(each) ? within.querySelector("summary") : null;
    });
    if (summary.asElement()) await this.act(summary.asElement());
  }

  async fill(controls, value) {
    const first = controls[0];
    const { tag, type } = await first.evaluate((each) => ({ tag: each.tagName, type: each.type }));
    await this.reveal(first);
    if (type === "radio") return this.choose(controls, value);
    if (type === "checkbox") return this.tick(controls, value);
    if (type === "file") return first.setInputFiles({ name: value[0], mimeType: "application/octet-stream", buffer: Buffer.from(value[1], "base64") });
    if (tag === "SELECT") return first.selectOption(value.length ? [{ label: value }] : []).catch(() => first.selectOption(value));
    if (!this.isKeyboard || ["date", "time"].includes(type)) return first.fill(value);
    await tabTo(this.page, first);
    await this.page.keyboard.press("Control+A");
    await this.page.keyboard.press("Delete");
    return this.page.keyboard.insertText(value);
  }

  /** Radio buttons are one stop of the tabulator: arrows lead from one to the next. */
  async choose(controls, value) {
    const wanted = await this.among(controls, value);
    if (!this.isKeyboard) return wanted.check();
    await tabTo(this.page, controls);
    for (let at = 0; at < controls.length && !(await wanted.evaluate((each) => each === document.activeElement)); at += 1) {
      await this.page.keyboard.press("ArrowDown");
    }
    if (!(await wanted.isChecked())) await this.page.keyboard.press("Space");
  }

  async tick(controls, value) {
    for (const each of controls) {
      const named = await each.evaluate((one) => [one.labels[0]?.textContent.replace(/\s+/g, " ").trim(), one.value]);
      const wanted = typeof value === "boolean" ? value : named.some((one) => value.includes(one));
      if ((await each.isChecked()) !== wanted) await (this.isKeyboard ? this.act(each, "Space") : each.setChecked(wanted));
    }
  }

  async among(controls, value) {
    for (const each of controls) {
      const named = await each.evaluate((one) => [one.labels[0]?.textContent.replace(/\s+/g, " ").trim(), one.value]);
      if (named.includes(value)) return each;
    }
    throw new Error(`no choice ${value}`);
  }
}

async function elements(handle) {
  return Promise.all([...(await handle.getProperties()).values()].map((each) => each.asElement()));
}

const orders = {
  async open({ page, url }, { path }) {
    await page.goto(url + path);
  },

  async follow({ page, hands }, { words }) {
    const links = await page.evaluateHandle((w) => [...document.querySelectorAll("a")].filter((each) =>
      each.textContent.replace(/\s+/g, " ").trim() === w), words);
    const [link] = await elements(links);
    if (!link) throw new Error(`no link ${words}`);
    await going(page, () => hands.act(link));
  },

  async press({ page, hands }, { words, named, values = {}, stays }) {
    const found = await page.evaluateHandle(button, { words, named, fields: Object.keys(values) });
    if (!found.asElement()) throw new Error(`no button ${words ?? named ?? "of these fields"}`);
    const form = await found.evaluateHandle((each) => each.form);
    for (const [key, value] of Object.entries(values)) {
      const controls = await elements(await page.evaluateHandle(control, [form, key]));
      if (!controls.length) throw new Error(`no field ${key}`);
      await hands.fill(controls, value);
    }
    await (stays ? hands.act(found.asElement()) : going(page, () => hands.act(found.asElement())));
  },

  /** Where each link of the error summary leads: its words, and whether it has the focus then. */
  async errors({ page, hands }) {
    const links = await page.$$(".summary a");
    const found = [];
    for (const link of links) {
      const { words, id } = await link.evaluate((each) => ({ words: each.textContent, id: each.hash.slice(1) }));
      await page.evaluate(() => document.querySelector(".summary").focus());
      await hands.act(link);
      found.push([words, id, await page.evaluate(() => document.activeElement.id)]);
    }
    return { errors: found };
  },

  async look() {}, // what the page is, is told after every order

  async device({ page }) {
    const session = await page.context().newCDPSession(page);
    await session.send("WebAuthn.enable");
    await session.send("WebAuthn.addVirtualAuthenticator", { options: DEVICE });
  },

  async wait({ page }, { words }) {
    await page.getByText(words).first().waitFor({ timeout: SECONDS });
  },

  async keys({ page }, { keys }) {
    for (const each of keys) await page.keyboard.press(each);
  },

  async evaluate({ page }, { script }) {
    return { value: await page.evaluate(script) };
  },

  async picture({ page }, { path, width, dark }) {
    await page.emulateMedia({ colorScheme: dark ? "dark" : "light" });
    await page.setViewportSize({ width, height: 800 });
    await page.screenshot({ path, fullPage: true });
  },

  async ask({ page, url }, { path }) {
    const answer = await page.context().request.get(url + path);
    return { asked: await answer.text(), headers: answer.headers() };
  },

  async cookies({ page, url }, { cookies }) {
    await page.context().clearCookies();
    await page.context().addCookies(cookies.map(([name, value]) => ({ name, value, url })));
  },
};

/** Does what leads to another page, and waits until it is there. */
async function going(page, act) {
  const loaded = page.waitForEvent("load", { timeout: SECONDS });
  await Promise.all([loaded, act()]);
}

async function state(page, seen) {
  const at = new URL(page.url());
  // `autofocus` comes with the first picture of the page, not with its load.
  await page.evaluate(() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done))));
  const focus = await page.evaluate(() => document.activeElement.id || document.activeElement.className || document.activeElement.tagName);
  return { url: at.pathname + at.search, html: await page.content(), status: seen.status, headers: seen.headers, focus };
}

(async () => {
  const [url, language, hand] = process.argv.slice(2);
  const browser = await open({ offline: false, viewport: { width: 1280, height: 800 }, reducedMotion: "reduce", locale: `${language}-CA` });
  const [page] = browser.pages();
  const hands = new Hands(page, hand === "keyboard"), complaints = [], seen = { status: 0, headers: {} };
  page.on("console", (message) => ["error", "warning"].includes(message.type()) && complaints.push(message.text()));
  page.on("pageerror", (error) => complaints.push(String(error)));
  page.on("response", (answer) => {
    if (answer.request().isNavigationRequest() && answer.frame() === page.mainFrame()) {
      Object.assign(seen, { status: answer.status(), headers: answer.headers() });
    }
  });
  for await (const line of readline.createInterface({ input: process.stdin })) {
    const { order, ...given } = JSON.parse(line);
    let told = {};
    try {
      told = (await orders[order]({ page, hands, url }, given)) ?? {};
    } catch (error) {
      told = { problem: `${order} ${JSON.stringify(given)}: ${error.message}` };
    }
    process.stdout.write(JSON.stringify({ ...told, ...(await state(page, seen)), complaints: complaints.splice(0) }) + "\n");
  }
  await browser.close();
})();
