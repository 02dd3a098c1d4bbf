// From a telephone to a desk: nothing that a bidder needs is cut off, moved about, unlabelled, or without its time zone.

import { assert, story } from "./house.mjs";

const LOTS = `symbol,format,quantity,reserve,start,step,interval,floor,opens_in
AAPL,english,1,20,,,,,
BRK.B,english,100,,,,,,
TSLA,dutch,10,,100,1,1s,50,
SEAL,sealed-first,1,,,,,,
NVDA,uniform,1000,,,,,,
HALT,english,1,,,,,,
LATER,english,1,,,,,,30m
ONE,uniform,10,,,,,,
`;
const [AAPL, BRK, TSLA, SEAL, NVDA, HALT, LATER, ONE] = [1, 2, 3, 4, 5, 6, 7, 8];
const WIDTHS = [375, 640, 900, 1024, 1280];
/** A place whose time is not UTC, as most are. */
const INDIA = { timezoneId: "Asia/Kolkata", locale: "en-GB", reducedMotion: "reduce" };
const ZONE = "GMT+5:30";

const frames = (page) => page.evaluate(() => new Promise((resolve) => requestAnimationFrame(() => requestAnimationFrame(resolve))));

/** What of these nodes lies outside of what can be seen without scrolling sideways, or is cut by an ellipsis. */
const cut = (page, selector) =>
  page.$$eval(selector, (all) =>
    all
      .filter((node) => node.checkVisibility() && node.textContent !== "")
      .filter((node) => {
        const { left, right } = node.getBoundingClientRect();
        const edge = document.querySelector("#lot:not([hidden])") && node.closest("#list") ? document.querySelector("#lot").getBoundingClientRect().left : innerWidth;
        // On a narrow window the opened lot takes the list's place.
        return left < 0 || right > (edge > 0 ? edge : innerWidth) || node.scrollWidth > node.clientWidth + 1;
      })
      .map((node) => `${node.className}: ${node.textContent}`),
  );

async function order(person, lot, price, quantity) {
  await person.lot(lot);
  if (quantity) await person.page.fill("[name=quantity]", quantity);
  await person.page.fill("[name=limit]", price);
  await person.page.press("[name=limit]", "Enter");
  await person.sees(".bidding .outcome", "Accepted: your bid");
}

async function close(gavel, lot) {
  await gavel.lot(lot);
  await gavel.page.click("#lot button:text-is('Close now')");
  await gavel.page.click("#lot button:text-is('Close now: sure?')");
  await gavel.sees("#lot dt", "Closed");
}

