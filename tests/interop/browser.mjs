// A real Chromium, somebody at it who signs in, and what `$BROWSER` is set to for them.

import { once } from "node:events";
import { access, constants, mkdtemp, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:http";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";

import { chromium } from "playwright-core";

/** What Chromium is called, on Debian and elsewhere. */
const names = ["chromium", "chromium-browser", "google-chrome"];

/** It reaches this machine alone, and does nothing that it was not told. */
const flags = [
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-gpu",
  "--disable-quic",
  "--disable-sync",
  "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1, EXCLUDE localhost",
  "--no-first-run",
];

async function installed() {
  for (const directory of process.env.PATH.split(delimiter)) {
    for (const name of names) {
      const path = join(directory, name);
      const runs = await access(path, constants.X_OK).then(() => true, () => false);
      if (runs) return path;
    }
  }
  throw new Error(`none of ${names.join(", ")} is in PATH`);
}

/** A running Chromium, and the addresses that programs open in it. */
export class Browser {
  static async start() {
    const browser = new Browser();
    browser.#chromium = await chromium.launch({ executablePath: await installed(), args: flags });
    browser.#server.listen(0, "127.0.0.1");
    await once(browser.#server, "listening");
    browser.#directory = await mkdtemp(join(tmpdir(), "meshagent-browser-"));
    browser.command = join(browser.#directory, "open.mjs");
    const hand = `http://127.0.0.1:${browser.#server.address().port}`;
    await writeFile(
      browser.command,
      `#!/usr/bin/env node\nawait fetch(${JSON.stringify(hand)}, { method: "POST", body: process.argv[2] });\n`,
      { mode: 0o700 },
    );
    return browser;
  }

  /** For `$BROWSER`: hands the address to this process. */
  command;
  /** How many addresses have come. */
  opened = 0;
  #chromium;
  #directory;
  #come = [];
  #awaited = () => {};
  #server = createServer(async (request, response) => {
    let address = "";
    for await (const chunk of request) address += chunk;
    response.end();
    this.opened += 1;
    this.#come.push(new URL(address));
    this.#awaited();
  });

  /** The address that a command opens, unless it ends before it does. */
  async openedBy(command) {
    if (!this.#come.length) {
      const ended = command.ends().then((status) => Promise.reject(new Error(`ended with ${status}: ${command.said}`)));
      await Promise.race([new Promise((resolve) => (this.#awaited = resolve)), ended]);
    }
    return this.#come.shift();
  }

  /** An empty tab of somebody who is signed in nowhere. */
  async tab() {
    const context = await this.#chromium.newContext();
    return context.newPage();
  }

  /** Opens `url` as somebody who signs in at the provider and then consents, or does not, up to the page that the
   * browser ends on. Gives that, the answer that it was, and what was loaded on the way, in order. */
  async signIn(url, { deny = false } = {}) {
    const tab = await this.tab();
    const loaded = [];
    tab.on("response", (response) => loaded.push(response));
    await tab.goto(url.href);
    await tab.fill("input[name=login]", "bob");
    await tab.fill("input[name=password]", "any");
    await tab.click("button[type=submit]");
    await tab.waitForSelector("input[name=prompt][value=consent]", { state: "attached" });
    await tab.click(deny ? "a[href$=abort]" : "button[type=submit]");
    await tab.waitForURL((at) => at.pathname.startsWith("/done/"));
    return { tab, loaded, answer: loaded.at(-1) };
  }

  async stop() {
    this.#server.close();
    this.#server.closeAllConnections();
    await this.#chromium.close();
    await rm(this.#directory, { recursive: true });
  }
}
