// The auctioneer's page: open lots of every format, run them, suspend users, and see how the market fares.
//
// Health is measured on the feed as it comes here. The operators' own door has more, and is another origin that
// listens on the server's machine alone: this page does not ask it.

import { plain, typed, typedDecimal, typedQuantity } from "../market/money.js";
import { clock, formatOf, plural } from "../market/words.js";
import { app } from "./app.js";
import { plot } from "./chart.js";
import { dayTools, marketHalt } from "./dayrunning.js";
import { el, field, mark, say, show } from "./dom.js";
import { countdown } from "./row.js";
import { SECONDS } from "./rates.js";
import { auctioneerTools } from "./running.js";

const MICROS = 1_000_000;
/** How many lots and users are listed; the filters find the others. */
const LISTED_MAX = 50;

const text = (name, value = "", mode = "text") => el("input", { type: "text", name, value, inputMode: mode, autocomplete: "off", spellcheck: false });
const choice = (name, options) => el("select", { name }, options.map(([value, words]) => el("option", { value }, words)));
const price = (name, value) => text(name, value, "decimal");

/** The fields of each format's terms: `[name, label, input, how it is read]`. */
const FORMATS = {
  english: ["English", () => [
    ["step", "Step", price("step", "0.01"), money],
    ["buy_now", "Buy now, if any", price("buy_now"), optional],
    ["within", "Bids within (s)", text("within", "60", "numeric"), seconds],
    ["by", "extend by (s)", text("by", "60", "numeric"), seconds],
    ["mode", "Extension", choice("mode", [["add", "adds to the close"], ["reset", "counts from the bid"]]), asIs],
  ], ({ step, buy_now, within, by, mode }) => ({ english: { steps: [{ from: "0.00", step }], buy_now, soft_close: { mode, extend_within: within, extend_by: by, extensions_max: null } } })],
  dutch: ["Dutch", () => [
    ["start", "Start", price("start", "100.00"), money],
    ["step", "Falls by", price("step", "1.00"), money],
    ["interval", "every (s)", text("interval", "10", "numeric"), seconds],
    ["floor", "Floor", price("floor", "50.00"), money],
  ], (terms) => ({ dutch: terms })],
  sealed: ["Sealed", () => [
    ["pricing", "The winner pays", choice("pricing", [["first_price", "their own bid"], ["second_price", "the second highest (Vickrey)"]]), asIs],
  ], (terms) => ({ sealed: terms })],
  uniform: ["Many units", () => [
    ["pricing", "Buyers pay", choice("pricing", [["uniform", "one uniform price"], ["pay_as_bid", "their own bids"]]), asIs],
    ["priority", "Where shares run out", choice("priority", [["time", "by time"], ["pro_rata", "in proportion"]]), asIs],
    ["bids_max", "Bids a trader", text("bids_max", "10", "numeric"), whole],
  ], (terms) => ({ uniform: terms })],
};

/** Servers that know calls say of each stock what its last uncross was. */
const CALL = ["Call", () => [
  ["tick", "Tick", price("tick", "0.01"), money],
  ["book", "The book is", choice("book", [["open", "open"], ["closed", "closed"]]), asIs],
  ["absolute", "Collar, if any", price("absolute"), optional],
  ["points", "or in basis points", text("points", "1000", "numeric"), whole],
  ["extensions_max", "Extensions at most", text("extensions_max", "2", "numeric"), whole],
  ["extend_by", "each by (s)", text("extend_by", "60", "numeric"), seconds],
  ["market_extension", "Unfilled market orders", choice("market_extension", [["yes", "extend it once"], ["no", "lapse"]]), (value) => value === "yes"],
  ["random_end", "Random end (s)", text("random_end", "0", "numeric"), seconds],
  ["no_cancel", "No cancels before (s)", text("no_cancel", "0", "numeric"), (value, label) => (seconds(value, label) === "0" ? null : seconds(value, label))],
], ({ absolute, points, ...terms }) => ({ call: { ...terms, collar: absolute === null ? null : { absolute, basis_points: points } } })];

/** A trading day: its schedule is written as `auction open` reads it. */
const DAY = ["Trading day", () => [
  ["phases", "Schedule", text("phases", "call 5m, continuous 1h, call 5m, at-last 2m"), schedule],
  ["tick", "Tick", price("tick", "0.01"), money],
  ["book", "The book of a call is", choice("book", [["open", "open"], ["closed", "closed"]]), asIs],
  ["collar", "Collar of a call, in basis points", text("collar", "1000", "numeric"), collar],
  ["static_corridor", "Static corridor, in basis points", text("static_corridor", "500", "numeric"), collar],
  ["dynamic_corridor", "Dynamic corridor, in basis points", text("dynamic_corridor", "200", "numeric"), collar],
  ["volatility_length", "Volatility call (s)", text("volatility_length", "120", "numeric"), seconds],
  ["random_end", "Random end of a call (s)", text("random_end", "0", "numeric"), seconds],
  ["interruptions_max", "Interruptions at most", text("interruptions_max", "16", "numeric"), whole],
], ({ phases, tick, book, collar: around, random_end: end, ...terms }) => ({
  day: {
    ...terms,
    phases: phases.scheduled,
    volatility_random_end: "0",
    call: { tick, book, collar: around, extensions_max: 2, market_extension: false, extend_by: "60000000", random_end: end, no_cancel: null },
  },
})];

