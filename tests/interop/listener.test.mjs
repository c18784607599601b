// The listener that waits for the browser, and others on the same machine who send to it too.

import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer } from "node:http";
import { connect } from "node:net";
import { after, before, test } from "node:test";

import { checkPage, signedIn } from "./page.mjs";
import { OAuthProvider } from "./provider.mjs";
import { Scene } from "./scene.mjs";

let scene, provider;
before(async () => ([scene, provider] = await Promise.all([Scene.start(), OAuthProvider.start()])));
after(() => Promise.all([scene.stop(), provider.stop()]));

/** A page of somebody else, on an origin of its own. */
const foreignPage = async () => {
  const page = "<!doctype html><title>Cats</title>";
  const site = createServer((_, response) => response.setHeader("content-type", "text/html").end(page));
  site.listen(0, "127.0.0.1");
  await once(site, "listening");
  return { url: `http://127.0.0.1:${site.address().port}/`, close: () => (site.close(), site.closeAllConnections()) };
};

test("nothing that others send to the listener ends or wins the wait", async (t) => {
  const bob = await scene.join("bob", "attacked");
  const command = bob.oauth(provider.client("public"));
  const url = await scene.browser.openedBy(command);
  const callback = url.searchParams.get("redirect_uri");

  // Another program opens connections, and ends no request.
  const idle = Array.from({ length: 300 }, () => connect(new URL(callback).port, "127.0.0.1"));
  t.after(() => idle.forEach((socket) => socket.destroy()));
  for (const [number, socket] of idle.entries()) {
    socket.on("error", () => {});
    if (number % 2) socket.write("GET /callback?code=a");
  }
  await Promise.all(idle.map((socket) => socket.readyState === "open" || once(socket, "connect")));

  // A page of another origin sends whatever a page can send.
  const foreign = await foreignPage();
  t.after(foreign.close);
  const tab = await scene.browser.tab();
  const statuses = [];
  tab.on("response", (response) => response.url().startsWith(callback) && statuses.push(response.status()));
  await tab.goto(foreign.url);
  const states = ["", "state=", "state=x", `state=${"A".repeat(43)}`, "state=x&state=y"];
  const forged = states.flatMap((state) => ["code=evil", "error=access_denied"].map((answer) => `${callback}?${answer}&${state}`));
  await tab.evaluate(async (forged) => {
    const loads = (element, source) =>
      new Promise((resolve) => {
        element.onload = element.onerror = resolve;
        Object.assign(element, source);
        document.body.append(element);
      });
    await Promise.allSettled(
      forged.flatMap((address) => [
        fetch(address, { mode: "no-cors" }),
        fetch(address, { mode: "no-cors", method: "POST", body: "code=evil" }),
        loads(document.createElement("img"), { src: address }),
        loads(document.createElement("iframe"), { src: address }),
      ]),
    );
  }, forged);
  assert.ok(statuses.length >= 3 * forged.length, `${statuses}`);
  assert.deepEqual([...new Set(statuses)].sort(), [400, 405]);

  // Who is led there sees that it is nothing, and nothing of what led there.
  const answer = await tab.goto(`${callback}?code=%3Cb%3Eevil&state=%3Cb%3Eevil`);
  assert.equal(answer.status(), 400);
  assert.equal(await tab.textContent("h1"), "This answer was not expected");
  assert.ok(!(await tab.content()).includes("evil"));

  assert.ok(command.runs, command.said);
  await checkPage(await scene.browser.signIn(url), signedIn);
  assert.ok(await provider.knows(await scene.tokenOf(command)));
});
