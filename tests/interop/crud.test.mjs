// The five calls on stored secrets: the vendor's SDK and our command line on the same room server, each
// reading what the other wrote.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";

import { RoomServer, bytes, errorCode, sdk } from "./support.mjs";

/** Sizes at the edges of packets, and one that takes thousands of them. */
const sizes = [0, 1, 1023, 1024, 1025, 5 << 20];

let server;
before(async () => (server = await RoomServer.start()));
after(() => server.stop());

const code = (expected) => (error) => {
  assert.equal(error.code, expected, error.message);
  return true;
};

/** What a successful command wrote to stdout. */
const answer = async (running) => {
  const ran = await running;
  assert.equal(ran.status, 0, ran.stderr);
  return ran.stdout;
};

test("what the SDK sets, the command line gets", async () => {
  const room = await server.join("alice", "sdk-to-cli");
  const cli = await server.as("alice", "sdk-to-cli");
  for (const size of sizes) {
    await room.secrets.setSecret({ secretId: `size/${size}`, type: "application/x-test", name: `of ${size}`, data: bytes(size) });
    assert.ok((await answer(cli.run("secret", "get", `size/${size}`))).equals(bytes(size)), `${size} bytes`);
  }
  const listed = JSON.parse(await answer(cli.run("secret", "list")));
  // Members of this server's own, beside those that the SDK knows.
  for (const { updated_at } of listed) assert.ok(Math.abs(Date.now() / 1000 - updated_at) < 60, `${updated_at}`);
  assert.deepEqual(
    listed.map(({ updated_at, agent_id, ...secret }) => secret),
    sizes
      .map((size) => ({ id: `size/${size}`, type: "application/x-test", name: `of ${size}`, delegated_to: null, version: 1 }))
      .sort((a, b) => (a.id < b.id ? -1 : 1)),
  );
});

test("what the command line sets, the SDK gets", async () => {
  const room = await server.join("alice", "cli-to-sdk");
  const cli = await server.as("alice", "cli-to-sdk");
  for (const size of sizes) {
    await answer(
      cli.feed(bytes(size), "secret", "set", `size/${size}`, "--type", "application/x-test", "--name", `of ${size}`, "--allow-empty"),
    );
    const file = await room.secrets.getSecret({ secretId: `size/${size}` });
    assert.ok(file instanceof sdk.FileContent);
    assert.deepEqual([file.name, file.mimeType, file.data.length], [`of ${size}`, "application/x-test", size]);
    assert.ok(bytes(size).equals(file.data), `${size} bytes`);
  }
  const listed = await room.secrets.listSecrets();
  assert.deepEqual(listed.map((secret) => secret.id).sort(), sizes.map((size) => `size/${size}`).sort());
});

test("either replaces, checks and deletes what the other wrote", async () => {
  const room = await server.join("alice", "both");
  const cli = await server.as("alice", "both");
  await answer(cli.feed("first", "secret", "set", "ünïcode 🔑"));
  assert.equal(await room.secrets.exists({ secretId: "ünïcode 🔑" }), true);
  await room.secrets.setSecret({ secretId: "ünïcode 🔑", type: "text/plain", data: Buffer.from("second") });
  assert.equal((await answer(cli.run("secret", "get", "ünïcode 🔑"))).toString(), "second");
  await answer(cli.run("secret", "delete", "ünïcode 🔑"));
  assert.equal(await room.secrets.exists({ secretId: "ünïcode 🔑" }), false);
  assert.equal(await room.secrets.getSecret({ secretId: "ünïcode 🔑" }), null);
  await assert.rejects(room.secrets.deleteSecret({ secretId: "ünïcode 🔑" }), code(errorCode.notFound));

  await room.secrets.setSecret({ secretId: "theirs", data: Buffer.from("x") });
  assert.equal((await answer(cli.run("secret", "exists", "theirs"))).toString().trim(), "true");
  await room.secrets.deleteSecret({ secretId: "theirs" });
  assert.equal((await answer(cli.run("secret", "exists", "theirs"))).toString().trim(), "false");
  assert.equal((await cli.run("secret", "get", "theirs")).status, 3);
});

test("what the SDK delegates, the delegate reads, and nobody else", async () => {
  const [alice, bob, carol] = await Promise.all(["alice", "bob", "carol"].map((name) => server.join(name, "delegated")));
  const bobs = await server.as("bob", "delegated");
  await alice.secrets.setSecret({ secretId: "shared", delegatedTo: "bob", data: Buffer.from("for bob") });
  await alice.secrets.setSecret({ secretId: "shared", data: Buffer.from("mine") });

  assert.equal((await answer(bobs.run("secret", "get", "shared", "--delegated-to", "bob"))).toString(), "for bob");
  assert.equal(Buffer.from((await bob.secrets.getSecret({ secretId: "shared", delegatedTo: "bob" })).data).toString(), "for bob");
  assert.equal(Buffer.from((await alice.secrets.getSecret({ secretId: "shared" })).data).toString(), "mine");
  const listed = await bob.secrets.listSecrets();
  assert.deepEqual(
    listed.map(({ id, delegatedTo }) => [id, delegatedTo]),
    [["shared", "bob"]],
  );
  assert.equal(await bob.secrets.exists({ secretId: "shared" }), false);
  await assert.rejects(bob.secrets.deleteSecret({ secretId: "shared", delegatedTo: "bob" }), code(errorCode.notFound));

  assert.deepEqual(await carol.secrets.listSecrets(), []);
  assert.equal(await carol.secrets.getSecret({ secretId: "shared", delegatedTo: "bob" }), null);
  assert.equal(await carol.secrets.exists({ secretId: "shared", delegatedTo: "bob" }), false);

  await alice.secrets.deleteSecret({ secretId: "shared", delegatedTo: "bob" });
  assert.equal((await bobs.run("secret", "get", "shared", "--delegated-to", "bob")).status, 3);
  assert.equal(await alice.secrets.exists({ secretId: "shared" }), true);
});