const UNITS_OF_TIME = { s: 1, m: 60, h: 3_600 };

/** Phases of a schedule with their begins, and the length of all. */
function schedule(value) {
  const phases = { "pre-open": "pre_open", call: "call", continuous: "continuous", "at-last": "at_last" };
  let after = 0;
  const scheduled = value.split(",").map((part) => {
    const [, name, count, unit] = part.trim().match(/^([a-z-]+) (\d+)([smh])$/) ?? [];
    if (!phases[name] || Number(count) === 0) throw new Fault(`Schedule: “${part.trim()}” is no phase with a length, such as “call 5m”.`);
    const phase = { phase: phases[name], begins_after: String(after * MICROS) };
    after += Number(count) * UNITS_OF_TIME[unit];
    return phase;
  });
  return { scheduled, length: String(after * MICROS) };
}

/** A collar or corridor of so many basis points; none with nothing or 0. */
function collar(value, label) {
  const points = value.trim() === "" ? 0 : whole(value, label);
  return points === 0 ? null : { absolute: "0.00", basis_points: points };
}

class Fault extends Error {}

function money(value, label) {
  const { units, fault } = typed(value, "price");
  if (fault) throw new Fault(`${label}: ${fault}`);
  return plain(units);
}

function optional(value, label) {
  return value.trim() === "" ? null : money(value, label);
}

function decimal(value, label, what) {
  const { decimal, fault } = typedDecimal(value, what);
  if (fault) throw new Fault(`${label}: ${fault}`);
  return decimal;
}

/** A span in microseconds, of a number of seconds. */
function seconds(value, label) {
  return micros(value, label, 1);
}

function minutes(value, label) {
  return micros(value, label, 60);
}

function micros(value, label, times) {
  return String(Math.round(Number(decimal(value, label, "duration")) * times * MICROS));
}

function whole(value, label) {
  const trimmed = value.trim();
  if (!/^\d+$/.test(trimmed)) throw new Fault(`${label}: a whole number, such as 10.`);
  return Number(trimmed);
}

function asIs(value) {
  return value;
}

export class Operate {
  constructor(root) {
    this.root = root;
    this.rows = new Map();
    app.on("session", () => this.isShown && this.open());
    for (const what of ["lot", "snapshot", "users"]) app.on(what, () => (this.isStale = true));
    setInterval(() => this.turn(), 1_000);
  }

  open() {
    this.isShown = true;
    if (!app.session.isAuctioneer) {
      this.built = false;
      return this.root.replaceChildren(el("p", { class: "empty" }, "Auctioneers run the market from here. Log in as one."));
    }
    if (!this.built) this.build();
    this.isStale = true;
    this.turn();
  }

  leave() {
    this.isShown = false;
  }

  build() {
    this.built = true;
    this.rows.clear();
    this.plots = [
      [plot("Events", "/s"), (second) => second.events],
      [plot("Bids", "/s"), (second) => second.bids],
      [plot("Commits", "/s"), (second) => second.batches],
      [plot("Slowest event, to this page", "ms"), (second) => Math.max(0, second.late)],
    ];
    this.health = el("p", { class: "hint" });
    this.find = el("input", { type: "search", placeholder: "Symbol", "aria-label": "Find lots to run", oninput: () => this.list() });
    this.lots = el("ul", { class: "runs" });
    this.findUser = el("input", { type: "search", placeholder: "Name", "aria-label": "Find users", oninput: () => this.listUsers() });
    this.users = el("ul", { class: "orders" });
    this.userSaid = el("p", { class: "outcome", role: "status" });
    this.halting = marketHalt();
    const card = (title, ...rest) => el("section", { class: "card" }, el("h3", {}, title), rest);
    this.root.replaceChildren(
      el("header", { class: "page-head" }, el("h2", {}, "Run the market")),
      el("div", { class: "cards" },
        card("Health", el("div", { class: "gauges" }, this.plots.map(([one]) => one.node)), this.health, el("p", { class: "hint" }, "Measured on the feed, on this page, over two minutes. The operators’ door of the server has the rest: by default http://127.0.0.1:2023/metrics on its machine.")),
        this.opening(),
        card("Lots", this.find, this.lots),
        card("Users", this.findUser, this.users, this.userSaid),
        app.market.accounts === "funds" ? this.paying() : "",
        card("Halt everything", ...this.halting.nodes),
      ),
    );
  }

