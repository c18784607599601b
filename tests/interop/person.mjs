// Somebody in a room with our command line, and its commands as they run.

import assert from "node:assert/strict";
import { once } from "node:events";

/** A command that runs without a terminal. */
export class Running {
  constructor(child) {
    this.#child = child;
    this.#closed = once(child, "close");
    child.stdout.on("data", (chunk) => (this.answer += chunk));
    child.stderr.on("data", (chunk) => (this.said += chunk));
  }

  /** What it wrote to stdout and to stderr. */
  answer = "";
  said = "";
  #child;
  #closed;
  /** How much of what it said was waited for. */
  #heard = 0;

  /** Waits until it says that, after what was waited for before. */
  async says(pattern) {
    for (;;) {
      const found = this.said.slice(this.#heard).match(pattern);
      if (found) {
        this.#heard += found.index + found[0].length;
        return found;
      }
      assert.ok(this.runs, this.said);
      await Promise.race([once(this.#child.stderr, "data"), this.#closed]);
    }
  }

  /** The address where it wants somebody to sign in. */
  async address() {
    const [, url] = await this.says(/sign in:\n\n {2}(\S+)\n/);
    return new URL(url);
  }

  /** Whether it still does. */
  get runs() {
    return this.#child.exitCode === null;
  }

  /** Waits until it ends; its status. */
  async ends() {
    const [status] = await this.#closed;
    return status;
  }
}

/** Somebody in a room with our command line. */
export class Person {
  #server;
  #variables;

  constructor(server, variables) {
    this.#server = server;
    this.#variables = variables;
  }

  /** Starts `meshagent room secret …`, with that on its stdin. */
  start(args, input = "") {
    const child = this.#server.spawn(this.#variables, "room", "secret", ...args);
    child.stdin.end(input);
    return new Running(child);
  }

  /** Starts `meshagent room secret oauth` for a client as the provider describes it. */
  oauth({ client_id, client_secret, authorization_endpoint, token_endpoint, scopes }, ...more) {
    const endpoints = ["--authorization-endpoint", authorization_endpoint, "--token-endpoint", token_endpoint];
    const secret = client_secret ? ["--client-secret", "-"] : [];
    const client = ["--client-id", client_id, "--scopes", scopes.join(","), ...secret, ...endpoints];
    return this.start(["oauth", ...client, ...more], client_secret ?? "");
  }
}
