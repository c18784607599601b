// A room server of this project in a process of its own, and both kinds of client for it: the vendor's
// SDK and our command line. Expects the release binary in target/release.

import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdir, mkdtemp, readFile, rm } from "node:fs/promises";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";

const require = createRequire(import.meta.url);

/** The vendor's SDK. */
export const sdk = require("@meshagent/meshagent");

/** The program under test: the release build, or what INTEROP_PROGRAM says. */
export const program = process.env.INTEROP_PROGRAM ?? fileURLToPath(new URL("../../target/release/meshagent", import.meta.url));

/** Error codes of the protocol that the tests name. */
export const errorCode = { permissionDenied: 1001, invalidRequest: 1002, notFound: 1003, conflict: 1005 };

/** `length` bytes, in which every byte value comes up, and which differ from packet to packet. */
export const bytes = (length) => Buffer.from(Uint8Array.from({ length }, (_, index) => (index + (index >> 8)) % 256));

/** All that a stream gives until it ends. */
async function collect(stream) {
  const chunks = [];
  for await (const chunk of stream) chunks.push(chunk);
  return Buffer.concat(chunks);
}

/** A running `room serve`, on a data directory and with a home that nothing else uses. */
export class RoomServer {
  /** Starts it, and waits for the line that says where it listens. */
  static async start(...flags) {
    const root = await mkdtemp(join(tmpdir(), "meshagent-interop-"));
    const server = new RoomServer(root);
    await mkdir(server.#environment().HOME);
    server.#flags = flags;
    await server.#serve("127.0.0.1:0");
    const variables = await readFile(join(root, "data", "client.env"), "utf8");
    server.clientEnv = Object.fromEntries(
      variables
        .trim()
        .split("\n")
        .map((line) => [line.slice(0, line.indexOf("=")), line.slice(line.indexOf("=") + 1)]),
    );
    return server;
  }

  /** Starts the process, and waits until it listens. */
  async #serve(address) {
    const child = spawn(program, ["room", "serve", "--listen", address, ...this.#flags], {
      env: this.#environment(),
      stdio: ["ignore", "pipe", "pipe"],
    });
    this.#child = child;
    child.stderr.on("data", (chunk) => (this.log += chunk));
    this.url = undefined;
    for await (const line of createInterface({ input: child.stdout })) {
      this.url = line;
      break;
    }
    if (!this.url) throw new Error(`the server did not start: ${this.log}`);
  }

  /** Ends the process with this signal, and starts it anew at the same address. */
  async restart(signal) {
    const { host } = new URL(this.url);
    const ended = once(this.#child, "exit");
    this.#child.kill(signal);
    await ended;
    await this.#serve(host);
  }

  /** What it logged so far. */
  log = "";
  /** Its address, and the variables that a client needs. */
  url;
  clientEnv;
  #root;
  #flags;
  #child;
  #rooms = [];
  #commands = [];

  constructor(root) {
    this.#root = root;
  }

  #environment(more = {}) {
    const root = this.#root;
    return { PATH: process.env.PATH, HOME: join(root, "home"), USER: "owner", MESHAGENT_DATA_DIR: join(root, "data"), ...more };
  }

  /** A participant token, made by our command line. */
  async token(identity, room, ...flags) {
    const ran = await this.run({ env: this.clientEnv }, "token", "generate", "--identity", identity, "--room", room, ...flags);
    if (ran.status !== 0) throw new Error(ran.stderr);
    return ran.stdout.toString().trim();
  }

  /** Joins with the vendor's SDK; `handlers` are those of its `RoomClient`. The server's end ends it. */
  async join(identity, room, { handlers = {}, flags = [], ...options } = {}) {
    return this.joinWith(await this.token(identity, room, ...flags), room, { ...handlers, ...options });
  }

  /** Joins with the vendor's SDK and a token that is there already. */
  async joinWith(token, room, handlers = {}) {
    const client = new sdk.RoomClient({
      protocolFactory: sdk.WebSocketClientProtocol.createFactory({ url: this.roomUrl(room), token }),
      reconnectTimeout: 0,
      ...handlers,
    });
    this.#rooms.push(client);
    await client.start();
    return client;
  }

  /** The SDK's handshake alone: done when the connection ends, an error when it is refused. A `RoomClient` that
   * is refused leaves errors behind that nobody can catch. */
  handshake(token, room) {
    const protocol = new sdk.WebSocketClientProtocol({ url: this.roomUrl(room), token });
    return new Promise((onDone, onError) => protocol.start({ onDone, onError }));
  }

  /** Where the SDK joins `room`. */
  roomUrl(room) {
    return sdk.websocketRoomUrl({ roomName: encodeURIComponent(room), apiUrl: this.url });
  }

  /** The three variables of a CI job that is `identity` in `room`. */
  async variables(identity, room, ...flags) {
    return { MESHAGENT_API_URL: this.url, MESHAGENT_TOKEN: await this.token(identity, room, ...flags), MESHAGENT_ROOM: room };
  }

  /** `meshagent room …` as `identity` in `room`. */
  async as(identity, room, ...flags) {
    const env = await this.variables(identity, room, ...flags);
    return {
      /** Runs `meshagent room …` to its end. */
      run: (...args) => this.run({ env }, "room", ...args),
      /** The same with these bytes on its stdin. */
      feed: (input, ...args) => this.run({ env, input }, "room", ...args),
      /** Starts it; its standard streams are pipes. */
      spawn: (...args) => this.spawn(env, "room", ...args),
    };
  }

  /** Starts our command line. The server's end ends it. */
  spawn(env, ...args) {
    const command = spawn(program, args, { env: this.#environment(env) });
    // A command that needs no stdin may have closed it, or have ended, before something is written to it.
    command.stdin.on("error", (error) => {
      if (error.code !== "EPIPE") throw error;
    });
    this.#commands.push(command);
    return command;
  }

  /** Runs our command line to its end. */
  async run({ env = {}, input = "" }, ...args) {
    const child = this.spawn(env, ...args);
    child.stdin.end(input);
    const [stdout, stderr, [status]] = await Promise.all([collect(child.stdout), collect(child.stderr), once(child, "close")]);
    return { status, stdout, stderr: stderr.toString() };
  }

  /** Ends all clients and the server, and removes what it stored. */
  async stop() {
    for (const room of this.#rooms) room.dispose();
    for (const command of this.#commands) command.kill();
    const ended = once(this.#child, "exit");
    this.#child.kill("SIGTERM");
    const [status] = await ended;
    await rm(this.#root, { recursive: true });
    if (status !== 0) throw new Error(`the server ended with ${status}: ${this.log}`);
  }
}
