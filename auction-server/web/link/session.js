// Who is logged in here, and the commands they give.
//
// The token is kept in sessionStorage: it lives as long as the tab, and another tab has a session of its own. Who
// ticks "stay logged in" has it in localStorage. Both are read by scripts of this origin alone; the page's policy
// lets in no script but the server's, and a cookie would be sent along with requests that other sites make. It is
// never part of an address.

const KEY = "auction.session";

/** What a command comes to when nobody can tell whether it was done. */
export class Unsure extends Error {}

export class Session {
  /** `changed()` is called when someone logged in or out. */
  constructor(wire, changed) {
    Object.assign(this, { wire, changed });
    this.user = null;
    this.last = 0;
    /** Commands without an answer, in the order in which they were given. */
    this.pending = new Map();
    this.isReady = false;
    this.isLeaving = false;
  }

  get token() {
    return sessionStorage.getItem(KEY) ?? localStorage.getItem(KEY);
  }

  keep(token, stays) {
    this.forget();
    (stays ? localStorage : sessionStorage).setItem(KEY, token);
  }

  forget() {
    sessionStorage.removeItem(KEY);
    localStorage.removeItem(KEY);
  }

  /** Behind each welcome: goes on with the session, and says again what has no answer yet. */
  async goOn() {
    this.isReady = false;
    const { token } = this;
    if (!token) return this.leave();
    const [kind, body] = await this.wire.ask("resume", { token });
    if (kind !== "logged_in") {
      // A server that is busy is asked again; a session that is gone is gone.
      if (/^(busy|slow_down)$/.test(body.code)) return setTimeout(() => this.goOn().catch(() => {}), 1_000);
      this.forget();
      return this.leave();
    }
    this.enter(body);
    for (const [number, { kind, body }] of this.pending) this.wire.say(kind, body, number);
  }

  enter({ user, name, role, last_request, expires_at, session }) {
    this.user = { id: user, name, role, expiresMs: Number(expires_at) / 1_000, session };
    this.last = Math.max(this.last, Number(last_request));
    this.isReady = true;
    this.changed();
  }

  leave() {
    this.user = null;
    this.isReady = false;
    for (const { reject } of this.pending.values()) reject(new Unsure());
    this.pending.clear();
    this.changed();
  }

  /** Registers: nothing, or what was refused. */
  async register(name, password) {
    const [kind, body] = await this.wire.ask("register", { name, password });
    return kind === "accepted" ? null : body;
  }

  async logIn(name, password, stays) {
    const [kind, body] = await this.wire.ask("login", { name, password });
    if (kind !== "logged_in") return body;
    this.keep(body.token, stays);
    this.last = 0;
    this.enter(body);
    return null;
  }

  async logOut() {
    this.isLeaving = true;
    try {
      const [kind, body] = await this.command("logout", {});
      if (kind !== "accepted") return body;
      this.forget();
      this.leave();
      return null;
    } finally {
      this.isLeaving = false;
    }
  }

  /**
   * Gives a command, once, also over a lost connection: a promise of `["accepted", body]` or `["refused", body]`.
   * Numbers are microseconds: they rise, and two tabs of one session do not give the same.
   */
  command(kind, body) {
    return new Promise((resolve, reject) => {
      this.last = Math.max(this.last + 1, Math.floor(Date.now() * 1_000 + Math.random() * 1_000));
      const number = String(this.last);
      this.pending.set(number, { kind, body, resolve, reject });
      if (this.wire.state === "live" && this.isReady) this.wire.say(kind, body, number);
    });
  }

  /** Takes an answer; false when it answers no command. */
  take(kind, body, request) {
    const asked = this.pending.get(request);
    if (!asked) return false;
    this.pending.delete(request);
    if (kind === "refused" && /^(session_closed|session_expired|not_logged_in)$/.test(body.code)) {
      this.forget();
      asked.resolve([kind, body]);
      this.leave();
      return true;
    }
    asked.resolve([kind, body]);
    return true;
  }

  get isTrader() {
    return this.user?.role === "trader";
  }

  get isAuctioneer() {
    return this.user?.role === "auctioneer";
  }

  get company() {
    return this.user?.role.company ?? null;
  }
}
