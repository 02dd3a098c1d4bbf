// Bidding: a box for each format. It is built once for an opened lot and only ever told what changed, so that no
// update takes the focus or what is typed.

import { UNITS, grouped, plain, shown, total, typed, typedQuantity, units } from "../market/money.js";
import { clock, outcome } from "../market/words.js";
import { app } from "./app.js";
import { announce } from "./announce.js";
import { el, field, mark, say, show } from "./dom.js";

/** A bid of at least so many times the least, and by more than this much, asks again. */
const LARGE_TIMES = 2;
const LARGE_BY = UNITS;

/** The box of a lot: `node`, `update(now)`, `tick(now)`, `focus()`. */
export function biddingBox(lot) {
  return new (BOXES[lot.format] ?? Box)(lot, "Bid");
}

class Box {
  constructor(lot, title) {
    this.lot = lot;
    this.outcome = el("p", { class: "outcome", role: "status" });
    this.closedTo = el("p", { class: "closed-to" });
    this.form = el("form", { novalidate: true, autocomplete: "off", onsubmit: (event) => (event.preventDefault(), this.submit()) });
    this.form.addEventListener("keydown", (event) => event.key === "Escape" && this.asks !== null && (event.stopPropagation(), this.dropAsking()));
    this.node = el("section", { class: "bidding", "aria-label": title }, this.closedTo, this.form, this.outcome);
    this.asks = null;
  }

  /** What a change of the lot or of who is here means. */
  update(now) {
    const why = closedTo(this.lot);
    // What was refused while it was open concerns nobody behind the close.
    if (this.lot.phase === "closed" && this.outcome.dataset.kind === "bad") this.tell(null, "");
    show(this.form, why === null);
    show(this.closedTo, why !== null);
    if (why === null) return this.refresh(now);
    if (typeof why === "string") say(this.closedTo, why);
    else if (this.closedTo.firstElementChild?.dataset.key !== why.dataset.key) {
      this.closedTo.saidText = undefined;
      this.closedTo.replaceChildren(why);
    }
  }

  tick() {}

  focus() {
    if (!this.form.hidden) {
      this.first.focus();
      this.first.select?.();
    } else this.closedTo.querySelector("a")?.focus();
  }

  tell(kind, text, action = null) {
    mark(this.outcome, "data-kind", kind);
    this.outcome.replaceChildren(text, ...(action ? [" ", action] : []));
  }

  /** Asks once more before a large jump: true when it was asked before for the same amount. */
  isSure(amount, least, verb) {
    const isLarge = amount >= least * LARGE_TIMES && amount - least > LARGE_BY;
    if (!isLarge || this.asks === amount) {
      this.asks = null;
      return true;
    }
    this.asks = amount;
    const times = least > 0 ? `${grouped(Math.floor(amount / least))} times the least, ${shown(least)}` : "far above the price";
    this.tell("asks", `${shown(amount)} is ${times}. ${verb} again to confirm, Escape to change it.`);
    announce(this.outcome.textContent);
    return false;
  }

  dropAsking() {
    this.asks = null;
    this.tell(null, "");
    this.refresh(app.now());
  }

  /** Gives a command and says how it went; `done` has the words for what was accepted. */
  async give(kind, body, done) {
    this.tell("sends", "Sending…");
    mark(this.form, "aria-busy", "true");
    const answer = await app.command(kind, body);
    mark(this.form, "aria-busy", null);
    if (answer.accepted) {
      const { text, isGood = true } = done(answer.accepted.reply);
      this.tell(isGood ? "good" : "warns", text);
    } else this.refused(answer);
    this.update(app.now());
    return answer;
  }

  refused({ refused, text }) {
    const least = refused.price ? units(refused.price) : null;
    const use = least === null || !this.use ? null : el("button", { type: "button", class: "quiet", onclick: () => this.use(least) }, `Use ${shown(least)}`);
    this.tell("bad", `Refused: ${text}.`, use);
  }
}

