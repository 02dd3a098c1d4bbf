// The table of lots: filter, sort, keyboard. Rows are drawn only where they can be seen, and only when they changed.

import { grouped } from "../market/money.js";
import { formatOf } from "../market/words.js";
import { app } from "./app.js";
import { el, mark, say, show } from "./dom.js";
import { onBeat, soon } from "./frame.js";
import { unknownWords } from "./mine.js";
import { COLUMNS, Row } from "./row.js";

/** Rows drawn beyond the edges of what is seen. */
const SPARE_ROWS = 6;
/** How often the order may change by itself, in milliseconds; not while someone points at a row or is on it. */
const ORDER_PAUSE = 1_000;
/** How long a pointer that rests on the list holds the order, in milliseconds: someone may be about to click. */
const POINTED_FOR = 4_000;

const STATES = [
  ["open", "Open", (lot) => lot.phase !== "closed"],
  ["mine", "Mine", (lot) => app.own.standing(lot) !== null || app.own.isIn(lot.id)],
  ["outbid", "Outbid", (lot) => app.own.standing(lot) === "outbid"],
  ["closed", "Closed", (lot) => lot.phase === "closed"],
  ["all", "All", () => true],
];

export class List {
  constructor(root) {
    this.root = root;
    this.rows = new Map();
    this.dirty = new Set();
    this.told = new Map();
    this.order = [];
    this.sort = { key: "closes", rises: true };
    this.state = "open";
    this.words = "";
    this.format = "";
    this.current = 0;
    this.held = new Set();
    this.build();
    app.on("lot", (lot) => this.changed(lot));
    for (const what of ["snapshot", "ready", "session", "own"]) app.on(what, () => this.reorderSoon(true));
    app.on("pause", () => app.isPaused || this.catchUp());
    onBeat(() => this.beat());
    new ResizeObserver(() => this.measure()).observe(this.scroller);
  }

  build() {
    this.search = el("input", { type: "search", id: "search", placeholder: "Filter by symbol, code or leader", "aria-label": "Filter lots", autocomplete: "off", spellcheck: false, oninput: () => this.filter({ words: this.search.value.trim().toLowerCase() }) });
    const choice = ([key, title]) => {
      const count = el("span", { class: "count" });
      const button = el("button", { type: "button", "aria-pressed": String(key === this.state), data: { state: key }, onclick: () => this.filter({ state: key }) }, title, " ", count);
      return Object.assign(button, { count });
    };
    this.states = STATES.map(choice);
    this.formats = el("select", { "aria-label": "Format", onchange: () => this.filter({ format: this.formats.value }) }, el("option", { value: "" }, "Every format"));
    const sorts = COLUMNS.filter((column) => column.of).map(({ key, title }) => el("option", { value: key }, `Sort: ${title.toLowerCase()}`));
    this.sorts = el("select", { class: "sorts", "aria-label": "Sort by", onchange: () => this.sortBy(this.sorts.value, true) }, sorts);
    this.body = el("div", { class: "rows", role: "rowgroup" });
    this.head = el("div", { class: "row head", role: "row" }, COLUMNS.map((column) => this.headCell(column)));
    this.grid = el("div", { role: "grid", "aria-label": "Lots", class: "grid" }, el("div", { role: "rowgroup", class: "heads" }, this.head), this.body);
    this.scroller = el("div", { class: "scroller" }, this.grid);
    this.empty = el("div", { class: "empty", hidden: true });
    this.missed = el("p", { class: "missed", role: "status", hidden: true });
    this.root.append(
      el("div", { class: "tools" }, this.search, el("div", { class: "segments", role: "group", "aria-label": "Which lots" }, this.states), this.formats, this.sorts),
      this.missed,
      this.scroller,
      this.empty,
    );
    this.scroller.addEventListener("scroll", () => soon(this.drawing), { passive: true });
    this.body.addEventListener("keydown", (event) => this.key(event));
    this.body.addEventListener("pointermove", () => (this.pointedAt = performance.now()), { passive: true });
    this.drawing = () => this.draw();
    this.ordering = () => this.reorder();
    this.filter({});
  }

  headCell({ key, title, of, number }) {
    const sort = of && el("button", { type: "button", onclick: () => this.sortBy(key) }, title, el("span", { class: "arrow", "aria-hidden": "true" }));
    return el("div", { role: "columnheader", class: `cell ${key}${number ? " number" : ""}`, data: { key } }, sort ?? title);
  }

