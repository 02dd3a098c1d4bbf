// Registering, logging in and out, one's sessions, and what a company publishes.

import { grouped, typedDecimal } from "../market/money.js";
import { moment, refusal, span } from "../market/words.js";
import { app } from "./app.js";
import { announce } from "./announce.js";
import { el, field, mark, say, table } from "./dom.js";
import { mineSection } from "./mine.js";

export class Account {
  /** `back()` is called behind a login: to where the person came from. */
  constructor(root, back) {
    Object.assign(this, { root, back });
    app.on("session", () => this.isShown && this.draw());
    app.on("balance", () => this.isShown && this.balance?.isConnected && this.showBalance());
    app.on("sessions", () => this.isShown && this.sessions?.isConnected && this.listSessions());
    app.on("link", () => this.isShown && this.entry && this.enable());
  }

  open() {
    this.isShown = true;
    this.draw();
  }

  leave() {
    this.isShown = false;
  }

  draw() {
    const { user } = app.session;
    const key = user ? `${user.id} ${user.session}` : "nobody";
    if (key === this.drawn && user === null) return;
    this.drawn = key;
    this.entry = null;
    this.root.replaceChildren(...(user ? this.here(user) : this.nobody()));
  }

  nobody() {
    const name = el("input", { type: "text", name: "username", autocomplete: "username", autocapitalize: "none", spellcheck: false, required: true, maxLength: 32 });
    const password = el("input", { type: "password", name: "password", autocomplete: "current-password", required: true, maxLength: 128 });
    const stays = el("input", { type: "checkbox", name: "stays" });
    const fields = [field("Name", name, "2 to 32 of a–z, 0–9 and . _ -"), field("Password", password, "Any length up to 128 bytes.")];
    const said = el("p", { class: "outcome", role: "status" });
    const enter = el("button", { class: "primary", type: "submit" }, "Log in");
    const register = el("button", { class: "second", type: "button", onclick: () => this.enter(true) }, "Register");
    const form = el("form", { class: "card entry", novalidate: true, onsubmit: (event) => (event.preventDefault(), this.enter(false)) }, el("h2", {}, "Log in or register"), fields, el("label", { class: "choice" }, stays, "Stay logged in on this device"), el("div", { class: "buttons" }, enter, register), said);
    this.entry = { name, password, stays, fields, said, buttons: [enter, register] };
    this.enable();
    queueMicrotask(() => this.isShown && name.focus());
    return [form, el("p", { class: "hint aside" }, "Registering makes a trader’s account. Accounts of companies and auctioneers come from whoever runs the market. Watching needs no account.")];
  }

  enable() {
    this.entry.buttons.forEach((button) => (button.disabled = app.wire.state !== "live"));
  }

  tell(kind, text) {
    mark(this.entry.said, "data-kind", kind);
    say(this.entry.said, text);
  }

  async enter(isNew) {
    const { name, password, stays, fields } = this.entry;
    const who = name.value.trim().toLowerCase();
    fields[0].fault(/^[a-z0-9][a-z0-9._-]{1,31}$/.test(who) ? null : "2 to 32 of a–z, 0–9 and . _ -, beginning with a letter or a digit.");
    fields[1].fault(password.value === "" ? "A password is needed." : null);
    const wrong = fields.find((each) => each.input.getAttribute("aria-invalid"));
    if (wrong) return wrong.input.focus();
    this.tell("sends", isNew ? "Making the account…" : "Logging in…");
    try {
      const refused = (isNew && (await app.session.register(who, password.value))) || (await app.session.logIn(who, password.value, stays.checked));
      if (!refused) {
        announce(`Logged in as ${who}.`);
        return this.back();
      }
      this.tell("bad", `Refused: ${refusal(refused)}.`);
      (refused.code === "name_taken" ? name : password).focus();
    } catch {
      this.tell("bad", "The connection ended before the answer. Try again when it is live.");
    }
  }

  here(user) {
    const role = user.role.company ? `company of ${user.role.company}` : user.role;
    const leave = el("button", { type: "button", class: "second", onclick: () => this.logOut() }, "Log out");
    this.said = el("p", { class: "outcome", role: "status" });
    this.sessions = el("div", { class: "sessions" }, el("p", { class: "hint" }, "Fetching the sessions…"));
    this.listSessions();
    return [
      el("section", { class: "card" }, el("h2", {}, user.name), el("p", { class: "hint" }, `${role}; this session ends ${moment(user.expiresMs)}`), el("div", { class: "buttons" }, leave), this.said),
      ...(app.session.company ? [this.profit(app.session.company)] : []),
      ...(app.session.isTrader ? [mineSection()] : []),
      ...(app.session.isTrader && app.market.accounts === "funds" ? [this.funds()] : []),
      ...(app.session.isTrader ? [this.deadMan()] : []),
      el("section", { class: "card" }, el("h3", {}, "Sessions"), this.sessions),
    ];
  }

  /** What a trader can pay with, in a market that runs on funds. */
  funds() {
    this.balance = el("div", {}, el("p", { class: "hint" }, "Fetching the balance…"));
    this.showBalance();
    return el("section", { class: "card" }, el("h3", {}, "Funds"), this.balance);
  }

