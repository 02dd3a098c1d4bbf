// The public book of a trading day: a fold of its events, as SPEC.md (section 13) has it.

import { commitment } from "./digest.js";
import { units } from "./money.js";

/** Latest time of the wire, in microseconds. */
const TIME_MAX = 253_402_300_799_999_999n;
/** Number of the newest trades that are kept for the list and the chart. */
export const TRADES_MAX = 20_000;

const price = (decimal) => (decimal === null || decimal === undefined ? null : units(decimal));
const millis = (micros) => Number(micros) / 1_000;
const later = (time, by) => {
  const moved = BigInt(time) + by;
  return String(moved < 0n ? 0n : moved > TIME_MAX ? TIME_MAX : moved);
};

export class Day {
  constructor(lot) {
    this.lot = lot;
    Object.assign(this, { phase: null, index: 0, ends: [], lengths: [], reference: null, collar: null, traders: 0 });
    Object.assign(this, { extensions: 0, marketExtended: false, end: null, halt: null, resumesByCall: false });
    Object.assign(this, { interruptions: 0, lastCall: null, lastNumber: 0n });
    this.setEnd("0");
    this.statistics = { open: null, high: null, low: null, last: null, close: null, volume: 0n, value: 0n, trades: 0n };
    /** Newest trades, the oldest first: those seen, and those asked for. */
    this.trades = [];
    /** Reason of the running interruption: price and corridor. */
    this.interruption = null;
    this.clear();
  }

  /** Book of a snapshot. */
  static of(lot, book) {
    const day = new Day(lot);
    Object.assign(day, { phase: book.phase, index: book.phase_index, ends: book.ends, lengths: book.lengths });
    Object.assign(day, { reference: price(book.reference), collar: book.collar, traders: book.traders });
    Object.assign(day, { extensions: book.extensions, marketExtended: book.market_extended, end: book.end, halt: book.halt });
    Object.assign(day, { resumesByCall: book.resumes_by_call, interruptions: book.interruptions });
    Object.assign(day, { lastCall: price(book.last_call), lastNumber: BigInt(book.last_number) });
    day.setEnd(book.phase_ends_at);
    const { open, high, low, last, close, volume, value, trades } = book.statistics;
    const prices = { open: price(open), high: price(high), low: price(low), last: price(last), close: price(close) };
    day.statistics = { ...prices, volume: BigInt(volume), value: BigInt(value), trades: BigInt(trades) };
    book.orders.forEach((order) => day.show(order));
    return day;
  }

  /** Orders of a further part of a snapshot, which follow those of the part before; `false`: one is shown already. */
  addOrders(orders) {
    return orders.every((order) => this.show(order));
  }

  setEnd(endsAt) {
    this.endsAt = endsAt;
    this.endsMs = millis(endsAt);
  }

  /** Fixes the ends of all phases of a day that begins. */
  begin(openedAt, closesAt) {
    const { phases } = this.lot.terms;
    this.ends = [...phases.slice(1).map((next) => later(openedAt, BigInt(next.begins_after))), closesAt];
    let from = BigInt(openedAt);
    this.lengths = this.ends.map((end) => {
      const length = BigInt(end) - from;
      from = BigInt(end);
      return String(length);
    });
  }

  /** Moves all times that have not come by the duration of a halt. */
  shift(since, halt) {
    this.ends = this.ends.map((end) => (BigInt(end) > BigInt(since) ? later(end, halt) : end));
    if (this.phase !== null) this.setEnd(later(this.endsAt, halt));
  }

  /** Orders are shown to everyone in these phases. */
  get showsOrders() {
    return this.phase === "continuous" || this.phase === "at_last";
  }

  get isCall() {
    return this.phase === "call" || this.phase === "volatility";
  }

  /** Applies an event of this day; `false`: it does not fit. */
  apply(kind, event, at) {
    const fits = this[kind](event, at);
    // A call that began late, or is extended, can end after the schedule.
    if (/^phase_/.test(kind)) {
      const [ends, last] = [BigInt(this.endsAt), BigInt(this.ends.at(-1) ?? 0)];
      if (this.ends.length > 0) this.lot.times(this.lot.openedAt, String(ends > last ? ends : last));
    }
    return fits;
  }

  phase_began({ phase, index, ends_at, reference, collar }) {
    const falls = index < this.index;
    // The reason of an interruption is shown until its call is over.
    if (phase !== "volatility") this.interruption = null;
    Object.assign(this, { phase, index, collar, reference: price(reference) || null, traders: 0, extensions: 0 });
    Object.assign(this, { marketExtended: false, resumesByCall: false });
    this.setEnd(ends_at);
    this.clear();
    if (phase === "at_last") this.statistics.close = this.reference;
    this.lot.indicative = null;
    return !falls && this.end === null && index < this.ends.length;
  }

  phase_extended({ ends_at, cause }) {
    this.setEnd(ends_at);
    if (cause === "volatility") this.extensions += 1;
    else if (cause === "market_orders") this.marketExtended = true;
    else return false;
    return this.isCall && this.end === null;
  }

  phase_moved({ phase, ends_at }) {
    if (phase >= this.ends.length) return false;
    const by = BigInt(ends_at) - BigInt(this.ends[phase]);
    const changed = (length, more) => String(BigInt(length) + more < 0n ? 0n : BigInt(length) + more);
    this.ends = this.ends.with(phase, ends_at);
    // The phase gets longer, and the next one shorter, or the other way round.
    this.lengths = this.lengths.map((length, index) => (index === phase ? changed(length, by) : index === phase + 1 ? changed(length, -by) : length));
    if (phase === this.index && this.phase !== "volatility") this.setEnd(ends_at);
    return true;
  }

