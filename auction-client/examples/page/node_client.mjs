// The same in Node: node --experimental-websocket node_client.mjs ws://localhost:2022/ws mia AAPL 9000
// (Node 22 and newer needs no flag.) The password comes from AUCTION_PASSWORD.
import { Market } from "./market.mjs";

const [url, name, symbol, price] = process.argv.slice(2);
let begun = false;
const market = new Market(url, () => begun || begin().catch(fail), console.log);

async function begin() {
  begun = true;
  await market.logIn(name, process.env.AUCTION_PASSWORD);
  const lot = [...market.lots.values()].find((lot) => lot.symbol === symbol && lot.phase === "open");
  if (!lot) throw new Error(`no lot of ${symbol} is open`);
  const accepted = await market.bid(lot.id, price);
  // From this place of the feed on, everyone sees it.
  while (BigInt(market.place) < BigInt(accepted.feed_sequence)) await new Promise((done) => setTimeout(done, 10));
  const { leader, price: now } = market.lots.get(lot.id);
  console.log(`${market.names.get(leader)} leads at ${now}`);
  market.close();
}

function fail(error) {
  console.error(error.price ? `${error.message}; ${error.price} would do` : error.message);
  process.exitCode = 1;
  market.close();
}
