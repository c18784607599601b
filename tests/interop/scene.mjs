// People who sign in: a room server, a browser, and our command line between them.

import assert from "node:assert/strict";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { Browser } from "./browser.mjs";
import { checkPage } from "./page.mjs";
import { Person } from "./person.mjs";
import { awkwardSecret } from "./provider.mjs";
import { RoomServer } from "./support.mjs";

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

  /** Signs in where a command sends the browser, which ends on `page`. */
  async signIn(command, page, how) {
    await checkPage(await this.browser.signIn(await this.browser.openedBy(command), how), page);
  }

  /** The path of a new file. */
  async write(name, text) {
    const path = join(this.#files, name);
    await writeFile(path, text);
    return path;
  }

  /** The token that a command gives, which is all that it writes to stdout, and is said nowhere else; nor is the
   * client's secret. */
  async tokenOf(command) {
    assert.equal(await command.ends(), 0, command.said);
    assert.match(command.answer, /^[\w-]+$/);
    for (const secret of [command.answer, awkwardSecret]) {
      assert.ok(!command.said.includes(secret) && !this.server.log.includes(secret));
    }
    return command.answer;
  }

  async stop() {
    await Promise.all([this.server.stop(), this.browser.stop()]);
    await rm(this.#files, { recursive: true });
  }
}
