// Asking and answering: the vendor's SDK on one side and our command line on the other, and the SDK on both.

import assert from "node:assert/strict";
import { once } from "node:events";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, mock, test } from "node:test";

import { RoomServer, bytes, errorCode } from "./support.mjs";

const sizes = [0, 1, 1024, 5 << 20];
const type = "application/x-test";

let server, directory;
before(async () => {
  directory = await mkdtemp(join(tmpdir(), "meshagent-exchange-"));
  server = await RoomServer.start();
});
after(async () => {
  await server.stop();
  await rm(directory, { recursive: true });
});

/** A file with this content. */
const file = async (name, content) => {
  const path = join(directory, name);
  await writeFile(path, content);
  return path;
};

/** Our `provide` as `identity`, once it is in the room; without a terminal, so rules alone answer. */
class Provider {
  static async start(identity, room, ...args) {
    const cli = await server.as(identity, room);
    const provider = new Provider();
    provider.#child = cli.spawn("secret", "provide", ...args);
    provider.#child.stdin.end();
    provider.#child.stderr.on("data", (chunk) => (provider.log += chunk));
    [, provider.id] = await provider.says(/participant (\S+)\. Others ask with/);
    return provider;
  }

  log = "";
  id;
  #child;

  /** Waits until its log has that. */
  async says(pattern) {
    for (;;) {
      const found = this.log.match(pattern);
      if (found) return found;
      assert.equal(this.#child.exitCode, null, this.log);
      await Promise.race([once(this.#child.stderr, "data"), once(this.#child, "exit")]);
    }
  }

  async stop() {
    const ended = once(this.#child, "close");
    this.#child.kill("SIGTERM");
    const [status] = await ended;
    assert.equal(status, 143, this.log);
  }
}

/** Lets the others see an SDK's client, and it them. */
const appear = async ({ messaging }) => {
  const enabled = new Promise((resolve) => messaging.on("messaging_enabled", resolve));
  messaging.enable();
  await enabled;
};

/** The SDK as `identity`, answering with `answer`; it has the requests that came. */
const sdkProvider = async (identity, room, answer) => {
  const asked = [];
  const secretRequestHandler = async (request) => {
    asked.push(request);
    await answer(client, request, asked.length);
  };
  const client = await server.join(identity, room, { handlers: { secretRequestHandler } });
  await appear(client);
  return { client, asked, id: client.localParticipant.id };
};

const rejects = (promise, code, message) =>
  assert.rejects(promise, (error) => {
    assert.equal(error.code, code, error.message);
    assert.match(error.message, message);
    return true;
  });

test("the command line gives what the SDK asks for", async () => {
  const given = await Promise.all(sizes.map((size) => file(`given-${size}`, bytes(size))));
  const rules = sizes.flatMap((size, index) => ["--secret", `https://a/${size}=file:${given[index]}`]);
  const ada = await Provider.start("ada", "cli-gives", ...rules);
  const agent = await server.join("agent", "cli-gives");
  const request = (url) => agent.secrets.requestSecret({ fromParticipantId: ada.id, url, type, timeout: 60 });
  for (const size of sizes) {
    const url = `https://a/${size}`;
    assert.ok(bytes(size).equals(await request(url)), `${size} bytes`);
    await ada.says(new RegExp(`agent asked for ${url} .*: given`));
  }
  // An earlier answer is the answer, until it is deleted.
  await writeFile(given[1], "other");
  assert.ok(bytes(1).equals(await request("https://a/1")));
  await agent.secrets.deleteRequestedSecret({ url: "https://a/1", type });
  await rejects(agent.secrets.deleteRequestedSecret({ url: "https://a/1", type }), errorCode.notFound, /no such answer/);
  assert.equal(Buffer.from(await request("https://a/1")).toString(), "other");
  await ada.stop();
});

test("the command line rejects what the SDK asks for, and the reason is told", async () => {
  const rules = await file("rejects.toml", '[[rule]]\nurl = "https://bank/**"\nreject = "ask me in person"\n');
  const ada = await Provider.start("ada", "cli-rejects", "--rules", rules);
  const agent = await server.join("agent", "cli-rejects");
  const request = (url, fromParticipantId = ada.id) => agent.secrets.requestSecret({ fromParticipantId, url, type });
  await rejects(request("https://bank/1"), errorCode.permissionDenied, /rejected the request: ask me in person/);
  await rejects(request("https://other"), errorCode.permissionDenied, /no rule for this/);
  await rejects(request("https://bank/1", "nobody"), errorCode.notFound, /no participant/);
  await ada.stop();
});

test("the command line gives all of many things that the SDK asks for at once", async () => {
  const given = await file("many", bytes(3000));
  const rules = await file("many.toml", `[[rule]]\nurl = "https://many/*"\ngive = "file:${given}"\n`);
  const ada = await Provider.start("ada", "many", "--rules", rules);
  const agent = await server.join("agent", "many");
  const urls = Array.from({ length: 200 }, (_, number) => `https://many/${number}`);
  const answers = await Promise.all(
    urls.map((url) => agent.secrets.requestSecret({ fromParticipantId: ada.id, url, type, timeout: 60 })),
  );
  assert.ok(answers.every((answer) => bytes(3000).equals(answer)));
  assert.equal((await agent.secrets.listSecrets()).length, urls.length);
  await ada.stop();
});

test("the SDK gives what the command line asks for", async () => {
  const size = (url) => Number(url.split("/").at(-1));
  const bob = await sdkProvider("bob", "sdk-gives", (client, { requestId, url }) =>
    client.secrets.provideSecret({ requestId, data: bytes(size(url)) }),
  );
  const ada = await server.as("ada", "sdk-gives");
  for (const expected of sizes) {
    const arguments_ = ["secret", "request", "--url", `https://b/${expected}`, "--type", type];
    // By name, by id, and a second time, when nobody is asked.
    const from = expected % 2 ? ["--from", "bob"] : ["--from-participant-id", bob.id];
    for (let count = 0; count < 2; count++) {
      const ran = await ada.run(...arguments_, ...from);
      assert.equal(ran.status, 0, ran.stderr);
      assert.ok(bytes(expected).equals(ran.stdout), `${expected} bytes`);
    }
  }
  // What the server says beside, who asks, is not in the SDK's way.
  assert.deepEqual(
    bob.asked.map(({ requestId, ...request }) => request),
    sizes.map((expected) => ({ url: `https://b/${expected}`, type, delegateTo: null })),
  );
  const deleted = await ada.run("secret", "delete-requested", "--url", "https://b/1", "--type", type);
  assert.equal(deleted.status, 0, deleted.stderr);
  assert.equal((await ada.run("secret", "request", "--url", "https://b/1", "--type", type, "--from", "bob")).status, 0);
  assert.equal(bob.asked.length, sizes.length + 1);
});

test("the SDK rejects what the command line asks for", async () => {
  await sdkProvider("bob", "sdk-rejects", (client, { requestId }) =>
    client.secrets.rejectSecret({ requestId, error: "not today" }),
  );
  const ada = await server.as("ada", "sdk-rejects");
  const ran = await ada.run("secret", "request", "--url", "https://b", "--from", "bob");
  assert.equal(ran.status, 5, ran.stderr);
  assert.equal(ran.stdout.length, 0);
  assert.match(ran.stderr, /rejected the request: not today/);
});

test("the SDK is not told that a request is taken back, and survives it", async () => {
  // It warns of messages that it does not know.
  const warned = mock.method(console, "warn", () => {});
  const bob = await sdkProvider("bob", "withdrawn", async (client, { requestId }, count) => {
    if (count > 1) await client.secrets.provideSecret({ requestId, data: bytes(5) });
  });
  const ada = await server.as("ada", "withdrawn");
  const request = ["secret", "request", "--url", "https://b", "--from", "bob"];
  const late = await ada.run(...request, "--timeout", "1");
  assert.equal(late.status, 6, late.stderr);
  const answered = bob.client.secrets.provideSecret({ requestId: bob.asked[0].requestId, data: bytes(1) });
  await rejects(answered, errorCode.notFound, /no such request/);
  const next = await ada.run(...request);
  assert.equal(next.status, 0, next.stderr);
  assert.ok(bytes(5).equals(next.stdout));
  assert.ok(!warned.mock.calls.some((call) => /request_withdrawn/.test(call.arguments[0])));
  warned.mock.restore();
});

test("the SDK on both sides, for a third", async () => {
  const bob = await sdkProvider("bob", "sdk-both", (client, { requestId }) =>
    client.secrets.provideSecret({ requestId, data: bytes(100) }),
  );
  const agent = await server.join("agent", "sdk-both");
  await appear(agent);
  const found = agent.messaging.getParticipantByName("bob");
  assert.equal(found?.id, bob.id);
  const given = await agent.secrets.requestSecret({ fromParticipantId: found.id, url: "https://c", type, delegateTo: "carol" });
  assert.ok(bytes(100).equals(given));
  assert.equal(bob.asked[0].delegateTo, "carol");
  const carol = await server.as("carol", "sdk-both");
  const [listed] = JSON.parse((await carol.run("secret", "list")).stdout);
  assert.deepEqual([listed.name, listed.delegated_to], ["https://c", "carol"]);
  const ran = await carol.run("secret", "get", listed.id, "--delegated-to", "carol");
  assert.ok(bytes(100).equals(ran.stdout), ran.stderr);
  assert.deepEqual(await agent.secrets.listSecrets(), []);
});
