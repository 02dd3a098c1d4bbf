// What concerns the one who is logged in: the server tells it (`watch_account`), to nobody else and to all of their
// sessions. Hidden bids and maxima are nowhere but in this page's memory. Only which lots one has bid on is remembered
// beside the session's token, since nobody else would tell of those where one was outbid; it is public anyway.

import { units } from "./money.js";

const KEY = "auction.own";

export class Own {
  /** `changed(lot)` is called with the number of a lot that stands otherwise, `told(kind, event)` with all that happens. */
  constructor({ changed, told }) {
    Object.assign(this, { changed, told });
    this.clear();
  }

  clear() {
    this.user = null;
    this.market = null;
    /** Numbers of the lots that one has bid on. */
    this.lots = new Set();
    /** What one has offered at most, by lot. */
    this.offers = new Map();
    /** Orders by lot, in the order of their numbers. */
    this.ordersByLot = new Map();
    /** The switches of one's sessions: how long each can be away, in microseconds. */
    this.deadMen = new Map();
    this.parts = [];
  }

  /** From here on of this user of this market; `stays` is whether what is remembered outlives the tab. */
  begin(user, market, stays) {
    if (this.user === user && this.market === market) return;
    this.clear();
    Object.assign(this, { user, market, store: stays ? localStorage : sessionStorage });
    try {
      const kept = JSON.parse(this.store.getItem(KEY) ?? "null");
      if (kept?.user === user && kept.market === market) this.lots = new Set(kept.lots);
    } catch {
      // What cannot be read is forgotten.
    }
  }

  forget() {
    localStorage.removeItem(KEY);
    sessionStorage.removeItem(KEY);
    this.clear();
  }

  /** Takes a part of what stands; the last one makes it so. */
  take(part) {
    if (part.index === 0) this.parts = [];
    this.parts.push(part);
    if (part.follows === "more") return;
    const before = [...this.offers.keys(), ...this.ordersByLot.keys()];
    this.offers.clear();
    this.ordersByLot.clear();
    this.deadMen.clear();
    for (const { dead_men, leads, orders } of this.parts) {
      dead_men.forEach(({ session, grace }) => this.deadMen.set(session, grace));
      leads.forEach((lead) => this.offered(lead));
      orders.forEach((order) => this.placed(order));
    }
    this.parts = [];
    before.forEach((lot) => this.changed(lot));
  }

  /** Takes what happened to the account. */
  follow({ entries }) {
    for (const { event } of entries) {
      const [kind, body] = typeof event === "string" ? [event, {}] : Object.entries(event)[0];
      this.apply(kind, body);
      this.told(kind, body);
      if (body.lot !== undefined) this.changed(body.lot);
    }
  }

  apply(kind, event) {
    if (kind === "order_placed") return this.placed(event);
    if (kind === "order_replaced") return this.reorder(event, { quantity: event.quantity, limit: event.limit });
    if (kind === "order_filled") return this.reorder(event, { filled: event.filled, pays: event.pays });
    if (kind === "order_lapsed") return this.reorder(event, { filled: this.order(event)?.filled ?? "0" });
    if (kind === "order_cancelled") {
      const rest = this.orders(event.lot).filter((order) => order.order !== event.order);
      return this.ordersByLot.set(event.lot, rest);
    }
    if (kind === "leads") return this.offered(event);
    if (kind === "dead_man_set") {
      if (event.grace === null) this.deadMen.delete(event.session);
      else this.deadMen.set(event.session, event.grace);
    }
  }

  offered({ lot, offer }) {
    this.offers.set(lot, units(offer));
    this.seen(lot);
    this.changed(lot);
  }

  placed(order) {
    const rest = this.orders(order.lot).filter((other) => other.order !== order.order);
    this.ordersByLot.set(order.lot, [...rest, order]);
    this.seen(order.lot);
    this.changed(order.lot);
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
    if (this.user === null || this.lots.has(lot)) return;
    this.lots.add(lot);
    const { user, market, lots } = this;
    this.store.setItem(KEY, JSON.stringify({ user, market, lots: [...lots] }));
  }

  /** How a lot stands for them: `leading`, `outbid`, `in`, `won`, `lost`, or nothing. */
  standing(lot) {
    if (this.user === null || !(this.isIn(lot.id) || lot.leader === this.user)) return null;
    if (lot.phase === "closed") return this.result(lot);
    if (lot.format === "english" || lot.format === "dutch") return lot.leader === this.user ? "leading" : "outbid";
    return this.orders(lot.id).length > 0 ? "in" : null;
  }

  result(lot) {
    const { sold } = lot.outcome;
    if (sold) return sold.winner === this.user ? "won" : "lost";
    const opened = (lot.opened ?? []).filter((bid) => bid.bidder === this.user);
    const mine = opened.length > 0 ? opened : this.orders(lot.id).filter((order) => order.filled !== undefined);
    if (mine.length === 0) return lot.format === "uniform" || lot.format === "call" ? null : "lost";
    return mine.some((bid) => Number(bid.filled) > 0) ? "won" : "lost";
  }
}

/** A standing as a sign and words: colour is never alone. */
export function standingWords(standing, lot) {
  const [sign, words] = STANDINGS[standing] ?? ["", ""];
  return [sign, (lot.format === "call" && CALL_WORDS[standing]) || words];
}

const CALL_WORDS = { in: "Your order is in", won: "Filled", lost: "Not filled" };
const STANDINGS = {
  leading: ["✓", "You lead"],
  outbid: ["!", "Outbid"],
  in: ["•", "Your bid is in"],
  won: ["★", "You won"],
  lost: ["–", "Not won"],
};