await story(LOTS, async (house, browsers) => {
  const mia = await (await browsers.person(house, INDIA)).register("mia-with-a-rather-long-name.2026");
  const tom = await (await browsers.person(house)).register("tom");
  const gavel = await (await browsers.person(house)).logIn("gavel");
  for (const [person, lot, amount] of [[mia, AAPL, "1.01"], [tom, AAPL, "1.20"], [mia, BRK, "1.45"], [tom, HALT, "1.20"]]) {
    await person.lot(lot);
    await person.bid(amount);
    await person.sees(".bidding .outcome", "Accepted");
  }
  await order(mia, SEAL, "1.50");
  await order(tom, SEAL, "1.40");
  await order(tom, ONE, "1.10", "10");
  for (const lot of [SEAL, ONE, BRK]) await close(gavel, lot);
  await gavel.lot(HALT);
  await gavel.page.click("#lot button:text-is('Halt')");
  await mia.sees(".rows .row[data-lot='6'] .closes", "halted");

  for (const width of WIDTHS) {
    await mia.page.setViewportSize({ width, height: 800 });
    // The list: each row says its format, and when it closes; also beside an opened lot.
    for (const hash of ["#/", `#/lot/${AAPL}`]) {
      await mia.go(hash);
      await mia.page.evaluate(() => document.querySelector("[data-state=all]").click());
      await frames(mia.page);
      if (!(await mia.page.isVisible("#list"))) continue;
      await mia.page.waitForFunction(() => document.querySelectorAll(".rows .row").length === 8);
      assert.deepEqual(await cut(mia.page, ".rows .cell:is(.price, .change, .closes, .format), .format-word, .rows .name"), [], `the list at ${width}, ${hash}`);
      const words = await mia.page.$$eval(".rows .row", (rows) => rows.map((row) => [...row.querySelectorAll(".cell.format, .format-word")].filter((node) => node.checkVisibility()).map((node) => node.textContent.replace(" · ", "")).join()));
      assert.deepEqual(words.toSorted(), ["Dutch", "English", "English", "English", "English", "Sealed", "Uniform", "Uniform"], `formats at ${width}, ${hash}`);
    }
    // Results: what was paid and by whom is there at once.
    await mia.go("#/results");
    await mia.sees("#results tbody tr", "BRK.B");
    assert.deepEqual(await cut(mia.page, "#results tbody td"), [], `results at ${width}`);
    // What is wrong with one field moves no other.
    await mia.lot(NVDA);
    const tops = () => mia.page.$$eval(".bidding :is([name=limit], [name=quantity])", (all) => all.map((node) => Math.round(node.getBoundingClientRect().top)));
    await mia.page.fill("[name=quantity]", "10");
    const before = await tops();
    for (const wrong of ["1,5", "12,50"]) {
      await mia.page.fill("[name=quantity]", wrong);
      await mia.page.press("[name=quantity]", "Enter");
      await mia.sees(".bidding .fault", "Write a whole number without a comma, such as 1250.");
    }
    assert.equal(before[0], before[1], `fields at ${width}`);
    assert.deepEqual(await tops(), before, `fields at ${width}, one of them wrong`);
  }
  await tom.lot(NVDA);
  await tom.sees("#lot .figures", "Bidders0");

  // A Dutch lot falls: the line and the change beside it say the same.
  await mia.go("#/");
  await mia.page.waitForFunction(() => document.querySelector(".rows .row[data-lot='3'] .change").dataset.moves);
  const moves = await mia.page.$eval(".rows .row[data-lot='3']", (row) => [row.querySelector(".change").dataset.moves, row.querySelector(".spark").dataset.moves]);
  assert.deepEqual(moves, ["down", "down"]);

  // Behind the close who has won has a label, also where bids were hidden.
  await mia.lot(SEAL);
  await mia.sees("#lot .figures", /Final price1\.50.*Winneryou2 bidders/);
  await tom.lot(SEAL);
  await tom.sees("#lot .figures", /Winnermia-with-a-rather-long-name\.20262 bidders/);
  await tom.lot(ONE);
  await tom.sees("#lot .figures", /Buyers1of 1 bidder/);

  // A halted lot names no close: it moves by the length of the halt.
  await mia.lot(HALT);
  await mia.sees("#lot .figures", /Closehalted\d+:\d\d left when it goes on/);
  await mia.sees("#lot .facts", /Closeshalted, \d+:\d\d left when it goes on/);
  const halted = await mia.text("#lot .figures");
  assert.doesNotMatch(halted, /\d\d:\d\d:\d\d/);

  // An address of no lot says so, until there is one.
  await mia.go("#/lot/9");
  await mia.sees(".missed", "There is no lot 9 in this market.");
  await gavel.go("#/operate");
  await gavel.page.fill("#operate [name=symbol]", "SPARE");
  await gavel.page.click("#operate button:text-is('Open the lot')");
  await mia.sees("#lot-title", "SPARE");
  assert.equal(await mia.page.isVisible(".missed"), false);

  // Every time of the day names its zone, or stands below a head or beside a date that does.
  for (const hash of [`#/lot/${AAPL}`, `#/lot/${BRK}`, `#/lot/${LATER}`, `#/lot/${HALT}`, "#/results", "#/account"]) {
    await mia.go(hash);
    await frames(mia.page);
    const bare = await mia.page.evaluate((zone) => {
      const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
      const found = [];
      while (walker.nextNode()) {
        const { data, parentElement } = walker.currentNode;
        if (!/\d\d:\d\d:\d\d/.test(data) || data.includes(zone) || !parentElement.checkVisibility()) continue;
        const beside = parentElement.closest("table, .figure, .lines")?.textContent ?? "";
        if (!beside.includes(zone)) found.push(data);
      }
      return found;
    }, ZONE);
    assert.deepEqual(bare, [], hash);
  }
  await mia.sees("#time", ZONE);
});
