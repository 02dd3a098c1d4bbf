// Every format is bid on from the page: taken, entered, changed, withdrawn, closed; and the auctioneer opens and runs.

import { assert, story } from "./house.mjs";

const LOTS = `symbol,format,quantity,opens_in,reserve,start,step,interval,floor,buy_now
ENG,english,1,,,,0.25,,,30
DUT,dutch,10,,,100,1,1h,50,
FST,sealed-first,1,,,,,,,
VIC,vickrey,1,,50,,,,,
UNI,uniform,100,,10,,,,,
PAY,pay-as-bid,100,,,,,,,
LAT,english,1,30m,,,,,,
`;
const [ENG, DUT, FST, VIC, UNI, PAY, LAT] = [1, 2, 3, 4, 5, 6, 7];

/** Enters a sealed bid of a price and, where there are many shares, a quantity. */
async function enter(person, lot, price, quantity) {
  await person.lot(lot);
  await person.page.fill("[name=limit]", price);
  if (quantity) await person.page.fill("[name=quantity]", quantity);
  await person.page.press("[name=limit]", "Enter");
  await person.sees(".bidding .outcome", /Accepted: your bid at .* is in\.|again to confirm/);
  if (/again to confirm/.test(await person.text(".bidding .outcome"))) {
    await person.page.press("[name=limit]", "Enter");
    await person.sees(".bidding .outcome", /Accepted: your bid/);
  }
}

async function close(gavel, lot) {
  await gavel.lot(lot);
  await gavel.page.click("#lot button:text-is('Close now')");
  await gavel.page.click("#lot button:text-is('Close now: sure?')");
  await gavel.sees("#lot dt", "Closed");
}

