// The book of a trading day: ten levels of each side by price, each a button that takes its price to the order entry; and
// the trades as they print.

import { app } from "./app.js";
import { el, mark, say, show, table } from "./dom.js";
import { grouped, shown, units } from "../market/money.js";
import { bareClock, indication, zone } from "../market/words.js";

/** Number of levels of a side that are shown. */
export const LEVELS = 10;
/** Number of trades that are listed. */
const TRADES_SHOWN = 40;

export class Depth {
  /** `take(side, price)` is called with the side that trades against a level, and its price. */
  constructor(lot, take) {
    this.lot = lot;
    this.spread = el("p", { class: "spread" });
    this.words = el("p", { class: "hint" });
    // Sells above buys, the best of each in the middle.
    this.sells = Array.from({ length: LEVELS }, () => new Level("sell", take)).reverse();
    this.buys = Array.from({ length: LEVELS }, () => new Level("buy", take));
    this.ladder = el("div", { class: "ladder", role: "group", "aria-label": "Order book: offers above, bids below. Up and down move, Enter takes a price" },
      el("div", { class: "ladder-head", "aria-hidden": "true" }, el("span", {}, "Price"), el("span", {}, "Shares"), el("span", {}, "Orders")),
      this.sells.map((level) => level.node), this.spread, this.buys.map((level) => level.node));
    this.ladder.addEventListener("keydown", (event) => this.key(event));
    this.node = el("section", { class: "part depth", "aria-label": "Order book" }, el("h3", {}, "Order book"), this.ladder, this.words);
  }

  /** Levels of both sides, best first: price in units, open shares, number of orders or nothing. */
  levels() {
    const { day, indicative } = this.lot;
    if (!day.isCall) return [day.levels("sell", LEVELS), day.levels("buy", LEVELS)];
    const of = (side) => (indicative?.depth?.[side] ?? []).map(({ price, quantity }) => ({ price: units(price), open: BigInt(quantity), orders: null }));
    return [of("sells").sort((a, b) => a.price - b.price).slice(0, LEVELS), of("buys").sort((a, b) => b.price - a.price).slice(0, LEVELS)];
  }

  draw() {
    const { lot } = this;
    const [sells, buys] = this.levels();
    const most = [...sells, ...buys].reduce((all, level) => (level.open > all ? level.open : all), 1n);
    const own = new Map();
    for (const order of app.own.dayOrders(lot.id).values()) {
      if (order.state !== "parked" && order.limit !== null) own.set(`${order.side} ${units(order.limit)}`, (own.get(`${order.side} ${units(order.limit)}`) ?? 0n) + order.open);
    }
    const put = (nodes, levels) => nodes.forEach((node, index) => node.draw(levels[index], most, own));
    put([...this.sells].reverse(), sells);
    put(this.buys, buys);
    this.keepReach();
    this.drawSpread(sells[0], buys[0]);
    const isEmpty = sells.length + buys.length === 0;
    show(this.ladder, lot.phase !== "closed");
    const text = lot.phase === "closed" ? "The day is over: the book is empty." : !lot.day.isCall ? (isEmpty ? (lot.day.showsOrders ? "No order rests. The first one sets a level." : "Orders are parked, and nothing is shown before the opening call.") : "") : indication(lot);
    say(this.words, text);
    show(this.words, text !== "");
  }

  drawSpread(sell, buy) {
    const { lot } = this;
    const cross = lot.day.isCall ? lot.indicative?.cross : null;
    if (cross) return say(this.spread, `Indicative ${shown(units(cross.price))} × ${grouped(cross.volume)}`);
    if (lot.day.isCall) return say(this.spread, "No indicative price");
    say(this.spread, sell && buy ? `Spread ${shown(sell.price - buy.price)}` : "–");
  }

  get reachable() {
    return [...this.sells, ...this.buys].filter((level) => level.at !== null).map((level) => level.node);
  }

  /** Keeps one level in the order of the Tab key: the one last used, or the best offer. */
  keepReach() {
    const all = this.reachable;
    const held = all.find((node) => node.tabIndex === 0) ?? this.sells.findLast((level) => level.at !== null)?.node ?? all[0];
    for (const { node } of [...this.sells, ...this.buys]) node.tabIndex = node === held ? 0 : -1;
  }

