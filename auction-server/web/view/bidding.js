// Bidding: a box for each format.

import { Box, closedTo } from "./box.js";
import { DutchBox, EnglishBox } from "./openbids.js";
import { OrdersBox } from "./orders.js";

const BOXES = { english: EnglishBox, dutch: DutchBox, sealed: OrdersBox, uniform: OrdersBox, call: OrdersBox };

/** A lot of a format that a later server has. */
class NoBox extends Box {
  why() {
    const words = `This page does not know how to bid on a lot of this format, ${this.lot.format}. A newer page or another program may.`;
    return this.lot.phase === "closed" ? closedTo(this.lot) : words;
  }
}

/** The box of a lot. */
export function biddingBox(lot) {
  return new (BOXES[lot.format] ?? NoBox)(lot, "Bid");
}
