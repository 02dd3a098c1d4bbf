// Orders of a trading day: entered, changed, withdrawn; and what the user has traded.

import { SELF_TRADES, TIMES, averageWords, replyWords, timeWords } from "../market/daywords.js";
import { grouped, plain, shown, total, typed, typedQuantity, units } from "../market/money.js";
import { bareClock, zone } from "../market/words.js";
import { app } from "./app.js";
import { Amount, Box, closedTo } from "./box.js";
import { el, field, mark, say, show, table } from "./dom.js";

/** Number of fills that are listed. */
const FILLS_SHOWN = 50;
/** Number of turns of a cancel-all: the server cancels so many orders at a time. */
const TURNS_MAX = 1_000;

export class DayBox extends Box {
  constructor(lot) {
    super(lot, "Order");
    this.amount = new Amount("Limit", "limit");
    this.first = el("input", { type: "text", inputMode: "numeric", class: "amount", name: "quantity", autocomplete: "off", enterKeyHint: "send", value: lot.quantity, oninput: () => this.retyped() });
    this.quantityField = field("Shares", this.first);
    this.amount.input.addEventListener("input", () => this.retyped());
    const side = (value, words) => el("label", { class: `side ${value}` }, el("input", { type: "radio", name: "side", value, checked: value === "buy", onchange: () => this.refresh() }), words);
    this.sides = el("fieldset", { class: "sides" }, el("legend", { class: "only-heard" }, "Buy or sell"), side("buy", "Buy"), side("sell", "Sell"));
    const option = ([value, words]) => el("option", { value }, words);
    this.atAny = el("input", { type: "checkbox", name: "market", onchange: () => this.retyped() });
    this.tif = el("select", { name: "tif", onchange: () => this.retyped() }, TIMES.map(option));
    this.minutes = el("input", { type: "text", name: "minutes", inputMode: "decimal", value: "10" });
    this.minutesField = field("For how many minutes", this.minutes);
    this.postOnly = el("input", { type: "checkbox", name: "post_only" });
    this.selfTrade = el("select", { name: "self_trade" }, SELF_TRADES.map(option));
    this.send = el("button", { class: "primary wide", type: "submit" });
    this.back = el("button", { type: "button", class: "quiet", hidden: true, onclick: () => this.stopChanging() }, "Keep it as it is");
    this.hint = el("p", { class: "hint" });
    this.terms = el("div", { class: "order-terms" }, field("Time in force", this.tif), this.minutesField,
      el("label", { class: "choice" }, this.postOnly, "Post-only: it must rest"), field("If it meets an order of yours", this.selfTrade));
    this.form.append(this.sides, el("div", { class: "pair-of" }, this.quantityField, this.amount.field), el("label", { class: "choice" }, this.atAny, "At any price (market order)"), this.terms, this.send, this.back, this.hint);
    this.changing = null;
  }

  get side() {
    return this.form.elements.side.value;
  }

  update(now) {
    const { changing } = this;
    const isGone = changing && app.own.hasLive && !app.own.dayOrders(this.lot.id).has(changing.order);
    if (changing && (app.me !== this.changingOf || isGone)) this.stopChanging();
    // Once the day is over, the lists show the result of an order.
    if (this.lot.phase === "closed" || app.market.haltedSince !== null) super.tell(null, "");
    super.update(now);
  }

  why() {
    const why = closedTo(this.lot);
    if (why === null && app.market.haltedSince !== null) return "The whole market is halted: orders can be withdrawn, and none is taken.";
    // Own orders can be withdrawn while the lot is halted; that is done in their list.
    return why ?? (this.lot.haltedSince !== null ? "The lot is halted: orders can be withdrawn, and none is taken." : null);
  }

  retyped() {
    if (this.asks !== null) this.dropAsking();
    this.refresh();
  }

  /** A level was taken: its price, and the side that trades against it. */
  use(price, side = this.side) {
    if (this.form.hidden) return;
    if (!this.changing) this.form.elements.side.value = side;
    this.atAny.checked = false;
    this.amount.use(price);
    this.amount.isOwn = true;
    this.retyped();
    this.focus();
  }