  key(event) {
    const all = this.reachable;
    const at = all.indexOf(document.activeElement);
    const to = { ArrowUp: at - 1, ArrowDown: at + 1, Home: 0, End: all.length - 1 }[event.key];
    if (to === undefined || at < 0) return;
    event.preventDefault();
    event.stopPropagation();
    const next = all[Math.max(0, Math.min(all.length - 1, to))];
    all.forEach((node) => (node.tabIndex = node === next ? 0 : -1));
    next.focus();
  }

  focus() {
    this.reachable.find((node) => node.tabIndex === 0)?.focus();
  }
}

class Level {
  constructor(side, take) {
    Object.assign(this, { side, at: null });
    this.price = el("span", { class: "price" });
    this.open = el("span", { class: "number" });
    this.orders = el("span", { class: "count" });
    this.bar = el("span", { class: "level-bar", "aria-hidden": "true" });
    // Between the numbers, for who hears them.
    this.heard = Array.from({ length: 3 }, () => el("span", { class: "only-heard" }));
    this.node = el("button", { type: "button", class: `level ${side}`, tabIndex: -1, onclick: () => this.at !== null && take(side === "sell" ? "buy" : "sell", this.at) }, this.bar, this.price, this.heard[0], this.open, this.heard[1], this.orders, this.heard[2]);
  }

  draw(level, most, own) {
    this.at = level?.price ?? null;
    mark(this.node, "data-empty", !level);
    mark(this.node, "aria-hidden", level ? null : "true");
    this.node.disabled = !level;
    if (!level) {
      for (const part of [this.price, this.open, this.orders, ...this.heard]) say(part, "");
      this.bar.style.inlineSize = "0";
      return mark(this.node, "data-own", null);
    }
    const mine = own.get(`${this.side} ${level.price}`) ?? 0n;
    say(this.price, shown(level.price));
    say(this.open, grouped(level.open));
    this.bar.style.inlineSize = `${Number((level.open * 1_000n) / most) / 10}%`;
    mark(this.node, "data-own", mine > 0n);
    say(this.heard[0], this.side === "sell" ? ": offered " : ": wanted ");
    say(this.heard[1], level.orders === null ? "" : " in ");
    say(this.heard[2], `${level.orders === null ? "" : level.orders === 1 ? " order" : " orders"}${mine > 0n ? `, ${grouped(mine)} yours` : ""}. ${this.side === "sell" ? "Buy" : "Sell"} at it`);
    say(this.orders, level.orders === null ? "" : grouped(level.orders));
  }
}

/** The newest trades, which a screen reader finds as a table. */
export class Prints {
  constructor(lot) {
    this.lot = lot;
    this.list = el("div", { class: "prints", tabIndex: 0, role: "region", "aria-label": "Trades" });
    this.node = el("section", { class: "part trades" }, el("h3", {}, "Trades"), this.list);
  }

  draw() {
    const { trades, statistics } = this.lot.day;
    const key = `${statistics.trades} ${trades.length}`;
    if (key === this.drawn) return;
    this.drawn = key;
    if (trades.length === 0) {
      return this.list.replaceChildren(el("p", { class: "hint" }, statistics.trades > 0n ? "Fetching the trades…" : "No trade yet."));
    }
    const sign = { buy: "▲", sell: "▼" };
    const heard = { buy: "a buyer came", sell: "a seller came" };
    const cell = ({ price, aggressor }) => el("span", { data: { moves: aggressor === "buy" ? "up" : aggressor === "sell" ? "down" : "" } }, shown(price), " ", el("span", { "aria-hidden": "true" }, sign[aggressor] ?? "="), el("span", { class: "only-heard" }, ` ${heard[aggressor] ?? "in a call"}`));
    const rows = trades.slice(-TRADES_SHOWN).reverse().map((trade) => [bareClock(trade.ms), cell(trade), grouped(trade.quantity)]);
    this.list.replaceChildren(table("Trades, the newest first", [`Time, ${zone(app.now())}`, "#Price", "#Shares"], rows));
  }
}
