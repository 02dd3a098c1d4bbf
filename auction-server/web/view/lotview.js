// A lot opened: its price and countdown, bidding, chart, who bid what, and its terms in words.

import { standingWords } from "../market/own.js";
import { change, grouped, shown, units } from "../market/money.js";
import { bareClock, clock, day, formatOf, left, moment, outcome, plural, terms, zone } from "../market/words.js";
import { app } from "./app.js";
import { announceCountdown } from "./announce.js";
import { biddingBox } from "./bidding.js";
import { BidTables } from "./bidtables.js";
import { Chart } from "./chart.js";
import { el, mark, say, show } from "./dom.js";
import { onBeat, soon } from "./frame.js";
import { LOADING, unknownWords } from "./mine.js";
import { countdown } from "./row.js";
import { auctioneerTools } from "./running.js";

/** How long an extension stays marked beside the countdown, in milliseconds. */
const EXTENSION_SHOWN = 6_000;
/** How often at most the lists of bids and the chart are drawn anew, in milliseconds. */
const LISTS_PAUSE = 180;
/** How often the chart moves on while nothing happens, in milliseconds. */
const CHART_PAUSE = 1_000;

export class LotView {
  constructor(lot, root, close) {
    this.lot = lot;
    this.told = new Map();
    this.drawing = () => this.draw();
    this.build(root, close);
    this.stop = onBeat(() => this.tick());
    this.draw();
  }

  build(root, close) {
    const { lot } = this;
    const figure = (label, key) => {
      const value = el("dd", { class: key });
      const name = el("dt", {}, label);
      this[`${key}Name`] = name;
      const note = el("dd", { class: "note" });
      this[key] = value;
      this[`${key}Note`] = note;
      return el("div", { class: "figure" }, name, value, note);
    };
    const priceWord = { english: "Price", dutch: "Price now", call: "Indicative price" }[lot.format] ?? "Least bid";
    this.title = el("h2", { tabIndex: -1, id: "lot-title" }, lot.symbol);
    this.about = el("p", { class: "about" });
    this.standing = el("p", { class: "banner" });
    this.box = biddingBox(lot);
    this.tools = auctioneerTools(lot);
    this.chart = ["english", "dutch", "call"].includes(lot.format) ? new Chart(lot) : null;
    this.bids = new BidTables(lot, () => this.changed());
    this.words = el("ul", { class: "words" });
    this.facts = el("dl", { class: "facts" });
    this.hindsight = el("p", { class: "hint" });
    root.replaceChildren(
      el("header", { class: "lot-head" }, el("div", {}, this.title, this.about), el("button", { type: "button", class: "icon", "aria-label": "Close this lot", title: "Close (Esc)", onclick: close }, "✕")),
      el("dl", { class: "figures" }, figure(priceWord, "price"), figure(lot.format === "english" ? "Leader" : lot.format === "dutch" ? "Taken by" : "Bidders", "leader"), figure("Closes in", "closes")),
      this.standing,
      this.box.node,
      this.hindsight,
      this.tools.node,
      ...(this.chart ? [this.chart.node] : []),
      this.bids.ladder,
      this.bids.history,
      el("section", { class: "part" }, el("h3", {}, "Terms"), this.words),
      el("section", { class: "part" }, el("h3", {}, "Stock and lot"), this.facts),
    );
  }

  /** Something of the lot, its bids or the session has changed. */
  changed() {
    soon(this.drawing);
  }

  draw() {
    const { lot } = this;
    const now = app.now();
    const stock = app.market.stocks.get(lot.symbol);
    const shares = Number(lot.quantity) > 1 ? ` · ${lot.format === "call" ? "by " : ""}${grouped(lot.quantity)} shares` : "";
    say(this.about, `Lot ${lot.id} · ${stock?.listing.security ?? ""} · ${formatOf(lot)}${shares}`);
    this.drawStanding();
    this.drawLeader();
    if (lot.phase === "closed") say(this.priceName, lot.outcome.unsold ? "Last price" : "Final price");
    this.tick(now);
    this.box.update(now);
    this.tools.update();
    if (lot.phase === "closed") this.askHindsight();
    this.isBehind = true;
    this.drawLists(now);
    if (app.isPaused) return;
    const words = terms(lot);
    if (this.saidTerms !== words.join()) {
      this.saidTerms = words.join();
      this.words.replaceChildren(...words.map((sentence) => el("li", {}, sentence)));
    }
    this.drawFacts(stock);
  }

