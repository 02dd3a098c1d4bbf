// A call auction from the page: opened by the auctioneer, orders of both sides entered, changed and withdrawn, and what an
// uncross would give all the while.

import { assert, inaccessible, story } from "./house.mjs";

await story("symbol,format\nAAPL,english\n", async (house, browsers) => {
  const mia = await (await browsers.person(house)).register("mia");
  const tom = await (await browsers.person(house)).register("tom");
  const gavel = await (await browsers.person(house)).logIn("gavel");
  await gavel.go("#/operate");
  await gavel.page.fill("#operate [name=symbol]", "SPARE");
  await gavel.page.selectOption("#operate [name=format]", "call");
  await gavel.page.fill("#operate [name=quantity]", "100");
  await gavel.page.click("#operate button:text-is('Open the lot')");
  await gavel.sees("#operate .outcome", "Lot 2 of SPARE is open for bids.");

  const enter = async (person, side, limit, quantity) => {
    await person.lot(2);
    await person.page.check(`[name=side][value=${side}]`);
    await person.page.setChecked("[name=market]", limit === null);
    if (limit !== null) await person.page.fill("[name=limit]", limit);
    await person.page.fill("[name=quantity]", quantity);
    await person.page.press("[name=quantity]", "Enter");
    await person.sees(".bidding .outcome", /Accepted: your order.* is in\./);
  };
  await mia.lot(2);
  await mia.sees(".words", "Quantities are multiples of 100.");
  await enter(mia, "buy", "2.10", "500");
  await mia.sees("#lot section[aria-label=Ladder]", "Nothing crosses: best buy 2.10 for 500, no sell.");
  await enter(tom, "sell", "2.05", "300");
  await mia.sees("#lot section[aria-label=Ladder]", "300 shares would trade, 200 more wanted");
  await mia.sees("#lot .figures .price", "2.10");
  await mia.shot("call-orders");
  await mia.page.emulateMedia({ colorScheme: "dark" });
  await mia.page.setViewportSize({ width: 390, height: 844 });
  await mia.shot("call-orders-narrow-dark");
  assert.deepEqual(await inaccessible(mia.page, "a call, narrow and dark"), []);
  await mia.page.$eval("#lot section[aria-label=Ladder]", (ladder) => ladder.scrollIntoView());
  await mia.shot("call-ladder-narrow-dark");
  await mia.page.emulateMedia({ colorScheme: "light" });
  await mia.page.setViewportSize({ width: 1440, height: 900 });
  // A price far below the reference is asked about, and who sells on credit is told that nothing is checked.
  await tom.page.check("[name=side][value=sell]");
  await tom.page.fill("[name=limit]", "0.01");
  await tom.page.fill("[name=quantity]", "1000000");
  await tom.sees(".bidding .hint", "This market runs on credit: it does not check that you own the shares.");
  await tom.page.press("[name=quantity]", "Enter");
  await tom.sees(".bidding .outcome", /0\.01 is 99% below the (base|reference) price, \d+\.\d+\. Press Enter again to confirm/);
  await tom.page.keyboard.press("Escape");
  await tom.page.check("[name=side][value=buy]");
  await tom.page.waitForFunction(() => !document.querySelector(".bidding .hint").textContent.includes("credit"));
  // What breaks the rules is refused with what would be right.
  await mia.page.fill("[name=limit]", "2.105");
  await mia.page.fill("[name=quantity]", "100");
  await mia.page.press("[name=quantity]", "Enter");
  await mia.sees(".bidding .outcome", "Refused");
  await mia.page.fill("[name=limit]", "2.10");
  await mia.page.fill("[name=quantity]", "150");
  await mia.page.press("[name=quantity]", "Enter");
  await mia.sees(".bidding .outcome", "Refused");
  // A market order, changed to fewer shares, and another one withdrawn.
  await enter(tom, "sell", null, "400");
  await tom.page.click("[aria-label='Change order 2']");
  await tom.page.fill("[name=quantity]", "200");
  await tom.page.press("[name=quantity]", "Enter");
  await tom.sees(".bidding .outcome", "Changed.");
  await tom.sees(".orders li", "Sell 200 at any price");
  await enter(tom, "sell", "2.50", "100");
  await tom.page.click("[aria-label='Withdraw order 3']");
  await tom.sees(".bidding .outcome", "Withdrawn.");
  await mia.sees("#lot section[aria-label=Ladder]", "500 shares would trade, nothing left over");
  await gavel.lot(2);
  await gavel.page.click("#lot button:text-is('Close now')");
  await gavel.page.click("#lot button:text-is('Close now: sure?')");
  await mia.sees(".closed-to", /Crossed at 2\.\d+: 500 shares among 2 traders/);
  await mia.sees(".orders li", /Buy 500 at 2\.10: 500 filled/);
  await mia.sees(".banner", "Filled.");
  await mia.sees("#lot .figures", "Traded2 traders");
  await mia.page.waitForFunction(() => document.querySelector("#lot section[aria-label=Ladder]").textContent === "");
  await mia.shot("call-closed");
  await tom.go("#/results");
  await tom.sees("#results td", "Crossed");
  await mia.page.waitForFunction(() => document.getElementById("link").title.startsWith("The fold of the feed here equals"));
}, ["--heartbeat=1s"]);
