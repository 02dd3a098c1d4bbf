// A trading day opened: its phase and what comes next, statistics, book, chart, trades, order entry, own orders and fills.

import { dayTerms, nextPhase, phaseWords, situation } from "../market/daywords.js";
import { change, grouped, shown, total, units } from "../market/money.js";
import { clock, left, moment, outcome } from "../market/words.js";
import { TRADES_MAX } from "../market/day.js";
import { app } from "./app.js";
import { DayChart } from "./daychart.js";
import { Depth, Prints } from "./daydepth.js";
import { DayBox, DayOwn } from "./dayentry.js";
import { dayTools } from "./dayrunning.js";
import { el, mark, say, show } from "./dom.js";
import { onBeat, soon } from "./frame.js";

/** Shortest time between two drawings of the book, lists and chart, in milliseconds. */
const LISTS_PAUSE = 120;
/** Number of trades that are asked for at a time. */
const PAGE = 4_096;
/** How long to wait before asking for the trades again, in milliseconds. */
const ASK_PAUSE = 2_000;
const STATISTICS = [["open", "Open"], ["high", "High"], ["low", "Low"], ["last", "Last"], ["close", "Close"], ["volume", "Volume"], ["value", "Value"], ["average", "VWAP"], ["trades", "Trades"]];

export class DayView {
  constructor(lot, root, close) {
    this.lot = lot;
    this.asksAgainAt = 0;
    this.drawing = () => this.draw();
    this.build(root, close);
    const quiet = onBeat(() => this.tick());
    this.stop = () => {
      quiet();
      root.classList.remove("day");
    };
    this.draw();
    this.askTrades().catch(() => {});
  }

  build(root, close) {
    const { lot } = this;
    this.title = el("h2", { tabIndex: -1, id: "lot-title" }, lot.symbol);
    this.about = el("p", { class: "about" });
    this.price = el("strong", { class: "last" });
    this.moved = el("span", { class: "note" });
    this.phase = el("strong", { class: "phase" });
    this.next = el("span", { class: "note" });
    this.banner = el("p", { class: "situation", role: "status" });
    this.figures = Object.fromEntries(STATISTICS.map(([key]) => [key, el("dd", {})]));
    this.box = new DayBox(lot);
    this.depth = new Depth(lot, (side, price) => this.box.use(price, side));
    this.prints = new Prints(lot);
    this.chart = new DayChart(lot);
    this.own = new DayOwn(lot, this.box);
    this.tools = dayTools(lot);
    this.words = el("ul", { class: "words" });
    this.facts = el("p", { class: "hint" });
    root.classList.add("day");
    root.replaceChildren(
      el("header", { class: "lot-head" },
        el("div", {}, this.title, this.about),
        el("p", { class: "head-figure" }, this.price, this.moved),
        el("p", { class: "head-figure" }, this.phase, this.next),
        el("button", { type: "button", class: "icon", "aria-label": "Close this lot", title: "Close (Esc)", onclick: close }, "✕")),
      this.banner,
      el("dl", { class: "statistics", "aria-label": "Statistics of the day" }, STATISTICS.map(([key, name]) => el("div", {}, el("dt", {}, name), this.figures[key]))),
      this.tools.node,
      el("div", { class: "desk" },
        el("div", { class: "desk-book" }, this.depth.node),
        el("div", { class: "desk-entry" }, this.box.node, this.prints.node),
        el("div", { class: "desk-chart" }, this.chart.node, this.own.node)),
      el("section", { class: "part" }, el("h3", {}, "Terms"), this.words, this.facts),
    );
  }

  changed() {
    soon(this.drawing);
  }

  draw() {
    const { lot } = this;
    const stock = app.market.stocks.get(lot.symbol);
    say(this.about, `Lot ${lot.id} · ${stock?.listing.security ?? ""} · Trading day${Number(lot.quantity) > 1 ? ` · by ${grouped(lot.quantity)} shares` : ""}`);
    this.tick();
    this.box.update(app.now());
    this.tools.update();
    this.own.draw();
    const { trades, statistics } = lot.day;
    const hasAll = statistics.trades === 0n || trades.length >= TRADES_MAX || trades[0]?.number === 1;
    if (!hasAll) this.askTrades().catch(() => {});
    this.isBehind = true;
    this.drawLists(app.now());
    const words = dayTerms(lot);
    if (this.saidTerms === words.join()) return;
    this.saidTerms = words.join();
    this.words.replaceChildren(...words.map((sentence) => el("li", {}, sentence)));
    say(this.facts, `Base price ${shown(lot.base)}${stock ? `, profit of the company ${grouped(stock.profit)}` : ""}. Opened ${moment(lot.opensMs)}.`);
  }

