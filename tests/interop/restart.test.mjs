// A server that is restarted or killed: the vendor's SDK is back in the room afterwards.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";

import { RoomServer, bytes } from "./support.mjs";

let server;
before(async () => (server = await RoomServer.start()));
after(() => server.stop());

for (const signal of ["SIGTERM", "SIGKILL"]) {
  test(`the SDK is back after ${signal}`, async () => {
    const room = await server.join("alice", "restart", { reconnectTimeout: null });
    await room.secrets.setSecret({ secretId: "kept", data: bytes(3000) });
    const back = new Promise((resolve) =>
      room.on("reconnected", resolve),
    );
    await server.restart(signal);
    await back;
    const file = await room.secrets.getSecret({ secretId: "kept" });
    assert.ok(bytes(3000).equals(file.data));
  });
}

test("a bad token is final", async () => {
  const [header, claims] = (await server.token("alice", "restart")).split(".");
  await assert.rejects(server.handshake(`${header}.${claims}.AAAA`, "restart"), /403/);
});
