// OAuth against a real provider: the vendor's SDK asks, and is asked, by our command line too.

import assert from "node:assert/strict";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";

import { Person } from "./person.mjs";
import { OAuthProvider, signIn } from "./provider.mjs";
import { RoomServer, errorCode } from "./support.mjs";

const redirectUri = "http://127.0.0.1:7331/callback";

let server, provider, shortLived;
before(async () => {
  [server, provider, shortLived] = await Promise.all([
    RoomServer.start("--allow-insecure-token-endpoint"),
    OAuthProvider.start(),
    OAuthProvider.start({ accessTokenSeconds: 1 }),
  ]);
});
after(() => Promise.all([server.stop(), provider.stop(), shortLived.stop()]));

/** Where the one who is asked signs in, made of what the SDK hands on. */
const authorizationUrl = ({ authorizationEndpoint, challenge, clientId, scopes }) => {
  const url = new URL(authorizationEndpoint);
  const query = { response_type: "code", client_id: clientId, redirect_uri: redirectUri, scope: scopes.join(" "), state: "s" };
  if (challenge) Object.assign(query, { code_challenge: challenge, code_challenge_method: "S256" });
  url.search = new URLSearchParams(query);
  return url;
};

/** An agent and somebody who answers it, both by the SDK; `asked` has the requests that were answered. */
const meet = async (room, { deny = false } = {}) => {
  const asked = [];
  let bob;
  const oauthTokenRequestHandler = async (request) => {
    asked.push(request);
    const end = await signIn(authorizationUrl(request), { deny });
    const [code, error] = ["code", "error"].map((name) => end.searchParams.get(name));
    if (error) await bob.secrets.rejectOAuthAuthorization({ requestId: request.requestId, error });
    else await bob.secrets.provideOAuthAuthorization({ requestId: request.requestId, code });
  };
  bob = await server.join("bob", room, { handlers: { oauthTokenRequestHandler } });
  const agent = await server.join("agent", room);
  const request = (oauth) =>
    agent.secrets.requestOAuthToken({ oauth, fromParticipantId: bob.localParticipant.id, redirectUri, timeout: 60 });
  return { agent, bob, asked, request };
};

for (const id of ["public", "post", "basic"]) {
  test(`the client \`${id}\` gets a token, once for many requests`, async () => {
    const { agent, bob, asked, request } = await meet(`client-${id}`);
    const oauth = provider.client(id);
    const token = await request(oauth);
    assert.ok(await provider.knows(token));
    assert.equal(await request(oauth), token);
    for (const side of [agent, bob]) assert.equal(await side.secrets.getOfflineOAuthToken({ oauth }), token);
    assert.deepEqual(
      asked.map(({ clientId, scopes }) => ({ clientId, scopes })),
      [{ clientId: id, scopes: ["openid", "read"] }],
    );
    const [listed] = await bob.secrets.listSecrets();
    assert.equal(listed.type, "application/vnd.meshagent.oauth-credential+json");
    assert.equal(listed.delegatedTo, "agent");
  });

  test(`what the client \`${id}\` was given is refreshed, with a refresh token that rotates`, async () => {
    const { agent, asked, request } = await meet(`refresh-${id}`);
    const oauth = shortLived.client(id);
    const tokens = [await request(oauth)];
    for (let count = 0; count < 3; count++) tokens.push(await agent.secrets.getOfflineOAuthToken({ oauth }));
    assert.equal(new Set(tokens).size, 4);
    assert.ok(await shortLived.knows(tokens.at(-1)));
    assert.equal(asked.length, 1);
  });
}

test("the provider refuses nothing but what it must", () => {
  // Where Basic is not what the client was registered with, it is told so once.
  assert.deepEqual(
    [...provider.errors, ...shortLived.errors].filter((error) => !error.endsWith("invalid_client")),
    [],
  );
});

test("a denial is heard with the provider's code", async () => {
  const { agent, request } = await meet("denied", { deny: true });
  const oauth = provider.client("public");
  await assert.rejects(request(oauth), (error) => {
    assert.equal(error.code, errorCode.permissionDenied);
    assert.match(error.message, /access_denied/);
    return true;
  });
  assert.equal(await agent.secrets.getOfflineOAuthToken({ oauth }), null);
});

test("after a revocation there is nothing offline, and somebody is asked again", async () => {
  const { agent, asked, request } = await meet("revoked");
  const oauth = shortLived.client("basic");
  await request(oauth);
  await shortLived.revokeAll();
  assert.equal(await agent.secrets.getOfflineOAuthToken({ oauth }), null);
  assert.ok(await request(oauth));
  assert.equal(asked.length, 2);
});

test("a code of one request is of no use to another", async () => {
  const room = "codes";
  const requests = [];
  let arrived;
  const both = new Promise((resolve) => (arrived = resolve));
  const bob = await server.join("bob", room, {
    handlers: { oauthTokenRequestHandler: (request) => void (requests.push(request) === 2 && arrived()) },
  });
  const agent = await server.join("agent", room);
  const ask = (scope) =>
    agent.secrets.requestOAuthToken({
      oauth: provider.client("public", ["openid", scope]),
      fromParticipantId: bob.localParticipant.id,
      redirectUri,
    });
  const answers = [ask("read"), ask("write")];
  const settled = Promise.allSettled(answers);
  await both;
  const codes = [];
  for (const request of requests) codes.push((await signIn(authorizationUrl(request))).searchParams.get("code"));
  await bob.secrets.provideOAuthAuthorization({ requestId: requests[0].requestId, code: codes[1] });
  await bob.secrets.provideOAuthAuthorization({ requestId: requests[1].requestId, code: codes[0] });
  for (const { status, reason } of await settled) {
    assert.equal(status, "rejected");
    assert.match(reason.message, /invalid_grant/);
  }
});

test("our `provide` signs in for the SDK by a rule, at a port of its own", async (t) => {
  const room = "provide";
  const directory = await mkdtemp(join(tmpdir(), "meshagent-oauth-"));
  t.after(() => rm(directory, { recursive: true }));
  const rules = join(directory, "rules.toml");
  await writeFile(rules, '[[rule]]\nkind = "oauth"\nclient_id = "public"\nhost = "127.0.0.1"\nport = "*"\nscopes = ["openid", "read"]\nallow_http = true\nauthorize = true\n');
  const person = async (name) => new Person(server, await server.variables(name, room));
  const provide = (await person("bob")).start(["provide", "--no-browser", "--once", "--rules", rules]);
  const [, fromParticipantId] = await provide.says(/participant (\S+)\. Others ask with/);
  const agent = await server.join("agent", room);
  const oauth = provider.client("public");
  const anyPort = "http://127.0.0.1/callback";
  const token = agent.secrets.requestOAuthToken({ oauth, fromParticipantId, redirectUri: anyPort, timeout: 60 });
  const page = await fetch(await signIn(await provide.address()));
  assert.match(await page.text(), /You are signed in/);
  assert.ok(await provider.knows(await token));
  assert.equal(await provide.ends(), 0, provide.said);
  const command = (await person("agent")).oauth(oauth, "--offline", "--delegated-by", "bob");
  assert.equal(await command.ends(), 0, command.said);
  assert.equal(command.answer, await token);
});
