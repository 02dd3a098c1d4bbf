// What the page shows of a market that runs on funds, as the protocol's messages tell it: one's balance, and paying in and out.

import { assert, inaccessible, story } from "./house.mjs";
import { lot, madeUp, stock } from "./made-up.mjs";

const users = [{ user: 1, name: "mia", role: "trader" }, { user: 2, name: "gavel", role: "auctioneer" }];
const market = { accounts: "funds", users, stocks: [{ ...stock("AAPL"), last_uncross: null }], lots: [lot(1, "AAPL")] };

/** A person who is logged in as one of the users. */
async function as(house, browsers, { user, name, role }, answers) {
  const person = await browsers.person(house, { reducedMotion: "reduce" });
  const session = { session: "7", token: "ab".repeat(32), user, name, role, last_request: "0", expires_at: "1895438800000000" };
  const sessions = { sessions: [{ session: "7", opened_at: "1795352400000000", expires_at: "1895438800000000", current: true }] };
  const all = { login: ["logged_in", session], list_sessions: ["sessions", sessions], ...answers };
  await person.page.addInitScript(madeUp, { market, answers: all });
  await person.page.reload();
  return person.logIn(name);
}

await story("symbol,format\nS1,english\n", async (house, browsers) => {
  const balance = { user: 1, cash: "1000.00", reserved: "140.0001", holdings: [{ symbol: "AAPL", shares: "500", reserved: "120" }], follows: "nothing" };
  const mia = await as(house, browsers, users[0], { get_balance: ["balance", balance] });
  await mia.go("#/account");
  await mia.sees("#account .card", "Cash 1,000.00, of which bids and orders can take 140.0001.");
  await mia.sees("#account tr", "AAPL500120");
  assert.deepEqual(await inaccessible(mia.page, "funds"), []);

  const done = { feed_sequence: "10", done: "now", reply: "done" };
  const gavel = await as(house, browsers, users[1], { deposit: ["accepted", done], withdraw: ["accepted", done] });
  await gavel.go("#/operate");
  const pay = async (amount, symbol, button) => {
    await gavel.page.fill("[name=name]", "mia");
    await gavel.page.fill("[name=amount]", amount);
    await gavel.page.fill("[name=stock]", symbol);
    await gavel.page.click(`button:text-is('${button}')`);
  };
  await pay("100", "", "Pay in");
  await gavel.sees("#operate .outcome", "Paid in 100: mia.");
  await pay("5", "aapl", "Pay out");
  await gavel.sees("#operate .outcome", "Paid out 5 shares of AAPL: mia.");
  const asked = await gavel.page.evaluate(() => window.asked.filter(({ kind }) => kind === "deposit" || kind === "withdraw"));
  assert.deepEqual(asked, [
    { kind: "deposit", body: { user: 1, asset: { cash: "100" } } },
    { kind: "withdraw", body: { user: 1, asset: { shares: { symbol: "AAPL", quantity: "5" } } } },
  ]);
  assert.deepEqual(await inaccessible(gavel.page, "paying"), []);
});
