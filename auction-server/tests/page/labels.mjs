// Outcomes in words: the page, the screen and the commands use the same ones, those of the core.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";

import * as words from "../../web/market/words.js";

const labels = JSON.parse(readFileSync(process.env.LABELS, "utf8"));
for (const [name, expected] of Object.entries(labels)) assert.deepEqual(words[name], expected, name);