  drawLists(now) {
    if (!this.isBehind || app.isPaused || now - (this.listedAt ?? 0) < LISTS_PAUSE) return;
    this.isBehind = false;
    this.listedAt = now;
    this.chartAt = now;
    this.bids.draw();
    this.chart?.draw(now);
  }

  drawStanding() {
    const { lot } = this;
    const standing = app.own.standing(lot);
    const offer = app.own.offer(lot.id) ?? app.own.bid(lot.id)?.price ?? null;
    const [sign, word] = standingWords(standing, lot);
    const text = {
      leading: lot.format === "dutch" ? "" : `${word}${lot.reserve === "not_met" ? ", but the reserve is not met" : ""}.`,
      outbid: lot.format === "dutch" ? "" : `Outbid: ${app.market.nameOf(lot.leader)} leads${offer !== null && offer < lot.price ? `, above your offer of ${shown(offer)}` : ""}.`,
      won: `${word}.`,
    }[standing];
    show(this.standing, Boolean(text));
    mark(this.standing, "data-standing", standing);
    if (text) say(this.standing, `${sign} ${text}`);
  }

  drawLeader() {
    const { lot } = this;
    if (lot.phase === "closed") return this.drawWinner();
    const isOrders = lot.format !== "english" && lot.format !== "dutch";
    if (isOrders) {
      say(this.leader, grouped(lot.bidders));
      const what = lot.format === "call" ? ["has orders", "with orders"] : ["has a hidden bid", "with hidden bids"];
      return say(this.leaderNote, what[lot.bidders === 1 ? 0 : 1]);
    }
    const none = lot.format === "dutch" ? "nobody yet" : "no bid yet";
    say(this.leader, lot.leader === null ? none : nameOf(lot.leader));
    const reserve = { not_met: ", reserve not met", met: ", reserve met" }[lot.reserve] ?? "";
    say(this.leaderNote, lot.format === "dutch" ? "" : `${plural(lot.bidders, "bidder")}${reserve}`);
  }

  /** Who has bought at the close: one winner by name, several as a number. */
  drawWinner() {
    const { lot } = this;
    const { sold, allocated, crossed } = lot.outcome;
    const all = plural(lot.bidders, lot.format === "call" ? "trader" : "bidder");
    const reserve = { not_met: ", reserve not met", met: ", reserve met" }[lot.reserve] ?? "";
    const [name, value, note] =
      sold ? ["Winner", nameOf(sold.winner), `${all}${reserve}`]
      : allocated ? ["Buyers", grouped(allocated.buyers), `of ${all}`]
      : lot.format === "call" ? ["Traded", crossed ? plural(crossed.traders, "trader") : "nobody", `of ${all} with orders`]
      : ["Winner", "nobody", `${all}${reserve}`];
    say(this.leaderName, name);
    say(this.leader, value);
    say(this.leaderNote, note);
  }

  tick(now = app.now()) {
    const { lot } = this;
    this.drawPrice(now);
    const [text, urgency] = countdown(lot, now);
    const isClosed = lot.phase === "closed";
    const isHalted = !isClosed && lot.haltedSince !== null;
    say(this.closesName, isClosed ? "Closed" : isHalted ? "Close" : lot.phase === "scheduled" ? "Opens in" : "Closes in");
    say(this.closes, isClosed ? bareClock(lot.closedMs) : text.replace("opens ", ""));
    mark(this.closes, "data-urgency", urgency);
    const when = isClosed ? `${zone(lot.closedMs)}, ${day(lot.closedMs)}` : isHalted ? haltedWords(lot) : lot.phase === "scheduled" ? `at ${moment(lot.opensMs)}` : `at ${clock(lot.closesMs)}`;
    const often = lot.extensions > 0 ? `, extended ${lot.extensions === 1 ? "once" : `${lot.extensions} times`}` : "";
    const isFresh = this.extendedAt !== undefined && now - this.extendedAt < EXTENSION_SHOWN;
    say(this.closesNote, isFresh ? `moved to ${clock(lot.closesMs)}` : `${when}${often}`);
    mark(this.closesNote, "data-fresh", isFresh);
    if (lot.isOpen && urgency && !app.own.isIn(lot.id)) announceCountdown(this.told, lot.id, lot.closesMs - now, (seconds) => `${lot.symbol} closes in ${seconds} seconds.`);
    this.box.tick(now);
    this.drawLists(now);
    const moves = this.chart && lot.phase === "open" && !app.isPaused;
    if (moves && now - (this.chartAt ?? 0) > CHART_PAUSE && !this.node?.hidden) {
      this.chartAt = now;
      this.chart.draw(now);
    }
  }

