// A toolkit that the vendor's SDK hosts, called by another of its clients; and messages between them.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";

import { RoomServer, bytes, sdk } from "./support.mjs";

let server;
before(async () => (server = await RoomServer.start()));
after(() => server.stop());

class Greet extends sdk.Tool {
  constructor() {
    super({ name: "greet", description: "greets", title: "Greet", inputSchema: { type: "object" } });
  }

  async execute({ name }) {
    if (!name) throw new Error("nobody to greet");
    return new sdk.JsonContent({ json: { said: `hello ${name}` } });
  }
}

test("a hosted toolkit is listed, called and gone with its host", async () => {
  const [host, caller] = await Promise.all([server.join("host", "toolkits"), server.join("caller", "toolkits")]);
  const toolkit = new sdk.Toolkit({ name: "greeter", title: "Greeter", tools: [new Greet()] });
  const hosted = await sdk.startHostedToolkit({ room: host, toolkit, public_: true });
  const listed = await caller.listToolkits();
  assert.deepEqual(listed.map(({ name }) => name), ["greeter"]);
  const answer = await caller.invoke({ toolkit: "greeter", tool: "greet", input: { name: "bob" } });
  assert.deepEqual(answer.json, { said: "hello bob" });
  await assert.rejects(caller.invoke({ toolkit: "greeter", tool: "greet", input: {} }), /nobody to greet/);
  await hosted.stop();
  assert.deepEqual(await caller.listToolkits(), []);
  await sdk.startHostedToolkit({ room: host, toolkit, public_: true });
  host.dispose();
  while ((await caller.listToolkits()).length > 0);
});

test("a message with an attachment reaches another client", async () => {
  const [alice, bob] = await Promise.all([server.join("alice", "messages"), server.join("bob", "messages")]);
  const received = new Promise((resolve) =>
    bob.messaging.on("message", ({ message }) => message.type === "chat" && resolve(message)),
  );
  await Promise.all([alice.messaging.enable(), bob.messaging.enable()]);
  const isBob = (participant) => participant.getAttribute("name") === "bob";
  while (![...alice.messaging.remoteParticipants].some(isBob)) await new Promise((resolve) => setImmediate(resolve));
  const to = [...alice.messaging.remoteParticipants].find(isBob);
  await alice.messaging.sendMessage({ to, type: "chat", message: { text: "hi" }, attachment: bytes(3000) });
  const message = await received;
  assert.deepEqual([message.type, message.message], ["chat", { text: "hi" }]);
  assert.ok(bytes(3000).equals(message.attachment));
});
