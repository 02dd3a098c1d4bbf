// The server is killed and started anew: the page says so, comes back by itself, and has missed and doubled nothing.

import { assert, story } from "./house.mjs";

const LOTS = `symbol,format
AAPL,english
`;

await story(LOTS, async (house, browsers) => {
  // That a connection fails is what is tested here.
  browsers.expected = ["WebSocket connection to"];
  const mia = await (await browsers.person(house)).register("mia");
  const tom = await (await browsers.person(house)).register("tom");
  const bids = async (person, count) => person.sees("#lot section[aria-label=Bids] h3", new RegExp(`^Bids ${count}\\b`));
  await mia.lot(1);
  await tom.lot(1);
  await mia.bid("1.01");
  await mia.sees(".bidding .outcome", "you lead");
  await tom.bid("1.02");
  await tom.sees(".bidding .outcome", "you lead");
  await bids(mia, 2);

  for (let round = 0; round < 2; round += 1) {
    const least = (1.03 + 0.02 * round).toFixed(2);
    await house.kill();
    await mia.sees("#link-words", /Reconnecting in \d+ s|Connecting/);
    await mia.heard(/The connection is lost/);
    // What is given meanwhile is neither lost nor done twice.
    await mia.bid(least);
    await mia.sees(".bidding .outcome", "Sending…");
    await mia.shot(`reconnecting-${round}`);
    await house.start();
    await mia.live();
    await mia.heard(/The connection is back/);
    await mia.sees(".bidding .outcome", `Accepted, you lead at ${least}.`);
    await tom.live();
    await tom.sees(".banner", "Outbid: mia leads");
    const next = (Number(least) + 0.01).toFixed(2);
    await tom.bid(next);
    await tom.sees(".bidding .outcome", `Accepted, you lead at ${next}.`);
    await bids(mia, 4 + 2 * round);
    await bids(tom, 4 + 2 * round);
  }
  const prices = await mia.page.$$eval("#lot section[aria-label=Bids] tbody tr td:last-child", (all) => all.map((cell) => cell.textContent));
  assert.deepEqual(prices, ["1.06", "1.05", "1.04", "1.03", "1.02", "1.01"]);
  for (const person of [mia, tom]) {
    await person.page.waitForFunction(() => document.getElementById("link").title.startsWith("The fold of the feed here equals"));
  }

  // Cut while it writes a bid: told once, done once.
  await mia.page.fill("[name=amount]", "1.50");
  await mia.page.press("[name=amount]", "Enter");
  house.streams.forEach((stream) => stream.destroy());
  await mia.sees(".bidding .outcome", /Accepted, you lead at 1\.50\./);
  await bids(mia, 7);
  await bids(tom, 7);
}, ["--heartbeat=3s"]);
