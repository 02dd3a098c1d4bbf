// All of the page's state in one place, and the ways in which it changes.

import { Activity } from "../market/activity.js";
import { Bids } from "../market/bids.js";
import { Gap, Market } from "../market/market.js";
import { Own } from "../market/own.js";
import { grouped, shown, units } from "../market/money.js";
import { lapsedWords, phaseWords } from "../market/daywords.js";
import { clock as timeOfDay, outcome, refusal } from "../market/words.js";
import { Clock } from "../link/clock.js";
import { Session, Unsure } from "../link/session.js";
import { Lost, Wire } from "../link/wire.js";
import { announce } from "./announce.js";
import { soon } from "./frame.js";
import { Rates } from "./rates.js";

/** How long to wait before watching again when the server had no room for it, in milliseconds. */
const WATCH_PAUSE = 1_000;

class App {
  constructor() {
    this.listeners = new Map();
    this.clock = new Clock();
    this.rates = new Rates();
    this.changed = new Set();
    this.market = new Market({ heard: (...all) => this.heard(...all), changed: (lot) => this.lotChanged(lot) });
    const address = new URL("ws", location.href).href.replace(/^http/, "ws");
    this.wire = new Wire(address, this.clock, {
      state: () => this.tell("link"),
      welcome: (body) => this.welcome(body),
      told: (...all) => this.told(...all),
      heartbeat: (body) => this.compare(body),
    });
    this.session = new Session(this.wire, () => this.sessionChanged());
    this.own = new Own({ changed: (id) => this.ownChanged(id), told: (...all) => this.ownTold(...all) });
    this.activity = new Activity({
      ask: (kind, body) => this.wire.ask(kind, body),
      came: (entries) => this.own.takeActivity(entries),
      ended: (isKnown) => this.activityEnded(isKnown),
    });
    this.bids = new Bids({ ask: (lot, limit) => this.history(lot, limit), came: (lot) => this.bidsCame(lot) });
    this.check = { word: "unchecked", atMs: null };
    this.isPaused = false;
    this.isReady = false;
    this.news = [];
  }

  on(what, listener) {
    const all = this.listeners.get(what) ?? [];
    this.listeners.set(what, [...all, listener]);
  }

  /** A lot has changed: who shows it hears of it with the next frame, once. */
  lotChanged(lot) {
    this.changed.add(lot);
    soon(this.telling);
  }

  telling = () => {
    const { changed } = this;
    this.changed = new Set();
    for (const lot of changed) this.tell("lot", lot);
  };

  tell(what, ...about) {
    for (const listener of this.listeners.get(what) ?? []) listener(...about);
  }

  now() {
    return this.clock.now();
  }

  get me() {
    return this.session.user?.id ?? null;
  }

  // The connection, and the feed on it.

  welcome({ market, server }) {
    this.server = server;
    this.activity.stop();
    this.own.startOver();
    if (this.market.isThere && this.market.id !== market) this.startAnew();
    this.watch();
    this.session.goOn().catch(() => {});
  }

  /** Goes on with the feed from where it stands, or begins anew with a snapshot. */
  watch() {
    const { id, sequence, isThere } = this.market;
    this.isWatching = false;
    const resume = isThere ? { market: id, feed_sequence: String(sequence) } : null;
    this.watchNumber = this.wire.say("watch", { resume });
  }

  startAnew() {
    this.market.clear();
    this.bids.clear();
  }

  told(kind, body, request) {
    try {
      if (kind === "feed") return this.follow(body);
      if (kind === "snapshot_part") return this.takePart(body);
      if (kind === "resumed") return this.ready();
      if (kind === "indicative") return this.indicate(body);
      if (kind === "account") return this.own.take(body), this.tell("own");
      if (kind === "day_orders") return this.own.take({ ...body, isOfDays: true }), this.tell("own");
      if (kind === "account_feed") return this.own.follow(body);
      if (kind === "resync") return request === this.accountNumber ? undefined : this.resync(body);
      if (kind === "goodbye") return this.tell("said", body.message);
      if (request === this.watchNumber && kind === "refused") return setTimeout(() => this.watch(), WATCH_PAUSE);
      // What else a later server says is passed over.
      this.session.take(kind, body, request);
    } catch (error) {
      if (!(error instanceof Gap)) throw error;
      this.startAnew();
      this.watch();
    }
  }

  indicate(body) {
    const lot = this.market.lot(body.lot);
    if (!lot) return;
    lot.indicate(body);
    this.lotChanged(lot);
  }

