// The market in words: formats, terms, outcomes, refusals. Plain sentences; numbers are never left to guess.

import { UNITS, grouped, shown, units } from "./money.js";

export const FORMATS = {
  english: "English",
  dutch: "Dutch",
  first_price: "Sealed",
  second_price: "Vickrey",
  uniform: "Uniform",
  pay_as_bid: "Pay as bid",
  call: "Call",
  day: "Trading day",
};

/** A format in a word or two. */
export function formatOf(lot) {
  return FORMATS[lot.terms.pricing] ?? FORMATS[lot.format] ?? lot.format.replaceAll("_", " ");
}

/** A span of microseconds: `90 s`, `5 min`, `2 h 30 min`. */
export function span(micros) {
  const seconds = Number(micros) / 1_000_000;
  if (seconds < 120 || seconds % 60 !== 0) return seconds < 7_200 ? `${seconds} s` : clockSpan(seconds);
  return clockSpan(seconds);
}

function clockSpan(seconds) {
  const parts = [
    [Math.floor(seconds / 86_400), "d"],
    [Math.floor(seconds / 3_600) % 24, "h"],
    [Math.floor(seconds / 60) % 60, "min"],
    [Math.round(seconds % 60), "s"],
  ];
  return parts
    .filter(([count]) => count > 0)
    .map(([count, unit]) => `${count} ${unit}`)
    .join(" ");
}

/** What is left, for a countdown: `4:05`, `1:04:05`, `3 d 04 h`. */
export function left(millis) {
  const seconds = Math.max(0, Math.ceil(millis / 1_000));
  const two = (number) => String(number).padStart(2, "0");
  const [d, h, m, s] = [seconds / 86_400, (seconds / 3_600) % 24, (seconds / 60) % 60, seconds % 60].map(Math.floor);
  if (d > 0) return `${d} d ${two(h)} h`;
  return h > 0 ? `${h}:${two(m)}:${two(s)}` : `${m}:${two(s)}`;
}

const TIME = { hour: "2-digit", minute: "2-digit", second: "2-digit", hourCycle: "h23" };
const DATE = { year: "numeric", month: "short", day: "numeric" };
const ZONE = { timeZoneName: "short" };
const format = (parts) => new Intl.DateTimeFormat(undefined, parts);
const [BARE, CLOCK, DAY, MOMENT] = [TIME, { ...TIME, ...ZONE }, DATE, { ...DATE, ...TIME, ...ZONE }].map(format);

/**
 * Times as the reader's machine writes them: a time of the day, a date, and both. All name their zone, because the screen, the
 * commands and the files of the market are in UTC; `bareClock` does not, and goes where the zone is named beside it.
 */
export const clock = (ms) => CLOCK.format(ms);
export const moment = (ms) => MOMENT.format(ms);
export const day = (ms) => DAY.format(ms);
export const bareClock = (ms) => BARE.format(ms);
export const zone = (ms) => CLOCK.formatToParts(ms).find(({ type }) => type === "timeZoneName")?.value ?? "";

export function plural(count, one, many = `${one}s`) {
  return `${grouped(count)} ${Number(count) === 1 ? one : many}`;
}

