// Signing in with a real browser at a real provider: our command line opens the one, and catches what the other
// sends back.

import assert from "node:assert/strict";
import { once } from "node:events";
import { after, before, test } from "node:test";

import { checkPage, denied, failed, signedIn } from "./page.mjs";
import { OAuthProvider, awkwardSecret } from "./provider.mjs";
import { Scene } from "./scene.mjs";
import { outcome } from "./support.mjs";

let scene, provider, shortLived;
before(async () => {
  [scene, provider, shortLived] = await Promise.all([
    Scene.start(),
    OAuthProvider.start(),
    OAuthProvider.start({ accessTokenSeconds: 1 }),
  ]);
});
after(() => Promise.all([scene.stop(), provider.stop(), shortLived.stop()]));

for (const room of ["a server's room", "a room on this machine"]) {
  test(`one signs in for ${room}, and is not asked again`, async () => {
    const bob = room.includes("server") ? await scene.join("bob", "public") : scene.alone();
    const running = outcome(bob.startOAuth(provider, "public"));
    const url = await scene.browser.openedBy(running);
    assert.equal(url.origin + url.pathname, provider.client("public").authorization_endpoint);
    assert.equal(url.searchParams.get("code_challenge_method"), "S256");
    assert.match(url.searchParams.get("redirect_uri"), /^http:\/\/127\.0\.0\.1:\d+\/callback$/);
    await checkPage(await scene.browser.signIn(url), signedIn);
    const token = scene.tokenOf(await running);
    assert.ok(await provider.knows(token));

    const { opened } = scene.browser;
    assert.equal(scene.tokenOf(await bob.oauth(provider, "public")), token);
    assert.equal(scene.tokenOf(await bob.oauth(provider, "public", "--offline")), token);
    assert.equal(scene.browser.opened, opened);
  });
}

for (const id of ["post", "basic"]) {
  test(`one signs in with the client \`${id}\`, whose secret has characters that get lost`, async () => {
    const bob = await scene.join("bob", `secret-${id}`);
    const running = outcome(bob.startOAuth(provider, id, ...(await scene.secret())));
    await scene.signIn(running, signedIn);
    assert.ok(await provider.knows(scene.tokenOf(await running)));
  });
}

test("who denies is told so, and so is the command", async () => {
  const bob = await scene.join("bob", "denied");
  const running = outcome(bob.startOAuth(provider, "public"));
  await scene.signIn(running, denied, { deny: true });
  const ran = await running;
  assert.equal(ran.status, 5, ran.stderr);
  assert.equal(ran.stdout.length, 0);
  assert.match(ran.stderr, /^error: .*access_denied/m);
  assert.equal((await bob.oauth(provider, "public", "--offline")).status, 3);
});

test("a token that is not to be had is a failure in the browser too", async () => {
  const bob = await scene.join("bob", "failed");
  const running = outcome(bob.startOAuth(provider, "basic", ...(await scene.secret("wrong"))));
  await scene.signIn(running, failed);
  const ran = await running;
  assert.notEqual(ran.status, 0);
  assert.match(ran.stderr, /^error: .*invalid_client/m);
});

test("what one signed in for is refreshed without the browser", async () => {
  const bob = await scene.join("bob", "refreshed");
  const running = outcome(bob.startOAuth(shortLived, "basic", ...(await scene.secret())));
  await scene.signIn(running, signedIn);
  const tokens = [scene.tokenOf(await running)];
  const { opened } = scene.browser;
  const grants = shortLived.grants.length;
  for (let count = 0; count < 3; count++) tokens.push(scene.tokenOf(await bob.oauth(shortLived, "basic", "--offline")));
  assert.equal(new Set(tokens).size, 4);
  assert.ok(await shortLived.knows(tokens.at(-1)));
  assert.deepEqual(shortLived.grants.slice(grants), Array(3).fill("refresh_token"));
  assert.equal(scene.browser.opened, opened);
});

test("without a browser to open, the address is printed", async () => {
  const bob = await scene.join("bob", "printed");
  const { opened } = scene.browser;
  const child = bob.startOAuth(provider, "public", "--no-browser");
  let printed = "";
  const address = new Promise((resolve) => {
    child.stderr.on("data", (chunk) => {
      printed += chunk;
      const found = /^\s*(http\S+\/auth\?\S+)\s*$/m.exec(printed);
      if (found) resolve(new URL(found[1]));
    });
  });
  const running = outcome(child);
  await checkPage(await scene.browser.signIn(await address), signedIn);
  assert.ok(await provider.knows(scene.tokenOf(await running)));
  assert.equal(scene.browser.opened, opened);
});

test("another participant signs in, by a rule", async () => {
  const [bob, agent] = await Promise.all(["bob", "agent"].map((name) => scene.join(name, "asked")));
  const rule = `[[rule]]\nkind = "oauth"\nclient_id = "basic"\nhost = "127.0.0.1"\nauthorize = true\n`;
  const rules = await scene.write("rules.toml", rule);
  const provide = bob.start("provide", "--rules", rules, "--once");
  // It says so when it is there to be asked.
  await once(provide.stderr, "data");
  const provided = outcome(provide);
  const running = outcome(agent.startOAuth(provider, "basic", ...(await scene.secret()), "--from", "bob"));
  await scene.signIn(running, signedIn);
  const token = scene.tokenOf(await running);
  assert.ok(await provider.knows(token));
  const ran = await provided;
  assert.equal(ran.status, 0, ran.stderr);
  for (const secret of [token, awkwardSecret]) assert.ok(!ran.stderr.includes(secret));
  assert.equal(scene.tokenOf(await agent.oauth(provider, "basic", "--offline", "--delegated-by", "bob")), token);
});
