// Two people register, bid against each other, and one wins; nothing that happens takes the focus or what is typed.

import { assert, story } from "./house.mjs";

const LOTS = `symbol,format
AAPL,english
BRK.B,english
`;

await story(LOTS, async (house, browsers) => {
  const watcher = await browsers.person(house);
  await watcher.sees(".rows .row", "AAPL");
  await watcher.lot(1);
  await watcher.sees(".closed-to", "Log in or register to bid.");

  const mia = await (await browsers.person(house)).register("mia");
  const tom = await (await browsers.person(house)).register("tom");

  // By keyboard alone: filter, to the row, bid, and the least stands there already.
  await mia.go("#/");
  await mia.page.keyboard.press("/");
  await mia.page.keyboard.type("aapl");
  await mia.sees("#list [role=grid][aria-rowcount='2'] .rows .row", "AAPL");
  await mia.page.keyboard.press("Escape");
  await mia.page.keyboard.press("b");
  await mia.page.waitForFunction(() => document.activeElement.name === "amount");
  assert.equal(await mia.page.inputValue("[name=amount]"), "1.01");
  await mia.page.keyboard.press("Enter");
  await mia.sees(".bidding .outcome", "Accepted, you lead at 1.01.");
  await mia.sees(".banner", "You lead");
  await mia.sees(".bidding button[type=submit]", "You lead");
  await watcher.sees("#lot .figures .leader", "mia");
  await watcher.sees(".rows .row[data-lot='1'] .price", "1.01");

  // A refusal names the least; a click takes it over.
  await tom.lot(1);
  await tom.bid("1.01");
  await tom.sees(".bidding .outcome", "Refused: the least is 1.02. Use 1.02");
  await tom.page.click(".outcome button");
  assert.equal(await tom.page.inputValue("[name=amount]"), "1.02");

  // While mia types elsewhere, tom leads: she is told, and keeps focus and words.
  await mia.lot(2);
  await mia.page.fill("[name=amount]", "1.2345");
  await tom.page.press("[name=amount]", "Enter");
  await tom.sees(".bidding .outcome", "Accepted, you lead at 1.02.");
  await mia.sees(".notice", /Outbid on AAPL: tom leads at 1\.02\./);
  await mia.heard(/Outbid on AAPL: tom leads at 1\.02\. The next bid is 1\.03\./);
  assert.match(await mia.page.title(), /^\(1\) Outbid/);
  const typed = await mia.page.evaluate(() => [document.activeElement.name, document.activeElement.value]);
  assert.deepEqual(typed, ["amount", "1.2345"]);
  await mia.shot("outbid-wide");
  await mia.page.click(".notice .primary");
  await mia.sees(".rows .row[data-lot='1']", /you.*You lead/);
  await mia.page.waitForFunction(() => !document.querySelector(".notice"));

  // A hidden maximum bids by itself; a plain bid below it is accepted and beaten.
  await mia.lot(1);
  await mia.page.check("[name=way][value=maximum]");
  await mia.bid("2.00");
  await mia.sees(".bidding .outcome", "Accepted, you lead");
  await mia.sees(".bidding .hint", "Your maximum: 2.00.");
  await tom.bid("1.50");
  await tom.sees(".bidding .outcome", "Accepted, but another's maximum beat it: the price is 1.51.");
  await tom.sees(".banner", "Outbid: mia leads");

  // A wrong amount says what would be right; a large jump asks once, and only once.
  await tom.bid("2,50");
  await tom.sees(".bidding .fault", "Write 1250 or 12.50: a point before decimals, and no comma.");
  await tom.bid("250");
  await tom.sees(".bidding .outcome", /250\.00 is 164 times the least/);
  await tom.page.keyboard.press("Escape");
  await tom.page.waitForFunction(() => document.querySelector(".bidding .outcome").textContent === "");
  await tom.bid("2.10");
  await tom.sees(".bidding .outcome", "Accepted, you lead at 2.10.");
  await mia.sees(".banner", "Outbid: tom leads, above your offer of 2.00.");
  await mia.sees("#lot tr.own", "you");

  // The list of bids and its table are the same for all.
  await watcher.sees("#lot section[aria-label=Bids] h3", "Bids 5");

  // A pause holds the list, and neither the countdown nor one's own bid.
  await watcher.page.click("#pause");
  await mia.page.check("[name=way][value=bid]");
  await mia.bid("2.20");
  await mia.sees(".bidding .outcome", "Accepted, you lead at 2.20.");
  await watcher.sees("#pause", /Go on \(1\)/);
  assert.equal(await watcher.text(".rows .row[data-lot='1'] .price"), "2.10");
  await watcher.page.click("#pause");
  await watcher.sees(".rows .row[data-lot='1'] .price", "2.20");

  // The auctioneer closes it: won, lost, and why; what would have won.
  const gavel = await (await browsers.person(house)).logIn("gavel");
  await gavel.lot(1);
  await gavel.sees(".closed-to", "Auctioneers do not bid.");
  await gavel.page.click("button:text-is('Close now')");
  await gavel.page.click("button:text-is('Close now: sure?')");
  await mia.sees(".banner", "You won.");
  await mia.heard(/You won AAPL at 2\.20\./);
  await mia.sees(".closed-to", "Sold to mia at 2.20, the highest bid; the next best was 2.10.");
  await tom.sees(".closed-to", "Sold to mia at 2.20");
  await tom.sees("#lot > .hint", "would have won");

  // The results, taken out.
  await tom.go("#/results");
  await tom.sees("#results tbody tr", /AAPLEnglish1Sold2\.20mia/);
  for (const [form, expected] of [["CSV", /1,AAPL,00001,English,1,1\.00,sold,2\.20,mia,/], ["JSON", /"winner": "mia"/]]) {
    const [download] = await Promise.all([tom.page.waitForEvent("download"), tom.page.click(`#results button:text-is('${form}')`)]);
    const { readFileSync } = await import("node:fs");
    assert.match(readFileSync(await download.path(), "utf8"), expected);
  }

  // The switch for a lost connection, and back.
  await tom.go("#/account");
  await tom.page.click("#account button:text-is('Arm')");
  await tom.sees("#account .hint", "Armed: after 30 s away.");
  await tom.page.click("#account button:text-is('Clear')");
  await tom.sees("#account .hint", "Not armed.");

  // Sessions: seen, another one ended, logged out; what is kept is gone.
  const again = await (await browsers.person(house)).logIn("mia");
  await again.go("#/account");
  await again.sees("#account li", "this one");
  await again.page.click("#account li button");
  await again.page.waitForFunction(() => document.querySelectorAll("#account li").length === 1);
  await again.page.click("#account button:text-is('Log out')");
  await again.sees("#account-link", "Log in");
  const kept = await again.page.evaluate(() => [sessionStorage.length, localStorage.length, document.cookie, location.href]);
  assert.deepEqual(kept.slice(0, 3), [0, 0, ""]);
  await again.enter("mia", "Log in");

  // A company publishes its profit to everyone; the wrong security code is refused with the right one.
  const apple = await (await browsers.person(house)).logIn("apple");
  await apple.go("#/account");
  await apple.page.fill("[name=profit]", "-12.5");
  await apple.page.fill("[name=security]", "99999");
  await apple.page.click("button:text-is('Publish')");
  await apple.sees("#account .outcome", /Refused: .*00001/);
  await apple.page.fill("[name=security]", "00001");
  await apple.page.click("button:text-is('Publish')");
  await apple.sees("#account .outcome", "Published to everyone.");
  await watcher.sees("#lot .facts", /Profit of the company−12\.5/);
});