/** The terms of a lot, a sentence each. */
export function terms(lot) {
  const { terms: t } = lot;
  const money = (decimal) => shown(units(decimal));
  const reserve = lot.hasReserve || lot.reserve !== "none";
  const all = [];
  if (lot.format === "english") {
    all.push("Open and rising: the highest bid at the close wins and pays that bid.");
    all.push(steps(t.steps, lot));
    all.push("A maximum stays hidden: the market bids for you, no higher than it must.");
    if (t.buy_now !== null) {
      const until = lot.reserve === "none" ? "before the first bid" : "while the reserve is not met";
      all.push(`Buy now: a bid of ${money(t.buy_now)} wins at once, ${until}.`);
    }
    const { mode, extend_within, extend_by, extensions_max: most } = t.soft_close;
    if (Number(extend_within) > 0 && Number(extend_by) > 0 && most !== 0) {
      const how = mode === "add" ? `moves it ${span(extend_by)} later` : `leaves at least ${span(extend_by)}`;
      const often = most === null ? "" : `, ${plural(most, "time")} at most`;
      all.push(`A bid within ${span(extend_within)} of the close ${how}${often}.`);
    } else all.push("The close does not move for late bids.");
    if (reserve) all.push("Below the hidden reserve nothing is sold.");
  } else if (lot.format === "dutch") {
    all.push(`The price falls from ${money(t.start)} by ${money(t.step)} every ${span(t.interval)}, down to ${money(t.floor)}.`);
    all.push("The first to take it wins, at the price of that instant.");
  } else if (lot.format === "sealed") {
    all.push("Bids stay hidden until the close. You can change or withdraw yours until then.");
    all.push(
      t.pricing === "second_price"
        ? "The highest wins and pays the second highest (Vickrey): bid what it is worth to you."
        : "The highest wins and pays its own bid.",
    );
    all.push(`The least bid is ${shown(Math.max(lot.base, 1))}. A changed bid takes a new place in time.`);
    if (reserve) all.push("Below the hidden reserve nothing is sold.");
  } else if (lot.format === "uniform") {
    all.push(`${plural(lot.quantity, "share")} for many: hidden bids of a price and a quantity, ${t.bids_max} each at most.`);
    all.push("At the close the highest prices are served first, until the shares are gone.");
    all.push(t.pricing === "uniform" ? "All pay the lowest accepted price." : "Each pays their own bid.");
    all.push(
      t.priority === "pro_rata"
        ? "Where they run out, bids at that price are served in proportion."
        : "Where they run out, earlier bids at that price are served first.",
    );
    if (reserve) all.push("Bids below the hidden reserve get nothing.");
  } else if (lot.format === "call") {
    all.push("Buyers and sellers enter orders; at the close all that can trade trades, at one price.");
    all.push("The price is the one at which the most shares change hands.");
    all.push(...callTerms(t, money, lot));
  } else all.push("This page does not know this format yet: it shows what it can.");
  return all;
}

function callTerms(t, money, lot) {
  const all = [`Limits are multiples of ${money(t.tick)}.`];
  if (Number(lot.quantity) > 1) all.push(`Quantities are multiples of ${grouped(lot.quantity)}.`);
  all.push(t.book === "open" ? "The book is open: its levels are shown." : "The book is closed: only the indicative price is shown.");
  if (lot.reference !== null) all.push(`The reference price is ${shown(lot.reference)}.`);
  if (t.collar !== null) {
    const far = `${money(t.collar.absolute)} or ${t.collar.basis_points / 100}% (whichever is more)`;
    all.push(`A price further than ${far} from the reference extends the call by ${span(t.extend_by)}, ${plural(t.extensions_max, "time")} at most.`);
  }
  if (t.market_extension) all.push(`Market orders that would stay unfilled extend it once, by ${span(t.extend_by)}.`);
  if (Number(t.random_end) > 0) all.push(`It ends at a random moment of the last ${span(t.random_end)}, fixed before.`);
  if (t.no_cancel !== null) all.push(`In the ${span(t.no_cancel)} before that, orders can be added and improved, not withdrawn.`);
  return all;
}

/** How a call's price was decided, and why there was none: the labels of the core (`LadderStep`, `NoCrossBecause`). */
export const CROSSED_BY = {
  market: "market orders alone",
  volume: "the greatest volume",
  surplus: "the least surplus",
  pressure: "the pressure of one side",
  reference: "the nearest to the reference",
  collar: "the bound of the collar",
};
export const NO_CROSS = { nothing_crosses: "nothing crosses", no_price: "market orders alone have no price", collar: "nothing crosses within the collar" };