  turn() {
    if (!this.isShown || !this.built) return;
    if (!app.isPaused) this.plots.forEach(([one, of]) => one.draw(app.rates.seconds.map(of), SECONDS));
    const open = app.market.lots.filter((lot) => lot.phase === "open").length;
    const trip = app.clock.roundTrip;
    const { word, atMs } = app.check;
    const check = word === "same" ? `fold checked at ${clock(atMs)}` : "fold not checked";
    say(this.health, `${plural(open, "lot")} open, ${plural(app.market.users.length, "user")}, feed ${app.market.sequence}, ${check}, round trip ${trip === null ? "–" : `${trip.toFixed(1)} ms`}, ${app.server ?? ""}`);
    if (this.isStale && !app.isPaused) {
      this.isStale = false;
      this.halting.update();
      this.list();
      this.listUsers();
    }
    this.rows.forEach((row) => row.tick());
  }

  // Opening lots.

  opening() {
    const symbol = el("input", { type: "text", name: "symbol", autocomplete: "off", autocapitalize: "characters", spellcheck: false, list: "symbols" });
    const known = el("datalist", { id: "symbols" });
    symbol.addEventListener("focus", () => known.childElementCount || known.append(...[...app.market.stocks.keys()].slice(0, 2_000).map((value) => el("option", { value }))));
    if ([...app.market.stocks.values()][0]?.uncross !== undefined) Object.assign(FORMATS, { call: CALL, day: DAY });
    const format = choice("format", Object.entries(FORMATS).map(([value, [words]]) => [value, words]));
    const [quantity, lasts, later, reserve] = [text("quantity", "1", "numeric"), text("minutes", "5", "decimal"), text("later", "0", "decimal"), price("reserve")];
    const lastsField = field("Open for (min)", lasts);
    const reserveField = field("Hidden reserve, if any", reserve);
    const terms = el("div", { class: "fields" });
    const said = el("p", { class: "outcome", role: "status" });
    let fields = [];
    const hasReserve = () => !["dutch", "call", "day"].includes(format.value);
    const choose = () => {
      fields = FORMATS[format.value][1]();
      terms.replaceChildren(...fields.map(([, label, input]) => field(label, input)));
      show(reserveField, hasReserve());
      // A day is as long as its schedule.
      show(lastsField, format.value !== "day");
      if (format.value === "uniform" && quantity.value === "1") quantity.value = "100";
    };
    format.addEventListener("change", choose);
    choose();
    const read = () => {
      if (!app.market.stocks.has(symbol.value.trim().toUpperCase())) throw new Fault("Symbol: there is no such stock.");
      const { quantity: shares, fault } = typedQuantity(quantity.value);
      if (fault) throw new Fault(fault);
      const [open, wait] = [format.value === "day" ? "0" : minutes(lasts.value, "Open for"), minutes(later.value, "Opens in")];
      const opensAt = Math.round(app.now() * 1_000) + Number(wait);
      const body = Object.fromEntries(fields.map(([name, label, input, how]) => [name, how(input.value, label)]));
      return {
        symbol: symbol.value.trim().toUpperCase(),
        quantity: shares,
        opens_at: Number(wait) > 0 ? String(opensAt) : null,
        closes_at: String(opensAt + Number(body.phases?.length ?? open)),
        terms: FORMATS[format.value][2](body),
        reserve: hasReserve() ? optional(reserve.value, "Reserve") : null,
      };
    };
    const open = async (event) => {
      event.preventDefault();
      try {
        const body = read();
        say(said, "Sending…");
        const { accepted, refused, text } = await app.command("open_lot", body);
        mark(said, "data-kind", refused ? "bad" : "good");
        say(said, refused ? `Refused: ${text}.` : `Lot ${accepted.reply.lot_opened} of ${body.symbol} is open for bids${body.opens_at ? " when its time comes" : ""}.`);
      } catch (error) {
        if (!(error instanceof Fault)) throw error;
        mark(said, "data-kind", "bad");
        say(said, error.message);
      }
    };
    const common = [field("Symbol", symbol), field("Format", format), field("Shares", quantity), lastsField, field("Opens in (min)", later), reserveField];
    return el("form", { class: "card", novalidate: true, onsubmit: open }, el("h3", {}, "Open a lot"), known, el("div", { class: "fields" }, common), terms, el("div", { class: "buttons" }, el("button", { class: "primary", type: "submit" }, "Open the lot")), said);
  }

