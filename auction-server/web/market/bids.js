// What has been bid on a lot: asked of the server once, then kept with the feed. For charts, sparklines and lists.

import { units } from "./money.js";

/** How many bids of a lot are asked for to draw a sparkline, and how many to show the lot; older ones are counted. */
export const FEW = 60;
export const MANY = 1_024;
/** How many histories are asked for at a time. */
const ASKED_AT_ONCE = 4;

export class Bids {
  /** `ask(lot, limit)` gives a promise of the server's `history`; `came(lot)` is called when bids are there. */
  constructor({ ask, came }) {
    this.ask = ask;
    this.came = came;
    this.clear();
  }

  /** What was kept is of another fold. */
  clear() {
    this.byLot = new Map();
    this.waiting = [];
    this.asked = 0;
  }

  /** The newest bids of a lot, the oldest of them first, from here on kept up to date; nothing until they have come. */
  of(lot, limit = FEW) {
    let known = this.byLot.get(lot);
    if (!known) {
      known = { bids: [], total: 0, limit: 0, isThere: false };
      this.byLot.set(lot, known);
    }
    const wantsMore = !known.isThere || known.total > known.bids.length;
    if (known.limit < limit && wantsMore) {
      known.limit = limit;
      this.waiting.push([lot, limit]);
      this.askNext();
    }
    return known.isThere ? known : null;
  }

  askNext() {
    while (this.asked < ASKED_AT_ONCE && this.waiting.length > 0) {
      const [lot, limit] = this.waiting.pop();
      const { byLot } = this;
      this.asked += 1;
      this.ask(lot, limit)
        .then((history) => byLot === this.byLot && this.take(lot, history))
        // It is asked for anew when it is next looked at.
        .catch(() => byLot.delete(lot))
        .finally(() => {
          if (byLot !== this.byLot) return;
          this.asked -= 1;
          this.askNext();
        });
    }
  }

  take(lot, history) {
    const known = this.byLot.get(lot);
    const asked = history.bids.map((bid) => read(bid, Number(bid.feed_sequence)));
    const last = asked.at(-1)?.sequence ?? 0;
    const since = known.bids.filter((bid) => bid.sequence > last);
    known.bids = asked.concat(since);
    known.total = history.total + since.length;
    // Bids that were sealed, as they were opened at the close.
    known.opened = history.opened ?? [];
    known.isThere = true;
    this.came(lot);
  }

  /** A bid of the feed. */
  heard(event, sequence, at) {
    const known = this.byLot.get(event.lot);
    if (!known || (known.bids.at(-1)?.sequence ?? 0) >= sequence) return;
    known.bids.push(read({ ...event, at }, sequence));
    known.total += 1;
    if (known.bids.length > 2 * MANY) known.bids = known.bids.slice(-MANY);
  }
}

function read({ at, bidder, amount, price, leader }, sequence) {
  const offered = amount === null ? null : units(amount);
  return { sequence, ms: Number(at) / 1_000, bidder, amount: offered, price: units(price), leader };
}