/** The side on which shares are left, in words. */
export function surplus(digits) {
  const count = BigInt(digits);
  if (count === 0n) return "nothing left over";
  return count > 0n ? `${grouped(count)} more wanted` : `${grouped(-count)} more offered`;
}

const quote = (words, at) => (at === null ? `no ${words}` : `best ${words} ${shown(units(at.price))} for ${grouped(at.quantity)}`);

/** What a call's uncross would give now, in words. */
export function indication({ indicative }) {
  if (indicative === null) return "No order yet.";
  const { cross, no_cross: none } = indicative;
  if (cross) return `${plural(cross.volume, "share")} would trade, ${surplus(cross.surplus)}; decided by ${known(CROSSED_BY, cross.decided_by)}.`;
  return none ? `Nothing crosses: ${quote("buy", none.best_buy)}, ${quote("sell", none.best_sell)}.` : "";
}

function steps(bands, lot) {
  const step = (band) => shown(units(band.step));
  if (bands.length === 1) return `Each bid is at least ${step(bands[0])} above the price.`;
  const at = lot.price ?? lot.base;
  const here = bands.filter((band) => units(band.from) <= at).at(-1);
  const [first, last] = [bands[0], bands.at(-1)];
  return `Each bid is at least a step above the price: ${step(here)} now (${step(first)} to ${step(last)}, rising with the price).`;
}

/** Why a lot ended as it did: the labels of the core (`SoldBy`, `UnsoldBecause`, `AllocatedBy`). A test compares them. */
export const SOLD_BY = {
  highest_bid: "the highest bid",
  buy_now: "the buy-now price",
  first_take: "the first to take it",
  second_highest_bid: "the second highest bid",
  reserve: "the reserve",
  least_bid: "the least that can be bid",
};
export const UNSOLD = { no_bids: "no bids", reserve_not_met: "the reserve was not met", cancelled: "taken back" };
export const ALLOCATED_BY = {
  enough_for_all: "there was enough for all",
  time: "the highest prices first, then the earliest",
  pro_rata: "the highest prices first, then in proportion",
};
const known = (words, name) => words[name] ?? String(name).replaceAll("_", " ");

/** What came of a closed lot: `{ word, price, winner, why }`; price in units or nothing, winner a name or nothing. */
export function outcome(lot, market) {
  const { sold, unsold, allocated, crossed, no_cross: none, day } = lot.outcome;
  if (day) {
    const average = day.average === null ? "" : `, on average at ${shown(units(day.average))}`;
    const why = Number(day.trades) === 0 ? "nothing traded" : `${plural(day.volume, "share")} in ${plural(day.trades, "trade")}${average}`;
    return { word: "Closed", price: day.close === null ? null : units(day.close), winner: null, user: null, why };
  }
  if (sold) {
    const runner = sold.runner_up === null ? "" : `; the next best was ${shown(units(sold.runner_up))}`;
    return { word: "Sold", price: units(sold.price), winner: market.nameOf(sold.winner), user: sold.winner, why: known(SOLD_BY, sold.by) + runner };
  }
  if (unsold) {
    const highest = unsold.highest === null ? "" : `; the highest was ${shown(units(unsold.highest))}`;
    const word = unsold.because === "cancelled" ? "Cancelled" : "Unsold";
    return { word, price: null, winner: null, user: null, why: known(UNSOLD, unsold.because) + highest };
  }
  if (allocated) {
    const all = `${grouped(allocated.sold)} of ${grouped(lot.quantity)} shares`;
    const rejected = allocated.highest_rejected === null ? "" : `; the highest bid left out was ${shown(units(allocated.highest_rejected))}`;
    return { word: "Allocated", price: units(allocated.lowest), winner: plural(allocated.buyers, "buyer"), user: null, why: `${all}, ${known(ALLOCATED_BY, allocated.by)}${rejected}` };
  }
  if (crossed) {
    const { price, volume, by, traders, surplus: left } = crossed;
    return { word: "Crossed", price: units(price), winner: null, user: null, why: `${plural(volume, "share")} among ${plural(traders, "trader")}, decided by ${known(CROSSED_BY, by)}; ${surplus(left)}` };
  }
  if (none) {
    const { because, best_buy: buy, best_sell: sell } = none;
    return { word: "No cross", price: null, winner: null, user: null, why: `${known(NO_CROSS, because)}; ${quote("buy", buy)}, ${quote("sell", sell)}` };
  }
  const [[name]] = Object.entries(typeof lot.outcome === "string" ? { [lot.outcome]: {} } : lot.outcome);
  const word = name.replaceAll("_", " ");
  return { word: word[0].toUpperCase() + word.slice(1), price: null, winner: null, user: null, why: "of a later version of the market" };
}