/** Why a lot cannot be bid on here and now: words, a node, or nothing when it can. */
function closedTo(lot) {
  if (lot.phase === "closed") return resultOf(lot);
  if (!(lot.format in BOXES)) return `This page does not know how to bid on a lot of this format, ${lot.format}. A newer page or another program may.`;
  if (lot.phase === "scheduled") return `Bidding opens at ${clock(lot.opensMs)}.`;
  const { session } = app;
  if (!session.user) {
    return el("span", { data: { key: "login" } }, el("a", { href: "#/account" }, "Log in or register"), " to bid.");
  }
  if (session.isAuctioneer) return "Auctioneers do not bid.";
  if (session.company === lot.symbol) return "A company does not bid on its own stock.";
  if (session.company) return "Companies do not bid.";
  if (lot.haltedSince !== null && !app.own.orders(lot.id).length) return "The lot is halted: it takes no bids until it goes on.";
  return null;
}

function resultOf(lot) {
  const { word, price, winner, why } = outcome(lot, app.market);
  const at = price === null ? "" : ` at ${shown(price)}`;
  const to = winner === null ? "" : ` to ${winner}`;
  return `${word}${to}${at}: ${why}.`;
}

/** An amount that follows the least bid until someone types, and stays what it is while it has the focus. */
class Amount {
  constructor(label, id) {
    this.input = el("input", { type: "text", inputMode: "decimal", class: "amount", name: id, spellcheck: false, enterKeyHint: "send" });
    this.field = field(label, this.input);
    this.isOwn = false;
    this.input.addEventListener("input", () => {
      this.isOwn = this.input.value.trim() !== "";
      this.field.fault(null);
    });
  }

  /** The least has changed. */
  offer(least) {
    const text = least === null ? "" : plain(least);
    if (!this.isOwn && document.activeElement !== this.input && this.input.value !== text) this.input.value = text;
  }

  use(amount) {
    this.input.value = plain(amount);
    this.isOwn = false;
    this.field.fault(null);
  }

  clear() {
    this.isOwn = false;
  }

  read() {
    const { units: amount, fault } = typed(this.input.value);
    this.field.fault(fault);
    if (fault) this.input.focus();
    return amount;
  }
}

class EnglishBox extends Box {
  constructor(lot) {
    super(lot, "Bid");
    this.amount = new Amount("Your bid", "amount");
    this.first = this.amount.input;
    const way = (value, words) => {
      const input = el("input", { type: "radio", name: "way", value, checked: value === "bid", onchange: () => this.refresh(app.now()) });
      return el("label", { class: "choice" }, input, words);
    };
    this.ways = el("fieldset", { class: "ways" }, el("legend", { class: "only-heard" }, "How to bid"), way("bid", "Bid"), way("maximum", "Maximum, hidden"));
    this.send = el("button", { class: "primary", type: "submit" });
    this.buy = el("button", { type: "button", class: "second", onclick: () => this.buyNow() });
    this.hint = el("p", { class: "hint" });
    this.form.append(this.ways, el("div", { class: "line" }, this.amount.field, this.send, this.buy), this.hint);
    this.first.addEventListener("input", () => this.retyped());
    this.first.addEventListener("keydown", (event) => this.step(event));
  }

  get isMaximum() {
    return this.form.elements.way.value === "maximum";
  }

  retyped() {
    if (this.asks !== null) this.dropAsking();
    this.refresh(app.now());
  }

  /** Up and down raise and lower by a step, never below the least. */
  step(event) {
    const by = { ArrowUp: 1, ArrowDown: -1 }[event.key];
    const { least, price } = this.lot;
    if (!by || least === null) return;
    event.preventDefault();
    const step = Math.max(1, least - (price ?? this.lot.base));
    const { units: now } = typed(this.first.value);
    this.amount.use(now === undefined ? least : Math.max(least, now + by * step));
    this.amount.isOwn = true;
    this.retyped();
  }

