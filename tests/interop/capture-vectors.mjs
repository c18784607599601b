// Records what the vendor's SDK puts on the wire: its packets for each call of the `secrets` toolkit,
// and the packets of answers and requests that it understands.
//
//     node capture-vectors.mjs > ../it/vectors/sdk-0.39.9.json

import { createRequire } from "node:module";
import { pathToFileURL } from "node:url";

const require = createRequire(import.meta.url);
const sdk = require("@meshagent/meshagent");

const hex = (bytes) => Buffer.from(bytes).toString("hex");

/** The bytes of a value in the tests: 0, 1, … 255, 0, … */
const value = (length) => Uint8Array.from({ length }, (_, index) => index % 256);

const oauth = {
  client_id: "client",
  client_secret: "hush",
  authorization_endpoint: "https://idp.example/authorize",
  token_endpoint: "https://idp.example/token",
  no_pkce: false,
  scopes: ["read", "write"],
};

const json = (object) => new sdk.JsonContent({ json: object });
const empty = () => new sdk.EmptyContent();
const file = (length) => new sdk.FileContent({ name: "db", mimeType: "text/plain", data: value(length) });

/** Each call: its name, how the SDK is asked for it, and what it is answered. */
const calls = [
  ...[0, 5, 1024, 3000].map((length) => [
    "set_secret",
    (secrets) =>
      secrets.setSecret({ secretId: "db", type: "text/plain", name: "Database", delegatedTo: "bob", forIdentity: "eve", data: value(length) }),
    empty(),
  ]),
  ["set_secret", (secrets) => secrets.setSecret({ data: value(1) }), empty()],
  ...[0, 5, 1024, 3000].map((length) => [
    "get_secret",
    (secrets) => secrets.getSecret({ secretId: "db", type: "text/plain", name: "Database", delegatedTo: "bob" }),
    file(length),
  ]),
  ["get_secret", (secrets) => secrets.getSecret({ secretId: "ünïcode 🔑" }), empty()],
  ["exists", (secrets) => secrets.exists({ secretId: "db", delegatedTo: "bob", forIdentity: "eve" }), json({ exists: true })],
  ["exists", (secrets) => secrets.exists({ secretId: "db" }), json({ exists: false })],
  [
    "list_secrets",
    (secrets) => secrets.listSecrets(),
    json({
      secrets: [
        { id: "db", type: "text/plain", name: "Database", delegated_to: null },
        { id: "key", type: "git", name: "key", delegated_to: "bob" },
      ],
    }),
  ],
  ["delete_secret", (secrets) => secrets.deleteSecret({ secretId: "db", delegatedTo: "bob" }), empty()],
  [
    "delete_secret",
    (secrets) => secrets.deleteSecret({ secretId: "gone" }),
    new sdk.ErrorContent({ text: "there is no such secret", code: 1003 }),
  ],
  [
    "delete_requested_secret",
    (secrets) => secrets.deleteRequestedSecret({ url: "https://git.example", type: "git", delegatedTo: "bob" }),
    empty(),
  ],
  [
    "request_secret",
    (secrets) => secrets.requestSecret({ fromParticipantId: "p2", url: "https://git.example", type: "git", timeout: 60, delegateTo: "bob" }),
    file(5),
  ],
  ["provide_secret", (secrets) => secrets.provideSecret({ requestId: "r1", data: value(5) }), empty()],
  ["provide_secret", (secrets) => secrets.rejectSecret({ requestId: "r1", error: "no" }), empty()],
  [
    "request_oauth_token",
    (secrets) =>
      secrets.requestOAuthToken({ oauth, redirectUri: "http://127.0.0.1/callback", fromParticipantId: "p2", delegateTo: "bob" }),
    json({ access_token: "token" }),
  ],
  [
    "provide_oauth_authorization",
    (secrets) => secrets.provideOAuthAuthorization({ requestId: "r2", code: "c0de" }),
    empty(),
  ],
  [
    "provide_oauth_authorization",
    (secrets) => secrets.rejectOAuthAuthorization({ requestId: "r2", error: "no" }),
    empty(),
  ],
  [
    "get_offline_oauth_token",
    (secrets) => secrets.getOfflineOAuthToken({ oauth, delegatedTo: "bob", delegatedBy: "eve" }),
    json({ access_token: null }),
  ],
];

