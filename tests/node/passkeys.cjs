// Chromium with a passkey device of its own (CDP WebAuthn). One JSON line in, { url, cookies, picture }, one JSON line out: what the
// pages say when a passkey is added, asked for and signed in with, what the device holds, and what is said without scripts.
const { open } = require("./browser.cjs");

const DEVICE = { protocol: "ctap2", transport: "internal", hasResidentKey: true, hasUserVerification: true,
  isUserVerified: true, automaticPresenceSimulation: true };

async function withScripts({ url, cookies, picture }) {
  const browser = await open({ offline: false, viewport: { width: 1280, height: 900 } });
  await browser.addCookies(cookies.map(([name, value]) => ({ name, value, url })));
  const page = await browser.newPage(), complaints = [];
  page.on("console", (said) => ["error", "warning"].includes(said.type()) && complaints.push(said.text()));
  page.on("pageerror", (error) => complaints.push(String(error)));
  const device = await browser.newCDPSession(page);
  await device.send("WebAuthn.enable");
  const { authenticatorId } = await device.send("WebAuthn.addVirtualAuthenticator", { options: DEVICE });

  await page.goto(`${url}en/account/factors/passkey`);
  const offered = await page.locator("main [data-without-passkeys]").isVisible();
  await page.getByLabel("Name").fill("Laptop");
  await page.getByRole("button", { name: "Add the passkey" }).click();
  await page.waitForURL("**/en/account/factors");
  const list = await page.locator("main").innerText();
  if (picture) await page.screenshot({ path: picture, fullPage: true });
  const { credentials } = await device.send("WebAuthn.getCredentials", { authenticatorId });

  const before = await browser.cookies();
  await page.goto(`${url}en/step-up`);
  await device.send("WebAuthn.setUserVerified", { authenticatorId, isUserVerified: false });
  await page.getByRole("button", { name: "Use a passkey" }).click();
  await page.getByText("Your device did not do it").waitFor();
  await device.send("WebAuthn.setUserVerified", { authenticatorId, isUserVerified: true });
  await page.getByRole("button", { name: "Use a passkey" }).click();
  await page.waitForURL((now) => now.pathname === "/en/account");
  const proved = await page.locator("h1").innerText();
  const renewed = (await browser.cookies())[0].value !== before[0].value;
  const session = await browser.cookies();
  await browser.clearCookies();
  await page.goto(`${url}en/sign-in?next=/en/account`);
  await page.getByRole("button", { name: "Sign in with a passkey" }).click();
  await page.waitForURL((now) => now.pathname === "/en/account");
  const signedIn = await page.locator("main").innerText();
  await browser.close();
  return { offered, list, credentials, proved, renewed, complaints, session, signedIn };
}

async function withoutScripts({ url }, session) {
  const browser = await open({ offline: false, javaScriptEnabled: false });
  await browser.addCookies(session);
  const page = await browser.newPage();
  await page.goto(`${url}en/account/factors/passkey`);
  const said = await page.locator("main").innerText();
  await browser.close();
  return said;
}

async function main() {
  const asked = JSON.parse(require("fs").readFileSync(0, "utf8"));
  const done = await withScripts(asked);
  const plain = await withoutScripts(asked, done.session);
  process.stdout.write(JSON.stringify({ ...done, session: null, plain }) + "\n");
}

main();