  // What is shown, and in which order.

  filter(change) {
    Object.assign(this, change);
    this.states.forEach((button) => mark(button, "aria-pressed", String(button.dataset.state === this.state)));
    this.sortBy(this.sort.key, this.sort.rises);
  }

  sortBy(key, rises = this.sort.key === key ? !this.sort.rises : true) {
    this.sort = { key, rises };
    this.sorts.value = key;
    for (const cell of this.head.children) {
      const isIt = cell.dataset.key === key;
      mark(cell, "aria-sort", isIt ? (rises ? "ascending" : "descending") : null);
    }
    this.reorderSoon(true);
  }

  /** At once when someone asked for it, else when the list has rested. */
  reorderSoon(isAsked) {
    this.isStale = true;
    if (isAsked) {
      this.orderedAt = -ORDER_PAUSE;
      soon(this.ordering);
    }
  }

  reorder() {
    this.isStale = false;
    this.orderedAt = performance.now();
    const now = app.now();
    const state = STATES.find(([key]) => key === this.state)[2];
    const lots = app.market.lots;
    this.count();
    const fits = (lot) => state(lot) && (this.format === "" || formatOf(lot) === this.format) && this.matches(lot);
    const { of } = COLUMNS.find((column) => column.key === this.sort.key);
    const keyed = lots.filter(fits).map((lot) => [of(lot, now), lot]);
    const sign = this.sort.rises ? 1 : -1;
    keyed.sort(([a, x], [b, y]) => (a < b ? -sign : a > b ? sign : x.symbol < y.symbol ? -1 : x.symbol > y.symbol ? 1 : x.id - y.id));
    this.order = keyed.map(([, lot]) => lot);
    this.places = new Map(this.order.map((lot, place) => [lot.id, place]));
    this.body.style.height = `${this.order.length * this.rowHeight}px`;
    mark(this.grid, "aria-rowcount", this.order.length + 1);
    this.showEmpty(lots.length);
    this.current = Math.min(this.current, Math.max(0, this.order.length - 1));
    this.draw();
  }

  /** Counts what each choice would show. */
  count() {
    this.isUncounted = false;
    this.countedAt = performance.now();
    const { lots } = app.market;
    const formats = new Set();
    const counts = STATES.map(() => 0);
    for (const lot of lots) {
      formats.add(formatOf(lot));
      STATES.forEach(([, , is], index) => (counts[index] += is(lot) ? 1 : 0));
    }
    this.states.forEach((button, index) => {
      const isOwn = button.dataset.state === "mine" || button.dataset.state === "outbid";
      say(button.count, isOwn && unknownWords() !== null ? "…" : counts[index] > 0 ? grouped(counts[index]) : "");
      show(button, !isOwn || app.me !== null);
    });
    const known = [...this.formats.options].map((option) => option.value);
    for (const format of formats) if (!known.includes(format)) this.formats.append(el("option", { value: format }, format));
    show(this.formats, formats.size > 1);
  }

  matches(lot) {
    const { words } = this;
    if (words === "") return true;
    const security = app.market.stocks.get(lot.symbol)?.listing.security ?? "";
    const leader = lot.leader === null ? "" : app.market.nameOf(lot.leader);
    return [lot.symbol, security, leader, `#${lot.id}`].some((text) => text.toLowerCase().includes(words));
  }

  showEmpty(count) {
    const isEmpty = this.order.length === 0 && app.isReady;
    show(this.empty, isEmpty || !app.isReady);
    show(this.scroller, !isEmpty);
    mark(this.empty, "data-loading", !app.isReady);
    if (!app.isReady) return say(this.empty, "Fetching the market…");
    if (!isEmpty) return;
    const closed = app.market.lots.filter((lot) => lot.phase === "closed").length;
    const isOwn = this.state === "mine" || this.state === "outbid";
    const unknown = isOwn ? unknownWords() : null;
    const why =
      unknown !== null ? unknown
      : count === 0 ? "No lot has been opened yet. They appear here the moment they are."
      : this.words !== "" ? `No lot matches “${this.words}”.`
      : this.state === "open" && closed > 0 ? `All lots have closed. Their results are under Results.`
      : this.state === "mine" ? "You have not bid on any lot yet."
      : this.state === "outbid" ? "Nobody has outbid you."
      : "No lot is like this.";
    say(this.empty, why);
  }

