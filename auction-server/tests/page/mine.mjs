// What a person has bid, won and owes: complete in a browser that never saw it happen, and never denied while it loads.

import { assert, inaccessible, story } from "./house.mjs";

const LOTS = `symbol,format,quantity
AAPL,english,10
MSFT,call,1
BRK.B,vickrey,3
TSLA,english,1
`;

/** A page whose questions for the activity do not reach the server until they are let go. */
async function heldBack(person) {
  await person.page.addInitScript(() => {
    const send = WebSocket.prototype.send;
    window.held = [];
    WebSocket.prototype.send = function (data) {
      if (String(data).includes("get_activity") && window.held) window.held.push(() => send.call(this, data));
      else send.call(this, data);
    };
  });
  await person.page.reload();
  return person;
}

function letGo(person) {
  return person.page.evaluate(() => {
    const { held } = window;
    window.held = null;
    held.forEach((go) => go());
  });
}

await story(LOTS, async (house, browsers) => {
  browsers.expected = ["WebSocket connection to"];
  const mia = await (await browsers.person(house)).register("mia");
  const tom = await (await browsers.person(house)).register("tom");
  const gavel = await (await browsers.person(house)).logIn("gavel");

  // Nothing yet, and that is known.
  await mia.go("#/account");
  await mia.sees(".mine-words", "You have not bid on any lot yet.");

  await mia.lot(1);
  await mia.bid("8.09");
  await mia.sees(".bidding .outcome", "8.09 is 700% above the least bid");
  await mia.page.keyboard.press("Enter");
  await mia.sees(".bidding .outcome", "Accepted, you lead");
  const order = async (person, side, limit, quantity) => {
    await person.lot(2);
    await person.page.check(`[name=side][value=${side}]`);
    await person.page.fill("[name=limit]", limit);
    await person.page.fill("[name=quantity]", quantity);
    await person.page.press("[name=quantity]", "Enter");
    await person.sees(".bidding .outcome", /Accepted: your order/);
  };
  await order(mia, "buy", "1.30", "40");
  await order(tom, "sell", "1.10", "30");
  await mia.lot(3);
  await mia.page.fill("[name=limit]", "1.20");
  await mia.page.press("[name=limit]", "Enter");
  await mia.sees(".bidding .outcome", "Accepted: your bid");
  await mia.lot(4);
  await mia.bid("1.50");
  await mia.sees(".bidding .outcome", "Accepted, you lead at 1.50.");
  await tom.lot(4);
  await tom.bid("1.60");
  await tom.sees(".bidding .outcome", "Accepted, you lead at 1.60.");

  for (const lot of [1, 2, 3]) {
    await gavel.lot(lot);
    await gavel.page.click("#lot button:text-is('Close now')");
    await gavel.page.click("#lot button:text-is('Close now: sure?')");
    await gavel.sees("#lot .figures", "Closed");
  }

  // Everything again after a restart, in a browser that is new, without a word of "none" on the way.
  await house.kill();
  await house.start();
  const seen = await browsers.person(house);
  await seen.page.addInitScript(() => {
    window.claims = [];
    new MutationObserver(() => {
      for (const node of document.querySelectorAll(".mine-words, .empty")) {
        if (node.checkVisibility() && !window.claims.includes(node.textContent)) window.claims.push(node.textContent);
      }
    }).observe(document, { subtree: true, childList: true, characterData: true });
  });
  await seen.page.reload();
  await seen.logIn("mia");
  await seen.go("#/account");
  await seen.sees(".mine-words", "You have bid on 4 lots: 0 led, 1 outbid, 0 with hidden bids, 3 won.");
  await seen.sees(".mine-sums", "You owe 122.90 for what you bought.");
  const rows = await seen.page.$$eval(".mine tbody tr", (all) => all.map((row) => [...row.cells].map((cell) => cell.textContent).join(" | ")));
  assert.deepEqual(rows, [
    "4 | TSLA | English | Bid 1.50 | Outbid | – | – | –",
    "3 | BRK.B | Vickrey | 3 at 1.20 | Filled | 3 | 1.00 | 3.00",
    "2 | MSFT | Call | Buy 40 at 1.30 | Filled in part | 30 | 1.30 | 39.00",
    "1 | AAPL | English | Bid 8.09 | You won | 10 | 8.09 | 80.90",
  ]);
  await seen.shot("mine");
  assert.deepEqual(await inaccessible(seen.page, "my lots"), []);
  await seen.page.setViewportSize({ width: 390, height: 844 });
  await seen.shot("mine-narrow");
  assert.deepEqual(await inaccessible(seen.page, "my lots, narrow"), []);
  await seen.page.setViewportSize({ width: 1440, height: 900 });
  const claims = await seen.page.evaluate(() => window.claims);
  assert.deepEqual(claims.filter((text) => /not bid|Nobody has outbid|: 0 led, 0 outbid/.test(text)), []);

  // The call's fill, its price, and the list of one's own lots.
  await seen.lot(2);
  await seen.sees(".orders li", "Buy 40 at 1.30: 30 filled at 1.30");
  await seen.sees(".banner", "Filled.");
  await seen.go("#/");
  await seen.page.click("[data-state=mine]");
  await seen.page.waitForFunction(() => document.querySelectorAll("#list .rows .row").length === 4);
  await seen.sees("[data-state=mine] .count", "4");
  await seen.sees("[data-state=outbid] .count", "1");
  await seen.lot(4);
  await seen.sees(".banner", "Outbid: tom leads, above your offer of 1.50.");

  // A server that answers late: until it has, nothing is said not to be there.
  const late = await heldBack(await browsers.person(house));
  await late.logIn("mia");
  await late.go("#/account");
  await late.sees(".mine-words", "Loading your bids and orders…");
  await late.go("#/");
  await late.sees("[data-state=mine] .count", "…");
  await letGo(late);
  await late.sees("[data-state=mine] .count", "4");
  const ida = await heldBack(await browsers.person(house));
  await ida.register("ida");
  await ida.go("#/");
  for (const [state, words] of [["mine", "You have not bid on any lot yet."], ["outbid", "Nobody has outbid you."]]) {
    await ida.page.click(`[data-state=${state}]`);
    await ida.sees(".empty", "Loading your bids and orders…");
    assert.notEqual(await ida.text(".empty"), words);
  }
  await letGo(ida);
  await ida.sees(".empty", "Nobody has outbid you.");
  await ida.page.click("[data-state=mine]");
  await ida.sees(".empty", "You have not bid on any lot yet.");

  // It comes again with a connection that is lost.
  await late.go("#/account");
  await house.kill();
  await late.sees("#link-words", /Reconnecting|Connecting/);
  await house.start();
  await late.sees("#link-words", "Live");
  await late.sees(".mine-words", "You have bid on 4 lots: 0 led, 1 outbid, 0 with hidden bids, 3 won.");
});