  async showBalance() {
    const { balance } = this;
    const [kind, told] = await app.wire.ask("get_balance", { user: null, after: null }).catch(() => []);
    if (kind !== "balance") return;
    const words = `Cash ${grouped(told.cash)}, of which bids and orders can take ${grouped(told.reserved)}.`;
    const rows = told.holdings.map(({ symbol, shares, reserved }) => [symbol, grouped(shares), grouped(reserved)]);
    const more = told.follows === "more" ? [el("p", { class: "hint" }, "There are more holdings than are shown.")] : [];
    const holdings = rows.length > 0 ? [table("Shares", ["Symbol", "#Shares", "#Reserved"], rows)] : [];
    balance.replaceChildren(el("p", {}, words), ...holdings, ...more);
  }

  /** The switch that withdraws open orders when this session is away. */
  deadMan() {
    const grace = el("input", { type: "text", inputMode: "numeric", name: "grace", value: "30" });
    const seconds = field("Away for (seconds)", grace);
    const said = el("p", { class: "outcome", role: "status" });
    const state = () => {
      const armed = app.own.deadMen.get(app.session.user?.session);
      return armed ? `Armed: after ${span(armed)} away.` : "Not armed.";
    };
    this.deadManState = el("p", { class: "hint" }, state());
    app.on("sessions", () => this.deadManState.isConnected && say(this.deadManState, state()));
    const set = async (micros) => {
      const { refused, text } = await app.command("set_dead_man", { grace: micros });
      mark(said, "data-kind", refused ? "bad" : "good");
      say(said, refused ? `Refused: ${text}.` : micros ? "Armed." : "Cleared.");
    };
    const arm = (event) => {
      event.preventDefault();
      const isNumber = /^\d+$/.test(grace.value.trim());
      seconds.fault(isNumber ? null : "A whole number of seconds.");
      if (isNumber) set(String(Number(grace.value) * 1_000_000));
    };
    const buttons = [el("button", { class: "second", type: "submit" }, "Arm"), el("button", { class: "quiet", type: "button", onclick: () => set(null) }, "Clear")];
    const words = "When this session is away too long, the server withdraws your open orders. Bids and maxima stand.";
    return el("form", { class: "card", novalidate: true, onsubmit: arm }, el("h3", {}, "If the connection is lost"), el("p", {}, words), this.deadManState, el("div", { class: "line" }, seconds, buttons), said);
  }

  async logOut() {
    const refused = await app.logOut().catch(() => ({ code: "unsure", message: "the connection ended before the answer" }));
    if (refused) return say(this.said, `Refused: ${refusal(refused)}.`);
    announce("Logged out.");
  }

  async listSessions() {
    const { sessions } = this;
    const [kind, body] = await app.wire.ask("list_sessions", {}).catch(() => []);
    if (kind !== "sessions") return say(sessions, "They cannot be fetched now.");
    sessions.saidText = undefined;
    const row = ({ session, opened_at, expires_at, current }) => {
      const end = async () => {
        const { refused, text } = await app.command("close_session", { session });
        if (refused) say(this.said, `Refused: ${text}.`);
        this.listSessions();
      };
      const times = `opened ${moment(Number(opened_at) / 1_000)}, ends ${moment(Number(expires_at) / 1_000)}`;
      const button = current ? el("span", { class: "tag" }, "this one") : el("button", { type: "button", class: "quiet", "aria-label": `End session ${session}`, onclick: end }, "End");
      return el("li", {}, el("span", { class: "what" }, `Session ${session}`, el("span", { class: "hint" }, ` ${times}`)), button);
    };
    sessions.replaceChildren(el("ul", { class: "orders" }, body.sessions.map(row)));
  }

  /** A company names its security code too, so that a slip hits no other stock. */
  profit(symbol) {
    const profit = el("input", { type: "text", inputMode: "decimal", class: "amount", name: "profit", autocomplete: "off" });
    const code = el("input", { type: "text", name: "security", autocomplete: "off", maxLength: 16 });
    const fields = [field("Profit", profit, "A loss is below zero: -12.50."), field(`Security code of ${symbol}`, code)];
    const said = el("p", { class: "outcome", role: "status" });
    const now = el("strong", {}, grouped(app.market.stocks.get(symbol)?.profit ?? "–"));
    app.on("profit", (event) => event.symbol === symbol && say(now, grouped(event.profit)));
    const publish = async (event) => {
      event.preventDefault();
      const [, minus, digits] = /^([-\u2212]?)(.*)$/.exec(profit.value.trim());
      const { decimal, fault } = typedDecimal(digits, "profit");
      fields[0].fault(fault);
      fields[1].fault(code.value.trim() === "" ? "Which security code has the stock?" : null);
      const wrong = fields.find((each) => each.input.getAttribute("aria-invalid"));
      if (wrong) return wrong.input.focus();
      const { refused, text } = await app.command("publish_profit", { symbol, security: code.value.trim(), profit: `${minus ? "-" : ""}${decimal}` });
      mark(said, "data-kind", refused ? "bad" : "good");
      say(said, refused ? `Refused: ${text}.` : "Published to everyone.");
    };
    return el("form", { class: "card", novalidate: true, onsubmit: publish }, el("h3", {}, `Publish the profit of ${symbol}`), el("p", {}, "Published now: ", now), el("div", { class: "line" }, fields, el("button", { class: "primary", type: "submit" }, "Publish")), said);
  }
}