  drawPrice(now) {
    const { lot } = this;
    const price = lot.priceAt(now) ?? (lot.format === "english" ? null : lot.leastAt(now));
    say(this.price, price === null ? "–" : shown(price));
    const moved = price === null ? null : change(price, lot.changesFrom);
    const from = lot.format === "dutch" ? `start ${shown(lot.changesFrom)}` : `base ${shown(lot.base)}`;
    say(this.priceNote, moved === null || lot.format === "sealed" ? from : `${moved.rises ? "▲" : "▼"} ${moved.by} ${moved.percent && `(${moved.percent})`}`);
    mark(this.priceNote, "data-moves", moved === null || lot.format === "sealed" ? null : moved.rises ? "up" : "down");
  }

  extended() {
    this.extendedAt = app.now();
  }

  drawFacts(stock) {
    const { lot } = this;
    const others = app.market.lotsOf(lot.symbol).filter((other) => other.id !== lot.id);
    const facts = [
      ["Base price of the lot", shown(lot.base)],
      ["Listed price", stock ? shown(units(stock.listing.price)) : "–"],
      ["Profit of the company", stock ? grouped(stock.profit) : "–"],
      [lot.format === "call" ? "Round lot" : "Shares in this lot", grouped(lot.quantity)],
      ["Opened", moment(lot.opensMs)],
      lot.phase === "closed" ? ["Closed", moment(lot.closedMs)] : ["Closes", lot.haltedSince === null ? moment(lot.closesMs) : `halted, ${haltedWords(lot)}`],
    ];
    const key = JSON.stringify([facts, others.length]);
    if (key === this.saidFacts) return;
    this.saidFacts = key;
    const more = others.slice(0, 5).map((other) => el("a", { href: `#/lot/${other.id}` }, `Lot ${other.id}`));
    if (more.length > 0) facts.push(["Other lots", el("span", { class: "links" }, more)]);
    this.facts.replaceChildren(...facts.map(([name, value]) => el("div", {}, el("dt", {}, name), el("dd", {}, value))));
  }

  /** What one would have needed to win; asked once, behind the close. */
  async askHindsight() {
    const { lot } = this;
    if (this.isAsked || !app.session.isTrader || lot.outcome.unsold?.because === "cancelled") return;
    // Who has won is not told what would have won: wait until it is known.
    if (app.own.standing(lot) === "won" || unknownWords() === LOADING) return;
    this.isAsked = true;
    const [kind, body] = await app.wire.ask("get_least_winning", { lot: lot.id }).catch(() => []);
    if (kind !== "least_winning") return;
    const { bid, at_least: least } = body.least;
    if (bid) say(this.hindsight, `A bid of ${shown(units(bid))} would have won.`);
    else if (least) say(this.hindsight, `No bid below ${shown(units(least))} would have won; how much more it would have taken stays the winner's secret.`);
  }

  focusBid() {
    this.box.focus();
  }
}

const nameOf = (user) => (user === app.me ? "you" : app.market.nameOf(user));

/** What a halted lot has left: its close moves by the length of the halt, so no time can be named. */
function haltedWords(lot) {
  const isScheduled = lot.phase === "scheduled";
  return `${left((isScheduled ? lot.opensMs : lot.closesMs) - lot.haltedMs)} ${isScheduled ? "before it opens" : "left when it goes on"}`;
}