  follow(feed) {
    this.rates.batch();
    this.heardAt = this.now();
    this.market.follow(feed);
  }

  takePart(part) {
    if (!this.market.take(part)) return;
    this.bids.clear();
    this.ready();
    this.tell("snapshot");
  }

  ready() {
    this.isReady = true;
    this.isWatching = true;
    this.ownBegins();
    if (!this.own.hasActivity && !this.activity.isRunning) this.loadActivity();
    this.tell("ready");
  }

  resync({ because }) {
    this.bids.clear();
    if (because === "journal_lost") {
      const text = "The server has lost the end of its journal: what was shown since may not have happened.";
      this.tell("notice", { kind: "bad", text, stays: true });
    }
  }

  compare(heartbeat) {
    if (!this.isReady || !this.isWatching) return;
    const word = this.market.compare(heartbeat);
    if (word !== "unchecked") this.check = { word, atMs: this.now() };
    if (word === "differs") {
      this.startAnew();
      this.watch();
    }
    this.tell("check");
  }

  async history(lot, limit) {
    const [kind, body] = await this.wire.ask("get_history", { lot, limit });
    if (kind !== "history") throw new Lost();
    return body;
  }

  bidsCame(id) {
    const { me, own } = this;
    if (me !== null && !own.isIn(id) && this.bids.of(id)?.bids.some((bid) => bid.bidder === me)) own.seen(id);
    const lot = this.market.lot(id);
    const { opened } = this.bids.of(id);
    if (lot?.phase === "closed" && opened.length > 0) {
      lot.opened = opened;
      if (opened.some((bid) => bid.bidder === me)) own.seen(id);
    }
    if (lot) this.lotChanged(lot);
    this.tell("bids", id);
  }

  // What happens in the market.

  heard(kind, event, { at, sequence }) {
    this.rates.event(kind, this.heardAt - Number(at) / 1_000);
    const lot = event.lot === undefined ? undefined : this.market.lot(event.lot);
    if (kind === "bid_accepted") {
      this.bids.heard(event, sequence, at);
      this.leaderMayHaveChanged(lot, event, at);
    } else if (kind === "bids_opened") lot.opened = [...(lot.opened ?? []), ...event.bids];
    else if (kind === "lot_closed") this.closed(lot);
    else if (kind === "lot_extended" && this.concerns(lot)) {
      this.tell("extended", lot);
      announce(`${lot.symbol}: the close moved to ${timeOfDay(lot.closesMs)}.`);
    } else if (kind === "lot_halted" && this.concerns(lot)) announce(`${lot.symbol} is halted.`);
    else if (kind === "lot_resumed" && this.concerns(lot)) announce(`${lot.symbol} goes on.`);
    else if (kind === "phase_began" && this.concerns(lot)) announce(`${lot.symbol}: ${phaseWords(lot)}.`);
    else if (kind === "interrupted" && this.concerns(lot)) announce(`${lot.symbol}: trading is interrupted at ${shown(units(event.price))}.`, true);
    else if (kind === "day_halted" && this.concerns(lot)) announce(`${lot.symbol} is halted.`, true);
    if (kind === "market_halted" || kind === "market_resumed") this.marketHalts(kind === "market_halted");
    if (kind === "profit_published") this.tell("profit", event);
    if (kind === "user_registered") this.tell("users");
  }

  marketHalts(isHalted) {
    const text = isHalted ? "The whole market is halted: no order is taken, cancels are." : "The market goes on.";
    this.tell("notice", { kind: isHalted ? "bad" : "good", text, stays: isHalted, key: "market halt" });
    announce(text, true);
    this.tell("snapshot");
  }

  leaderMayHaveChanged(lot, event, at) {
    const { me, own } = this;
    if (me === null) return;
    if (event.bidder === me) {
      own.seen(lot.id);
      if (event.amount !== null) own.bidden(lot.id, { price: units(event.amount), isHidden: false, at: Number(at) });
      // A maximum is told by the account if it leads; one that was beaten at once is asked for.
      else if (event.leader !== me) this.activity.load().catch(() => {});
    }
    const led = lot.ledBy === me;
    lot.ledBy = event.leader;
    if (event.leader === me) return this.tell("led", lot);
    if (lot.format === "english" && (led || event.bidder === me)) this.tell("outbid", lot);
  }

