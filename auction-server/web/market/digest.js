// The digest of a fold, to the byte as `auction-core/src/market/digest.rs` draws it: each user, stock and lot has a hash
// of its own, all of them combined by exclusive or, so that a change costs one item.

import { sha256 } from "./sha256.js";
import { units } from "./money.js";

/** Thrown for what this page has no bytes for: a format or an outcome of a later server. */
export class Unknown extends Error {}

const text = new TextEncoder();

/** Bytes of an item; numbers are little-endian. */
class Bytes {
  constructor() {
    this.all = new Uint8Array(4_096);
    this.view = new DataView(this.all.buffer);
    this.length = 0;
  }

  begin(kind) {
    this.length = 0;
    return this.u8(kind);
  }

  u8(number) {
    this.all[this.length] = number;
    this.length += 1;
    return this;
  }

  u32(number) {
    this.view.setUint32(this.length, number, true);
    this.length += 4;
    return this;
  }

  /** Of digits, or of a number that is whole. */
  u64(number) {
    this.view.setBigUint64(this.length, BigInt(number), true);
    this.length += 8;
    return this;
  }

  i64OfDecimal(decimal) {
    const [whole, rest = ""] = decimal.replace("-", "").split(".");
    const size = BigInt(whole) * 10_000n + BigInt((rest + "0000").slice(0, 4));
    this.view.setBigInt64(this.length, decimal.startsWith("-") ? -size : size, true);
    this.length += 8;
    return this;
  }

  text(string) {
    const bytes = text.encode(string);
    this.u8(bytes.length);
    this.all.set(bytes, this.length);
    this.length += bytes.length;
    return this;
  }

  raw(bytes) {
    this.all.set(bytes, this.length);
    this.length += bytes.length;
    return this;
  }

  optional(value, write) {
    if (value === null) return this.u8(0);
    this.u8(1);
    write(value);
    return this;
  }

  /** A price of the protocol, nothing included. */
  price(decimal) {
    return this.optional(decimal, (some) => this.u64(units(some)));
  }

  /** Of digits that may have a minus before them. */
  i64(digits) {
    this.view.setBigInt64(this.length, BigInt(digits), true);
    this.length += 8;
    return this;
  }

  /** Of digits of the wire, or of a BigInt. */
  u128(number) {
    const all = BigInt(number);
    return this.u64(BigInt.asUintN(64, all)).u64(BigInt.asUintN(64, all >> 64n));
  }

  collar(collar) {
    return this.optional(collar, ({ absolute, basis_points }) => this.u64(units(absolute)).u32(basis_points));
  }

  /** A price and a quantity, or nothing. */
  quote(quote) {
    return this.optional(quote, ({ price, quantity }) => this.u64(units(price)).u64(quantity));
  }

  one(names, name) {
    const number = names.indexOf(name);
    if (number < 0) throw new Unknown(name);
    return this.u8(number);
  }

  hash() {
    return sha256(this.all, this.length);
  }
}

const bytes = new Bytes();

export function userItem(user) {
  bytes.begin(1).u32(user.id).text(user.name);
  if (user.role === "trader") bytes.u8(0);
  else if (user.role === "auctioneer") bytes.u8(2);
  else if (user.role.company) bytes.u8(1).text(user.role.company);
  else throw new Unknown("role");
  return bytes.hash();
}

/** How traders pay; a market on credit has no such item. */
export function accountsItem(mode) {
  return bytes.begin(4).one(["credit", "funds"], mode).hash();
}

export function stockItem({ listing, profit, uncross }) {
  bytes.begin(2).text(listing.symbol).text(listing.security).u64(units(listing.price));
  bytes.i64OfDecimal(listing.profit).i64OfDecimal(profit);
  // Servers without call auctions know nothing of an uncross, not even that there was none.
  if (uncross !== undefined) bytes.price(uncross);
  return bytes.hash();
}

/** Halt of the whole market; a market that runs has no such item. */
export function haltItem(since) {
  return bytes.begin(5).u64(since).hash();
}

