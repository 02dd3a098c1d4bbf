// The user's own bids, orders and results. The server tells them to this user alone: all there were (`get_activity`), what
// is live (`watch_account`), and what happens from there on. They are nowhere but in this page's memory.

import { units } from "./money.js";

export class Own {
  /** `changed(lot)` is called with the number of a lot that stands otherwise, `told(kind, event)` with all that happens. */
  constructor({ changed, told }) {
    Object.assign(this, { changed, told });
    this.clear();
  }

  clear() {
    this.user = null;
    this.market = null;
    this.startOver();
    /** Numbers of the lots that the user has bid on. */
    this.lots = new Set();
    /** The latest bid on each open-bid lot: price, whether it is a hidden maximum, and when. */
    this.bids = new Map();
    /** What one has offered at most, by lot. */
    this.offers = new Map();
    /** Orders by lot, in the order of their numbers. */
    this.ordersByLot = new Map();
    /** Open orders on trading days by lot: a table by number each. */
    this.dayOrdersByLot = new Map();
    /** Fills on trading days by lot, the oldest first: those that came since this page knows the user. */
    this.fillsByLot = new Map();
    /** The switches of one's sessions: how long each can be away, in microseconds. */
    this.deadMen = new Map();
    this.parts = [];
  }

  /** What is known may be old: it is being asked for again. */
  startOver() {
    this.hasActivity = false;
    this.hasLive = false;
    /** Whether the server cannot tell the activity. */
    this.isUnknowable = false;
  }

  /** Whether all that there was has come; until then nothing can be said not to be there. */
  get isKnown() {
    return this.hasActivity && this.hasLive;
  }

  /** From here on of this user of this market. */
  begin(user, market) {
    if (this.user === user && this.market === market) return;
    this.clear();
    Object.assign(this, { user, market });
  }

  /** Takes entries of the activity. Live orders are left to `take` and `follow`, which may know what came since. */
  takeActivity(entries) {
    for (const { lot, at, what } of entries) {
      const { bid, order } = what;
      if (bid) this.bidden(lot, { price: units(bid.price), isHidden: bid.hidden, at: Number(at) });
      const { closed } = order?.state ?? {};
      if (closed) this.put({ lot, ...order, filled: closed.filled, pays: closed.price });
      this.seen(lot);
      this.changed(lot);
    }
  }

  /** The user has bid; what is older than what is known is passed over. */
  bidden(lot, bid) {
    if ((this.bids.get(lot)?.at ?? 0) <= bid.at) this.bids.set(lot, bid);
  }

  bid(lot) {
    return this.bids.get(lot) ?? null;
  }

  /** Takes a part of what stands; the last one makes it so. */
  take(part) {
    if (part.index === 0) this.parts = [];
    this.parts.push(part);
    if (part.follows === "more") return;
    const before = [...this.offers.keys(), ...this.ordersByLot.keys()];
    this.offers.clear();
    // Orders that ended are not told again.
    for (const [lot, orders] of this.ordersByLot) this.ordersByLot.set(lot, orders.filter((order) => order.filled !== undefined));
    this.deadMen.clear();
    before.push(...this.dayOrdersByLot.keys());
    this.dayOrdersByLot.clear();
    for (const { dead_men: switches = [], leads = [], orders = [], isOfDays } of this.parts) {
      switches.forEach(({ session, grace }) => this.deadMen.set(session, grace));
      leads.forEach((lead) => this.offered(lead));
      orders.forEach((order) => (isOfDays ? this.dayOrderStands(order) : this.placed(order)));
    }
    this.parts = [];
    this.hasLive = true;
    before.forEach((lot) => this.changed(lot));
  }

  /** Takes what happened to the account. */
  follow({ entries }) {
    for (const { at, event } of entries) {
      const [kind, body] = typeof event === "string" ? [event, {}] : Object.entries(event)[0];
      this.apply(kind, body, at);
      this.told(kind, body);
      if (body.lot !== undefined) this.changed(body.lot);
    }
  }