  // Money and shares of traders, in a market that runs on funds.

  paying() {
    const [name, amount, symbol] = [text("name"), text("amount", "", "decimal"), text("stock")];
    const said = el("p", { class: "outcome", role: "status" });
    const pay = async (kind, word) => {
      try {
        const user = app.market.names.get(name.value.trim().toLowerCase());
        if (user === undefined) throw new Fault("There is no user of this name.");
        const stock = symbol.value.trim().toUpperCase();
        const { quantity, fault } = stock === "" ? {} : typedQuantity(amount.value);
        if (fault) throw new Fault(fault);
        const asset = quantity ? { shares: { symbol: stock, quantity } } : { cash: decimal(amount.value, "Amount", "amount") };
        const { refused, text: why } = await app.command(kind, { user, asset });
        mark(said, "data-kind", refused ? "bad" : "good");
        say(said, refused ? `Refused: ${why}.` : `${word} ${amount.value.trim()}${quantity ? ` shares of ${stock}` : ""}: ${name.value.trim()}.`);
      } catch (error) {
        if (!(error instanceof Fault)) throw error;
        mark(said, "data-kind", "bad");
        say(said, error.message);
      }
    };
    const submit = (event) => (event.preventDefault(), pay("deposit", "Paid in"));
    const fields = [field("Trader", name), field("Amount or shares", amount), field("Symbol, for shares", symbol)];
    const buttons = [el("button", { class: "primary", type: "submit" }, "Pay in"), el("button", { class: "second", type: "button", onclick: () => pay("withdraw", "Paid out") }, "Pay out")];
    return el("form", { class: "card", novalidate: true, onsubmit: submit }, el("h3", {}, "Pay in and out"), el("div", { class: "fields" }, fields), el("div", { class: "buttons" }, buttons), said);
  }

  // Lots and users.

  list() {
    const words = this.find.value.trim().toUpperCase();
    const lots = app.market.lots.filter((lot) => lot.phase !== "closed" && lot.symbol.includes(words)).slice(0, LISTED_MAX);
    const shown = new Set(lots.map((lot) => lot.id));
    const hasFocus = this.lots.contains(document.activeElement);
    for (const [id, row] of this.rows) {
      if (shown.has(id) || (hasFocus && row.node.contains(document.activeElement))) continue;
      row.node.remove();
      this.rows.delete(id);
    }
    for (const lot of lots) {
      let row = this.rows.get(lot.id);
      if (row?.lot !== lot) {
        row?.node.remove();
        row = runRow(lot);
        this.rows.set(lot.id, row);
        this.lots.append(row.node);
      }
      row.update();
    }
    mark(this.lots, "data-empty", this.rows.size === 0 ? "No lot is open." : null);
  }

  listUsers() {
    if (this.users.contains(document.activeElement)) return;
    const words = this.findUser.value.trim().toLowerCase();
    const users = app.market.users.filter((user) => user.name.includes(words)).slice(0, LISTED_MAX);
    const key = [app.me, ...users.map((user) => user.id)].join();
    if (key === this.shownUsers && this.users.childElementCount > 0) return;
    this.shownUsers = key;
    const give = async (kind, user, word) => {
      const { refused, text } = await app.command(kind, { user: user.id });
      mark(this.userSaid, "data-kind", refused ? "bad" : "good");
      say(this.userSaid, refused ? `${user.name}: ${refused.code === "unchanged" ? `is ${word} already` : text}.` : `${user.name} is ${word}.`);
    };
    const button = (user, name, kind, word) => el("button", { type: "button", class: "quiet", "aria-label": `${name} ${user.name}`, onclick: () => give(kind, user, word) }, name);
    const role = (user) => (user.role.company ? `company of ${user.role.company}` : user.role);
    this.users.replaceChildren(...users.map((user) => el("li", {}, el("span", { class: "what" }, user.name, el("span", { class: "hint" }, ` ${role(user)}`)), ...(user.id === app.me ? [] : [button(user, "Suspend", "suspend_user", "suspended")]), button(user, "Reinstate", "reinstate_user", "reinstated"))));
  }
}

function runRow(lot) {
  const tools = lot.day ? dayTools(lot) : auctioneerTools(lot);
  const rest = el("span", { class: "rest" });
  const about = el("span", { class: "hint" });
  const node = el("li", {}, el("div", { class: "run-head" }, el("a", { href: `#/lot/${lot.id}` }, lot.symbol), about, rest), tools.node);
  const update = () => {
    say(about, `lot ${lot.id}, ${formatOf(lot)}, ${plural(lot.bidders, "bidder")}`);
    tools.update();
  };
  return { lot, node, update, tick: () => say(rest, countdown(lot, app.now())[0]) };
}