/** What a random end was committed to by, in hexadecimal digits. */
export function commitment(lot, { before_close, salt }) {
  bytes.length = 0;
  bytes.raw(text.encode("auction.end.1")).u32(lot).u64(before_close).raw(fromHex(salt));
  return toHex(bytes.hash());
}

export function lotItem(lot) {
  bytes.begin(3).u32(lot.id).text(lot.symbol).u64(lot.quantity).u64(lot.base);
  bytes.u64(lot.openedAt).u64(lot.closesAt).u32(lot.extensions);
  bytes.optional(lot.haltedSince, (since) => bytes.u64(since));
  const write = FORMATS[lot.format];
  if (!write) throw new Unknown(lot.format);
  write.terms(lot.terms);
  bytes.one(["open", "closed", "scheduled"], lot.phase);
  if (lot.phase === "closed") outcome(bytes.u64(lot.closedAt), lot.outcome);
  write.book(lot);
  return bytes.hash();
}

const sealedBook = (lot) => bytes.u32(lot.bidders).u8(lot.hasReserve ? 1 : 0);

const FORMATS = {
  english: {
    terms({ steps, buy_now, soft_close }) {
      bytes.u8(0).u8(steps.length);
      for (const band of steps) bytes.u64(units(band.from)).u64(units(band.step));
      bytes.price(buy_now).one(["add", "reset"], soft_close.mode);
      bytes.u64(soft_close.extend_within).u64(soft_close.extend_by);
      bytes.optional(soft_close.extensions_max, (most) => bytes.u32(most));
    },
    book(lot) {
      const some = (price) => bytes.u64(price);
      bytes.optional(lot.price, some).optional(lot.leader, (user) => bytes.u32(user)).optional(lot.least, some);
      bytes.u32(lot.bids).u32(lot.bidders).one(["none", "not_met", "met"], lot.reserve);
    },
  },
  dutch: {
    terms({ start, step, interval, floor }) {
      bytes.u8(1).u64(units(start)).u64(units(step)).u64(interval).u64(units(floor));
    },
    book(lot) {
      bytes.optional(lot.leader, (user) => bytes.u32(user).u64(lot.price));
    },
  },
  sealed: {
    terms: ({ pricing }) => bytes.u8(2).one(["first_price", "second_price"], pricing),
    book: sealedBook,
  },
  uniform: {
    terms({ pricing, priority, bids_max }) {
      bytes.u8(3).one(["uniform", "pay_as_bid"], pricing).one(["time", "pro_rata"], priority).u32(bids_max);
    },
    book: sealedBook,
  },
};

FORMATS.call = {
  terms: (terms) => callTerms(bytes.u8(4), terms),
  book({ bidders, reference, marketExtended, end }) {
    bytes.u32(bidders).optional(reference, (price) => bytes.u64(price)).u8(marketExtended ? 1 : 0);
    bytes.optional(end, (hash) => bytes.raw(fromHex(hash)));
  },
};

function callTerms(bytes, { tick, book, collar, extensions_max, market_extension, extend_by, random_end, no_cancel }) {
  bytes.u64(units(tick)).one(["open", "closed"], book).collar(collar);
  bytes.u32(extensions_max).u8(market_extension ? 1 : 0).u64(extend_by).u64(random_end);
  bytes.optional(no_cancel, (span) => bytes.u64(span));
}

const PHASES = ["pre_open", "call", "continuous", "volatility", "at_last"];