/** A price this many times the one it is compared with is shown as a multiple, and not in percent. */
const TIMES = 10;

/**
 * What is odd about a price, in words; nothing when it is near the one it is compared with. A buy is far when it is more than
 * twice that, a sell when it is less than half, if that makes more than 1.00 for all shares. `auction` has the same rule.
 */
export function farPrice({ side, amount, quantity, compared, name }) {
  const [low, high] = side === "sell" ? [amount, compared] : [compared, amount];
  if (high <= low * 2 || BigInt(high - low) * BigInt(quantity) <= BigInt(UNITS)) return null;
  const percent = (part) => grouped(Math.floor((part * 100) / compared));
  const far =
    side === "sell" ? `${percent(compared - amount)}% below`
    : amount >= compared * TIMES ? `${grouped(Math.floor(amount / compared))} times`
    : `${percent(amount - compared)}% above`;
  return `${shown(amount)} is ${far} ${name}, ${shown(compared)}`;
}

/** Why something was refused, and what would be right. */
export function refusal({ code, message, price, at, number }) {
  const of = price === null || price === undefined ? "" : shown(units(price));
  const count = number === null || number === undefined ? "" : grouped(number);
  const words = {
    bid_too_low: `the least is ${of}`,
    maximum_too_low: `the least maximum is ${of}`,
    already_leading: "you lead already; only a higher maximum would change that",
    price_too_high: `the greatest is ${of}`,
    price_still_above: `the price is still ${of}`,
    bad_credentials: "name or password is wrong",
    name_taken: "this name is taken; choose another",
    lot_closed: "the lot has closed",
    lot_halted: "the lot is halted; it takes bids when it goes on",
    lot_not_begun: at ? `bidding opens at ${clock(Number(at) / 1_000)}` : "bidding has not opened",
    unknown_order: "it is not there any more",
    not_logged_in: "log in first",
    session_expired: "your session has expired; log in again",
    session_closed: "your session was closed; log in again",
    suspended: "your account is suspended; what you have bid binds",
    slow_down: at ? `too fast; more is taken at ${clock(Number(at) / 1_000)}` : "too fast; wait a moment",
    busy: "the market is busy; try again",
    whole_lot_only: "this lot is sold whole",
    market_halted: "the whole market is halted; cancels are taken",
    would_trade: `a post-only order must rest, and this one would trade at ${of}`,
    post_only_must_rest: "only day and until orders with a limit can be post-only",
    until_passed: "that time has passed",
    not_at_close: `at last, orders trade at the closing price alone: ${of}`,
    open_differs: `${count} are open by now`,
    phase_over: "that phase is over",
    would_self_trade: of === "" ? "it would meet an order of yours" : `it would meet your own order at ${of}`,
    no_cancel_now: "orders cannot be withdrawn this short before the uncross; they can be improved",
    off_round_lot: `quantities are multiples of ${count}`,
    too_many_orders: "you have as many bids here as the terms allow; change or withdraw one",
  };
  return words[code] ?? message;
}
