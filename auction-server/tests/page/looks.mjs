// Every view, narrow and wide, light and dark: nothing overflows, axe finds nothing, no error, nothing from elsewhere.

import { assert, inaccessible, story } from "./house.mjs";

const LOTS = `symbol,format,quantity,reserve,start,step,interval,floor
AAPL,english,1,20,,,,
BRK.B,english,100,,,,,
NOW,english,1,,,,,
TSLA,dutch,10,,100,1,2s,50
VIC,vickrey,1,,,,,
NVDA,uniform,1000,10,,,,
`;
// No colour is read in the middle of a flash.
const CALM = { reducedMotion: "reduce" };
const SIZES = { wide: { width: 1440, height: 900 }, narrow: { width: 320, height: 640 } };
const VIEWS = { lots: "#/", english: "#/lot/1", dutch: "#/lot/4", sealed: "#/lot/5", uniform: "#/lot/6", closed: "#/lot/3", results: "#/results", account: "#/account", operate: "#/operate" };

await story(LOTS, async (house, browsers) => {
  const found = [];
  const mia = await (await browsers.person(house, CALM)).register("mia-with-a-rather-long-name.2026");
  const tom = await (await browsers.person(house, CALM)).register("tom");
  const nobody = await browsers.person(house, CALM);
  const gavel = await (await browsers.person(house, CALM)).logIn("gavel");
  for (const [person, lot, amount] of [[mia, 1, "1.01"], [tom, 1, "1.20"], [mia, 1, "1.35"], [tom, 2, "1.05"], [mia, 2, "1.45"], [tom, 2, "1.51"], [mia, 3, "1.10"]]) {
    await person.lot(lot);
    await person.bid(amount);
    await person.sees(".bidding .outcome", "Accepted");
  }
  await mia.lot(6);
  await mia.page.fill("[name=limit]", "12.5");
  await mia.page.fill("[name=quantity]", "250");
  await mia.page.press("[name=limit]", "Enter");
  await mia.page.press("[name=limit]", "Enter");
  await mia.sees(".orders li", "250 at 12.50");
  await gavel.lot(3);
  await gavel.page.click("#lot button:text-is('Close now')");
  await gavel.page.click("#lot button:text-is('Close now: sure?')");
  await mia.sees(".rows .row[data-lot='2']", "Outbid");

  for (const [person, who, views] of [[nobody, "nobody", ["lots", "english", "account"]], [mia, "mia", Object.keys(VIEWS).filter((view) => view !== "operate")], [gavel, "gavel", ["operate", "english"]]]) {
    for (const [size, viewport] of Object.entries(SIZES)) {
      await person.page.setViewportSize(viewport);
      for (const view of views) {
        await person.go(VIEWS[view]);
        await person.page.evaluate(() => new Promise((resolve) => requestAnimationFrame(() => requestAnimationFrame(resolve))));
        for (const colorScheme of ["light", "dark"]) {
          await person.page.emulateMedia({ colorScheme });
          const where = `${who}-${view}-${size}-${colorScheme}`;
          await person.shot(where);
          found.push(...(await inaccessible(person.page, where)));
        }
        const width = await person.page.evaluate(() => document.documentElement.scrollWidth);
        assert.ok(width <= viewport.width, `${who} ${view}: ${width} wide`);
      }
    }
  }

  // The theme can be chosen, and stays; motion is left out for those who ask.
  await mia.page.setViewportSize(SIZES.wide);
  await mia.page.emulateMedia({ colorScheme: "light", reducedMotion: "reduce" });
  await mia.page.click("#theme");
  await mia.page.click("#theme");
  await mia.page.reload();
  assert.equal(await mia.page.getAttribute("html", "data-theme"), "dark");
  const paper = await mia.page.evaluate(() => getComputedStyle(document.body).backgroundColor);
  assert.equal(paper, "rgb(13, 16, 21)");

  // Printed, the results are alone on the paper.
  await mia.live();
  await mia.go("#/results");
  await mia.page.emulateMedia({ media: "print" });
  assert.equal(await mia.page.isVisible(".bar"), false);
  assert.equal(await mia.page.isVisible("#results table"), true);
  await mia.shot("print");
  await mia.page.emulateMedia({ media: "screen" });

  // Help, by its key, and back.
  await mia.page.keyboard.press("?");
  await mia.page.waitForSelector("#help[open]");
  await mia.shot("help");
  found.push(...(await inaccessible(mia.page, "help")));
  assert.deepEqual(found, []);
  await mia.page.keyboard.press("Escape");
  await mia.page.waitForSelector("#help:not([open])", { state: "attached" });
});
