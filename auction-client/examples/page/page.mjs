// The page: what market.mjs knows, as a table. Where the market is comes from ?server=HOST:PORT, else from where the
// page came from.
import { Market } from "./market.mjs";

const server = new URLSearchParams(location.search).get("server") ?? location.host;
const scheme = location.protocol === "https:" ? "wss" : "ws";
const part = (id) => document.getElementById(id);
const say = (text) => (part("said").textContent = text);
const market = new Market(`${scheme}://${server}/ws`, show, say);

function show() {
  const now = Date.now() + market.clockOffset;
  const rows = [...market.lots.values()].map((lot) => {
    const left = Math.max(0, Math.round((Number(lot.closes_at) / 1000 - now) / 1000));
    const closes = lot.phase === "open" ? `in ${left} s` : lot.phase === "scheduled" ? "not open yet" : "closed";
    const leader = market.names.get(lot.leader) ?? "";
    return [lot.id, lot.symbol, lot.price ?? "", leader, lot.least ?? "", closes];
  });
  part("lots").replaceChildren(...rows.map((cells) => {
    const row = document.createElement("tr");
    // As text, never as HTML: names are chosen by strangers.
    for (const cell of cells) row.insertCell().textContent = cell;
    return row;
  }));
}

function onSubmit(form, act) {
  part(form).onsubmit = async (event) => {
    event.preventDefault();
    try {
      say(await act(Object.fromEntries(new FormData(event.target))));
    } catch (error) {
      say(error.price ? `${error.message} (${error.price} would do)` : error.message);
    }
  };
}

onSubmit("login", async ({ name, password }) => {
  await market.logIn(name, password);
  return `logged in as ${name}`;
});

onSubmit("bid", async ({ lot, price }) => {
  const { reply } = await market.bid(Number(lot), price);
  return reply.bid.leads ? "you lead" : "accepted, and someone's hidden maximum is higher";
});

setInterval(show, 1000);