  refresh() {
    const { lot, changing } = this;
    const isMarket = this.atAny.checked;
    if (!changing && !isMarket) {
      const [best] = lot.day.levels(this.side === "buy" ? "sell" : "buy", 1);
      this.amount.offer(best?.price ?? lot.priceAt(0) ?? lot.day.reference ?? (lot.base || null));
    }
    this.amount.input.disabled = isMarket;
    show(this.minutesField, this.tif.value === "until");
    show(this.terms, changing === null);
    const canRest = !isMarket && (this.tif.value === "day" || this.tif.value === "until");
    this.postOnly.disabled = !canRest;
    if (!canRest) this.postOnly.checked = false;
    mark(this.send, "data-side", this.side);
    const { units: limit } = typed(this.amount.input.value);
    const { quantity } = typedQuantity(this.first.value);
    const verb = changing ? `Change order ${changing.order} to` : this.side === "buy" ? "Buy" : "Sell";
    const at = isMarket ? "at any price" : limit === undefined ? "" : `at ${shown(limit)}`;
    say(this.send, this.asks !== null ? `Yes, ${shown(this.asks)}` : [verb, quantity ? grouped(quantity) : "", at].filter(Boolean).join(" "));
    const sum = limit !== undefined && quantity && !isMarket ? `${grouped(quantity)} × ${shown(limit)} = ${total(limit, quantity)}.` : "";
    const unchecked = this.side === "sell" && app.market.accounts === "credit" ? " On credit: nothing checks that you own the shares." : "";
    say(this.hint, `${sum}${unchecked}`.trim());
  }

  change(order) {
    // As it is now: the server refuses the change of an order that has traded meanwhile.
    this.changing = { ...order };
    this.changingOf = app.me;
    this.form.elements.side.value = order.side;
    this.sides.disabled = true;
    this.atAny.checked = order.limit === null;
    if (order.limit !== null) this.amount.use(units(order.limit));
    this.amount.isOwn = true;
    this.first.value = String(order.open);
    show(this.back, true);
    this.refresh();
    this.focus();
  }

  stopChanging() {
    this.changing = null;
    this.sides.disabled = false;
    this.amount.clear();
    show(this.back, false);
    this.refresh();
  }

  /** Time in force as the protocol writes it; nothing where the minutes are no number. */
  time() {
    if (this.tif.value !== "until") return this.tif.value;
    const minutes = this.minutes.value.trim();
    const isFault = !/^\d+(\.\d+)?$/.test(minutes) || Number(minutes) === 0;
    this.minutesField.fault(isFault ? "A number of minutes, such as 10." : null);
    if (isFault) return this.minutes.focus();
    return { until: String(Math.round(app.now() * 1_000 + Number(minutes) * 60_000_000)) };
  }

  async submit() {
    const { lot, changing, side } = this;
    const { quantity, fault } = typedQuantity(this.first.value);
    this.quantityField.fault(fault);
    if (fault) return this.first.focus();
    const isMarket = this.atAny.checked;
    const amount = isMarket ? null : this.amount.read();
    if (amount === undefined) return;
    const tif = changing ? null : this.time();
    if (tif === undefined) return;
    if (!isMarket && !this.isSure({ side, amount, quantity })) return this.refresh();
    const limit = amount === null ? null : plain(amount);
    const done = ({ day_order: reply }) => replyWords(reply);
    const [kind, body] = changing
      ? ["replace_day_order", { lot: lot.id, order: changing.order, quantity, limit, believed: String(changing.open) }]
      : ["place_day_order", { lot: lot.id, order: { side, quantity, limit, time_in_force: tif, post_only: this.postOnly.checked, self_trade: this.selfTrade.value } }];
    // Each command has a number of its own: a second click would be a second order.
    if (this.isSending) return;
    this.isSending = true;
    this.send.disabled = true;
    try {
      const { accepted } = await this.give(kind, body, done);
      if (accepted && changing) this.stopChanging();
      if (accepted) this.amount.clear();
    } finally {
      this.isSending = false;
      this.send.disabled = false;
    }
    this.refresh();
  }
}

/** Own orders and own fills. */
export class DayOwn {
  constructor(lot, box) {
    Object.assign(this, { lot, box });
    this.list = el("ul", { class: "orders", "aria-label": "Your open orders" });
    this.none = el("p", { class: "hint" });
    this.all = el("button", { type: "button", class: "second", onclick: () => this.cancelAll() }, "Cancel all");
    this.said = el("p", { class: "outcome", role: "status" });
    this.fills = el("div", { class: "fills" });
    this.orders = el("section", { class: "part own-orders", "aria-label": "Your orders" }, el("div", { class: "part-head" }, el("h3", {}, "Your orders"), this.all), this.none, this.list, this.said);
    this.traded = el("section", { class: "part own-fills", "aria-label": "Your fills" }, el("h3", {}, "Your fills"), this.fills);
    this.node = el("div", { class: "day-own" }, this.orders, this.traded);
  }

