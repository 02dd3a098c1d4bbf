// A row of the table of lots: its columns, and what is drawn anew when something moved.

import { standingWords } from "../market/own.js";
import { change, grouped, shown } from "../market/money.js";
import { phaseWords } from "../market/daywords.js";
import { formatOf, left, outcome } from "../market/words.js";
import { app } from "./app.js";
import { announceCountdown } from "./announce.js";
import { sparkline } from "./chart.js";
import { el, mark, say } from "./dom.js";

/** A price flashes when it moves behind so long a rest, in milliseconds: where all moves, nothing flickers. */
const FLASH_REST = 1_000;

export const COLUMNS = [
  { key: "symbol", title: "Lot", of: (lot) => lot.symbol },
  { key: "format", title: "Format", of: (lot) => formatOf(lot) },
  { key: "price", title: "Price", of: (lot, now) => lot.priceAt(now) ?? -1, number: true },
  { key: "change", title: "Change", of: (lot, now) => ratio(lot, now), number: true },
  { key: "trend", title: "Trend" },
  { key: "least", title: "Least bid", of: (lot, now) => lot.leastAt(now) ?? -1, number: true },
  { key: "leader", title: "Leader", of: (lot) => (lot.leader === null ? "~" : app.market.nameOf(lot.leader)) },
  { key: "bidders", title: "Bidders", of: (lot) => lot.bidders, number: true },
  { key: "closes", title: "Closes in", of: (lot) => (lot.phase === "closed" ? 1e18 - lot.closedMs : lot.closesMs), number: true },
];

function ratio(lot, now) {
  const price = lot.priceAt(now);
  return price === null || lot.changesFrom === 0 ? -2 : price / lot.changesFrom - 1;
}

export class Row {
  constructor(lot, list) {
    this.list = list;
    this.lot = lot;
    const cell = ({ key, number }) => el("div", { role: "gridcell", class: `cell ${key}${number ? " number" : ""}` });
    this.cells = Object.fromEntries(COLUMNS.map((column) => [column.key, cell(column)]));
    this.symbol = el("span", { class: "name" });
    this.about = el("span", { class: "about" });
    // Where there is no room for the column of formats.
    this.shortFormat = el("span", { class: "format-word" });
    this.details = el("span", {});
    this.about.append(this.shortFormat, this.details);
    this.standing = el("span", { class: "standing" });
    this.leader = el("span", { class: "who" });
    this.cells.symbol.append(this.symbol, this.about);
    this.cells.leader.append(this.leader, this.standing);
    this.spark = sparkline();
    this.cells.trend.append(this.spark.node);
    this.node = el("div", { class: "row", role: "row", tabIndex: -1, "aria-selected": String(list.selected === lot.id), onclick: () => list.open(this.lot), onfocus: () => (list.current = list.places.get(this.lot.id) ?? list.current) }, Object.values(this.cells));
    this.node.dataset.lot = lot.id;
  }

  stand(place, height, isCurrent) {
    if (this.place !== place || this.height !== height) {
      this.node.style.transform = `translateY(${place * height}px)`;
      mark(this.node, "aria-rowindex", place + 2);
      Object.assign(this, { place, height });
    }
    const tab = isCurrent ? 0 : -1;
    if (this.node.tabIndex !== tab) this.node.tabIndex = tab;
  }

  update(lot, now) {
    this.lot = lot;
    const { cells } = this;
    const security = app.market.stocks.get(lot.symbol)?.listing.security ?? "";
    const quantity = Number(lot.quantity) > 1 ? `${lot.format === "call" ? "by " : ""}${grouped(lot.quantity)} shares · ` : "";
    say(this.symbol, lot.symbol);
    say(cells.format, formatOf(lot));
    say(this.shortFormat, `${formatOf(lot)} · `);
    say(this.details, `${quantity}${security}`);
    const standing = app.own.standing(lot);
    mark(this.node, "data-standing", standing);
    mark(this.node, "data-phase", lot.haltedSince !== null && lot.phase !== "closed" ? "halted" : lot.phase);
    this.showLeader(lot, standing);
    say(cells.bidders, lot.bidders === 0 ? "" : grouped(lot.bidders));
    mark(cells.bidders, "data-words", lot.bidders === 0 ? "" : lot.bidders === 1 ? " bidder" : " bidders");
    this.spark.draw(lot, now);
    this.tick(now);
  }