  call_uncrossed({ outcome, trade }, at) {
    const { crossed, no_cross: none } = outcome;
    if (!this.isCall) return false;
    if (!crossed) return none !== undefined && trade === null;
    this.lastCall = units(crossed.price);
    this.count({ number: trade, at, price: crossed.price, quantity: crossed.volume, aggressor: null });
    return trade !== null && BigInt(trade) === this.statistics.trades;
  }

  order_shown(order) {
    const number = BigInt(order.number);
    if (!this.showsOrders || number < 1n || number > this.lastNumber + 1n) return false;
    if (number > this.lastNumber) this.lastNumber = number;
    return this.show(order);
  }

  order_reduced({ number, open }) {
    const order = this.orders.get(number);
    return order !== undefined && order.open > BigInt(open) && this.reduce(number, order.open - BigInt(open)) !== null;
  }

  order_gone({ number }) {
    const order = this.orders.get(number);
    return order !== undefined && this.reduce(number, order.open) !== null;
  }

  traded(trade, at) {
    if (!this.showsOrders || BigInt(trade.number) !== this.statistics.trades + 1n) return false;
    const order = this.reduce(trade.resting, BigInt(trade.quantity));
    this.count({ ...trade, at });
    return order !== null && order.price === units(trade.price) && order.side !== trade.aggressor;
  }

  interrupted({ price: at, corridor }) {
    this.interruptions += 1;
    this.interruption = { price: units(at), corridor };
    return this.phase === "continuous";
  }

  day_halted({ cause }, at) {
    // The one too many holds no call.
    if (cause === "interruptions") this.interruptions = Math.max(0, this.interruptions - 1);
    const isFirst = this.halt === null && this.lot.haltedSince === null;
    this.halt = cause;
    this.lot.halt(at);
    return isFirst;
  }

  end_committed({ commitment: end }) {
    const isFirst = this.isCall && this.end === null;
    this.end = end;
    return isFirst;
  }

  end_opened({ end }) {
    const isSame = this.end === commitment(this.lot.id, end);
    this.end = null;
    return isSame;
  }

  /** Ends a halt of the lot: all times move with its close. */
  resumed(closesAt) {
    this.shift(this.lot.haltedSince, BigInt(closesAt) - BigInt(this.lot.closesAt));
    this.halt = null;
  }

  closed(close) {
    this.phase = null;
    this.statistics.close = price(close);
    this.traders = 0;
    this.interruption = null;
    this.clear();
  }

  // Orders that everyone sees, by number, added up by price.

  clear() {
    this.orders = new Map();
    this.sides = { buy: new Side(), sell: new Side() };
  }

  /** Shows an order behind all at its price; `false`: its number is shown already. */
  show({ number, side, price, open }) {
    if (this.orders.has(number)) return false;
    const order = { number: BigInt(number), side, price: units(price), open: BigInt(open) };
    this.orders.set(number, order);
    this.sides[side].add(order, order.open, 1);
    return true;
  }

  /** Takes shares away from an order: the order as it was, or nothing where it has not so many. */
  reduce(number, shares) {
    const order = this.orders.get(number);
    if (!order || order.open < shares) return null;
    const isGone = order.open === shares;
    this.sides[order.side].add(order, -shares, isGone ? -1 : 0);
    order.open -= shares;
    if (isGone) this.orders.delete(number);
    return order;
  }

  /** The best levels of a side, the best first: price, open shares, number of orders. */
  levels(side, most) {
    const all = [...this.sides[side].levels.values()];
    return all.sort((a, b) => (side === "buy" ? b.price - a.price : a.price - b.price)).slice(0, most);
  }

  /** Counts a trade in the statistics and keeps it. */
  count({ number, at, price: decimal, quantity, aggressor }) {
    const [traded, shares, all] = [units(decimal), BigInt(quantity), this.statistics];
    all.open ??= traded;
    all.high = Math.max(all.high ?? traded, traded);
    all.low = Math.min(all.low ?? traded, traded);
    all.last = traded;
    all.volume += shares;
    all.value += shares * BigInt(traded);
    all.trades += 1n;
    this.trades.push({ number: Number(number), ms: millis(at), price: traded, quantity: shares, aggressor });
    if (this.trades.length > TRADES_MAX + 1_000) this.trades.splice(0, this.trades.length - TRADES_MAX);
  }

  /** Takes trades of the past, which the feed did not bring; those that are here already are passed over. */
  takeTrades(trades) {
    const first = this.trades[0]?.number ?? Infinity;
    // The feed brings those that it has not told yet.
    const older = trades.filter(({ number }) => Number(number) < first && BigInt(number) <= this.statistics.trades);
    const read = ({ number, at, price, quantity, aggressor }) => ({ number: Number(number), ms: millis(at), price: units(price), quantity: BigInt(quantity), aggressor });
    this.trades = [...older.map(read), ...this.trades].slice(-TRADES_MAX);
  }

  /** Volume-weighted average price in units, rounded half up; nothing without a trade. */
  get average() {
    const { value, volume } = this.statistics;
    return volume === 0n ? null : Number((value * 2n + volume) / (volume * 2n));
  }
}

/** Orders of a side: their levels by price, and the sums that the digest has. */
class Side {
  constructor() {
    this.levels = new Map();
    Object.assign(this, { orders: 0n, open: 0n, value: 0n, numbers: 0n });
  }

  add({ price, number }, shares, count) {
    this.orders += BigInt(count);
    this.open += shares;
    this.value += BigInt(price) * shares;
    this.numbers += number * shares;
    const level = this.levels.get(price) ?? { price, open: 0n, orders: 0 };
    level.open += shares;
    level.orders += count;
    if (level.orders === 0) this.levels.delete(price);
    else this.levels.set(price, level);
  }
}
