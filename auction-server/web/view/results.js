// What came of the lots: to be read, printed, and taken out as CSV or JSON.

import { grouped, plain, shown } from "../market/money.js";
import { formatOf, moment, outcome, plural } from "../market/words.js";
import { app } from "./app.js";
import { el, say, table } from "./dom.js";
import { soon } from "./frame.js";

const HEADER = ["lot", "symbol", "security", "format", "shares", "base_price", "outcome", "price", "winner", "why", "bidders", "closed_at"];
/** How many results are drawn; all of them are in the downloads. */
const DRAWN_MAX = 2_000;

export class Results {
  constructor(root) {
    this.root = root;
    this.drawing = () => this.isShown && this.draw();
    for (const what of ["snapshot", "session", "own", "pause"]) app.on(what, () => this.isShown && soon(this.drawing));
    app.on("lot", (lot) => this.isShown && lot.phase === "closed" && !app.isPaused && soon(this.drawing));
    const button = (name, job) => el("button", { type: "button", class: "second", onclick: job }, name);
    const buttons = [button("Print", () => print()), button("CSV", () => this.take("csv")), button("JSON", () => this.take("json"))];
    this.summary = el("p", { class: "hint" });
    this.table = el("div", { class: "wide-table stacks", tabIndex: 0, role: "region", "aria-label": "Table of results" });
    root.append(el("header", { class: "page-head" }, el("div", {}, el("h2", {}, "Results"), this.summary), el("div", { class: "buttons" }, buttons)), this.table);
  }

  open() {
    this.isShown = true;
    this.drawn = null;
    this.draw();
  }

  leave() {
    this.isShown = false;
  }

  closed() {
    return app.market.lots.filter((lot) => lot.phase === "closed").sort((a, b) => b.closedMs - a.closedMs || a.id - b.id);
  }

  draw() {
    const lots = this.closed();
    const open = app.market.lots.length - lots.length;
    const sold = lots.filter((lot) => lot.outcome.sold || lot.outcome.allocated);
    say(this.summary, lots.length === 0 ? "Nothing has closed yet." : `${plural(lots.length, "lot")} closed, ${grouped(sold.length)} sold${open > 0 ? `, ${grouped(open)} still open` : ""}. As of ${moment(app.now())}.`);
    const key = `${lots.length} ${app.me} ${app.own.isKnown}`;
    if (key === this.drawn) return;
    this.drawn = key;
    const row = (lot) => {
      const { word, price, winner, user, why } = outcome(lot, app.market);
      const isMine = (user !== null && user === app.me) || app.own.standing(lot) === "won";
      const link = el("a", { href: `#/lot/${lot.id}` }, lot.symbol);
      const cells = [String(lot.id), link, formatOf(lot), sharesOf(lot), word, price === null ? "–" : shown(price), winner === null ? "–" : isMine && user !== null ? `${winner} (you)` : winner, why, moment(lot.closedMs)];
      return Object.assign(cells, { class: isMine ? "own" : undefined });
    };
    const heads = ["#Lot", "Symbol", "Format", "#Shares", "Outcome", "#Price", "Winner", "Why", "Closed"];
    this.table.replaceChildren(lots.length > 0 ? table("Results of the lots that have closed", heads, lots.slice(0, DRAWN_MAX).map(row)) : el("p", { class: "empty" }, "Results appear here as lots close."));
  }

  rows() {
    return this.closed().map((lot) => {
      const { word, price, winner, why } = outcome(lot, app.market);
      const security = app.market.stocks.get(lot.symbol)?.listing.security ?? "";
      const paid = price === null ? "" : plain(price);
      return [lot.id, lot.symbol, security, formatOf(lot), lot.quantity, plain(lot.base), word.toLowerCase(), paid, winner ?? "", why, lot.bidders, new Date(lot.closedMs).toISOString()];
    });
  }

  take(form) {
    const rows = this.rows();
    const object = (row) => Object.fromEntries(HEADER.map((name, index) => [name, row[index]]));
    const text = form === "csv" ? [HEADER, ...rows].map((row) => row.map(cell).join(",")).join("\r\n") + "\r\n" : JSON.stringify(rows.map(object), null, 2);
    const media = form === "csv" ? "text/csv" : "application/json";
    const address = URL.createObjectURL(new Blob([text], { type: `${media};charset=utf-8` }));
    el("a", { href: address, download: `results.${form}` }).click();
    setTimeout(() => URL.revokeObjectURL(address), 10_000);
  }
}

/** Shares that a lot is of; of a call, whose quantity is a round lot, those that were traded. */
function sharesOf(lot) {
  if (lot.format !== "call") return grouped(lot.quantity);
  return grouped(lot.outcome.crossed?.volume ?? 0);
}

/** A cell of CSV. What a spreadsheet would take for a formula is made text. */
function cell(value) {
  const text = String(value);
  const safe = /^[=+\-@\t]/.test(text) && Number.isNaN(Number(text)) ? `'${text}` : text;
  return /[",\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
}