  draw() {
    const { lot } = this;
    const isTrader = app.session.isTrader;
    show(this.node, isTrader);
    if (!isTrader) return;
    const orders = [...app.own.dayOrders(lot.id).values()].sort((a, b) => a.order - b.order);
    const key = orders.map((order) => [order.order, order.open, order.traded, order.limit, order.state].join()).join(";") + lot.phase;
    show(this.all, orders.length > 0);
    say(this.none, orders.length > 0 ? "" : app.own.hasLive ? "No open order." : "Loading your orders…");
    show(this.none, orders.length === 0);
    if (key !== this.drawnOrders) {
      this.drawnOrders = key;
      const held = document.activeElement?.dataset?.order;
      this.list.replaceChildren(...orders.map((order) => this.row(order)));
      // The focus stays on a button while the list is drawn again.
      if (held) this.list.querySelector(`[data-order="${held}"]`)?.focus();
    }
    this.drawFills();
  }

  row(order) {
    const verb = order.side === "buy" ? "Buy" : "Sell";
    const limit = order.limit === null ? "at any price" : `at ${shown(units(order.limit))}`;
    const marks = [timeWords(order.time_in_force), order.post_only ? "post-only" : null, order.state === "parked" ? "parked" : null].filter(Boolean).join(", ");
    const traded = order.traded > 0n ? ` · ${grouped(order.traded)} traded at ${averageWords(order.value, order.traded)}` : "";
    const button = (name, job, data) => el("button", { type: "button", class: "quiet", data: { order: data }, "aria-label": `${name} order ${order.order}`, onclick: job }, name);
    return el("li", { class: order.side }, el("span", { class: "what" }, `${verb} ${grouped(order.open)} ${limit}`, el("span", { class: "hint" }, ` ${marks}${traded}`)),
      button("Change", () => this.box.change(order), `change ${order.order}`), button("Withdraw", () => this.cancel(order), `cancel ${order.order}`));
  }

  drawFills() {
    const fills = app.own.dayFills(this.lot.id);
    if (fills.length === this.drawnFills) return;
    this.drawnFills = fills.length;
    if (fills.length === 0) return this.fills.replaceChildren(el("p", { class: "hint" }, "Fills are listed from the moment on which this page was opened."));
    const sums = ["buy", "sell"].flatMap((side) => {
      const of = fills.filter((fill) => fill.side === side);
      const shares = of.reduce((sum, fill) => sum + fill.quantity, 0n);
      const value = of.reduce((sum, fill) => sum + fill.quantity * BigInt(fill.price), 0n);
      return shares === 0n ? [] : [`${side === "buy" ? "Bought" : "Sold"} ${grouped(shares)} at ${averageWords(value, shares)} on average`];
    });
    const roles = { maker: "maker", taker: "taker", call: "call" };
    const row = (fill) => [bareClock(fill.ms), fill.side === "buy" ? "Buy" : "Sell", grouped(fill.quantity), shown(fill.price), roles[fill.role] ?? fill.role];
    const rows = fills.slice(-FILLS_SHOWN).reverse().map(row);
    this.fills.replaceChildren(el("p", { class: "sums" }, `${sums.join(". ")}, as far as this page has seen.`), table("Your fills, the newest first", [`Time, ${zone(app.now())}`, "Side", "#Shares", "#Price", "As"], rows));
  }

  tell({ accepted, text }, words) {
    mark(this.said, "data-kind", accepted ? "good" : "bad");
    this.said.saidText = undefined;
    say(this.said, accepted ? words : `Refused: ${text}.`);
  }

  async cancel({ order }) {
    this.tell(await app.command("cancel_order", { lot: this.lot.id, order }), `Order ${order} is withdrawn.`);
    if (this.box.changing?.order === order) this.box.stopChanging();
  }

  async cancelAll() {
    let [cancelled, kept] = [0, 0];
    for (let turn = 0; turn < TURNS_MAX; turn += 1) {
      const answer = await app.command("cancel_all", { trader: null, lot: this.lot.id });
      if (!answer.accepted) return this.tell(answer);
      const { all_cancelled: all } = answer.accepted.reply;
      cancelled += all.cancelled;
      kept = all.kept;
      if (!all.more) break;
    }
    this.tell({ accepted: true }, `${grouped(cancelled)} withdrawn${kept > 0 ? `, ${grouped(kept)} cannot be withdrawn now` : ""}.`);
  }
}
