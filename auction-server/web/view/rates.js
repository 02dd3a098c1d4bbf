// How much comes, measured on the feed as it comes to this page: a ring of seconds.

/** How many seconds are kept. */
export const SECONDS = 120;

export class Rates {
  constructor() {
    this.seconds = [];
    this.begin();
    setInterval(() => this.turn(), 1_000);
  }

  begin() {
    this.current = { events: 0, bids: 0, batches: 0, late: 0 };
  }

  turn() {
    this.seconds.push(this.current);
    if (this.seconds.length > SECONDS) this.seconds.shift();
    this.begin();
  }

  batch() {
    this.current.batches += 1;
  }

  /** An event that came `late` milliseconds behind its time. */
  event(kind, late) {
    const { current } = this;
    current.events += 1;
    if (kind === "bid_accepted" || kind === "bidders_counted") current.bids += 1;
    if (late > current.late) current.late = late;
  }
}
