// The market as everyone sees it: a fold of the public events, as SPEC.md tells it.

import { Digest, accountsItem, commitment, haltItem, lotItem, stockItem, userItem } from "./digest.js";
import { Lot, variant } from "./lot.js";
import { units } from "./money.js";

/** How many changed items are hashed at a heartbeat; more are caught up with between frames. */
const HASHED_AT_ONCE_MAX = 4_000;

/** The feed does not follow what is here: there is a gap. */
export class Gap extends Error {}

const LOT_EVENTS = new Set(["bid_accepted", "lot_extended", "lot_closed", "lot_began", "lot_halted", "lot_resumed", "bidders_counted", "bids_opened", "reference_fixed", "end_committed", "end_opened"]);

/** Events of one trading day: the book of the day applies them. */
const DAY_EVENTS = new Set(["phase_began", "phase_extended", "phase_moved", "call_uncrossed", "order_shown", "order_reduced", "order_gone", "traded", "interrupted", "day_halted"]);

function mustBe(isSo) {
  if (!isSo) throw new Gap("an event does not follow those before it");
}

/** Whether one time of the wire is later than another; digits without zeros before them. */
function isLater(time, other) {
  return time.length > other.length || (time.length === other.length && time > other);
}

export class Market {
  /** `heard(kind, event, entry)` is called behind each event, `changed(lot)` for each lot that changed. */
  constructor({ heard, changed }) {
    this.heard = heard;
    this.changed = changed;
    this.parts = [];
    this.clear();
  }

  clear() {
    // Lots of a fold that is made anew stay the same objects: who looks at one, or types a bid, is not disturbed.
    if (this.id) this.former = { id: this.id, lots: this.lots };
    this.id = null;
    this.sequence = 0;
    this.at = "0";
    this.users = [];
    this.names = new Map();
    this.stocks = new Map();
    this.lots = [];
    this.lotsBySymbol = new Map();
    this.accounts = "credit";
    /** Start of the halt, while the whole market is halted. */
    this.haltedSince = null;
    this.digest = new Digest();
    this.unknownEvents = 0;
  }

  get isThere() {
    return this.id !== null;
  }

  lot(id) {
    return this.lots[id - 1];
  }

  lotsOf(symbol) {
    return this.lotsBySymbol.get(symbol) ?? [];
  }

  nameOf(user) {
    return this.users[user - 1]?.name ?? `user ${user}`;
  }

  /** Whether the house plays in it: its first user is the house's auctioneer. */
  get isDemo() {
    return this.users[0]?.name === "house-auctioneer" && this.users[0].role === "auctioneer";
  }

  /** Takes a part of a snapshot; true when it was the last and the market stands anew. */
  take(part) {
    if (part.index === 0) this.parts = [];
    this.parts.push(part);
    if (part.follows === "more") return false;
    this.clear();
    const former = this.former?.id === part.market ? this.former.lots : [];
    for (const { users, stocks, lots } of this.parts) {
      users.forEach((user) => this.addUser(user.user, user.name, user.role));
      stocks.forEach((stock) => this.setStock(stock.listing, stock.profit, stock.last_uncross));
      lots.forEach((lot) => this.takeLot(lot, former[lot.id - 1]));
    }
    this.setAccounts(part.accounts);
    this.setHalt(part.follows.halted ?? null);
    this.parts = [];
    this.former = undefined;
    this.id = part.market;
    this.sequence = Number(part.feed_sequence);
    this.at = part.at;
    return true;
  }

  takeLot(wire, former) {
    // A day with more orders than fit comes again in the next part, with those that follow.
    const begun = this.lot(wire.id);
    if (begun?.day) return mustBe(begun.day.addOrders(wire.book.day.orders));
    const lot = Lot.of(wire);
    if (!former) return this.addLot(lot);
    // Trades that were kept are not told again by a snapshot.
    const trades = former.day?.trades ?? [];
    if (lot.day && BigInt(trades.at(-1)?.number ?? -1) === lot.day.statistics.trades) lot.day.trades = trades;
    if (lot.day) lot.day.lot = former;
    this.addLot(Object.assign(former, lot, { item: former.item }));
  }