FORMATS.day = {
  terms({ call, phases, static_corridor, dynamic_corridor, volatility_length, volatility_random_end, interruptions_max }) {
    callTerms(bytes.u8(5), call);
    bytes.collar(static_corridor).collar(dynamic_corridor).u64(volatility_length).u64(volatility_random_end);
    bytes.u32(interruptions_max).u8(phases.length);
    for (const { phase, begins_after } of phases) bytes.one(PHASES, phase).u64(begins_after);
  },
  book({ day }) {
    const price = (some) => bytes.u64(some);
    bytes.optional(day.phase, (phase) => bytes.one(PHASES, phase)).u64(day.endsAt).u8(day.index).u8(day.ends.length);
    day.ends.forEach((end, index) => bytes.u64(end).u64(day.lengths[index]));
    bytes.optional(day.reference, price).collar(day.collar).u32(day.traders).u32(day.extensions).u8(day.marketExtended ? 1 : 0);
    bytes.optional(day.end, (hash) => bytes.raw(fromHex(hash)));
    bytes.optional(day.halt, (cause) => bytes.one(["crossed_at_collar", "interruptions"], cause));
    bytes.u8(day.resumesByCall ? 1 : 0).u32(day.interruptions).optional(day.lastCall, price).u64(day.lastNumber);
    const { open, high, low, last, close, volume, value, trades } = day.statistics;
    for (const some of [open, high, low, last, close]) bytes.optional(some, price);
    bytes.u128(volume).u128(value).u64(trades);
    for (const { orders, open: shares, value: sum, numbers } of [day.sides.buy, day.sides.sell]) {
      for (const total of [orders, shares, sum, numbers]) bytes.u64(BigInt.asUintN(64, total));
    }
  },
};

const CROSSED_BY = ["market", "volume", "surplus", "pressure", "reference", "collar"];
const SOLD_BY = ["highest_bid", "buy_now", "first_take", "second_highest_bid", "reserve", "least_bid"];

function outcome(bytes, { sold, unsold, allocated, crossed, no_cross: none, day }) {
  if (sold) {
    bytes.u8(0).u32(sold.winner).u64(units(sold.price)).one(SOLD_BY, sold.by).price(sold.runner_up);
  } else if (unsold) {
    bytes.u8(1).one(["no_bids", "reserve_not_met", "cancelled"], unsold.because).price(unsold.highest);
  } else if (allocated) {
    bytes.u8(2).u64(allocated.sold).u32(allocated.buyers).u64(units(allocated.lowest));
    bytes.one(["enough_for_all", "time", "pro_rata"], allocated.by).price(allocated.highest_rejected);
  } else if (crossed) {
    bytes.u8(3).u64(units(crossed.price)).u64(crossed.volume).i64(crossed.surplus).one(CROSSED_BY, crossed.by);
    bytes.optional(crossed.candidates, ({ lowest, highest }) => bytes.u64(units(lowest)).u64(units(highest)));
    bytes.u32(crossed.traders);
  } else if (none) {
    bytes.u8(4).one(["nothing_crosses", "no_price", "collar"], none.because).quote(none.best_buy).quote(none.best_sell);
  } else if (day) {
    bytes.u8(5).price(day.close).price(day.average).u128(day.volume).u64(day.trades);
  } else throw new Unknown("outcome");
}

/** The hashes of a market's items, kept as it changes. */
export class Digest {
  constructor() {
    this.items = new Map();
    this.changed = new Map();
    this.combined = new Uint8Array(32);
    this.isUnknown = false;
  }

  /** An item has changed; `write` gives its hash when it is asked for. */
  touch(key, write) {
    this.changed.set(key, write);
  }

  /** An item is there no more. */
  drop(key) {
    this.changed.delete(key);
    this.toggle(this.items.get(key));
    this.items.delete(key);
  }

  /** How many items are to be hashed anew. */
  get behind() {
    return this.changed.size;
  }

  /** Hashes at most so many. */
  catchUp(most) {
    for (const [key, write] of this.changed) {
      if (most === 0) return;
      most -= 1;
      this.changed.delete(key);
      try {
        const item = write();
        this.toggle(this.items.get(key));
        this.toggle(item);
        this.items.set(key, item);
      } catch (error) {
        if (!(error instanceof Unknown)) throw error;
        this.isUnknown = true;
      }
    }
  }

  toggle(item) {
    if (item) for (let i = 0; i < 32; i += 1) this.combined[i] ^= item[i];
  }

  /** 64 hexadecimal digits. All items must be hashed. */
  of(market, sequence, at) {
    bytes.length = 0;
    bytes.raw(text.encode("auction digest 1")).raw(fromHex(market)).u64(sequence).u64(at).raw(this.combined);
    return toHex(bytes.hash());
  }
}

const fromHex = (hex) => Uint8Array.from(hex.match(/../g) ?? [], (two) => Number.parseInt(two, 16));
const toHex = (all) => Array.from(all, (byte) => byte.toString(16).padStart(2, "0")).join("");
