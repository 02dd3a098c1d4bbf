// The fold of the page against the conformance vectors: each step gives the digest, or is refused.

import assert from "node:assert/strict";
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

// Browsers are told by the page that its files are modules; Node is told by a file beside them.
const folder = mkdtempSync(join(tmpdir(), "auction-fold-"));
cpSync(fileURLToPath(new URL("../../web/market", import.meta.url)), folder, { recursive: true });
writeFileSync(join(folder, "package.json"), '{ "type": "module" }');

try {
  const { Gap, Market } = await import(join(folder, "market.js"));
  const vectors = JSON.parse(readFileSync(process.env.FEEDS, "utf8"));
  let steps = 0;
  for (const { name, market: id, steps: all } of vectors) {
    const market = new Market({ heard() {}, changed() {} });
    market.id = id;
    for (const { messages, error, digest, feed_sequence } of all) {
      const take = () => messages.forEach(({ feed, snapshot_part: part }) => (feed ? market.follow(feed) : market.take(part)));
      steps += 1;
      if (error) {
        assert.throws(take, Gap, name);
        continue;
      }
      take();
      assert.equal(market.compare({ feed_sequence, digest }), "same", `${name}, at ${feed_sequence}`);
    }
  }
  assert.ok(steps > 700);
  assert.ok(vectors.some(({ name }) => name.startsWith("trading days")));
  console.log(`${steps} steps of ${vectors.length} vectors`);
} finally {
  rmSync(folder, { recursive: true });
}