// Outbid in the box: the notice of leading goes, and the box holds what would be taken.
await story("symbol,format\nAAPL,english\n", async (house, browsers) => {
  const mia = await (await browsers.person(house)).register("mia");
  const tom = await (await browsers.person(house)).register("tom");
  await mia.lot(1);
  await mia.bid("1.50");
  await mia.sees(".bidding .outcome", "Accepted, you lead at 1.50.");
  await tom.lot(1);
  await tom.bid("1.60");
  await tom.sees(".bidding .outcome", "Accepted, you lead at 1.60.");
  await mia.sees(".banner", "Outbid: tom leads");
  await mia.page.waitForFunction(() => document.querySelector(".bidding .outcome").textContent === "");
  assert.equal(await mia.page.evaluate(() => document.activeElement.name), "amount");
  assert.equal(await mia.page.inputValue("[name=amount]"), "1.61");
  await mia.sees(".bidding button[type=submit]", "Bid 1.61");
  // An amount that moved just now is asked about before it is sent, once.
  await mia.page.press("[name=amount]", "Enter");
  await mia.sees(".bidding .outcome", /The least has just risen to 1\.61\. Press Enter again to bid it\.|you lead at 1\.61/);
  if (!/you lead/.test(await mia.text(".bidding .outcome"))) await mia.page.press("[name=amount]", "Enter");
  await mia.sees(".bidding .outcome", "Accepted, you lead at 1.61.");
  // What was typed stays what it is, though it would be refused.
  await mia.page.check("[name=way][value=maximum]");
  await mia.page.fill("[name=amount]", "1.65");
  await tom.bid("1.80");
  await mia.sees(".banner", "Outbid: tom leads");
  assert.equal(await mia.page.inputValue("[name=amount]"), "1.65");
});
