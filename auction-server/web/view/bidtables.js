// Who bid what on a lot: its bids and the ladder of them, sealed bids as they were opened, or what a call would give.

import { MANY } from "../market/bids.js";
import { grouped, shown, units } from "../market/money.js";
import { bareClock, indication, zone } from "../market/words.js";
import { app } from "./app.js";
import { el, show, table } from "./dom.js";

/** How many bids are listed until more are asked for. */
const LISTED_FEW = 12;
/** How many levels of the ladder are shown. */
const LEVELS = 8;

/** `history` and `ladder` are its nodes; `changed` asks for it to be drawn again. */
export class BidTables {
  constructor(lot, changed) {
    this.lot = lot;
    this.changed = changed;
    this.isLong = false;
    this.history = el("section", { class: "part", "aria-label": "Bids" });
    this.ladder = el("section", { class: "part", "aria-label": "Ladder" });
  }

  draw() {
    const { lot } = this;
    if (lot.format === "english") this.drawEnglish();
    else if (lot.format === "call") this.drawLevels();
    else if (lot.opened?.length) this.drawOpened();
    else if (lot.phase === "closed" && lot.format !== "dutch") app.bids.of(lot.id, MANY);
    show(this.history, this.history.childElementCount > 0);
    show(this.ladder, this.ladder.childElementCount > 0);
  }

  drawEnglish() {
    const { lot } = this;
    const known = app.bids.of(lot.id, MANY);
    const key = `${known?.bids.length} ${known?.total} ${this.isLong} ${app.me} ${lot.phase}`;
    if (key === this.drawnBids || !known) return;
    this.drawnBids = key;
    const name = (user) => (user === app.me ? "you" : app.market.nameOf(user));
    const newest = known.bids.slice(this.isLong ? 0 : -LISTED_FEW).reverse();
    const row = (bid) => Object.assign([bareClock(bid.ms), name(bid.bidder), bid.amount === null ? "maximum" : shown(bid.amount), shown(bid.price)], { class: bid.bidder === app.me ? "own" : undefined });
    const rest = known.bids.length - newest.length;
    const older = known.total - known.bids.length;
    const more = rest > 0 ? el("button", { type: "button", class: "quiet", onclick: () => ((this.isLong = true), this.changed()) }, `Show ${grouped(rest)} more`) : null;
    const note = this.isLong && older > 0 ? el("p", { class: "hint" }, `${grouped(older)} older bids are not shown.`) : null;
    const own = known.bids.filter((bid) => bid.bidder === app.me).length;
    const head = el("h3", {}, "Bids ", el("span", { class: "hint" }, `${grouped(known.total)}${own > 0 ? `, ${grouped(own)} ${older > 0 ? `of the newest ${grouped(known.bids.length)} ` : ""}yours` : ""}`));
    const list = newest.length > 0 ? table("Bids, the newest first", [`Time, ${zone(app.now())}`, "Bidder", "#Bid", "#Price after"], newest.map(row)) : el("p", { class: "hint" }, "No bid yet. The first sets the price.");
    this.history.replaceChildren(head, list, ...[more, note].filter(Boolean));
    this.drawLadder(known.bids, name);
  }

  /** The best each trader has shown, from the top. */
  drawLadder(bids, name) {
    const best = new Map();
    for (const { bidder, amount, leader, price } of bids) {
      if (amount !== null) best.set(bidder, Math.max(amount, best.get(bidder) ?? 0));
      best.set(leader, Math.max(price, best.get(leader) ?? 0));
    }
    if (best.size < 2) return this.ladder.replaceChildren();
    const levels = [...best].sort(([a, x], [b, y]) => y - x || (a === this.lot.leader ? -1 : b === this.lot.leader ? 1 : a - b)).slice(0, LEVELS);
    const [top, floor] = [levels[0][1], Math.min(this.lot.base, levels.at(-1)[1])];
    const bar = (amount) => {
      const node = el("span", { class: "bar" });
      node.style.inlineSize = `${Math.max(3, ((amount - floor) / (top - floor || 1)) * 100)}%`;
      return node;
    };
    const row = ([user, amount]) => Object.assign([name(user), el("span", { class: "bars" }, bar(amount)), shown(amount)], { class: user === app.me ? "own" : undefined });
    const head = el("h3", {}, "Ladder ", el("span", { class: "hint" }, "the best each has shown"));
    this.ladder.replaceChildren(head, table("The best that each trader has shown", ["Bidder", "~As a bar", "#Best"], levels.map(row)));
  }

  /** Sealed bids as they were opened at the close. */
  drawOpened() {
    const { lot } = this;
    if (this.drawnBids === lot.opened.length) return;
    this.drawnBids = lot.opened.length;
    const sorted = [...lot.opened].sort((a, b) => units(b.price ?? b.limit ?? "0") - units(a.price ?? a.limit ?? "0"));
    const row = (bid) => {
      const who = bid.bidder ?? bid.trader;
      const price = bid.price ?? bid.limit;
      const pays = bid.pays === null || bid.pays === undefined ? "–" : shown(units(bid.pays));
      return Object.assign([who === app.me ? "you" : app.market.nameOf(who), price ? shown(units(price)) : "any", grouped(bid.quantity), grouped(bid.filled), pays], { class: who === app.me ? "own" : undefined });
    };
    const head = el("h3", {}, "Bids, opened ", el("span", { class: "hint" }, grouped(sorted.length)));
    this.history.replaceChildren(head, table("Bids as they were opened", ["Bidder", "#Price", "#Shares", "#Filled", "#Pays"], sorted.map(row)));
  }

  /** A call's indicative price and imbalance in words, and the levels of an open book. */
  drawLevels() {
    const { lot } = this;
    // Behind the close it means nothing any more: the outcome tells.
    if (lot.phase === "closed") return this.ladder.replaceChildren();
    if (lot.indicative === this.drawnLevels) return;
    this.drawnLevels = lot.indicative;
    const words = el("p", {}, indication(lot));
    const depth = lot.indicative?.depth;
    if (!depth) return this.ladder.replaceChildren(el("h3", {}, "Indicative"), words);
    const prices = [...new Set([...depth.sells, ...depth.buys].map(({ price }) => units(price)))].sort((a, b) => b - a);
    const at = (side, price) => side.find((level) => units(level.price) === price)?.quantity;
    const row = (price) => [at(depth.buys, price), shown(price), at(depth.sells, price)].map((cell, index) => (index === 1 ? cell : cell ? grouped(cell) : ""));
    const rows = [[grouped(depth.market_buy), "any price", grouped(depth.market_sell)], ...prices.map(row)];
    this.ladder.classList.add("levels");
    this.ladder.replaceChildren(el("h3", {}, "Indicative"), words, table("The levels of the book", ["#Buy", "#At", "#Sell"], rows));
  }
}