  /** Takes a batch of the feed. */
  follow(feed) {
    if (feed.market !== this.id || Number(feed.after) !== this.sequence) throw new Gap("the feed has a gap");
    for (const entry of feed.entries) {
      this.sequence += 1;
      if (isLater(entry.at, this.at)) this.at = entry.at;
      const [kind, event] = variant(entry.event);
      this.apply(kind, event, entry.at);
      this.heard(kind, event, { at: entry.at, sequence: this.sequence });
    }
    if (this.sequence !== Number(feed.through)) throw new Gap("the feed has a gap");
  }

  apply(kind, event, at) {
    if (kind === "user_registered") {
      mustBe(event.user === this.users.length + 1 && !this.names.has(event.name));
      return this.addUser(event.user, event.name, event.role);
    }
    if (kind === "stock_listed") return this.list(event);
    if (kind === "profit_published") {
      const stock = this.stocks.get(event.symbol);
      mustBe(stock);
      return this.setStock(stock.listing, event.profit, stock.uncross);
    }
    if (kind === "accounts_set") {
      mustBe(this.accounts === "credit" && event.mode !== "credit" && this.lots.length === 0);
      return this.setAccounts(event.mode);
    }
    if (kind === "lot_opened") {
      mustBe(event.lot === this.lots.length + 1 && this.stocks.has(event.symbol));
      return this.addLot(Lot.opened(event, at));
    }
    if (kind === "market_halted") {
      mustBe(this.haltedSince === null);
      return this.setHalt(at);
    }
    if (kind === "market_resumed") return this.resumed(at);
    if (DAY_EVENTS.has(kind)) {
      const lot = this.lot(event.lot);
      mustBe(lot?.day && lot.phase === "open" && lot.day.apply(kind, event, at));
      return this.touch(lot);
    }
    if (!LOT_EVENTS.has(kind)) {
      // Of a later server: it is passed over, and the fold can no longer be checked.
      this.unknownEvents += 1;
      return;
    }
    const lot = this.lot(event.lot);
    mustBe(lot && lot.phase !== "closed" && this.fits(kind, event, lot));
    if (kind === "bid_accepted") lot.bid(event);
    else if (kind === "lot_extended") {
      lot.times(lot.openedAt, event.closes_at);
      if (event.cause === "soft_close" || event.cause === "volatility") lot.extensions += 1;
      if (event.cause === "market_orders") lot.marketExtended = true;
    } else if (kind === "lot_closed") this.close(lot, event.outcome, at);
    else if (kind === "lot_began") {
      lot.phase = "open";
      lot.times(at, lot.closesAt);
      lot.day?.begin(at, lot.closesAt);
    } else if (kind === "lot_halted") lot.halt(at);
    else if (kind === "lot_resumed") {
      lot.day?.resumed(event.closes_at);
      lot.halt(null);
      lot.times(event.opened_at, event.closes_at);
    } else if (kind === "bidders_counted") lot.count(event.bidders);
    else if (kind === "reference_fixed") lot.reference = units(event.reference) || null;
    else if (/^end_/.test(kind) && lot.day) mustBe(lot.day.apply(kind, event, at));
    else if (kind === "end_committed") lot.end = event.commitment;
    else if (kind === "end_opened") lot.end = null;
    this.touch(lot);
  }

  /** Ends the halt of the market: the times that have not come move by its duration. */
  resumed(at) {
    mustBe(this.haltedSince !== null);
    const since = this.haltedSince;
    const halt = BigInt(at) > BigInt(since) ? BigInt(at) - BigInt(since) : 0n;
    this.setHalt(null);
    for (const lot of this.lots) {
      if (lot.phase === "closed" || lot.haltedSince !== null) continue;
      lot.shift(since, halt);
      this.touch(lot);
    }
  }

