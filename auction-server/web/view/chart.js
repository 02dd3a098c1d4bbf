// Prices as lines: small ones in the table, and one to be read in a lot's view.

import { plain, shown, units } from "../market/money.js";
import { bareClock, clock, plural, zone } from "../market/words.js";
import { app } from "./app.js";
import { el, say, svg } from "./dom.js";
import { MANY } from "../market/bids.js";

const SPARK = { width: 88, height: 24 };

/** How many corners a falling price is drawn with at most. */
const CORNERS_MAX = 40;

/** A small line of a lot's price from its base to now; nothing where bids are hidden. */
export function sparkline() {
  const line = svg("polyline", { fill: "none" });
  const dot = svg("circle", { r: 2 });
  const node = svg("svg", { viewBox: `0 0 ${SPARK.width} ${SPARK.height}`, class: "spark", "aria-hidden": "true" }, line, dot);
  let drawn = "";
  const draw = (lot, now) => {
    const prices = pricesOf(lot, now);
    const key = `${prices.length} ${prices.at(-1)}`;
    if (key === drawn) return;
    drawn = key;
    if (prices.length < 2) {
      line.setAttribute("points", "");
      dot.setAttribute("cx", -9);
      return;
    }
    const [least, most] = [Math.min(...prices), Math.max(...prices)];
    const x = (index) => 2 + (index / (prices.length - 1)) * (SPARK.width - 6);
    const y = (price) => SPARK.height - 3 - ((price - least) / (most - least || 1)) * (SPARK.height - 6);
    line.setAttribute("points", prices.map((price, index) => `${x(index).toFixed(1)},${y(price).toFixed(1)}`).join(" "));
    dot.setAttribute("cx", x(prices.length - 1));
    dot.setAttribute("cy", y(prices.at(-1)));
    // By the same measure as the change that is written beside it.
    node.setAttribute("data-moves", prices.at(-1) < lot.changesFrom ? "down" : "up");
  };
  return { node, draw };
}

function pricesOf(lot, now) {
  if (lot.format === "dutch") return fall(lot, now, 12).map(([, price]) => price);
  if (lot.day) return lot.day.trades.slice(-40).map((trade) => trade.price);
  if (lot.format === "call") return lot.indicated.slice(-40).map((point) => point.price);
  if (lot.format !== "english" || lot.bids === 0) return [];
  const known = app.bids.of(lot.id);
  return known ? [lot.base, ...known.bids.slice(-40).map((bid) => bid.price)] : [];
}

/** A Dutch lot's price from its opening to now: `[ms, price]`. */
function fall(lot, now, corners) {
  const until = lot.phase === "closed" ? lot.closedMs : Math.max(lot.opensMs, Math.min(lot.haltedMs ?? now, lot.closesMs));
  const at = (index) => lot.opensMs + ((until - lot.opensMs) * index) / (corners - 1);
  const price = (ms) => (lot.leader !== null && ms >= until ? lot.price : fallen(lot, ms));
  return Array.from({ length: corners }, (_, index) => [at(index), price(at(index))]);
}

function fallen(lot, ms) {
  const steps = Math.floor(((ms - lot.opensMs) * 1_000) / Number(lot.terms.interval));
  return Math.max(units(lot.terms.floor), units(lot.terms.start) - units(lot.terms.step) * Math.max(0, steps));
}

const PAD = { left: 4, right: 58, top: 10, bottom: 20 };
const HEIGHT = 168;

/** The price of a lot over time, with one's own bids marked, and a word for whoever points at it or moves along it. */
export class Chart {
  constructor(lot) {
    this.lot = lot;
    this.grid = svg("g", { class: "lines" });
    this.area = svg("path", { class: "area" });
    this.line = svg("path", { class: "price", fill: "none" });
    this.marks = svg("g", { class: "marks" });
    this.cursor = svg("g", { class: "cursor", visibility: "hidden" }, svg("line", {}), svg("circle", { r: 4 }));
    this.picture = svg("svg", { role: "img", height: HEIGHT }, this.grid, this.area, this.line, this.marks, this.cursor);
    this.words = el("p", { class: "reading" });
    this.node = el("figure", { class: "chart", tabIndex: 0, "aria-label": "Price over time" }, this.picture, this.words);
    this.node.addEventListener("pointermove", (event) => this.point(event.clientX - this.picture.getBoundingClientRect().left));
    this.node.addEventListener("pointerleave", () => this.leave());
    this.node.addEventListener("blur", () => this.leave());
    this.node.addEventListener("keydown", (event) => this.key(event));
    new ResizeObserver(([{ contentRect }]) => {
      this.width = contentRect.width;
      this.draw(app.now());
    }).observe(this.node);
  }

  points(now) {
    const { lot } = this;
    if (lot.format === "dutch") return fall(lot, now, CORNERS_MAX).map(([ms, price]) => ({ ms, price, text: "" }));
    if (lot.format === "call") return lot.indicated.map((point) => ({ ...point, text: "indicative" }));
    const known = app.bids.of(lot.id, MANY);
    const bids = known?.bids ?? [];
    const name = (bid) => (bid.bidder === app.me ? "you" : app.market.nameOf(bid.bidder));
    const starts = known && known.total === bids.length ? [{ ms: lot.opensMs, price: lot.base, text: "base price" }] : [];
    return starts.concat(bids.map((bid) => ({ ms: bid.ms, price: bid.price, text: `${name(bid)}${bid.amount === null ? ", a maximum" : ""}`, isMine: bid.bidder === app.me })));
  }

