// Signing in with a real browser at a real provider: our command line opens the one, and catches what the other
// sends back.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";

import { checkPage, denied, failed, signedIn } from "./page.mjs";
import { OAuthProvider, awkwardSecret } from "./provider.mjs";
import { Scene } from "./scene.mjs";

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
    const oauth = provider.client("public");
    const command = bob.oauth(oauth);
    const url = await scene.browser.openedBy(command);
    assert.equal(url.origin + url.pathname, oauth.authorization_endpoint);
    assert.equal(url.searchParams.get("code_challenge_method"), "S256");
    assert.match(url.searchParams.get("redirect_uri"), /^http:\/\/127\.0\.0\.1:\d+\/callback$/);
    await checkPage(await scene.browser.signIn(url), signedIn);
    const token = await scene.tokenOf(command);
    assert.ok(await provider.knows(token));

    const { opened } = scene.browser;
    assert.equal(await scene.tokenOf(bob.oauth(oauth)), token);
    assert.equal(await scene.tokenOf(bob.oauth(oauth, "--offline")), token);
    assert.equal(scene.browser.opened, opened);
  });
}

for (const id of ["post", "basic"]) {
  test(`one signs in with the client \`${id}\`, whose secret has characters that get lost`, async () => {
    const bob = await scene.join("bob", `secret-${id}`);
    const command = bob.oauth(provider.client(id));
    await scene.signIn(command, signedIn);
    assert.ok(await provider.knows(await scene.tokenOf(command)));
  });
}

test("who denies is told so, and so is the command", async () => {
  const bob = await scene.join("bob", "denied");
  const command = bob.oauth(provider.client("public"));
  await scene.signIn(command, denied, { deny: true });
  assert.equal(await command.ends(), 5, command.said);
  assert.equal(command.answer, "");
  assert.match(command.said, /^error: .*access_denied/m);
  assert.equal(await bob.oauth(provider.client("public"), "--offline").ends(), 3);
});

test("a token that is not to be had is a failure in the browser too", async () => {
  const bob = await scene.join("bob", "failed");
  const command = bob.oauth({ ...provider.client("basic"), client_secret: "wrong" });
  await scene.signIn(command, failed);
  assert.notEqual(await command.ends(), 0);
  assert.match(command.said, /^error: .*invalid_client/m);
});

test("what one signed in for is refreshed without the browser", async () => {
  const bob = await scene.join("bob", "refreshed");
  const oauth = shortLived.client("basic");
  const command = bob.oauth(oauth);
  await scene.signIn(command, signedIn);
  const tokens = [await scene.tokenOf(command)];
  const { opened } = scene.browser;
  const grants = shortLived.grants.length;
  for (let count = 0; count < 3; count++) tokens.push(await scene.tokenOf(bob.oauth(oauth, "--offline")));
  assert.equal(new Set(tokens).size, 4);
  assert.ok(await shortLived.knows(tokens.at(-1)));
  assert.deepEqual(shortLived.grants.slice(grants), Array(3).fill("refresh_token"));
  assert.equal(scene.browser.opened, opened);
});

test("where no browser is to be opened, the address is printed", async () => {
  const bob = await scene.join("bob", "printed");
  const { opened } = scene.browser;
  const command = bob.oauth(provider.client("public"), "--no-browser");
  await checkPage(await scene.browser.signIn(await command.address()), signedIn);
  assert.ok(await provider.knows(await scene.tokenOf(command)));
  assert.equal(scene.browser.opened, opened);
});

test("another participant signs in, by a rule", async () => {
  const [bob, agent] = await Promise.all(["bob", "agent"].map((name) => scene.join(name, "asked")));
  const rule = '[[rule]]\nkind = "oauth"\nclient_id = "basic"\nhost = "127.0.0.1"\nport = "*"\nscopes = ["openid", "read"]\nallow_http = true\nauthorize = true\n';
  const provide = bob.start(["provide", "--once", "--rules", await scene.write("rules.toml", rule)]);
  await provide.says(/In room asked as bob/);
  const oauth = provider.client("basic");
  const command = agent.oauth(oauth, "--from", "bob");
  await scene.signIn(command, signedIn);
  const token = await scene.tokenOf(command);
  assert.ok(await provider.knows(token));
  assert.equal(await provide.ends(), 0, provide.said);
  for (const secret of [token, awkwardSecret]) assert.ok(!provide.said.includes(secret));
  assert.equal(await scene.tokenOf(agent.oauth(oauth, "--offline", "--delegated-by", "bob")), token);
});
