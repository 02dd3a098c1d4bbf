// A server that is made up within the page: for names that no real server would let in, for formats and events of later
// servers, and for a market that moves faster than a real one here could.

/** Runs in the page, before its own scripts. `market` is what the snapshot holds; `pulse`, what moves; `answers`, what more
 * is answered: a kind and a body for a kind that is asked. */
export function madeUp({ market, pulse, heartbeat = 600_000, answers = {} }) {
  const micros = () => String(Date.now() * 1_000);
  window.feedSequence = 10;
  class Socket {
    static OPEN = 1;
    readyState = 0;
    constructor() {
      window.socket = this;
      setTimeout(() => ((this.readyState = 1), this.onopen()));
    }
    tell(kind, body, request = "0") {
      this.onmessage({ data: JSON.stringify({ request, [kind]: body }) });
    }
    feed(events) {
      const after = String(window.feedSequence);
      window.feedSequence += events.length;
      const at = micros();
      this.tell("feed", { market: "ab".repeat(16), term: "1", after, through: String(window.feedSequence), entries: events.map((event) => ({ at, event })) });
    }
    send(text) {
      const { request, ...message } = JSON.parse(text);
      const [[kind, body]] = Object.entries(message);
      setTimeout(() => this.answer(kind, body, request));
    }
    answer(kind, body, request) {
      if (kind === "hello") this.tell("welcome", { version: 1, market: "ab".repeat(16), term: "1", time: micros(), server: "made-up/1", heartbeat_ms: heartbeat }, request);
      if (kind === "ping") this.tell("pong", { client_time: body.client_time, server_time: micros() }, request);
      if (kind === "get_history") this.tell("history", { lot: body.lot, total: 0, bids: [], opened: [] }, request);
      window.asked = [...(window.asked ?? []), { kind, body }];
      if (answers[kind]) this.tell(...answers[kind], request);
      if (kind === "watch") {
        this.tell("snapshot_part", { market: "ab".repeat(16), index: 0, follows: "nothing", feed_sequence: "10", at: micros(), ...market }, request);
        if (pulse) setInterval(() => this.beat(), pulse.every);
      }
    }
    beat() {
      this.step = (this.step ?? 0) + 1;
      const price = (lot) => `${1 + Math.floor((lot + this.step) / 100)}.${String((lot + this.step) % 100).padStart(2, "0")}`;
      const bid = (lot) => ({ bid_accepted: { lot, bidder: 1 + (this.step % 2), amount: price(lot), leader: 1 + (this.step % 2), price: price(lot), least: price(lot + 1), bidders: 2, reserve: "none" } });
      this.feed(Array.from({ length: pulse.lots }, (_, index) => bid(index + 1)));
    }
    close() {}
  }
  window.WebSocket = Socket;
}

export const ENGLISH = { english: { steps: [{ from: "0.00", step: "0.01" }], buy_now: null, soft_close: { mode: "add", extend_within: "60000000", extend_by: "60000000", extensions_max: null } } };

export function lot(id, symbol, change = {}) {
  const now = Date.now() * 1_000;
  const book = { english: { price: null, leader: null, least: "1.01", bids: 0, bidders: 0, reserve: "none" } };
  return { id, symbol, quantity: "1", base_price: "1.00", opened_at: String(now), closes_at: String(now + 3_600_000_000), extensions: 0, terms: ENGLISH, phase: "open", halted_since: null, book, ...change };
}

export const stock = (symbol, security = "00001") => ({ listing: { symbol, security, price: "1.00", profit: "0" }, profit: "0" });

/** A trading day in continuous trading, with an order on each side. */
export function day(change = {}) {
  const now = Date.now() * 1_000;
  const ends = [now - 60_000_000, now + 3_000_000_000, now + 3_600_000_000].map(String);
  const call = { tick: "0.01", book: "open", collar: null, extensions_max: 1, market_extension: false, extend_by: "60000000", random_end: "0", no_cancel: null };
  const phases = [["call", "0"], ["continuous", "60000000"], ["call", "3120000000"]].map(([phase, begins_after]) => ({ phase, begins_after }));
  const terms = { day: { call, phases, static_corridor: null, dynamic_corridor: null, volatility_length: "60000000", volatility_random_end: "0", interruptions_max: 16 } };
  const statistics = { open: null, high: null, low: null, last: null, close: null, volume: "0", value: "0", trades: "0" };
  const orders = [{ number: "1", side: "buy", price: "1.00", open: "300" }, { number: "2", side: "sell", price: "1.02", open: "200" }];
  const book = { phase: "continuous", phase_ends_at: ends[1], phase_index: 1, ends, lengths: ["60000000", "3060000000", "600000000"], reference: null, collar: null, traders: 0, extensions: 0, market_extended: false, end: null, halt: null, resumes_by_call: false, interruptions: 0, last_call: null, last_number: "2", statistics, orders };
  return { terms, book: { day: { ...book, ...change } } };
}
