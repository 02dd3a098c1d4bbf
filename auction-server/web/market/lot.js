// A lot as everyone sees it: the wire's words read once, so that views and countdowns need not.

import { Day } from "./day.js";
import { PRICE_MAX, units } from "./money.js";

/** How many indicative prices of a call are kept for its chart. */
const INDICATED_MAX = 500;
const AMOUNT_MAX = 10n ** 18n;

/** The one field of an object that has one: a variant and its fields. A bare variant is a string. */
export function variant(value) {
  if (typeof value === "string") return [value, {}];
  for (const name in value) return [name, value[name]];
  return ["unknown", {}];
}

const price = (decimal) => (decimal === null || decimal === undefined ? null : units(decimal));
const millis = (micros) => Number(micros) / 1_000;

export class Lot {
  constructor(id, symbol, quantity, base, terms) {
    this.id = id;
    this.symbol = symbol;
    this.quantity = quantity;
    this.base = units(base);
    [this.format, this.terms] = variant(terms);
    this.phase = "open";
    this.extensions = 0;
    this.closedAt = null;
    this.outcome = null;
    this.price = null;
    this.leader = null;
    this.least = null;
    this.bids = 0;
    this.bidders = 0;
    this.reserve = "none";
    this.hasReserve = false;
    // Of a call: its reference price, and what is known of its random end.
    Object.assign(this, { reference: null, marketExtended: false, end: null, indicative: null, indicated: [] });
    /** Of a trading day: its book. */
    this.day = this.format === "day" ? new Day(this) : null;
    this.halt(null);
  }

  /** Of a snapshot. */
  static of(wire) {
    const lot = new Lot(wire.id, wire.symbol, wire.quantity, wire.base_price, wire.terms);
    lot.times(wire.opened_at, wire.closes_at);
    lot.extensions = wire.extensions;
    lot.halt(wire.halted_since);
    const [phase, closed] = variant(wire.phase);
    lot.phase = phase;
    if (phase === "closed") lot.close(closed.at, closed.outcome);
    const [format, book] = variant(wire.book);
    if (format === "english") {
      Object.assign(lot, { price: price(book.price), leader: book.leader, least: price(book.least) });
      Object.assign(lot, { bids: book.bids, bidders: book.bidders, reserve: book.reserve });
    } else if (format === "dutch" && book.taken) {
      Object.assign(lot, { price: price(book.taken.price), leader: book.taken.bidder, bidders: 1, bids: 1 });
    } else if (format === "call") {
      Object.assign(lot, { bidders: book.traders, reference: price(book.reference), marketExtended: book.market_extended, end: book.end });
    } else if (format === "day") {
      lot.day = Day.of(lot, book);
    } else {
      lot.bidders = book.bidders ?? 0;
      lot.hasReserve = book.has_reserve ?? false;
    }
    return lot;
  }

  /** Of the event that opened it. */
  static opened(event, at) {
    const lot = new Lot(event.lot, event.symbol, event.quantity, event.base_price, event.terms);
    lot.times(event.opens_at ?? at, event.closes_at);
    lot.phase = event.opens_at === null ? "open" : "scheduled";
    lot.hasReserve = event.has_reserve;
    if (lot.day && lot.phase === "open") lot.day.begin(lot.openedAt, lot.closesAt);
    if (lot.format === "english") {
      lot.reserve = event.has_reserve ? "not_met" : "none";
      lot.least = lot.firstLeast();
    }
    return lot;
  }

  firstLeast() {
    const bands = this.terms.steps.filter((band) => units(band.from) <= this.base);
    const first = this.base + units(bands.at(-1).step);
    const ceiling = Number(AMOUNT_MAX / BigInt(this.quantity));
    const candidates = first <= Math.min(ceiling, PRICE_MAX) ? [first] : [];
    if (this.terms.buy_now !== null) candidates.push(units(this.terms.buy_now));
    return candidates.length ? Math.min(...candidates) : null;
  }

  times(openedAt, closesAt) {
    this.openedAt = openedAt;
    this.closesAt = closesAt;
    this.opensMs = millis(openedAt);
    this.closesMs = millis(closesAt);
  }