  setHalt(since) {
    if (this.haltedSince === since) return;
    this.haltedSince = since;
    if (since === null) this.digest.drop("halt");
    else this.digest.touch("halt", () => haltItem(since));
    this.lots.forEach((lot) => this.changed(lot));
  }

  close(lot, outcome, at) {
    mustBe(Boolean(outcome.day) === Boolean(lot.day) || outcome.unsold);
    lot.close(at, outcome);
    if (outcome.day) lot.day.closed(outcome.day.close);
    const uncross = outcome.crossed?.price ?? outcome.day?.close ?? null;
    if (uncross === null) return;
    const { listing, profit } = this.stocks.get(lot.symbol);
    this.setStock(listing, profit, uncross);
  }

  /** Whether what happened can happen to a lot that stands so. */
  fits(kind, event, lot) {
    const isHalted = lot.haltedSince !== null;
    const isOpenFormat = lot.format === "english" || lot.format === "dutch";
    const isKnown = (user) => this.users[user - 1] !== undefined;
    if (kind === "bid_accepted") return isOpenFormat && lot.isOpen && isKnown(event.bidder) && isKnown(event.leader);
    if (kind === "lot_extended" && lot.day) return false;
    if (kind === "lot_extended" || kind === "lot_halted") return !isHalted;
    if (kind === "lot_began") return lot.phase === "scheduled" && !isHalted;
    if (kind === "lot_resumed") return isHalted;
    if (kind === "bidders_counted") return !isOpenFormat && lot.phase !== "scheduled";
    if (/^end_/.test(kind) && lot.day) return lot.phase === "open";
    if (/^(reference_fixed|end_)/.test(kind) && (lot.format !== "call" || lot.phase !== "open")) return false;
    if (kind === "end_opened") return lot.end === commitment(lot.id, event.end);
    if (kind === "bids_opened") return !isOpenFormat && event.bids.every((bid) => isKnown(bid.bidder));
    return true;
  }

  addUser(id, name, role) {
    const user = { id, name, role };
    this.users[id - 1] = user;
    this.names.set(name, id);
    this.digest.touch(`u${id}`, () => userItem(user));
  }

  setAccounts(mode) {
    this.accounts = mode;
    if (mode !== "credit") this.digest.touch("accounts", () => accountsItem(mode));
  }

  list(listing) {
    const before = this.stocks.get(listing.symbol);
    const hasNews = !before || before.listing.profit !== listing.profit;
    this.setStock(listing, hasNews ? listing.profit : before.profit, before ? before.uncross : null);
  }

  setStock(listing, profit, uncross) {
    const { symbol } = listing;
    this.stocks.set(symbol, { listing, profit, uncross });
    this.digest.touch(`s${symbol}`, () => stockItem(this.stocks.get(symbol)));
    this.lotsOf(symbol).forEach((lot) => this.changed(lot));
  }

  addLot(lot) {
    this.lots[lot.id - 1] = lot;
    const same = this.lotsBySymbol.get(lot.symbol);
    if (same) same.push(lot);
    else this.lotsBySymbol.set(lot.symbol, [lot]);
    this.touch(lot);
  }

  touch(lot) {
    // Made once a lot: busy markets come here thousands of times a second.
    lot.item ??= () => lotItem(lot);
    this.digest.touch(lot.id, lot.item);
    this.changed(lot);
  }

  /** Whether a heartbeat's digest is that of this fold: `same`, `differs`, or `unchecked` when it cannot be told. */
  compare(heartbeat) {
    if (Number(heartbeat.feed_sequence) !== this.sequence) return "unchecked";
    const { digest } = this;
    digest.catchUp(HASHED_AT_ONCE_MAX);
    if (digest.behind > 0 || digest.isUnknown || this.unknownEvents > 0) return "unchecked";
    return digest.of(this.id, this.sequence, this.at) === heartbeat.digest ? "same" : "differs";
  }
}
