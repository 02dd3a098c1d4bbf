// Hidden orders: sealed bids, bids for many units, and orders of a call: entered, changed, withdrawn.

import { grouped, plain, shown, total, typed, typedQuantity, units } from "../market/money.js";
import { app } from "./app.js";
import { Amount, Box, closedTo } from "./box.js";
import { el, field, say, show } from "./dom.js";

export class OrdersBox extends Box {
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
    this.form.append(this.sides, el("div", { class: this.hasQuantity ? "line pair" : "line" }, this.amount.field, this.hasQuantity ? this.quantityField : "", atAny, this.send, this.back), this.hint);
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
    const unchecked = isCall && this.side === "sell" && app.market.accounts === "credit" ? " This market runs on credit: it does not check that you own the shares." : "";
    say(this.hint, `${least === null ? "" : `The least is ${shown(least)}.`}${sum}${unchecked} ${isCall ? "" : "Nobody sees it before the close."}`.trim());
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
    const pays = order.pays ?? this.lot.outcome?.crossed?.price ?? null;
    const filled = order.filled === undefined ? "" : Number(order.filled) === 0 ? ": not filled" : `: ${grouped(order.filled)} filled${pays === null ? "" : ` at ${shown(units(pays))}`}`;
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
    if (!isMarket && !this.isSure({ side: this.side, amount, quantity, ...this.highest() })) return this.refresh();
    const limit = amount === null ? null : plain(amount);
    const { changing } = this;
    const at = { lot: this.lot.id, quantity, limit };
    const words = isMarket ? "" : ` at ${shown(amount)}`;
    const done = () => ({ text: changing ? `Changed${words}.` : `Accepted: your ${this.word}${words} is in.` });
    const [kind, body] = changing ? ["replace_order", { ...at, order: changing.order }] : ["place_order", { ...at, side: this.side }];
    const { accepted } = await this.give(kind, body, done);
    if (accepted) this.stopChanging();
  }

  /** One's own highest bid here, where it is above the market's price: a change is no jump when the bid before was as large. */
  highest() {
    const highest = Math.max(0, ...this.orders.map((order) => (order.limit === null ? 0 : units(order.limit))));
    return !this.isCall && highest > (this.lot.compared?.compared ?? highest) ? { compared: highest, name: "your highest bid" } : {};
  }

  readQuantity() {
    if (!this.hasQuantity) return this.lot.quantity;
    const { quantity, fault } = typedQuantity(this.quantity.value);
    this.quantityField.fault(fault);
    if (fault) this.quantity.focus();
    return quantity;
  }
}
