// What the one who is logged in has done: which lots they bid on, their hidden maxima and sealed orders.
//
// The server shows hidden bids to nobody, so what was accepted here is remembered where the session's token is.

import { units } from "./money.js";

const KEY = "auction.own";

export class Own {
  constructor() {
    this.clear();
  }

  clear() {
    this.user = null;
    this.market = null;
    this.lots = new Map();
  }

  /** From here on of this user of this market; `stays` is whether it outlives the tab. */
  begin(user, market, stays) {
    if (this.user === user && this.market === market) return;
    this.clear();
    Object.assign(this, { user, market, store: stays ? localStorage : sessionStorage });
    try {
      const kept = JSON.parse(this.store.getItem(KEY) ?? "null");
      if (kept?.user === user && kept.market === market) this.lots = new Map(kept.lots);
    } catch {
      // What cannot be read is forgotten.
    }
  }

  forget() {
    localStorage.removeItem(KEY);
    sessionStorage.removeItem(KEY);
    this.clear();
  }

  save() {
    if (this.user === null) return;
    const { user, market, lots } = this;
    this.store.setItem(KEY, JSON.stringify({ user, market, lots: [...lots] }));
  }

  at(lot) {
    return this.lots.get(lot) ?? { maximum: null, orders: [] };
  }

  change(lot, change) {
    this.lots.set(lot, { ...this.at(lot), ...change });
    this.save();
  }

  /** Whether they have bid on a lot. */
  isIn(lot) {
    return this.lots.has(lot);
  }

  /** They were seen to bid. */
  seen(lot) {
    if (!this.lots.has(lot)) this.change(lot, {});
  }

  /** A command of theirs was accepted. */
  accepted(kind, body, reply) {
    if (kind === "bid") this.seen(body.lot);
    if (kind === "bid_maximum") this.change(body.lot, { maximum: units(body.maximum) });
    if (kind === "place_order") {
      const { lot, side, quantity, limit } = body;
      const order = { order: reply.order_placed, side, quantity, limit };
      this.change(lot, { orders: [...this.at(lot).orders, order] });
    }
    if (kind === "replace_order") {
      const { lot, order, quantity, limit } = body;
      const replaced = (all) => (all.order === order ? { ...all, quantity, limit } : all);
      this.change(lot, { orders: this.at(lot).orders.map(replaced) });
    }
    if (kind === "cancel_order") this.gone(body.lot, body.order);
  }

  /** An order is no longer there. */
  gone(lot, order) {
    this.change(lot, { orders: this.at(lot).orders.filter((all) => all.order !== order) });
  }

  /** How a lot stands for them: `leading`, `outbid`, `in`, `won`, `lost`, or nothing. */
  standing(lot) {
    if (this.user === null || !(this.isIn(lot.id) || lot.leader === this.user)) return null;
    if (lot.phase === "closed") return this.result(lot);
    if (lot.format === "english" || lot.format === "dutch") return lot.leader === this.user ? "leading" : "outbid";
    return this.at(lot.id).orders.length > 0 ? "in" : null;
  }

  result(lot) {
    const { sold } = lot.outcome;
    if (sold) return sold.winner === this.user ? "won" : "lost";
    const mine = (lot.opened ?? []).filter((bid) => bid.bidder === this.user);
    if (mine.length === 0) return lot.outcome.allocated ? null : "lost";
    return mine.some((bid) => Number(bid.filled) > 0) ? "won" : "lost";
  }
}

/** A standing as a sign and words: colour is never alone. */
export const STANDINGS = {
  leading: ["✓", "You lead"],
  outbid: ["!", "Outbid"],
  in: ["•", "Your bid is in"],
  won: ["★", "You won"],
  lost: ["–", "Not won"],
};