/** Two ends of a connection; `packets` is told every packet that the first end sends or receives. */
function connection(onPacket) {
  const ends = [{}, {}];
  for (const [side, end] of ends.entries()) {
    const other = ends[1 - side];
    end.start = (onData) => (end.onData = onData);
    end.dispose = () => {};
    end.sendData = async (packet) => {
      onPacket(side === 0 ? "sent" : "received", packet);
      other.onData(packet);
    };
  }
  return ends;
}

/** What a call came to, in JSON. */
async function outcome(promise) {
  try {
    const result = await promise;
    if (result instanceof sdk.FileContent) {
      return { name: result.name, mime_type: result.mimeType, data: hex(result.data) };
    }
    return result instanceof Uint8Array ? { data: hex(result) } : (result ?? null);
  } catch (error) {
    return { error: error.message, code: error.code };
  }
}

/** All vectors, one object per exchange. */
export async function capture() {
  const packets = { sent: new Map(), received: new Map() };
  const [near, far] = connection((direction, packet) => {
    const id = Buffer.from(packet).readBigUInt64BE(0);
    packets[direction].set(id, [...(packets[direction].get(id) ?? []), hex(packet)]);
  });
  const take = (direction, id) => {
    const taken = packets[direction].get(BigInt(id));
    packets[direction].delete(BigInt(id));
    return taken;
  };

  const server = new sdk.Protocol({ channel: far });
  let answer = empty();
  let last;
  server.addHandler("room.invoke_tool", async (_protocol, id) => {
    last = id;
    await server.send("__response__", answer.pack(), id);
  });
  server.addHandler("*", async () => {});
  server.start();

  const asked = [];
  const room = new sdk.RoomClient({
    protocolFactory: () => new sdk.Protocol({ channel: near }),
    secretRequestHandler: (request) => asked.push(request),
    oauthTokenRequestHandler: (request) => asked.push(request),
  });
  const vectors = [];
  const tell = async (id, kind, header, understood) => {
    await server.send(kind, sdk.packMessage(header), id);
    vectors.push({ kind, received: take("received", id), outcome: () => understood() });
  };

  const started = room.start();
  await tell(1000, "room.status", { status: "starting", message: "Starting" }, () => null);
  await tell(1001, "room_ready", { room_name: "r", room_url: "wss://rooms.example/rooms/r", session_id: "s" }, () => ({
    room_name: room.roomName,
    room_url: room.roomUrl,
    session_id: room.sessionId,
  }));
  await tell(1002, "connected", { type: "init", participantId: "p1", attributes: { name: "alice" } }, () => ({
    id: room.localParticipant.id,
    name: room.localParticipant.getAttribute("name"),
  }));
  await started;

  for (const [tool, call, answered] of calls) {
    answer = answered;
    const came = await outcome(call(room.secrets));
    vectors.push({ kind: tool, sent: take("sent", last), received: take("received", last), outcome: () => came });
  }

  const request = { participant_id: "p1", timeout: 60, delegate_to: "bob" };
  await tell(
    1003,
    "secrets.request_secret",
    { request_id: "r1", request: { ...request, url: "https://git.example", type: "git" } },
    () => asked[0],
  );
  await tell(
    1004,
    "secrets.request_oauth_token",
    {
      request_id: "r2",
      challenge: "ch4llenge",
      request: { ...request, connector: null, oauth: { ...oauth, client_secret: null }, redirect_uri: "http://127.0.0.1/callback" },
    },
    () => asked[1],
  );
  return vectors.map((vector) => JSON.parse(JSON.stringify({ ...vector, outcome: vector.outcome() ?? null })));
}

/** The vectors as the file holds them: JSON, one vector a line. */
export const text = (vectors) => `[\n${vectors.map((vector) => JSON.stringify(vector)).join(",\n")}\n]\n`;

if (import.meta.url === pathToFileURL(process.argv[1]).href) {
  process.stdout.write(text(await capture()));
}
