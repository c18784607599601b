// People who sign in: a room server, a browser, and our command line between them.

import assert from "node:assert/strict";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { Browser } from "./browser.mjs";
import { checkPage } from "./page.mjs";
import { awkwardSecret } from "./provider.mjs";
import { RoomServer, outcome } from "./support.mjs";

/** What a test of a sign-in needs beside the provider. */
export class Scene {
  static async start() {
    const scene = new Scene();
    [scene.server, scene.browser, scene.#files] = await Promise.all([
      RoomServer.start("--allow-insecure-token-endpoint"),
      Browser.start(),
      mkdtemp(join(tmpdir(), "meshagent-interop-")),
    ]);
    return scene;
  }

  server;
  browser;
  #files;

  /** Somebody in a room of the server. */
  async join(identity, room) {
    return this.#person(await this.server.variables(identity, room));
  }

  /** Somebody in a room of their own machine, where no server runs. */
  alone() {
    const variables = { MESHAGENT_LOCAL: "1", MESHAGENT_DATA_DIR: join(this.#files, "data"), MESHAGENT_ROOM: "alone" };
    return this.#person({ ...variables, MESHAGENT_ALLOW_INSECURE_TOKEN_ENDPOINT: "1" });
  }

  #person(variables) {
    return new Person(this.server, { ...variables, BROWSER: this.browser.command });
  }

  /** Signs in where the command that is `running` sends the browser, which ends on `page`. */
  async signIn(running, page, how) {
    await checkPage(await this.browser.signIn(await this.browser.openedBy(running), how), page);
  }

  /** The path of a new file. */
  async write(name, text) {
    const path = join(this.#files, name);
    await writeFile(path, text);
    return path;
  }

  /** Flags for a client with this secret. */
  async secret(text = awkwardSecret) {
    return ["--client-secret", `@${await this.write("client-secret", text)}`];
  }

  /** The token that a command wrote, which is all that it wrote to stdout, and was said nowhere else; nor was the
   * client's secret. */
  tokenOf({ status, stdout, stderr }) {
    assert.equal(status, 0, stderr);
    const token = stdout.toString();
    assert.match(token, /^[\w-]+$/);
    for (const secret of [token, awkwardSecret]) assert.ok(!stderr.includes(secret) && !this.server.log.includes(secret));
    return token;
  }

  async stop() {
    await Promise.all([this.server.stop(), this.browser.stop()]);
    await rm(this.#files, { recursive: true });
  }
}

/** Somebody in a room with our command line and the browser. */
class Person {
  #server;
  #env;

  constructor(server, env) {
    this.#server = server;
    this.#env = env;
  }

  /** Starts `meshagent room secret …`; nothing comes on its stdin. */
  start(...args) {
    const child = this.#server.spawn(this.#env, "room", "secret", ...args);
    child.stdin.end();
    return child;
  }

  /** Starts `meshagent room secret oauth` for a client of `at`. */
  startOAuth(at, id, ...more) {
    const { client_id, authorization_endpoint, token_endpoint, scopes } = at.client(id);
    const endpoints = ["--authorization-endpoint", authorization_endpoint, "--token-endpoint", token_endpoint];
    return this.start("oauth", "--client-id", client_id, ...endpoints, "--scopes", scopes.join(","), ...more);
  }

  /** The same, to its end. */
  oauth(...args) {
    return outcome(this.startOAuth(...args));
  }
}