  closed(lot) {
    const standing = this.own.standing(lot);
    if (!this.concerns(lot)) return;
    const { word, price, winner, why } = outcome(lot, this.market);
    const at = price === null ? "" : ` at ${shown(price)}`;
    const text = standing === "won" && !lot.day ? `${lot.format === "call" ? "Filled:" : "You won"} ${lot.symbol}${at}.` : `${lot.symbol}: ${word.toLowerCase()}${winner ? ` to ${winner}` : ""}${at}, ${why}.`;
    this.tell("notice", { kind: standing === "won" ? "good" : "plain", lot, text, key: `closed ${lot.id}` });
    announce(text, standing === "won");
  }

  /** Whether a lot is one of the user's, or the one they look at. */
  concerns(lot) {
    return this.own.isIn(lot.id) || this.openLot === lot.id;
  }

  // Who is here, and what they do.

  sessionChanged() {
    this.ownBegins();
    // Behind each login, and each resumption: what stands may have changed meanwhile.
    if (this.session.isTrader && this.session.isReady) {
      this.accountNumber = this.wire.say("watch_account", {});
      this.loadActivity();
    } else this.activity.stop();
    this.tell("session");
    this.market.lots.forEach((lot) => this.lotChanged(lot));
  }

  ownBegins() {
    const { me, market, own } = this;
    if (me === null) return own.clear();
    if (!market.isThere) return;
    own.begin(me, market.id);
    for (const lot of market.lots) {
      lot.ledBy = lot.leader;
      if (lot.leader === me) own.seen(lot.id);
    }
  }

  /** Asks what the user has done and what came of it: it may have happened anywhere. */
  loadActivity() {
    if (!this.session.isTrader || !this.session.isReady || !this.market.isThere) return;
    Object.assign(this.own, { hasActivity: false, isUnknowable: false });
    this.tell("own");
    // A lost connection asks again when it is back.
    this.activity.load().catch(() => {});
  }

  activityEnded(isKnown) {
    Object.assign(this.own, { hasActivity: isKnown, isUnknowable: !isKnown });
    this.tell("own");
  }

  ownChanged(id) {
    const lot = this.market.lot(id);
    if (lot) this.lotChanged(lot);
  }

  /** What happens to an order on a trading day. */
  dayOrderTold(kind, event) {
    const lot = this.market.lot(event.lot);
    if (!lot) return;
    if (kind === "day_order_filled") announce(`${lot.symbol}: ${grouped(event.quantity)} traded at ${shown(units(event.price))}, ${grouped(event.left)} left.`);
    if (kind === "day_order_lapsed" && event.because !== "rest") announce(`${lot.symbol}: ${grouped(event.quantity)} of order ${event.order} lapsed: ${lapsedWords(event.because)}.`);
  }

  /** What happens to the account, where the public feed does not tell it. */
  ownTold(kind, event) {
    this.dayOrderTold(kind, event);
    const text = {
      dead_man_fired: "A session of yours was away too long: your open orders are being withdrawn.",
      suspended: "Your account is suspended: you can do nothing more; what you have bid binds.",
      reinstated: "Your account is no longer suspended.",
    }[kind];
    if (text) {
      this.tell("notice", { kind: kind === "reinstated" ? "good" : "bad", text, stays: kind !== "reinstated" });
      announce(text, true);
    }
    const { session } = this;
    if (kind === "session_closed" && event.session === session.user?.session && !session.isLeaving) {
      // Ended from elsewhere.
      session.forget();
      session.leave();
      this.own.clear();
    }
    if (/^(dead_man|session_)/.test(kind)) this.tell("sessions");
    else this.tell("balance");
  }

  async logOut() {
    const refused = await this.session.logOut();
    if (!refused) this.own.clear();
    return refused;
  }

  /** Gives a command: `{ accepted }`, or `{ refused, text }` with the refusal in words. */
  async command(kind, body) {
    try {
      const [answer, told] = await this.session.command(kind, body);
      if (answer !== "accepted") return { refused: told, text: refusal(told) };
      const lot = body.lot === undefined ? undefined : this.market.lot(body.lot);
      if (lot) this.lotChanged(lot);
      return { accepted: told };
    } catch (error) {
      if (!(error instanceof Unsure || error instanceof Lost)) throw error;
      const text = "the connection ended before the answer: look whether it was done";
      return { refused: { code: "unsure", message: text, price: null }, text };
    }
  }

  pause(isPaused) {
    this.isPaused = isPaused;
    this.tell("pause");
  }
}

export const app = new App();
