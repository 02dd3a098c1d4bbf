// Bidding openly: on an English lot a bid or a hidden maximum, on a Dutch one the price of the moment.

import { plain, shown, typed, units } from "../market/money.js";
import { clock } from "../market/words.js";
import { app } from "./app.js";
import { Amount, Box } from "./box.js";
import { el, say, show } from "./dom.js";

export class EnglishBox extends Box {
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
    this.amount.follow(leads && !isMaximum ? null : least);
    this.renewSuggestion(least);
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

  /** What was suggested after a refusal must not be refused too. */
  renewSuggestion(least) {
    const { suggested } = this;
    if (!suggested?.node.isConnected || least === null || least <= suggested.amount) return;
    this.suggested = null;
    this.tell("bad", "Refused, and the least has risen since.", el("button", { type: "button", class: "quiet", onclick: () => this.use(this.lot.least) }, "Use the least"));
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
    if (this.amount.hasJustMoved()) return this.tell("asks", `The least has just risen to ${shown(amount)}. Press Enter again to bid it.`);
    if (!this.isSure({ amount })) return this.refresh();
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
    if (!this.isSure({ amount: now }, "Press the button")) return;
    this.give("bid", { lot: this.lot.id, price: plain(now) }, (reply) => accepted(reply.bid, this.lot, false));
  }
}

/** What an accepted bid came to. */
export function accepted({ leads, price, extended_to, bought }, lot, isMaximum) {
  const at = price === null ? "" : ` at ${shown(units(price))}`;
  const later = extended_to === null ? "" : ` The close moved to ${clock(Number(extended_to) / 1_000)}.`;
  if (bought) return { text: `Accepted: it is yours${at}.` };
  if (leads) return { text: `Accepted, you lead${at}.${later}`, leads };
  const why = isMaximum ? "another's maximum is higher" : "another's maximum beat it";
  return { text: `Accepted, but ${why}: the price is ${shown(price === null ? lot.price : units(price))}.${later}`, isGood: false };
}

export class DutchBox extends Box {
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