await story(LOTS, async (house, browsers) => {
  const mia = await (await browsers.person(house)).register("mia");
  const tom = await (await browsers.person(house)).register("tom");
  const gavel = await (await browsers.person(house)).logIn("gavel");

  // Scheduled: told when it opens.
  await mia.lot(LAT);
  await mia.sees(".closed-to", "Bidding opens at");
  await mia.sees(".rows .row[data-lot='7'] .closes", "opens");

  // English with a buy-now price.
  await mia.lot(ENG);
  await mia.sees(".words", "Buy now: a bid of 30.00 wins at once, before the first bid.");
  await mia.sees(".words", "Each bid is at least 0.25 above the price.");
  await mia.page.click("button:text-is('Buy now 30.00')");
  await mia.sees(".bidding .outcome", "30.00 is 24 times the least bid, 1.25.");
  await mia.page.click("button:text-is('Buy now 30.00')");
  await mia.sees(".closed-to", "Sold to mia at 30.00, the buy-now price.");

  // Dutch: taken at the price of the moment.
  await tom.lot(DUT);
  await tom.sees("#lot .figures .price", "100.00");
  await tom.sees(".bidding .hint", "Falls to 99.00 in");
  await tom.shot("dutch");
  await tom.page.click("button:text-is('Take all at 100.00')");
  await tom.sees(".closed-to", "Sold to tom at 100.00, the first to take it.");
  await tom.sees(".banner", "You won.");

  // Sealed: entered, changed, withdrawn, entered; nobody else sees more than the number of bidders.
  await enter(mia, FST, "80");
  await mia.sees(".orders li", "Your bid at 80.00");
  await mia.page.click(".orders button:text-is('Change')");
  await mia.page.fill("[name=limit]", "90");
  await mia.page.press("[name=limit]", "Enter");
  await mia.sees(".bidding .outcome", "Changed at 90.00.");
  await mia.sees(".orders li", "Your bid at 90.00");
  await mia.page.click(".orders button:text-is('Withdraw')");
  await mia.sees(".bidding .outcome", "Withdrawn.");
  await enter(mia, FST, "85");
  await tom.lot(FST);
  await tom.sees("#lot .figures", /Bidders1has a hidden bid/);
  assert.ok(!(await tom.text("body")).includes("85.00"));
  await enter(tom, FST, "70");
  await mia.page.reload();
  await mia.live();
  await mia.sees(".orders li", "Your bid at 85.00");
  await close(gavel, FST);
  await mia.sees(".closed-to", "Sold to mia at 85.00, the highest bid; the next best was 70.00.");
  await tom.sees("#lot section[aria-label=Bids] tr.own", "you70.00");
  await tom.sees("#lot > .hint", "would have won");

  // Vickrey below, then at the reserve.
  await enter(mia, VIC, "100");
  await enter(tom, VIC, "20");
  await close(gavel, VIC);
  await mia.sees(".closed-to", "Sold to mia at 50.00, the reserve; the next best was 20.00.");

  // Many units: several bids of price and quantity, one withdrawn.
  await enter(mia, UNI, "12", "30");
  await enter(mia, UNI, "15", "20");
  await enter(tom, UNI, "11", "80");
  await mia.sees(".orders li", "30 at 12.00");
  await mia.page.click("[aria-label='Withdraw bid 1']");
  await mia.page.waitForFunction(() => document.querySelectorAll(".bidding .orders li").length === 1);
  // Halted, it takes nothing but what is withdrawn.
  await gavel.lot(UNI);
  await gavel.page.click("#lot button:text-is('Halt')");
  await mia.sees("#lot .closes", "halted");
  await mia.page.fill("[name=limit]", "20");
  await mia.page.fill("[name=quantity]", "5");
  await mia.page.press("[name=limit]", "Enter");
  await mia.sees(".bidding .outcome", /Refused/);
  await gavel.page.click("#lot button:text-is('Resume')");
  await gavel.sees("#lot .running .outcome", "UNI: goes on.");
  await close(gavel, UNI);
  await mia.sees(".closed-to", /Allocated to 2 buyers at \d+\.\d+: 100 of 100 shares, /);
  await mia.sees(".banner", "You won.");
  await mia.shot("uniform-closed");
  // The bids that were opened are there for who comes later, too.
  await mia.page.reload();
  await mia.live();
  await mia.sees("#lot section[aria-label='Bids'] tr.own", "you15.00202011.00");
  await mia.sees(".banner", "You won.");

  await enter(tom, PAY, "11", "80");
  await close(gavel, PAY);
  await tom.sees(".closed-to", "80 of 100 shares, there was enough for all.");

  // The auctioneer's page: extends, cancels, opens lots of every format, suspends.
  await gavel.lot(LAT);
  const before = await gavel.text("#lot .facts");
  await gavel.page.click("#lot button:text-is('+5 min')");
  await gavel.page.waitForFunction((before) => document.querySelector("#lot .facts").textContent !== before, before);
  await gavel.page.click("#lot button:text-is('Cancel lot')");
  await gavel.page.click("#lot button:text-is('Cancel lot: sure?')");
  await gavel.sees("#lot .closed-to", "Cancelled: taken back.");
  await gavel.go("#/operate");
  await gavel.page.fill("#operate [name=symbol]", "SPARE");
  const formats = await gavel.page.$$eval("#operate [name=format] option", (all) => all.map((option) => option.value));
  for (const [index, format] of formats.entries()) {
    await gavel.page.selectOption("#operate [name=format]", format);
    await gavel.page.click("#operate button:text-is('Open the lot')");
    await gavel.sees("#operate .outcome", `Lot ${8 + index} of SPARE is open for bids.`);
  }
  await gavel.shot("operate");
  await gavel.page.click("[aria-label='Suspend tom']");
  await gavel.sees("#operate .outcome", "tom is suspended.");
  await tom.lot(8);
  await tom.page.press("[name=amount]", "Enter");
  await tom.sees(".bidding .outcome", "Refused: your account is suspended; what you have bid binds.");
  await gavel.page.click("[aria-label='Reinstate tom']");
  await gavel.sees("#operate .outcome", "tom is reinstated.");
  await tom.page.press("[name=amount]", "Enter");
  await tom.sees(".bidding .outcome", "Accepted, you lead at 2.01.");
  await gavel.sees("#operate .runs", "1 bidder");

  // The fold of the page is the server's to the last bit.
  await gavel.page.waitForFunction(() => document.getElementById("link").title.startsWith("The fold of the feed here equals"));
}, ["--heartbeat=3s"]);