test("what the command line delegates, the SDK reads as the delegate", async () => {
  const bob = await server.join("bob", "delegated by us");
  const alices = await server.as("alice", "delegated by us");
  await answer(alices.feed(bytes(3000), "secret", "set", "shared", "--delegated-to", "bob"));
  assert.ok(bytes(3000).equals((await bob.secrets.getSecret({ secretId: "shared", delegatedTo: "bob" })).data));
});

test("the SDK acts for another with the admin grant alone", async () => {
  const admin = await server.join("admin", "for-identity", { flags: ["--admin"] });
  const alice = await server.join("alice", "for-identity");
  const bobs = await server.as("bob", "for-identity");
  await admin.secrets.setSecret({ secretId: "welcome", forIdentity: "bob", data: Buffer.from("hello") });
  assert.equal(await admin.secrets.exists({ secretId: "welcome", forIdentity: "bob" }), true);
  assert.equal((await answer(bobs.run("secret", "get", "welcome"))).toString(), "hello");
  await assert.rejects(
    alice.secrets.setSecret({ secretId: "welcome", forIdentity: "bob", data: Buffer.from("evil") }),
    code(errorCode.permissionDenied),
  );
  await assert.rejects(alice.secrets.exists({ secretId: "welcome", forIdentity: "bob" }), code(errorCode.permissionDenied));
  assert.equal((await answer(bobs.run("secret", "get", "welcome"))).toString(), "hello");
});

test("a secret without an id gets one, and is found by name or type", async () => {
  const room = await server.join("alice", "lookup");
  await room.secrets.setSecret({ name: "one", type: "text/a", data: Buffer.from("1") });
  await room.secrets.setSecret({ name: "two", type: "text/a", data: Buffer.from("2") });
  assert.equal(Buffer.from((await room.secrets.getSecret({ name: "two" })).data).toString(), "2");
  assert.equal(Buffer.from((await room.secrets.getSecret({ name: "one", type: "text/a" })).data).toString(), "1");
  assert.equal(await room.secrets.getSecret({ name: "one", type: "text/b" }), null);
  await assert.rejects(room.secrets.getSecret({ type: "text/a" }), code(errorCode.conflict));
  const ids = (await room.secrets.listSecrets()).map((secret) => secret.id);
  assert.equal(new Set(ids).size, 2);
  assert.ok(ids.every((id) => id.length > 0));
});

test("many calls of the SDK in flight at once", async () => {
  const room = await server.join("alice", "many");
  const numbers = Array.from({ length: 200 }, (_, index) => index);
  await Promise.all(numbers.map((number) => room.secrets.setSecret({ secretId: `n${number}`, data: bytes(number * 20) })));
  const files = await Promise.all(numbers.map((number) => room.secrets.getSecret({ secretId: `n${number}` })));
  for (const [number, file] of files.entries()) assert.ok(bytes(number * 20).equals(file.data), `n${number}`);
  assert.equal((await room.secrets.listSecrets()).length, numbers.length);
});

test("the SDK finds the room with the API key, and joins as the server's owner", async () => {
  const { MESHAGENT_API_KEY: token, MESHAGENT_PROJECT_ID: project } = server.clientEnv;
  const connection = await new sdk.Meshagent({ baseUrl: server.url, token }).connectRoom(project, "found");
  assert.equal(connection.roomName, "found");
  const room = new sdk.RoomClient({
    protocolFactory: sdk.WebSocketClientProtocol.createFactory({ url: connection.roomUrl, token: connection.jwt }),
    reconnectTimeout: 0,
  });
  await room.start();
  assert.equal(room.roomName, "found");
  assert.equal(room.localParticipant.getAttribute("name"), "owner");
  await room.secrets.setSecret({ secretId: "db", data: Buffer.from("x") });
  const ran = server.run({ env: server.clientEnv }, "room", "secret", "get", "db", "--room", "found");
  assert.equal((await answer(ran)).toString(), "x");
  room.dispose();
});

test("a token that the SDK signs opens the room, and that room alone", async () => {
  const apiKey = server.clientEnv.MESHAGENT_API_KEY;
  const jwt = await sdk.participantToken({ participantName: "dora", roomName: "signed", apiKey }).toJwt({ apiKey });
  const room = await server.joinWith(jwt, "signed");
  assert.equal(room.localParticipant.getAttribute("name"), "dora");
  await room.secrets.setSecret({ secretId: "db", data: Buffer.from("x") });
  const doras = await server.as("dora", "signed");
  assert.equal((await answer(doras.run("secret", "get", "db"))).toString(), "x");
  const env = { MESHAGENT_API_URL: server.url, MESHAGENT_TOKEN: jwt, MESHAGENT_ROOM: "signed" };
  assert.equal((await answer(server.run({ env }, "room", "secret", "get", "db"))).toString(), "x");
  await assert.rejects(server.handshake(jwt, "another"), { name: "ProtocolHandshakeException", statusCode: 403 });
});

test("a call that the server does not know is answered", async () => {
  const room = await server.join("alice", "unknown");
  await assert.rejects(room.queues.open("q"), (error) => error instanceof sdk.RoomServerException);
  await room.secrets.setSecret({ secretId: "still", data: Buffer.from("here") });
});