  apply(kind, event, at) {
    if (kind.startsWith("day_order")) return this.applyToDay(kind, event, at);
    if (kind === "order_placed") return this.placed(event);
    if (kind === "order_replaced") return this.reorder(event, { quantity: event.quantity, limit: event.limit });
    if (kind === "order_filled") return this.reorder(event, { filled: event.filled, pays: event.pays });
    if (kind === "order_lapsed") return this.reorder(event, { filled: this.order(event)?.filled ?? "0" });
    if (kind === "order_cancelled") {
      this.dayOrders(event.lot).delete(event.order);
      const rest = this.orders(event.lot).filter((order) => order.order !== event.order);
      return this.ordersByLot.set(event.lot, rest);
    }
    if (kind === "leads") return this.offered(event);
    if (kind === "dead_man_set") {
      if (event.grace === null) this.deadMen.delete(event.session);
      else this.deadMen.set(event.session, event.grace);
    }
  }

  // Orders on trading days.

  dayOrderStands({ lot, order: { order, content, traded, value, state } }) {
    const { quantity, ...terms } = content;
    const open = BigInt(quantity);
    this.dayOrders(lot).set(order, { order, ...terms, open, traded: BigInt(traded), value: BigInt(value), state });
    this.seen(lot);
    this.changed(lot);
  }

  applyToDay(kind, event, at) {
    const { lot } = event;
    const orders = this.dayOrders(lot);
    const order = orders.get(event.order);
    this.seen(lot);
    if (kind === "day_order_accepted") {
      const { quantity, ...terms } = event.content;
      orders.set(event.order, { order: event.order, ...terms, open: BigInt(quantity), traded: 0n, value: 0n, state: "accepted" });
    } else if (kind === "day_orders_decremented") {
      this.leaves(orders, event.resting, event.resting_left);
      this.leaves(orders, event.incoming, event.incoming_left);
    } else if (!order) return;
    else if (kind === "day_order_replaced") Object.assign(order, { open: BigInt(event.quantity), limit: event.limit });
    else if (kind === "day_order_parked") Object.assign(order, { open: BigInt(event.open), state: "parked" });
    else if (kind === "day_order_rests") Object.assign(order, { open: BigInt(event.open), state: "resting" });
    else if (kind === "day_order_filled") {
      const [price, quantity] = [units(event.price), BigInt(event.quantity)];
      order.traded += quantity;
      order.value += quantity * BigInt(price);
      const fills = this.dayFills(lot);
      fills.push({ trade: event.trade, ms: Number(at) / 1_000, order: event.order, side: order.side, price, quantity, role: event.role });
      this.fillsByLot.set(lot, fills);
      this.leaves(orders, event.order, event.left);
    } else if (kind === "day_order_lapsed") this.leaves(orders, event.order, order.open - BigInt(event.quantity));
  }

  /** An order has so many shares left, and is gone with none. */
  leaves(orders, number, left) {
    const order = orders.get(number);
    if (!order) return;
    order.open = BigInt(left);
    if (order.open <= 0n) orders.delete(number);
  }

  /** Open orders on a trading day, by number. */
  dayOrders(lot) {
    if (!this.dayOrdersByLot.has(lot)) this.dayOrdersByLot.set(lot, new Map());
    return this.dayOrdersByLot.get(lot);
  }

  /** Fills on a trading day, the oldest first, as far as they are known here. */
  dayFills(lot) {
    return this.fillsByLot.get(lot) ?? [];
  }

  offered({ lot, offer }) {
    const price = units(offer);
    this.offers.set(lot, price);
    // An open bid is told by the feed as well, or was told before.
    const known = this.bids.get(lot);
    if (known?.price !== price) this.bids.set(lot, { price, isHidden: true, at: known?.at ?? 0 });
    this.seen(lot);
    this.changed(lot);
  }