  refresh() {
    const { lot, isMaximum } = this;
    const { least, leader } = lot;
    const leads = leader === app.me;
    const offer = app.own.offer(lot.id);
    this.amount.offer(leads && !isMaximum ? null : least);
    const { units: amount } = typed(this.first.value);
    const what = isMaximum ? "Bid up to" : "Bid";
    this.send.disabled = leads && !isMaximum;
    if (this.send.disabled) say(this.send, "You lead");
    else say(this.send, this.asks !== null ? `Yes, ${shown(this.asks)}` : amount === undefined ? what : `${what} ${shown(amount)}`);
    const own = leads && offer !== null && offer > (lot.price ?? 0) ? ` Your maximum: ${shown(offer)}.` : "";
    const text = leads
      ? `To stay ahead, set a hidden maximum above the price.${own}`
      : least === null ? "No higher bid is possible." : `The least is ${shown(least)}.${own}`;
    say(this.hint, text);
    const now = lot.terms.buy_now === null ? null : units(lot.terms.buy_now);
    const canBuy = now !== null && (lot.reserve === "none" ? lot.bids === 0 : lot.reserve === "not_met");
    show(this.buy, canBuy);
    if (canBuy) say(this.buy, `Buy now ${shown(now)}`);
  }

  use(amount) {
    this.amount.use(amount);
    this.focus();
    this.refresh();
  }

  submit() {
    const amount = this.amount.read();
    if (amount === undefined) return;
    const { lot, isMaximum } = this;
    if (!this.isSure(amount, lot.least ?? amount, "Press Enter")) return this.refresh();
    const done = (reply) => {
      this.amount.clear();
      if (document.activeElement === this.first) this.first.select();
      return accepted(reply.bid, lot, isMaximum);
    };
    const body = isMaximum ? { lot: lot.id, maximum: plain(amount) } : { lot: lot.id, price: plain(amount) };
    return this.give(isMaximum ? "bid_maximum" : "bid", body, done);
  }

  buyNow() {
    const now = units(this.lot.terms.buy_now);
    if (!this.isSure(now, this.lot.base || now, "Press the button")) return;
    this.give("bid", { lot: this.lot.id, price: plain(now) }, (reply) => accepted(reply.bid, this.lot, false));
  }
}

/** What an accepted bid came to. */
export function accepted({ leads, price, extended_to, bought }, lot, isMaximum) {
  const at = price === null ? "" : ` at ${shown(units(price))}`;
  const later = extended_to === null ? "" : ` The close moved to ${clock(Number(extended_to) / 1_000)}.`;
  if (bought) return { text: `Accepted: it is yours${at}.` };
  if (leads) return { text: `Accepted, you lead${at}.${later}` };
  const why = isMaximum ? "another's maximum is higher" : "another's maximum beat it";
  return { text: `Accepted, but ${why}: the price is ${shown(price === null ? lot.price : units(price))}.${later}`, isGood: false };
}

class DutchBox extends Box {
  constructor(lot) {
    super(lot, "Take");
    this.send = el("button", { class: "primary wide", type: "submit" });
    this.first = this.send;
    this.next = el("p", { class: "hint" });
    this.bar = el("div", { class: "fall", "aria-hidden": "true" }, el("div", {}));
    this.form.append(this.send, this.bar, this.next);
  }

  refresh(now) {
    this.tick(now);
  }

  tick(now) {
    const { lot } = this;
    if (lot.phase !== "open" || this.form.hidden) return;
    const price = lot.dutchPrice(now);
    const rest = lot.dutchStandsFor(now);
    say(this.send, `Take ${Number(lot.quantity) > 1 ? "all " : ""}at ${shown(price)}`);
    const below = Math.max(units(lot.terms.floor), price - units(lot.terms.step));
    say(this.next, rest === null ? "This is the lowest it falls." : `Falls to ${shown(below)} in ${Math.ceil(rest / 1_000)} s.`);
    const part = rest === null ? 0 : rest / (Number(lot.terms.interval) / 1_000);
    this.bar.firstElementChild.style.transform = `scaleX(${part.toFixed(3)})`;
  }

  /** It names the price that was seen: it can only have fallen since. */
  submit() {
    const price = this.lot.dutchPrice(app.now());
    return this.give("bid", { lot: this.lot.id, price: plain(price) }, (reply) => accepted(reply.bid, this.lot, false));
  }
}