  /** Sets the number of bidders, of traders of a call. */
  count(bidders) {
    this.bidders = bidders;
    if (this.day) this.day.traders = bidders;
  }

  /** Moves all times by the duration of a halt of the market; a day in continuous trading goes on by a call. */
  shift(since, halt) {
    this.times(String(BigInt(this.openedAt) + halt), String(BigInt(this.closesAt) + halt));
    if (!this.day) return;
    this.day.shift(since, halt);
    this.day.resumesByCall = this.day.phase === "continuous";
  }

  halt(since) {
    this.haltedSince = since;
    this.haltedMs = since === null ? null : millis(since);
  }

  close(at, outcome) {
    this.phase = "closed";
    this.closedAt = at;
    this.closedMs = millis(at);
    this.outcome = outcome;
  }

  /** Takes an accepted bid; the price before is kept, so that a move can be shown. */
  bid(event) {
    this.leader = event.leader;
    this.price = units(event.price);
    this.bidders = event.bidders;
    this.bids += 1;
    if (this.format !== "english") return;
    this.least = price(event.least);
    this.reserve = event.reserve;
  }

  /** What an uncross of this call would give now. */
  indicate({ at, indicative, depth }) {
    if (this.phase === "closed") return;
    this.indicative = { ...indicative, depth };
    const now = indicative.cross ? units(indicative.cross.price) : null;
    if (now === null || now === this.indicated.at(-1)?.price) return;
    this.indicated.push({ ms: millis(at), price: now });
    if (this.indicated.length > INDICATED_MAX) this.indicated.shift();
  }

  get isOpen() {
    return this.phase === "open" && this.haltedSince === null;
  }

  /** What a Dutch lot costs at a time of the server, in milliseconds. */
  dutchPrice(nowMs) {
    if (this.leader !== null) return this.price;
    const { start, step, interval, floor } = this.terms;
    const spent = Math.max(0, (this.haltedMs ?? Math.min(nowMs, this.closesMs)) - this.opensMs);
    const steps = Math.floor((spent * 1_000) / Number(interval));
    return Math.max(units(floor), units(start) - units(step) * steps);
  }

  /** How long a Dutch lot's price stands yet, in milliseconds; nothing at the floor. */
  dutchStandsFor(nowMs) {
    if (this.dutchPrice(nowMs) === units(this.terms.floor)) return null;
    const interval = Number(this.terms.interval) / 1_000;
    return interval - (Math.max(0, nowMs - this.opensMs) % interval);
  }

  /** The price from which changes are counted: a Dutch lot falls from its start, any other moves from its base price. */
  get changesFrom() {
    return this.format === "dutch" ? units(this.terms.start) : this.base;
  }

  /** The price that people compare: what it would cost or has cost, as far as anyone can see. */
  priceAt(nowMs) {
    if (this.day) return this.day.statistics.close ?? this.day.statistics.last;
    if (this.phase === "closed") {
      const { sold, allocated, crossed } = this.outcome;
      const closed = sold?.price ?? allocated?.lowest ?? crossed?.price ?? null;
      return closed === null ? this.price : units(closed);
    }
    if (this.format === "call") return price(this.indicative?.cross?.price);
    return this.format === "dutch" ? this.dutchPrice(nowMs) : this.price;
  }

  /** The price that bids and orders are compared with, and its name; nothing where there is none, or where it is the one paid. */
  get compared() {
    if (this.day) {
      const { last } = this.day.statistics;
      const [price, name] = last !== null ? [last, "the last price"] : this.day.reference !== null ? [this.day.reference, "the reference price"] : [this.base, "the base price"];
      return price ? { compared: price, name } : null;
    }
    const [price, name] = this.format === "english" ? [this.least, "the least bid"] : this.format === "call" && this.reference !== null ? [this.reference, "the reference price"] : [this.base, "the base price"];
    return this.format === "dutch" || !price ? null : { compared: price, name };
  }

  /** The smallest bid that would be taken now; nothing where no bid is known to be. */
  leastAt(nowMs) {
    if (this.phase === "closed") return null;
    if (this.format === "dutch") return this.dutchPrice(nowMs);
    if (this.format === "english") return this.least;
    return this.format === "sealed" || this.format === "uniform" ? Math.max(this.base, 1) : null;
  }
}