  placed(order) {
    this.put(order);
    this.seen(order.lot);
    this.changed(order.lot);
  }

  /** In the order of their numbers, however they come. */
  put(order) {
    const rest = this.orders(order.lot).filter((other) => other.order !== order.order);
    this.ordersByLot.set(order.lot, [...rest, order].sort((a, b) => a.order - b.order));
  }

  reorder({ lot, order }, change) {
    const replaced = (all) => (all.order === order ? { ...all, ...change } : all);
    this.ordersByLot.set(lot, this.orders(lot).map(replaced));
  }

  order({ lot, order }) {
    return this.orders(lot).find((all) => all.order === order);
  }

  /** One's orders on a lot. */
  orders(lot) {
    return this.ordersByLot.get(lot) ?? [];
  }

  /** The most one has offered on a lot, as far as it is known; a hidden maximum, or an open bid. */
  offer(lot) {
    return this.offers.get(lot) ?? null;
  }

  /** Whether one has bid on a lot. */
  isIn(lot) {
    return this.lots.has(lot);
  }

  /** They were seen to bid. */
  seen(lot) {
    if (this.user !== null) this.lots.add(lot);
  }

  /** How a lot stands for them: `leading`, `outbid`, `in`, `won`, `lost`, or nothing. */
  standing(lot) {
    if (this.user === null || !(this.isIn(lot.id) || lot.leader === this.user)) return null;
    if (lot.day) return this.dayStanding(lot);
    if (lot.phase === "closed") return this.result(lot);
    if (lot.format === "english" || lot.format === "dutch") return lot.leader === this.user ? "leading" : "outbid";
    return this.orders(lot.id).length > 0 ? "in" : null;
  }

  dayStanding(lot) {
    if (lot.phase === "closed") return this.dayFills(lot.id).length > 0 ? "won" : null;
    return this.dayOrders(lot.id).size > 0 ? "in" : null;
  }

  result(lot) {
    const { sold } = lot.outcome;
    if (sold?.winner === this.user) return "won";
    if (lot.format === "english" || lot.format === "dutch") return "lost";
    const opened = (lot.opened ?? []).filter((bid) => bid.bidder === this.user);
    const mine = opened.length > 0 ? opened : this.orders(lot.id).filter((order) => order.filled !== undefined);
    // All of them may have been withdrawn, or not have come yet.
    if (mine.length === 0) return null;
    return mine.some((bid) => Number(bid.filled) > 0) ? "won" : "lost";
  }

  /** What was traded on a lot that has closed: `[side, shares, price]` each, in units; what has not come yet is not in it. */
  fills(lot) {
    if (lot.day) return this.dayFills(lot.id).map(({ side, quantity, price }) => [side, String(quantity), price]);
    if (lot.phase !== "closed") return [];
    const { sold, crossed } = lot.outcome;
    if (lot.format === "english" || lot.format === "dutch") return sold?.winner === this.user ? [["buy", lot.quantity, units(sold.price)]] : [];
    const price = (order) => order.pays ?? crossed?.price ?? sold?.price;
    const filled = this.orders(lot.id).filter((order) => Number(order.filled ?? 0) > 0);
    return filled.map((order) => [order.side ?? "buy", order.filled, units(price(order))]);
  }
}

/** A standing as a sign and words: colour is never alone. */
export function standingWords(standing, lot) {
  const [sign, words] = STANDINGS[standing] ?? ["", ""];
  return [sign, ((lot.format === "call" || lot.day) && CALL_WORDS[standing]) || words];
}

const CALL_WORDS = { in: "Your order is in", won: "Filled", lost: "Not filled" };
const STANDINGS = {
  leading: ["✓", "You lead"],
  outbid: ["!", "Outbid"],
  in: ["•", "Your bid is in"],
  won: ["★", "You won"],
  lost: ["–", "Not won"],
};