/** Sealed bids, bids for many units, and orders of a call: entered, changed, withdrawn. */
class OrdersBox extends Box {
  constructor(lot) {
    super(lot, lot.format === "call" ? "Orders" : "Sealed bid");
    this.isCall = lot.format === "call";
    this.hasQuantity = lot.format !== "sealed";
    this.word = this.isCall ? "order" : "bid";
    this.amount = new Amount(this.isCall ? "Limit" : this.hasQuantity ? "Price a share" : "Your bid", "limit");
    this.first = this.amount.input;
    this.quantity = el("input", { type: "text", inputMode: "numeric", class: "amount", name: "quantity", enterKeyHint: "send", oninput: () => this.retyped() });
    this.quantityField = field("Shares", this.quantity);
    const side = (value, words) => el("label", { class: `choice ${value}` }, el("input", { type: "radio", name: "side", value, checked: value === "buy", onchange: () => this.refresh() }), words);
    this.sides = el("fieldset", { class: "ways", hidden: !this.isCall }, el("legend", { class: "only-heard" }, "Buy or sell"), side("buy", "Buy"), side("sell", "Sell"));
    this.atAny = el("input", { type: "checkbox", name: "market", onchange: () => this.retyped() });
    const atAny = el("label", { class: "choice", hidden: !this.isCall }, this.atAny, "At any price");
    this.send = el("button", { class: "primary", type: "submit" });
    this.back = el("button", { type: "button", class: "quiet", hidden: true, onclick: () => this.stopChanging() }, "Keep it as it is");
    this.hint = el("p", { class: "hint" });
    this.list = el("ul", { class: "orders", "aria-label": `Your ${this.word}s` });
    this.form.append(this.sides, el("div", { class: "line" }, this.amount.field, this.hasQuantity ? this.quantityField : "", atAny, this.send, this.back), this.hint);
    this.form.before(this.list);
    this.first.addEventListener("input", () => this.retyped());
    this.changing = null;
  }

  get side() {
    return this.isCall ? this.form.elements.side.value : "buy";
  }

  retyped() {
    if (this.asks !== null) this.dropAsking();
    this.refresh();
  }

  update(now) {
    super.update(now);
    this.showOrders();
  }

  refresh() {
    const { lot, isCall, changing } = this;
    const least = lot.leastAt(app.now());
    const offer = isCall ? lot.priceAt(0) ?? lot.reference ?? (lot.base || null) : least;
    if (!changing && !this.atAny.checked) this.amount.offer(offer);
    if (isCall && this.quantity.value === "" && !this.quantity.dataset.offered) {
      this.quantity.dataset.offered = "yes";
      this.quantity.value = lot.quantity;
    }
    this.first.disabled = this.atAny.checked;
    const isFull = !this.hasQuantity && this.orders.length > 0 && !changing;
    show(this.form, !isFull && closedTo(lot) === null);
    const verb = changing ? `Change ${this.word}` : isCall ? (this.side === "buy" ? "Buy" : "Sell") : "Bid";
    const { units: amount } = typed(this.first.value);
    say(this.send, this.asks !== null ? `Yes, ${shown(this.asks)}` : this.atAny.checked ? `${verb} at any price` : amount === undefined ? verb : `${verb} ${changing ? "to" : isCall ? "at" : ""} ${shown(amount)}`.replace("  ", " "));
    const { quantity } = typedQuantity(this.quantity.value);
    const sum = amount !== undefined && quantity && this.hasQuantity && !this.atAny.checked ? ` ${grouped(quantity)} × ${shown(amount)} = ${total(amount, quantity)}.` : "";
    say(this.hint, `${least === null ? "" : `The least is ${shown(least)}.`}${sum} ${isCall ? "" : "Nobody sees it before the close."}`.trim());
  }

  get orders() {
    return app.own.orders(this.lot.id);
  }

