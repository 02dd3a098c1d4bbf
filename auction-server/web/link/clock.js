// The server's time, learned from round trips: half of one lies between its word and its arrival.

/** How many round trips are remembered; the shortest of them is the best witness. */
const KEPT = 8;
/** A wall clock that jumps by more, in milliseconds, has slept: what was learned is no longer so. */
const SLEPT = 2_000;

const steady = () => performance.timeOrigin + performance.now();

export class Clock {
  constructor() {
    this.trips = [];
    this.offset = 0;
    this.roundTrip = null;
    this.wallAhead = Date.now() - steady();
  }

  /** The server's time, in milliseconds since 1970. */
  now() {
    return steady() + this.offset;
  }

  /** Its own time, to be sent with a question. */
  static stamp() {
    return steady();
  }

  /** A first guess, before any round trip. */
  guess(serverMs) {
    if (this.trips.length === 0) this.offset = serverMs - steady();
  }

  /** An answer to a question of `sentAt`. */
  learn(sentAt, serverMs) {
    const now = steady();
    this.roundTrip = now - sentAt;
    this.trips.push({ took: this.roundTrip, offset: serverMs + this.roundTrip / 2 - now });
    if (this.trips.length > KEPT) this.trips.shift();
    this.offset = this.trips.reduce((best, trip) => (trip.took <= best.took ? trip : best)).offset;
  }

  /** Whether this machine has slept since the last call; then what was learned is forgotten. */
  hasSlept() {
    const ahead = Date.now() - steady();
    const jumped = ahead - this.wallAhead;
    this.wallAhead = ahead;
    if (Math.abs(jumped) < SLEPT) return false;
    this.offset += Math.max(jumped, 0);
    this.trips = [];
    return true;
  }
}
