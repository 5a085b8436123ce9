// What a screen reader is told of pages, in its order: role, name, level, state and description. One JSON line in, { url, cookies },
// one out, { url, lines }. Text stands by itself where no name has it.
const readline = require("readline");
const { open } = require("./browser.cjs");

const SILENT = new Set(["generic", "none", "InlineTextBox", "LineBreak", "ListMarker", "RootWebArea", "LabelText", "Legend", "rowgroup", "DisclosureTriangle"]);
const STATES = ["checked", "disabled", "expanded", "required", "invalid", "modal"];

const words = (value) => (value?.value ?? "").replace(/\s+/g, " ").trim();

function line(node, isCurrent) {
  const levels = (node.properties ?? []).filter(({ name }) => name === "level" && node.role.value === "heading").map(({ value }) => `level ${value.value}`);
  const found = (node.properties ?? []).filter(({ name, value }) => STATES.includes(name) && ![false, "false"].includes(value.value))
    .map(({ name, value }) => (value.value === true ? name : `${name} ${value.value}`));
  const states = [...levels, ...found, ...(isCurrent ? ["current page"] : [])], value = words(node.value);
  return [node.role.value, words(node.name) && `"${words(node.name)}"`, states.length && `(${states.join(", ")})`, value && `= ${value}`,
    words(node.description) && `– ${words(node.description)}`].filter(Boolean).join(" ");
}

/** The links that say of themselves that they lead here: the protocol has no property for it. */
async function currentIn(session) {
  const { root } = await session.send("DOM.getDocument");
  const { nodeIds } = await session.send("DOM.querySelectorAll", { nodeId: root.nodeId, selector: "[aria-current=page]" });
  const found = await Promise.all(nodeIds.map((nodeId) => session.send("DOM.describeNode", { nodeId })));
  return new Set(found.map(({ node }) => node.backendNodeId));
}

async function heard(session) {
  const { nodes } = await session.send("Accessibility.getFullAXTree");
  const byId = new Map(nodes.map((node) => [node.nodeId, node])), lines = [], current = await currentIn(session);
  const visit = (id, depth, named) => {
    const node = byId.get(id);
    if (!node) return;
    const role = node.role?.value;
    const isSaid = role === "StaticText" && named.includes(words(node.name));
    const shown = !node.ignored && !SILENT.has(role) && !isSaid && (role !== "StaticText" || words(node.name));
    if (shown) lines.push("  ".repeat(depth) + (role === "StaticText" ? words(node.name) : line(node, current.has(node.backendDOMNodeId))));
    const within = shown && role !== "StaticText" && words(node.name) ? words(node.name) : named;
    for (const child of node.childIds ?? []) visit(child, depth + (shown ? 1 : 0), within);
  };
  visit(nodes[0].nodeId, 0, "");
  return [`page "${words(nodes[0].name)}"`, ...lines];
}

(async () => {
  const browser = await open({ offline: false });
  const [page] = browser.pages();
  const session = await browser.newCDPSession(page);
  await session.send("Accessibility.enable");
  for await (const asked of readline.createInterface({ input: process.stdin })) {
    const { url, cookies } = JSON.parse(asked);
    await browser.clearCookies();
    await browser.addCookies(cookies.map(([name, value]) => ({ name, value, url })));
    await page.goto(url);
    process.stdout.write(JSON.stringify({ url, lines: await heard(session) }) + "\n");
  }
  await browser.close();
})();