  showLeader(lot, standing) {
    const [sign, words] = standingWords(standing, lot);
    const isOpen = lot.phase !== "closed";
    const result = isOpen ? null : outcome(lot, app.market);
    const leader = isOpen ? (lot.leader === null ? hidden(lot) : app.market.nameOf(lot.leader)) : (result.winner ?? result.word);
    const isMe = (isOpen ? lot.leader : result.user) === app.me && app.me !== null;
    say(this.leader, isMe ? "you" : leader);
    say(this.standing, standing && standing !== "lost" ? `${sign} ${words}` : lot.reserve === "not_met" && lot.leader !== null ? "reserve not met" : "");
  }

  /** What changes by itself: the countdown, and a falling price. */
  tick(now, told) {
    const { lot, cells } = this;
    const price = lot.priceAt(now);
    const isPaused = app.isPaused && this.price !== undefined && lot.format !== "dutch";
    if (price !== this.price && !isPaused) this.showPrice(lot, price, now);
    const least = lot.leastAt(now);
    if (!isPaused) say(cells.least, least === null || lot.haltedSince !== null ? "–" : shown(least));
    const [text, urgency] = countdown(lot, now);
    say(cells.closes, text);
    mark(cells.closes, "data-urgency", urgency);
    if (told && urgency && lot.isOpen && app.own.isIn(lot.id)) {
      announceCountdown(told, lot.id, lot.closesMs - now, (seconds) => `${lot.symbol} closes in ${seconds} seconds. ${standingWords(app.own.standing(lot), lot)[1]}`);
    }
  }

  showPrice(lot, price, now) {
    const { cells } = this;
    const before = this.price;
    this.price = price;
    say(cells.price, price === null ? "–" : shown(price));
    const moved = price === null ? null : change(price, lot.changesFrom);
    say(cells.change, moved === null ? "" : `${moved.rises ? "▲" : "▼"} ${moved.percent || moved.by}`);
    mark(cells.change, "data-moves", moved === null ? null : moved.rises ? "up" : "down");
    if (lot.format === "dutch") this.spark.draw(lot, now);
    const rested = performance.now() - (this.movedAt ?? -FLASH_REST);
    this.movedAt = performance.now();
    if (before !== undefined && before !== null && rested >= FLASH_REST) flash(cells.price);
  }
}

/** A short light behind a price that moved, for those who like motion. */
const calm = matchMedia("(prefers-reduced-motion: reduce)");
function flash(cell) {
  if (calm.matches) return;
  const colour = getComputedStyle(document.documentElement).getPropertyValue("--flash");
  cell.animate([{ backgroundColor: colour }, { backgroundColor: "transparent" }], { duration: 700 });
}

function hidden(lot) {
  if (lot.day) return phaseWords(lot);
  if (lot.format === "call") return lot.bidders > 0 ? "orders" : "no order yet";
  if (lot.phase === "scheduled") return "not open yet";
  if (lot.format === "english") return "no bid yet";
  if (lot.format === "dutch") return "not taken";
  return lot.bidders > 0 ? "hidden" : "no bid yet";
}

/** What stands where the countdown is, and how urgent it is. */
export function countdown(lot, now) {
  if (lot.phase === "closed") return ["closed", null];
  if (lot.haltedSince !== null) return ["halted", null];
  if (lot.phase === "scheduled") return [`opens ${left(lot.opensMs - now)}`, null];
  const rest = lot.closesMs - now;
  if (rest <= 0) return ["closing…", "last"];
  return [left(rest), rest <= 10_000 ? "last" : rest <= 60_000 ? "soon" : null];
}
