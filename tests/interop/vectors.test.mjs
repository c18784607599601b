// The vectors that the Rust tests read are what this SDK sends and understands.

import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { test } from "node:test";

import { capture, text } from "./capture-vectors.mjs";

test("the recorded vectors are current", async () => {
  const recorded = await readFile(new URL("../it/vectors/sdk-0.39.9.json", import.meta.url), "utf8");
  assert.equal(text(await capture()), recorded);
});