  // Drawing.

  measure() {
    const height = Number.parseFloat(getComputedStyle(this.body).getPropertyValue("--row"));
    if (height !== this.rowHeight) {
      this.rowHeight = height;
      this.reorderSoon(true);
    }
    soon(this.drawing);
  }

  changed(lot) {
    this.dirty.add(lot.id);
    this.isUncounted = true;
    if (this.places?.has(lot.id) !== true || lot.phase === "closed") this.isStale = true;
    if (app.isPaused) this.held.add(lot.id);
    else soon(this.drawing);
  }

  catchUp() {
    this.held.clear();
    this.reorderSoon(true);
  }

  draw() {
    if (!this.rowHeight || this.scroller.clientHeight === 0) return;
    const { scrollTop, clientHeight } = this.scroller;
    const first = Math.max(0, Math.floor(scrollTop / this.rowHeight) - SPARE_ROWS);
    const last = Math.min(this.order.length, Math.ceil((scrollTop + clientHeight) / this.rowHeight) + SPARE_ROWS);
    const now = app.now();
    const seen = new Set();
    for (let place = first; place < last; place += 1) {
      const lot = this.order[place];
      seen.add(lot.id);
      let row = this.rows.get(lot.id);
      const isNew = !row;
      if (isNew) {
        row = new Row(lot, this);
        this.rows.set(lot.id, row);
      }
      row.stand(place, this.rowHeight, place === this.current);
      if (isNew) this.body.append(row.node);
      if (isNew || row.lot !== lot || (this.dirty.has(lot.id) && !app.isPaused)) row.update(lot, now);
    }
    for (const [id, row] of this.rows) {
      // A row that has the focus stays, though it is out of sight: nothing may take the focus away.
      if (seen.has(id) || (row.node === document.activeElement && this.places.has(id))) continue;
      row.node.remove();
      this.rows.delete(id);
    }
    if (!app.isPaused) this.dirty.clear();
  }

  beat() {
    const now = app.now();
    for (const row of this.rows.values()) row.tick(now, this.told);
    if (this.isUncounted && !app.isPaused && performance.now() - (this.countedAt ?? 0) > ORDER_PAUSE) this.count();
    const isPointed = this.body.matches(":hover") && performance.now() - (this.pointedAt ?? 0) < POINTED_FOR;
    const isInUse = isPointed || this.body.matches(":focus-within");
    if (this.isStale && !app.isPaused && !isInUse && performance.now() - this.orderedAt > ORDER_PAUSE) this.reorder();
    else if (this.isStale && this.order.length === 0) this.reorder();
  }

  // Keyboard.

  key(event) {
    const page = Math.max(1, Math.floor(this.scroller.clientHeight / this.rowHeight) - 2);
    const moves = { ArrowDown: 1, j: 1, ArrowUp: -1, k: -1, PageDown: page, PageUp: -page, Home: -this.order.length, End: this.order.length };
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.key in moves) {
      event.preventDefault();
      this.focus(this.current + moves[event.key]);
    } else if (event.key === "Enter" || event.key === " ") {
      event.preventDefault();
      this.open(this.order[this.current]);
    }
  }

  focus(place = this.current) {
    if (this.order.length === 0) return;
    this.current = Math.max(0, Math.min(this.order.length - 1, place));
    const [top, bottom] = [this.current * this.rowHeight, (this.current + 1) * this.rowHeight];
    const { scrollTop, clientHeight } = this.scroller;
    const room = clientHeight - this.head.offsetHeight;
    if (top < scrollTop) this.scroller.scrollTop = top;
    else if (bottom > scrollTop + room) this.scroller.scrollTop = bottom - room;
    this.draw();
    this.rows.get(this.order[this.current].id)?.node.focus({ preventScroll: true });
  }

  open(lot, isToBid = false) {
    app.tell("open", lot.id, isToBid);
  }

  /** The lot that the keyboard is on. */
  get currentLot() {
    return this.body.contains(document.activeElement) ? this.order[this.current] : null;
  }

  /** Says that an address names a lot that is not there; nothing: it names none. */
  miss(id) {
    show(this.missed, id !== null);
    if (id !== null) say(this.missed, `There is no lot ${id || "without a number"} in this market. These are its lots.`);
  }

  select(id) {
    this.selected = id;
    for (const row of this.rows.values()) mark(row.node, "aria-selected", String(row.lot.id === id));
  }
}