  drawLists(now) {
    if (!this.isBehind || app.isPaused || now - (this.listedAt ?? 0) < LISTS_PAUSE) return;
    this.isBehind = false;
    this.listedAt = now;
    this.depth.draw();
    this.prints.draw();
    this.chart.draw();
    this.drawStatistics();
  }

  drawStatistics() {
    const { day } = this.lot;
    const { volume, value, trades, ...prices } = day.statistics;
    const price = (some) => (some === null ? "–" : shown(some));
    for (const [key, some] of Object.entries({ ...prices, average: day.average })) say(this.figures[key], price(some));
    say(this.figures.volume, grouped(volume));
    say(this.figures.value, total(value, 1));
    say(this.figures.trades, grouped(trades));
  }

  tick(now = app.now()) {
    const { lot } = this;
    const cross = lot.day.isCall && lot.phase === "open" ? lot.indicative?.cross : null;
    const price = cross ? units(cross.price) : lot.priceAt(now);
    say(this.price, price === null ? "–" : shown(price));
    const moved = price === null ? null : change(price, lot.base);
    const word = cross ? "indicative, " : "";
    say(this.moved, moved === null ? `${word}base ${shown(lot.base)}` : `${word}${moved.rises ? "▲" : "▼"} ${moved.by} ${moved.percent && `(${moved.percent})`}`);
    mark(this.moved, "data-moves", moved === null ? null : moved.rises ? "up" : "down");
    this.tickPhase(now);
    const said = situation(lot, app.market, now);
    show(this.banner, said !== null);
    mark(this.banner, "data-kind", said?.[0] ?? null);
    // Its countdown would be read out each second: a screen reader hears the reason once.
    if (said) this.sayBanner(said[1]);
    else this.saidReason = null;
    this.drawLists(now);
  }

  sayBanner(text) {
    const { lot } = this;
    const reason = `${lot.haltedSince} ${app.market.haltedSince} ${lot.day.interruptions}`;
    mark(this.banner, "aria-live", reason === this.saidReason ? "off" : "polite");
    this.saidReason = reason;
    say(this.banner, text);
  }

  tickPhase(now) {
    const { lot } = this;
    say(this.phase, phaseWords(lot));
    mark(this.phase, "data-phase", lot.phase === "open" ? lot.day.phase : lot.phase);
    if (lot.phase === "closed") {
      const { why } = outcome(lot, app.market);
      return say(this.next, `${moment(lot.closedMs)}: ${why}`);
    }
    const endsMs = lot.phase === "scheduled" ? lot.opensMs : lot.day.endsMs;
    const isHalted = lot.haltedSince !== null || app.market.haltedSince !== null;
    const since = lot.haltedMs ?? Number(app.market.haltedSince ?? 0) / 1_000;
    const rest = endsMs - (isHalted ? since : now);
    mark(this.next, "data-urgency", !isHalted && rest <= 10_000 ? "last" : null);
    say(this.next, isHalted ? `halted, ${left(rest)} left` : `${nextPhase(lot)} in ${left(rest)}, at ${clock(endsMs)}`);
  }

  /** Asks for the newest trades that were before this page watched. */
  async askTrades() {
    const { lot } = this;
    const { day } = lot;
    const total = Number(day.statistics.trades);
    const has = day.trades[0]?.number ?? total + 1;
    if (this.isAsking || has <= 1 || total === 0 || performance.now() < this.asksAgainAt) return;
    this.isAsking = true;
    this.asksAgainAt = performance.now() + ASK_PAUSE;
    try {
      const all = [];
      for (let after = Math.max(0, total - TRADES_MAX); after < has - 1; ) {
        const [kind, body] = await app.wire.ask("get_trades", { lot: lot.id, after: String(after), since: null, until: null, limit: PAGE });
        if (kind !== "trades" || body.trades.length === 0) break;
        all.push(...body.trades);
        after = Number(body.trades.at(-1).number);
        if (body.follows !== "more") break;
      }
      // A snapshot in between has brought another book, which asks for itself.
      if (lot.day !== day) return;
      day.takeTrades(all);
      // What the server does not have any more is not asked for again and again.
      if (all.length === 0) this.asksAgainAt = Infinity;
      this.changed();
    } finally {
      this.isAsking = false;
    }
  }

  extended() {}

  focusBid() {
    this.box.focus();
  }
}
