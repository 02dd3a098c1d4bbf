// A thousand lots that all move fifty times a second. How smooth it is depends on the machine: it is told, not judged.
// What must hold on every machine: all of it is taken, in order, and no more rows are drawn than can be seen.

import { assert, story } from "./house.mjs";
import { lot, madeUp, stock } from "./made-up.mjs";

const LOTS = 1_000;
const SECONDS = 5;

await story("symbol,format\nS1,english\n", async (house, browsers) => {
  const person = await browsers.person(house);
  const { page } = person;
  const symbols = Array.from({ length: LOTS }, (_, index) => `S${index + 1}`);
  const market = {
    users: [1, 2].map((user) => ({ user, name: `trader-${user}`, role: "trader" })),
    stocks: symbols.map((symbol) => stock(symbol)),
    lots: symbols.map((symbol, index) => lot(index + 1, symbol)),
  };
  await page.addInitScript(madeUp, { market, pulse: { every: 20, lots: LOTS } });
  await page.reload();
  await person.sees(".rows .row .price", /\d/);
  await person.lot(1);
  const told = await page.evaluate(async (seconds) => {
    const frames = [];
    const begun = performance.now();
    const sequence = window.feedSequence;
    const batches = socket.step;
    await new Promise((resolve) => {
      const frame = (at) => {
        frames.push(at);
        const isWatched = at - begun > seconds * 1_000 && socket.step - batches > 50;
        if (!isWatched) requestAnimationFrame(frame);
        else resolve();
      };
      requestAnimationFrame(frame);
    });
    const gaps = frames.slice(1).map((at, index) => at - frames[index]).sort((a, b) => a - b);
    const of = (part) => Math.round(gaps[Math.floor((gaps.length - 1) * part)]);
    const took = (performance.now() - begun) / 1_000;
    return { frames: Math.round(gaps.length / took), median: of(0.5), p95: of(0.95), worst: of(1), batches: Math.round((socket.step - batches) / took), events: Math.round((feedSequence - sequence) / took), rows: document.querySelectorAll(".rows .row").length };
  }, SECONDS);
  console.log(`a thousand lots: ${told.batches} batches and ${told.events} events a second came; ${told.frames} frames a second, ${told.median} ms in the median, p95 ${told.p95} ms, worst ${told.worst} ms; ${told.rows} rows drawn`);
  await page.evaluate(() => socket.constructor.prototype.beat = () => {});
  const price = await page.evaluate(() => ((1 + socket.step) / 100 + 1).toFixed(2));
  await person.sees("#lot .figures .price", price);
  assert.ok(told.rows < 60, `${told.rows}`);
});
