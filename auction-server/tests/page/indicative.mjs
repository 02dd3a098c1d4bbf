// What the page shows of a call auction while it runs and behind its close, as the protocol's messages tell it.

import { inaccessible, assert, story } from "./house.mjs";
import { lot, madeUp, stock } from "./made-up.mjs";

const CALL = { call: { tick: "0.05", book: "open", collar: { absolute: "0.50", basis_points: 1000 }, extensions_max: 2, market_extension: true, extend_by: "60000000", random_end: "15000000", no_cancel: "30000000" } };

await story("symbol,format\nS1,english\n", async (house, browsers) => {
  const person = await browsers.person(house, { reducedMotion: "reduce" });
  const { page } = person;
  const book = { call: { traders: 2, reference: "12.35", market_extended: false, end: null } };
  const market = {
    users: [{ user: 1, name: "mia", role: "trader" }],
    stocks: [{ ...stock("AAPL"), last_uncross: null }],
    lots: [lot(1, "AAPL", { terms: CALL, book, quantity: "100", base_price: "12.35" })],
  };
  await page.addInitScript(madeUp, { market });
  await page.reload();
  await person.live();
  await person.lot(1);
  for (const words of ["Limits are multiples of 0.05.", "Quantities are multiples of 100.", "The book is open", "The reference price is 12.35.", "0.50 or 10%", "a random moment of the last 15 s", "In the 30 s before that"]) {
    await person.sees(".words", words);
  }
  const tell = (indicative, depth) => page.evaluate((body) => socket.tell("indicative", { lot: 1, at: String(Date.now() * 1_000), ...body }), { indicative, depth });
  const ladder = "#lot section[aria-label=Ladder]";
  await tell({ no_cross: { best_buy: { price: "12.30", quantity: "500" }, best_sell: null } }, null);
  await person.sees(ladder, "Nothing crosses: best buy 12.30 for 500, no sell.");
  await person.sees("#lot .figures .price", "–");
  const depth = { market_buy: "0", market_sell: "500", buys: [{ price: "12.50", quantity: "900" }, { price: "12.30", quantity: "500" }], sells: [{ price: "12.35", quantity: "500" }] };
  for (const price of ["12.35", "12.45", "12.40"]) await tell({ cross: { price, volume: "900", surplus: "-100", decided_by: "surplus" } }, depth);
  await person.sees("#lot .figures .price", "12.40");
  await person.sees(".rows .row[data-lot='1'] .price", "12.40");
  await person.sees(ladder, "900 shares would trade, 100 more offered; decided by the least surplus.");
  await person.sees(`${ladder} tbody tr`, /0any price500/);
  await person.sees(`${ladder} tbody tr`, /90012\.50/);
  await person.shot("call");
  assert.deepEqual(await inaccessible(page, "call"), []);
  const crossed = { price: "12.40", volume: "900", surplus: "-100", by: "surplus", candidates: { lowest: "12.35", highest: "12.40" }, traders: 7 };
  await page.evaluate((crossed) => socket.feed([{ lot_closed: { lot: 1, outcome: { crossed } } }]), crossed);
  await person.sees(".closed-to", "Crossed at 12.40: 900 shares among 7 traders, decided by the least surplus; 100 more offered.");
});
