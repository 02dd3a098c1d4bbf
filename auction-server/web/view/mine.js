// The user's own lots: what they bid, what came of it, and what it costs.

import { averageWords } from "../market/daywords.js";
import { standingWords } from "../market/own.js";
import { grouped, shown, total, units } from "../market/money.js";
import { formatOf, plural } from "../market/words.js";
import { app } from "./app.js";
import { el, say, table } from "./dom.js";
import { soon } from "./frame.js";

/** How many lots are listed; the sums count all. */
const LISTED_MAX = 500;

export const LOADING = "Loading your bids and orders…";
const UNKNOWABLE = "This server does not tell what you did before this page was opened: what is listed may not be all.";

/** What can be said of the user's lots while not all of them are known; nothing when they are. */
export function unknownWords() {
  if (app.own.isKnown || !app.session.isTrader) return null;
  return app.own.isUnknowable ? UNKNOWABLE : LOADING;
}

/** Draws the section that is shown. */
let redraw = null;
const redrawing = () => redraw();

function listen() {
  for (const what of ["own", "snapshot", "session"]) app.on(what, redrawing);
  app.on("lot", (lot) => app.own.isIn(lot.id) && soon(redrawing));
}

/** A section that keeps itself up to date while it is in the document; one at a time. */
export function mineSection() {
  const words = el("p", { class: "mine-words", role: "status" });
  const sums = el("p", { class: "mine-sums" });
  const list = el("div", { class: "wide-table", tabIndex: 0, role: "region", "aria-label": "Table of your lots" });
  const node = el("section", { class: "card mine" }, el("h3", {}, "Your lots"), words, sums, list);
  let drawn = null;
  const draw = () => {
    const lots = app.market.lots.filter((lot) => app.own.isIn(lot.id)).reverse();
    const unknown = unknownWords();
    say(words, unknown ?? summary(lots));
    const rows = lots.slice(0, LISTED_MAX).flatMap(rowsOf);
    const key = JSON.stringify([unknown, rows, lots.length]);
    if (key === drawn) return;
    drawn = key;
    say(sums, unknown === LOADING ? "" : spent(lots));
    const heads = ["#Lot", "Symbol", "Format", "Yours", "Result", "#Shares", "#Price", "#Amount"];
    const linked = rows.map(([id, symbol, ...rest]) => [String(id), el("a", { href: `#/lot/${id}` }, symbol), ...rest]);
    const more = lots.length > LISTED_MAX ? [el("p", { class: "hint" }, `The newest ${grouped(LISTED_MAX)} of ${plural(lots.length, "lot")} are listed.`)] : [];
    list.replaceChildren(...(rows.length > 0 ? [table("Your lots", heads, linked), ...more] : []));
  };
  if (redraw === null) listen();
  redraw = () => node.isConnected && draw();
  draw();
  return node;
}

function summary(lots) {
  if (lots.length === 0) return "You have not bid on any lot yet.";
  const standing = (word) => lots.filter((lot) => app.own.standing(lot) === word).length;
  return `You have bid on ${plural(lots.length, "lot")}: ${standing("leading")} led, ${standing("outbid")} outbid, ${standing("in")} with hidden bids, ${standing("won")} won.`;
}

/** What the user owes for what they bought, and is owed for what they sold. */
function spent(lots) {
  const sums = { buy: 0n, sell: 0n };
  for (const lot of lots) for (const [side, shares, price] of app.own.fills(lot)) sums[side] += BigInt(shares) * BigInt(price);
  const parts = [sums.buy > 0n && `you owe ${total(sums.buy, 1)} for what you bought`, sums.sell > 0n && `you are owed ${total(sums.sell, 1)} for what you sold`].filter(Boolean);
  const text = parts.join("; ");
  return text === "" ? "" : `${text[0].toUpperCase()}${text.slice(1)}.`;
}

/** A row for each open order on a trading day, and one for what was traded on each side. */
function dayRows(lot, head) {
  const verb = { buy: "Buy", sell: "Sell" };
  const open = [...app.own.dayOrders(lot.id).values()].map((order) => {
    const limit = order.limit === null ? "at any price" : `at ${shown(units(order.limit))}`;
    return [...head, `${verb[order.side]} ${grouped(order.open)} ${limit}`, order.state === "parked" ? "Parked" : "Open", "–", "–", "–"];
  });
  const traded = ["buy", "sell"].flatMap((side) => {
    const fills = app.own.dayFills(lot.id).filter((fill) => fill.side === side);
    const shares = fills.reduce((sum, fill) => sum + fill.quantity, 0n);
    const value = fills.reduce((sum, fill) => sum + fill.quantity * BigInt(fill.price), 0n);
    return shares === 0n ? [] : [[...head, `${verb[side]}, ${plural(fills.length, "fill")}`, "Filled", grouped(shares), averageWords(value, shares), total(value, 1)]];
  });
  const all = [...open, ...traded];
  return all.length > 0 ? all : [[...head, "–", "No open order", "–", "–", "–"]];
}

/** A row for each order, or one for the bid. */
function rowsOf(lot) {
  const head = [lot.id, lot.symbol, formatOf(lot)];
  const fill = ([, shares, price]) => [grouped(shares), shown(price), total(price, shares)];
  if (lot.day) return dayRows(lot, head);
  const orders = app.own.orders(lot.id);
  if (orders.length === 0) {
    const bid = app.own.bid(lot.id);
    const yours = bid === null ? "–" : `${bid.isHidden ? "Maximum" : "Bid"} ${shown(bid.price)}`;
    const [filled] = app.own.fills(lot);
    return [[...head, yours, resultWords(lot), ...(filled ? fill(filled) : ["–", "–", "–"])]];
  }
  return orders.map((order) => {
    const limit = order.limit === null ? "at any price" : `at ${shown(units(order.limit))}`;
    const verb = lot.format === "call" ? (order.side === "sell" ? "Sell " : "Buy ") : "";
    const yours = `${verb}${grouped(order.quantity)} ${limit}`;
    // The account may tell of a close before the feed does.
    if (order.filled === undefined || lot.phase !== "closed") return [...head, yours, resultWords(lot), "–", "–", "–"];
    if (Number(order.filled) === 0) return [...head, yours, "Not filled", "–", "–", "–"];
    const price = order.pays ?? lot.outcome?.crossed?.price ?? lot.outcome?.sold?.price;
    const words = BigInt(order.filled) < BigInt(order.quantity) ? "Filled in part" : "Filled";
    return [...head, yours, words, ...fill([null, order.filled, units(price)])];
  });
}

function resultWords(lot) {
  const standing = app.own.standing(lot);
  if (standing === null) return unknownWords() === null ? "Withdrawn" : "…";
  return standingWords(standing, lot)[1];
}
