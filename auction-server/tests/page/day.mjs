// A trading day from the page: opened by the auctioneer, its call uncrossed, traded by a level of the book, interrupted,
// halted with the whole market, resumed and closed; by keyboard alone where it says so.

import { assert, inaccessible, story } from "./house.mjs";

const WIDE = { viewport: { width: 1280, height: 800 } };

await story("symbol,format\nAAPL,english\n", async (house, browsers) => {
  const mia = await (await browsers.person(house, WIDE)).register("mia");
  const tom = await (await browsers.person(house, WIDE)).register("tom");
  const gavel = await (await browsers.person(house, WIDE)).logIn("gavel");
  await gavel.go("#/operate");
  await gavel.page.fill("#operate [name=symbol]", "SPARE");
  await gavel.page.selectOption("#operate [name=format]", "day");
  await gavel.page.fill("#operate [name=phases]", "call 10m, auctions 1h");
  await gavel.page.click("#operate button:text-is('Open the lot')");
  await gavel.sees("#operate .outcome", "“auctions 1h” is no phase with a length");
  await gavel.page.fill("#operate [name=phases]", "call 10m, continuous 1h, call 10m, at-last 2m");
  await gavel.page.fill("#operate [name=volatility_length]", "8");
  await gavel.page.click("#operate button:text-is('Open the lot')");
  await gavel.sees("#operate .outcome", "Lot 2 of SPARE is open for bids.");

  const place = async (person, side, quantity, limit, settings = async () => {}) => {
    await person.page.check(`[name=side][value=${side}]`);
    await person.page.setChecked("[name=market]", limit === null);
    if (limit !== null) await person.page.fill("[name=limit]", limit);
    await person.page.fill("[name=quantity]", quantity);
    await settings(person.page);
    await person.page.press("[name=quantity]", "Enter");
  };

  // The opening call: orders rest unseen, and what they would come to is shown.
  await mia.lot(2);
  await tom.lot(2);
  await mia.sees(".phase", "Opening call");
  await mia.sees(".head-figure .note", /Continuous in 9:\d\d, at/);
  await place(mia, "sell", "100", "2.05");
  await mia.sees(".bidding .outcome", "Accepted: 100 in the book.");
  await place(tom, "buy", "60", "2.10");
  await mia.sees(".spread", /Indicative 2\.\d+ × 60/);
  await mia.sees(".own-orders li", /Sell 100 at 2\.05 day/);
  await mia.shot("day-call");
  // A fok belongs to continuous trading alone: refused with what would be right.
  await place(tom, "buy", "5", "2.05", (page) => page.selectOption("[name=tif]", "fill_or_kill"));
  await tom.sees(".bidding .outcome", "Refused: in this call phase orders are: day, until, at-open, at-close, auction.");
  await tom.page.selectOption("[name=tif]", "day");

  // The uncross, then continuous trading with what is left of the call.
  const end = async () => {
    await gavel.lot(2);
    await gavel.page.click("#lot button:text-is('End phase now')");
    await gavel.page.click("#lot button:text-is('End phase now: sure?')");
  };
  await end();
  for (const person of [mia, tom]) await person.sees(".phase", "Continuous");
  await tom.sees(".own-fills .sums", /Bought 60 at 2\.\d+ on average, as far as this page has seen\./);
  await mia.sees(".level.sell .number", "40");
  const opened = await mia.text(".statistics div:first-child dd");
  assert.match(opened, /^2\.\d\d$/);

  // A click on a level takes its price to the order, on the side that trades with it.
  await tom.page.click(".level.sell:not([data-empty])");
  assert.equal(await tom.page.inputValue("[name=limit]"), "2.05");
  assert.ok(await tom.page.isChecked("[name=side][value=buy]"));
  await tom.page.fill("[name=quantity]", "10");
  // A second click before the answer is no second order.
  await tom.page.$eval(".bidding .primary", (button) => [button.click(), button.click()]);
  await tom.sees(".bidding .outcome", "Accepted: 10 traded at 2.05.");
  await mia.sees(".level.sell .number", "30");
  await mia.sees(".prints td", "2.05");
  await mia.sees(".own-fills td", "maker");

  // By keyboard alone: more levels, walked by the arrows; Enter takes one, Enter sends.
  for (const [quantity, limit] of [["30", "2.06"], ["50", "2.07"], ["20", "2.08"]]) await place(mia, "sell", quantity, limit);
  for (const [quantity, limit] of [["40", "2.03"], ["80", "2.02"], ["25", "2.01"]]) await place(mia, "buy", quantity, limit);
  await tom.sees(".level.buy .price", "2.01");
  await tom.page.focus(".level.sell:not([data-empty])[tabindex='0']");
  assert.match(await tom.page.evaluate(() => document.activeElement.textContent), /^2\.05: offered 30 in 1 order\. Buy at it$/);
  await tom.page.keyboard.press("ArrowUp");
  assert.match(await tom.page.evaluate(() => document.activeElement.textContent), /^2\.06: offered 30 in 1 order/);
  await tom.page.keyboard.press("Enter");
  assert.equal(await tom.page.evaluate(() => document.activeElement.name), "quantity");
  await tom.page.keyboard.type("35");
  await tom.page.keyboard.press("Enter");
  await tom.sees(".bidding .outcome", "Accepted: 35 traded at 2.0514.");
  // Post-only is refused where it would trade, with the price; an order is changed, and all are withdrawn.
  await place(tom, "buy", "5", "2.06", (page) => page.check("[name=post_only]"));
  await tom.sees(".bidding .outcome", "Refused: a post-only order must rest, and this one would trade at 2.06.");
  await tom.page.uncheck("[name=post_only]");
  await place(tom, "buy", "15", "2.04");
  await tom.page.click(".own-orders button:text-is('Change')");
  await tom.page.fill("[name=quantity]", "12");
  await tom.page.press("[name=quantity]", "Enter");
  await tom.sees(".bidding .outcome", "Accepted: 12 keep their place.");
  await tom.sees(".own-orders li", "Buy 12 at 2.04");
  await tom.shot("day-continuous");
  assert.deepEqual(await inaccessible(tom.page, "continuous trading"), []);
  await tom.page.emulateMedia({ colorScheme: "dark" });
  await tom.shot("day-continuous-dark");
  await tom.page.setViewportSize({ width: 390, height: 844 });
  await tom.shot("day-narrow-dark");
  assert.deepEqual(await inaccessible(tom.page, "continuous trading, narrow and dark"), []);
  await tom.page.$eval(".desk-entry", (node) => node.scrollIntoView());
  await tom.shot("day-narrow-entry");
  await tom.page.$eval(".desk-chart", (node) => node.scrollIntoView());
  await tom.shot("day-narrow-chart");
  assert.ok(await tom.page.evaluate(() => document.documentElement.scrollWidth <= innerWidth && document.documentElement.scrollHeight <= innerHeight));
  await tom.page.emulateMedia({ colorScheme: "light" });
  await tom.page.setViewportSize(WIDE.viewport);
  await tom.page.click("button:text-is('Cancel all')");
  await tom.sees(".own-orders .outcome", "1 withdrawn.");
  await tom.sees(".own-orders", "No open order.");

  // A price outside the corridor interrupts; everyone sees why and until when, and trading goes on.
  await place(mia, "sell", "10", "2.40");
  await mia.sees(".own-orders li", "Sell 10 at 2.40");
  await place(tom, "buy", "200", "2.40");
  await mia.sees(".situation", /^Trading is interrupted: a trade at 2\.40 would have left the (static|dynamic) corridor\. The volatility call ends in 0:0\d/);
  await mia.heard(/SPARE: trading is interrupted at 2\.40/);
  await mia.sees(".phase", "Volatility call");
  await mia.shot("day-interrupted");
  await mia.sees(".phase", "Continuous");

  // The kill switch, and how it is told.
  await gavel.go("#/operate");
  await gavel.page.click("#operate button:text-is('Halt the whole market')");
  await gavel.page.click("#operate button:text-is('Halt the whole market: sure?')");
  await mia.sees(".situation", "The whole market is halted");
  await mia.sees(".closed-to", "orders can be withdrawn, and none is taken");
  await mia.shot("day-halted");
  await gavel.page.click("#operate button:text-is('Resume the market')");
  await mia.page.waitForFunction(() => !/whole market/.test(document.querySelector(".situation").textContent) || document.querySelector(".situation").hidden);
  await mia.sees(".phase", "Continuous");

  // The auctioneer cancels a trader's orders, and closes the day.
  await gavel.lot(2);
  await gavel.page.fill("[name=cancel_of]", "mia");
  await gavel.page.press("[name=cancel_of]", "Enter");
  await gavel.sees(".running .outcome", /^\d+ of mia withdrawn\.$/);
  await gavel.shot("day-auctioneer");
  await mia.sees(".own-orders", "No open order.");
  await gavel.page.click("#lot button:text-is('Close now')");
  await gavel.page.click("#lot button:text-is('Close now: sure?')");
  await mia.sees(".phase", "Closed");
  await mia.sees(".closed-to", /Closed at \d\.\d\d: [\d,]+ shares in \d+ trades, on average at/);
  await mia.shot("day-closed");
  await mia.go("#/results");
  await mia.sees("#results td", "Trading day");
  // All the while the fold here was the server's, and who comes late sees the same.
  await mia.page.waitForFunction(() => document.getElementById("link").title.startsWith("The fold of the feed here equals"));
  const late = await browsers.person(house, WIDE);
  await late.live();
  await late.lot(2);
  await late.sees(".prints td", "2.05");
  for (const each of [".statistics", ".prints tbody"]) assert.equal(await late.text(each), await mia.go("#/lot/2").then(() => mia.text(each)));
}, ["--heartbeat=1s"]);
