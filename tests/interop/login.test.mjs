// The sign-in at the vendor's API, with a real browser at a real provider.

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";

import { checkPage, denied, signedIn } from "./page.mjs";
import { Running } from "./person.mjs";
import { OAuthProvider, client } from "./provider.mjs";
import { Scene } from "./scene.mjs";

let scene;
before(async () => (scene = await Scene.start()));
after(() => scene.stop());

/** The turn at the port that `auth login` is registered with, for one test of all that run on this machine. */
const turn = async () => {
  const file = join(tmpdir(), "meshagent-test-port-8765");
  const holder = spawn("flock", [file, "sh", "-c", "echo; cat"]);
  await once(holder.stdout, "data");
  return () => holder.stdin.end();
};

test("`auth login` signs in at the API, and what it gives is refreshed", async (t) => {
  t.after(await turn());
  const clientId = "p8xy1ZUi73jJUJbNfTg92HUSDpCSZJcc";
  const scopes =
    "profile project/* room/* create_users create_rooms llm_proxy admin developer connect_room delete_room update_room";
  // The end of its tokens is nearer than a command wants it, so that each command refreshes.
  const api = await OAuthProvider.start({
    accessTokenSeconds: 200,
    clients: [client(clientId, "none", { redirect_uris: ["http://localhost:8765/callback"] })],
    scopes: scopes.split(" "),
    routes: { authorization: "/oauth/authorize", token: "/oauth/token" },
    resources: {
      "/accounts/profiles/me": { id: "u1", first_name: "Ada", last_name: "L.", email: "ada@example.com" },
      "/accounts/projects": { projects: [{ id: "p1", name: "engine" }] },
    },
  });
  t.after(() => api.stop());
  const env = { MESHAGENT_API_URL: api.issuer, BROWSER: scene.browser.command };

  const start = (...args) => new Running(scene.server.spawn(env, ...args));
  const command = start("auth", "login");
  const url = await scene.browser.openedBy(command);
  assert.equal(url.searchParams.get("scope"), scopes);
  await checkPage(await scene.browser.signIn(url), signedIn);
  assert.equal(await command.ends(), 0, command.said);
  assert.match(command.said, /Signed in .* as Ada L\. <ada@example\.com>/);

  const tokens = [];
  for (let count = 0; count < 2; count++) {
    const token = start("auth", "token");
    assert.equal(await token.ends(), 0, token.said);
    tokens.push(token.answer.trim());
    assert.ok(await api.knows(tokens.at(-1), "/accounts/profiles/me"));
  }
  assert.notEqual(tokens[0], tokens[1]);
  const projects = start("project", "list", "--output", "json");
  assert.equal(await projects.ends(), 0, projects.said);
  assert.match(projects.answer, /engine/);
  assert.ok(api.grants.length >= 4 && api.grants.slice(1).every((grant) => grant === "refresh_token"), `${api.grants}`);
  assert.deepEqual(api.errors, []);

  const again = start("auth", "login");
  await scene.signIn(again, denied, { deny: true });
  assert.equal(await again.ends(), 5, again.said);
});
