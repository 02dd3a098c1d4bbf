// Follows the market and bids in it, over WebSocket: in a page, and in Node. Prices and 64-bit numbers are strings,
// for JavaScript's numbers would round them.

/** How long to wait before connecting anew. */
const RECONNECT_MS = 2000;

export class Market {
  /** url: ws://HOST:PORT/ws. changed(): the market has changed. say(text): something for the person. */
  constructor(url, changed, say) {
    Object.assign(this, { url, changed, say, id: null, place: "0", lots: new Map(), names: new Map() });
    Object.assign(this, { number: 0, asked: new Map(), token: null, clockOffset: 0, ended: false });
    this.open();
  }

  open() {
    this.socket = new WebSocket(this.url);
    this.socket.onopen = () => this.greet().catch((error) => this.say(error.message));
    this.socket.onmessage = (event) => this.receive(JSON.parse(event.data));
    this.socket.onclose = () => {
      for (const { reject } of this.asked.values()) reject(new Error("the connection was lost"));
      this.asked.clear();
      if (!this.ended) setTimeout(() => this.open(), RECONNECT_MS);
    };
  }

  close() {
    this.ended = true;
    this.socket.close();
  }

  /** Asks, and gives the answer's fields; a refusal is thrown, its code in `code`, what would do in `price`. */
  ask(kind, body = {}) {
    const request = String(++this.number);
    this.socket.send(JSON.stringify({ request, [kind]: body }));
    return new Promise((resolve, reject) => this.asked.set(request, { resolve, reject }));
  }

  async greet() {
    const welcome = await this.ask("hello", { version_min: 1, version_max: 1, client: "page/1" });
    // Of another market than before nothing is of use.
    const resume = welcome.market === this.id ? { market: this.id, feed_sequence: this.place } : null;
    this.id = welcome.market;
    if (this.token) this.began(await this.ask("resume", { token: this.token }));
    await this.ask("watch", { resume });
    const sent = Date.now();
    const pong = await this.ask("ping", { client_time: String(sent * 1000) });
    this.clockOffset = Number(pong.server_time) / 1000 - (sent + Date.now()) / 2;
  }

  async logIn(name, password) {
    await this.ask("register", { name, password }).catch((error) => {
      if (error.code !== "name_taken") throw error;
    });
    this.began(await this.ask("login", { name, password }));
  }

  began(session) {
    this.token = session.token ?? this.token;
    this.user = session.user;
    // Numbers rise within a session, over all its connections.
    this.number = Math.max(this.number, Number(session.last_request));
  }

  bid(lot, price) {
    return this.ask("bid", { lot, price });
  }

  receive({ request, ...message }) {
    const [[kind, body]] = Object.entries(message);
    if (kind === "feed") this.feed(body);
    if (kind === "snapshot_part") this.snapshot(body);
    // A sign of life in return, lest the server takes this for a dead connection.
    if (kind === "heartbeat") this.ask("ping", { client_time: body.time }).catch(() => {});
    if (kind === "goodbye") this.say(body.message);
    const asked = this.asked.get(request);
    // A snapshot of several parts answers with its last.
    if (!asked || kind === "resync" || body.follows === "more") return;
    this.asked.delete(request);
    if (kind === "refused") asked.reject(Object.assign(new Error(body.message), body));
    else asked.resolve(body);
  }

  snapshot(part) {
    if (part.index === 0) {
      this.lots.clear();
      this.names.clear();
    }
    for (const { user, name } of part.users) this.names.set(user, name);
    for (const lot of part.lots) {
      const [book] = Object.values(lot.book);
      this.lots.set(lot.id, { ...lot, ...book, id: lot.id });
    }
    this.place = part.feed_sequence;
    if (part.follows === "nothing") this.changed();
  }

  /** Folds in what a page shows. market.py in ../python keeps all of it. */
  feed({ after, through, entries }) {
    if (after !== this.place) return this.socket.close(); // A gap: begin anew.
    for (const { at, event } of entries) {
      const [[name, fields]] = Object.entries(event);
      const lot = this.lots.get(fields.lot);
      if (name === "user_registered") this.names.set(fields.user, fields.name);
      if (name === "lot_opened") {
        const phase = fields.opens_at === null ? "open" : "scheduled";
        this.lots.set(fields.lot, { ...fields, id: fields.lot, phase, price: null, leader: null });
      }
      if (name === "bid_accepted") {
        const { price, leader, least, bidders } = fields;
        Object.assign(lot, { price, leader, least, bidders });
      }
      if (name === "lot_extended" || name === "lot_resumed") lot.closes_at = fields.closes_at;
      if (name === "lot_began") lot.phase = "open";
      if (name === "lot_closed") lot.phase = { closed: { at, outcome: fields.outcome } };
    }
    this.place = through;
    this.changed();
  }
}
