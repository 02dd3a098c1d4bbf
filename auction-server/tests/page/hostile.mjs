// Whatever the market's words are, they are shown as words; what is unknown is passed over politely.

import { assert, story } from "./house.mjs";
import { day, lot, madeUp, stock } from "./made-up.mjs";

const NAME = `<img src=x onerror="window.isHit=1"><script>window.isHit=1</script>`;
const LONG = "w".repeat(120);

await story("symbol,format\nS1,english\n", async (house, browsers) => {
  const person = await browsers.person(house);
  const { page } = person;
  const sold = { closed: { at: String(Date.now() * 1_000), outcome: { sold: { winner: 1, price: "1.40", by: NAME, runner_up: null } } } };
  const book = { english: { price: "1.40", leader: 1, least: "1.41", bids: 1, bidders: 1, reserve: "none" } };
  const market = {
    users: [{ user: 1, name: NAME, role: "trader" }, { user: 2, name: LONG, role: "trader" }, { user: 3, name: "constructor", role: "trader" }],
    stocks: [stock(NAME, NAME), stock("__proto__"), stock(LONG)],
    lots: [
      lot(1, NAME, { book }),
      lot(2, "__proto__", { book: { english: { ...book.english, leader: 3 } } }),
      lot(3, LONG, { book: { english: { ...book.english, leader: 2 } } }),
      lot(4, NAME, { phase: sold, book }),
      lot(5, "S5", { terms: { candle: { inches: 1 } }, book: { candle: {} } }),
      // Trading days; the first in a phase of a later server.
      lot(6, NAME, day({ phase: "siesta", halt: NAME })),
      lot(7, NAME, day()),
    ],
  };
  await page.addInitScript(madeUp, { market });
  await page.reload();
  await person.live();
  await person.sees(".rows .row .name", NAME);
  // The server speaks version 1 alone, and the page both.
  const hello = await page.evaluate(() => window.asked.find(({ kind }) => kind === "hello").body);
  assert.deepEqual([hello.version_min, hello.version_max], [1, 2]);
  for (const id of [1, 2, 3, 5, 6, 7]) {
    await person.lot(id);
    await person.shot(`hostile-${id}`);
  }
  await person.sees(".level.sell .price", "1.02");
  await person.sees("#lot-title", NAME);
  await person.lot(5);
  await person.sees(".closed-to", "This page does not know how to bid on a lot of this format, candle.");
  await person.lot(1);
  await page.evaluate((name) => socket.tell("goodbye", { code: "shutting_down", message: name }), NAME);
  // Events, kinds and fields of later servers.
  await page.evaluate(() => {
    socket.tell("weather", { it: "rains" });
    socket.tell("refused", { code: "9999", message: "?", price: null, at: null }, "77777");
    socket.feed([{ lot_polished: { lot: 1, by: 2 } }, { moon_rose: {} }, { bid_accepted: { lot: 1, bidder: 2, amount: "1.50", leader: 2, price: "1.50", least: "1.51", bidders: 2, reserve: "none" } }]);
  });
  await person.sees("#lot .figures .price", "1.50");
  await person.sees("#lot .figures .leader", LONG);
  await person.go("#/results");
  await person.sees("#results td", NAME);
  const hit = await page.evaluate(() => [window.isHit, document.querySelectorAll("img, script:not([src])").length]);
  assert.deepEqual(hit, [undefined, 0]);
  // Nothing that is long makes the page wider than it is.
  await page.setViewportSize({ width: 320, height: 640 });
  for (const hash of ["#/", "#/lot/1", "#/lot/3", "#/lot/7", "#/results"]) {
    await person.go(hash);
    const width = await page.evaluate(() => document.documentElement.scrollWidth);
    assert.ok(width <= 320, `${hash}: ${width}`);
  }
});