  showOrders() {
    const { lot, orders } = this;
    const key = JSON.stringify([orders, lot.phase, app.me, this.changing]);
    if (key === this.shownOrders) return;
    this.shownOrders = key;
    const canChange = lot.phase === "open" && app.session.isTrader;
    this.list.replaceChildren(...orders.map((order) => this.row(order, canChange)));
    show(this.list, orders.length > 0);
  }

  row(order, canChange) {
    const limit = order.limit === null ? "at any price" : `at ${shown(units(order.limit))}`;
    const side = this.isCall ? (order.side === "buy" ? "Buy " : "Sell ") : "";
    const shares = this.hasQuantity ? `${side}${grouped(order.quantity)} ` : "Your bid ";
    const name = `${this.word} ${order.order}`;
    const filled = order.filled === undefined ? "" : Number(order.filled) === 0 ? ": not filled" : `: ${grouped(order.filled)} filled${order.pays === null ? "" : ` at ${shown(units(order.pays))}`}`;
    const what = el("span", { class: "what" }, `${shares}${limit}${filled}`);
    const buttons = [
      el("button", { type: "button", class: "quiet", "aria-label": `Change ${name}`, onclick: () => this.change(order) }, "Change"),
      el("button", { type: "button", class: "quiet", "aria-label": `Withdraw ${name}`, onclick: () => this.withdraw(order) }, "Withdraw"),
    ];
    const isHere = this.changing?.order === order.order;
    return el("li", { "aria-current": isHere ? "true" : null }, what, canChange ? buttons : null);
  }

  change(order) {
    this.changing = order;
    if (order.limit !== null) this.amount.use(units(order.limit));
    this.amount.isOwn = true;
    this.atAny.checked = order.limit === null;
    this.quantity.value = order.quantity;
    if (this.isCall) this.form.elements.side.value = order.side;
    this.refreshAll();
    this.focus();
  }

  stopChanging() {
    this.changing = null;
    this.amount.clear();
    this.first.value = "";
    this.quantity.value = "";
    this.refreshAll();
  }

  refreshAll() {
    show(this.back, this.changing !== null);
    this.sides.disabled = this.changing !== null;
    this.refresh();
    show(this.back, this.changing !== null);
    this.showOrders();
  }

  async withdraw(order) {
    const at = { lot: this.lot.id, order: order.order };
    await this.give("cancel_order", at, () => ({ text: "Withdrawn." }));
    if (this.changing?.order === order.order) this.stopChanging();
    this.refreshAll();
  }

  use(amount) {
    this.amount.use(amount);
    this.amount.isOwn = true;
    this.focus();
    this.refresh();
  }

  async submit() {
    const isMarket = this.atAny.checked;
    const amount = isMarket ? null : this.amount.read();
    if (amount === undefined) return;
    const quantity = this.readQuantity();
    if (!quantity) return;
    const least = this.lot.leastAt(app.now()) ?? this.lot.base;
    if (!isMarket && !this.isCall && this.lot.base > 0 && !this.isSure(amount, Math.max(least, this.highest()), "Press Enter")) return this.refresh();
    const limit = amount === null ? null : plain(amount);
    const { changing } = this;
    const at = { lot: this.lot.id, quantity, limit };
    const words = isMarket ? "" : ` at ${shown(amount)}`;
    const done = () => ({ text: changing ? `Changed${words}.` : `Accepted: your ${this.word}${words} is in.` });
    const [kind, body] = changing ? ["replace_order", { ...at, order: changing.order }] : ["place_order", { ...at, side: this.side }];
    const { accepted } = await this.give(kind, body, done);
    if (accepted) this.stopChanging();
  }

  /** One's own highest here: a change is no jump when the bid before was as large. */
  highest() {
    return Math.max(0, ...this.orders.map((order) => (order.limit === null ? 0 : units(order.limit))));
  }

  readQuantity() {
    if (!this.hasQuantity) return this.lot.quantity;
    const { quantity, fault } = typedQuantity(this.quantity.value);
    this.quantityField.fault(fault);
    if (fault) this.quantity.focus();
    return quantity;
  }
}

const BOXES = { english: EnglishBox, dutch: DutchBox, sealed: OrdersBox, uniform: OrdersBox, call: OrdersBox };
