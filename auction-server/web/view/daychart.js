// Trades of a day by the minute: open, high, low and close as candles, and the shares below them.

import { grouped, plain, shown } from "../market/money.js";
import { bareClock, clock, zone } from "../market/words.js";
import { app } from "./app.js";
import { niceStep } from "./chart.js";
import { el, say, svg } from "./dom.js";

const MINUTE = 60_000;
const PAD = { left: 4, right: 58, top: 8, bottom: 18 };
const HEIGHT = 290;
const VOLUME_HEIGHT = 50;
/** Widths of a candle with its gap, in pixels. */
const STEP = { min: 5, max: 14 };

/** Bars of a minute each, the oldest first; minutes without a trade have none. */
export function barsOf(trades) {
  const bars = [];
  for (const { ms, price, quantity } of trades) {
    const begins = Math.floor(ms / MINUTE) * MINUTE;
    const bar = bars.at(-1);
    if (bar?.ms !== begins) {
      bars.push({ ms: begins, open: price, high: price, low: price, close: price, volume: quantity });
      continue;
    }
    bar.high = Math.max(bar.high, price);
    bar.low = Math.min(bar.low, price);
    bar.close = price;
    bar.volume += quantity;
  }
  return bars;
}

export class DayChart {
  constructor(lot) {
    this.lot = lot;
    this.grid = svg("g", { class: "lines" });
    this.candles = svg("g", { class: "candles" });
    this.cursor = svg("line", { class: "bar-cursor", visibility: "hidden" });
    this.picture = svg("svg", { role: "img", height: HEIGHT, "aria-label": "Chart by the minute" }, this.grid, this.candles, this.cursor);
    this.words = el("p", { class: "reading" });
    this.node = el("figure", { class: "chart bars-chart", tabIndex: 0, "aria-label": "Price by the minute; left and right read the bars" }, this.picture, this.words);
    this.node.addEventListener("pointermove", (event) => this.point(event.clientX - this.picture.getBoundingClientRect().left));
    this.node.addEventListener("pointerleave", () => this.leave());
    this.node.addEventListener("blur", () => this.leave());
    this.node.addEventListener("keydown", (event) => this.key(event));
    new ResizeObserver(([{ contentRect }]) => {
      this.width = contentRect.width;
      this.draw();
    }).observe(this.node);
  }

  draw() {
    const { lot, width } = this;
    if (!width) return;
    this.picture.setAttribute("width", width);
    const room = width - PAD.left - PAD.right;
    const bars = barsOf(lot.day.trades).slice(-Math.floor(room / STEP.min));
    this.bars = bars;
    this.node.toggleAttribute("data-empty", bars.length === 0);
    if (bars.length === 0) return say(this.words, "The chart begins with the first trade.");
    const step = Math.min(STEP.max, room / bars.length);
    const [low, high] = [Math.min(...bars.map((bar) => bar.low)), Math.max(...bars.map((bar) => bar.high))];
    const margin = (high - low || high * 0.02 || 1) * 0.08;
    const [bottom, top] = [Math.max(0, low - margin), high + margin];
    const floor = HEIGHT - PAD.bottom - VOLUME_HEIGHT - 6;
    const y = (price) => floor - ((price - bottom) / (top - bottom)) * (floor - PAD.top);
    const most = bars.reduce((all, bar) => (bar.volume > all ? bar.volume : all), 1n);
    const f = (number) => number.toFixed(1);
    const nodes = bars.flatMap((bar, index) => {
      // The newest at the right edge, beside its price.
      const x = PAD.left + room - (bars.length - index) * step + step / 2;
      bar.x = x;
      const moves = bar.close >= bar.open ? "up" : "down";
      const [from, to] = [y(Math.max(bar.open, bar.close)), y(Math.min(bar.open, bar.close))];
      const tall = Number((bar.volume * 1_000n) / most) / 1_000 * VOLUME_HEIGHT;
      const wide = Math.max(2, step - 2);
      return [
        svg("line", { "data-moves": moves, x1: f(x), x2: f(x), y1: f(y(bar.high)), y2: f(y(bar.low)) }),
        svg("rect", { "data-moves": moves, x: f(x - wide / 2), width: f(wide), y: f(from), height: f(Math.max(1.5, to - from)) }),
        svg("rect", { class: "volume", x: f(x - wide / 2), width: f(wide), y: f(HEIGHT - PAD.bottom - tall), height: f(Math.max(1, tall)) }),
      ];
    });
    this.candles.replaceChildren(...nodes);
    this.drawGrid(bottom, top, y, bars);
    const said = `By the minute: from ${shown(bars[0].open)} to ${shown(bars.at(-1).close)}, between ${shown(low)} and ${shown(high)}.`;
    this.picture.setAttribute("aria-label", said);
    if (this.cursor.getAttribute("visibility") === "hidden") say(this.words, said);
  }

  drawGrid(bottom, top, y, bars) {
    const step = niceStep((top - bottom) / 4);
    const nodes = [];
    const right = this.width - PAD.right;
    for (let price = Math.ceil(bottom / step) * step; price <= top; price += step) {
      nodes.push(svg("line", { x1: PAD.left, x2: right, y1: y(price), y2: y(price) }), svg("text", { x: right + 6, y: y(price) + 4 }, plain(price)));
    }
    const [first, last] = [bars[0], bars.at(-1)];
    nodes.push(svg("text", { x: right, y: HEIGHT - 4, "text-anchor": "end" }, `${bareClock(last.ms).slice(0, 5)} ${zone(last.ms)}`));
    if (first.x < right - 140) nodes.push(svg("text", { x: first.x, y: HEIGHT - 4, "text-anchor": "middle" }, bareClock(first.ms).slice(0, 5)));
    this.grid.replaceChildren(...nodes);
  }

  /** Reads the bar nearest to a place. */
  point(at) {
    if (!this.bars?.length) return;
    const near = this.bars.reduce((best, bar) => (Math.abs(bar.x - at) < Math.abs(best.x - at) ? bar : best));
    this.index = this.bars.indexOf(near);
    Object.entries({ x1: near.x, x2: near.x, y1: PAD.top, y2: HEIGHT - PAD.bottom, visibility: "visible" }).forEach(([name, value]) => this.cursor.setAttribute(name, value));
    say(this.words, `${clock(near.ms)}: open ${shown(near.open)}, high ${shown(near.high)}, low ${shown(near.low)}, close ${shown(near.close)}, ${grouped(near.volume)} shares`);
  }

  key(event) {
    const by = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
    if (!by || !this.bars?.length) return;
    event.preventDefault();
    const index = Math.max(0, Math.min(this.bars.length - 1, (this.index ?? this.bars.length) + by));
    this.point(this.bars[index].x);
  }

  leave() {
    this.index = undefined;
    this.cursor.setAttribute("visibility", "hidden");
    this.draw();
  }
}
