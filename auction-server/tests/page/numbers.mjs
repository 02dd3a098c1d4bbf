// Numbers that a person types: the page reads the same ones as the core, refuses the same ones, and says what would be right.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";

import { typed, typedDecimal, typedQuantity } from "../../web/market/money.js";

for (const { text, price, quantity } of JSON.parse(readFileSync(process.env.NUMBERS, "utf8"))) {
  const [asPrice, asQuantity] = [typed(text), typedQuantity(text)];
  assert.equal(asPrice.units ?? null, price, `price ${JSON.stringify(text)}`);
  assert.equal(asQuantity.quantity ?? null, quantity, `shares ${JSON.stringify(text)}`);
  for (const read of [asPrice, asQuantity]) assert.equal(typeof read.fault, Object.keys(read)[0] === "fault" ? "string" : "undefined");
}
for (const text of ["1,5", "12,50", "1,500"]) {
  assert.match(typed(text).fault, /no comma/);
  assert.match(typedDecimal(text, "profit").fault, /no comma/);
  assert.match(typedQuantity(text).fault, /without a comma/);
}