  draw(now) {
    const { lot, width } = this;
    if (!width) return;
    this.picture.setAttribute("width", width);
    const points = this.points(now);
    const hasLine = points.length > 1;
    this.node.toggleAttribute("data-empty", !hasLine);
    if (!hasLine) {
      this.all = [];
      this.line.removeAttribute("d");
      this.area.removeAttribute("d");
      this.grid.replaceChildren();
      this.marks.replaceChildren();
      if (lot.format === "call") return say(this.words, "The chart shows the indicative price as it moves.");
      return say(this.words, lot.bids === 0 ? "The chart begins with the first bid." : "Fetching the bids…");
    }
    const until = lot.phase === "closed" ? lot.closedMs : Math.max(now, points.at(-1).ms);
    const prices = points.map((point) => point.price);
    const [low, high] = [Math.min(...prices), Math.max(...prices)];
    const room = (high - low || high || 1) * 0.08;
    const [bottom, top] = [Math.max(0, low - room), high + room];
    const from = points[0].ms;
    const x = (ms) => PAD.left + ((ms - from) / Math.max(1, until - from)) * (width - PAD.left - PAD.right);
    const y = (price) => HEIGHT - PAD.bottom - ((price - bottom) / (top - bottom)) * (HEIGHT - PAD.top - PAD.bottom);
    const f = (number) => number.toFixed(1);
    let path = `M${f(x(from))} ${f(y(prices[0]))}`;
    for (const point of points.slice(1)) path += `H${f(x(point.ms))}V${f(y(point.price))}`;
    path += `H${f(x(until))}`;
    this.line.setAttribute("d", path);
    this.area.setAttribute("d", `${path}V${HEIGHT - PAD.bottom}H${f(x(from))}Z`);
    this.drawGrid(bottom, top, y, [from, until], x);
    const own = points.filter((point) => point.isMine).slice(-100);
    this.marks.replaceChildren(...own.map((point) => svg("circle", { cx: f(x(point.ms)), cy: f(y(point.price)), r: 3 })));
    this.all = points.map((point) => ({ ...point, x: x(point.ms), y: y(point.price) }));
    const base = lot.format === "call" ? `Indicative price since ${clock(from)}.` : lot.format === "dutch" ? `Fallen from ${shown(prices[0])} to ${shown(prices.at(-1))}.` : `${plural(lot.bids, "bid")} from ${shown(lot.base)} to ${shown(prices.at(-1))}.`;
    this.picture.setAttribute("aria-label", base);
    if (this.cursor.getAttribute("visibility") === "hidden") say(this.words, base);
  }

  drawGrid(bottom, top, y, times, x) {
    const step = niceStep((top - bottom) / 4);
    const nodes = [];
    for (let price = Math.ceil(bottom / step) * step; price <= top; price += step) {
      nodes.push(svg("line", { x1: PAD.left, x2: this.width - PAD.right, y1: y(price), y2: y(price) }));
      nodes.push(svg("text", { x: this.width - PAD.right + 6, y: y(price) + 4 }, plain(price)));
    }
    times.forEach((ms, index) => nodes.push(svg("text", { x: x(ms), y: HEIGHT - 4, "text-anchor": index ? "end" : "start" }, index ? `${bareClock(ms)} ${zone(ms)}` : bareClock(ms))));
    this.grid.replaceChildren(...nodes);
  }

  /** Reads the point nearest to a place. */
  point(at) {
    if (!this.all?.length) return;
    const near = this.all.reduce((best, point) => (Math.abs(point.x - at) < Math.abs(best.x - at) ? point : best));
    this.index = this.all.indexOf(near);
    const [line, circle] = this.cursor.children;
    Object.entries({ x1: near.x, x2: near.x, y1: PAD.top, y2: HEIGHT - PAD.bottom }).forEach(([name, value]) => line.setAttribute(name, value));
    circle.setAttribute("cx", near.x);
    circle.setAttribute("cy", near.y);
    this.cursor.setAttribute("visibility", "visible");
    say(this.words, `${shown(near.price)} at ${clock(near.ms)}${near.text ? `, ${near.text}` : ""}`);
  }

  key(event) {
    const by = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
    if (!by || !this.all?.length) return;
    event.preventDefault();
    const index = Math.max(0, Math.min(this.all.length - 1, (this.index ?? this.all.length) + by));
    this.point(this.all[index].x);
  }

  leave() {
    this.index = undefined;
    this.cursor.setAttribute("visibility", "hidden");
    this.draw(app.now());
  }
}

/** A step of 1, 2 or 5 times a power of ten, in whole units. */
export function niceStep(rough) {
  const power = 10 ** Math.floor(Math.log10(Math.max(1, rough)));
  const of = [1, 2, 5, 10].find((times) => times * power >= rough);
  return Math.max(1, of * power);
}

/** A small plot of numbers a second, the newest at the right. */
export function plot(title, unit) {
  const line = svg("polyline", { fill: "none" });
  const node = svg("svg", { viewBox: "0 0 240 56", preserveAspectRatio: "none", class: "plot", "aria-hidden": "true" }, line);
  const now = el("strong", {});
  const most = el("span", { class: "hint" });
  const draw = (values, width) => {
    const top = Math.max(1, ...values);
    const x = (index) => 240 - (values.length - 1 - index) * (240 / (width - 1));
    line.setAttribute("points", values.map((value, index) => `${x(index).toFixed(1)},${(52 - (value / top) * 48).toFixed(1)}`).join(" "));
    const round = (value) => (value < 10 && value % 1 ? value.toFixed(1) : String(Math.round(value)));
    say(now, `${round(values.at(-1) ?? 0)} ${unit}`);
    say(most, `at most ${round(Math.max(0, ...values))}`);
  };
  return { node: el("figure", { class: "gauge" }, el("figcaption", {}, title), now, most, node), draw };
}
