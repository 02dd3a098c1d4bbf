// Trading days in words: phases, times in force, why an order's rest went, and what went on in the market.

import { grouped, shown, units } from "./money.js";
import { clock, left, plural, span } from "./words.js";

export const PHASES = { pre_open: "Pre-open", call: "Call", continuous: "Continuous", volatility: "Volatility call", at_last: "Trading at last" };
export const TIMES = [
  ["day", "Day: until the close"],
  ["until", "Until a time"],
  ["immediate_or_cancel", "IOC: at once, the rest lapses"],
  ["fill_or_kill", "FOK: all at once or nothing"],
  ["at_open", "At open: the opening call alone"],
  ["at_close", "At close: the closing call alone"],
  ["auction", "Auction: every call"],
];
export const SELF_TRADES = [
  ["refuse", "refuse the new order"],
  ["cancel_newest", "cancel the new order"],
  ["cancel_oldest", "cancel the resting order"],
  ["cancel_both", "cancel both"],
  ["decrement", "reduce both"],
];
const SHORT_TIMES = { day: "day", immediate_or_cancel: "IOC", fill_or_kill: "FOK", at_open: "at open", at_close: "at close", auction: "auction" };
const LAPSED = {
  rest: "it could not trade at once",
  fill_or_kill: "not all of it could trade at once",
  self_trade: "it met an order of yours",
  uncross: "its call is over",
  until: "its time has come",
  close: "the day has closed",
  funds: "the cash is used up",
};

/** Time in force of an order, in a word. */
export function timeWords(tif) {
  return typeof tif === "string" ? (SHORT_TIMES[tif] ?? tif.replaceAll("_", " ")) : `until ${clock(Number(tif.until) / 1_000)}`;
}

export const lapsedWords = (because) => LAPSED[because] ?? String(because).replaceAll("_", " ");

/** Name of the phase that a day is in: calls by their place in the schedule. */
export function phaseWords(lot) {
  const { day, terms } = lot;
  if (lot.phase === "closed") return "Closed";
  if (lot.phase === "scheduled" || day.phase === null) return "Not open yet";
  return day.phase === "call" ? callWords(terms.phases, day.index) : (PHASES[day.phase] ?? day.phase.replaceAll("_", " "));
}

function callWords(phases, index) {
  const calls = phases.map(({ phase }, at) => (phase === "call" ? at : -1)).filter((at) => at >= 0);
  return index === calls[0] ? "Opening call" : index === calls.at(-1) ? "Closing call" : "Intraday call";
}

/** Name of the phase that comes next. */
export function nextPhase(lot) {
  const { day, terms } = lot;
  if (lot.phase === "scheduled") return scheduled(terms.phases, 0);
  if (day.phase === "volatility") return "Continuous";
  const next = day.index + 1;
  return next < terms.phases.length ? scheduled(terms.phases, next) : "Close";
}

const scheduled = (phases, index) => (phases[index].phase === "call" ? callWords(phases, index) : (PHASES[phases[index].phase] ?? phases[index].phase));

/** What a person has to know now: a halt, an interruption; nothing in an ordinary phase. `[kind, text]`. */
export function situation(lot, market, now) {
  if (lot.phase === "closed") return null;
  if (market.haltedSince !== null) {
    return ["bad", `The whole market is halted since ${clock(Number(market.haltedSince) / 1_000)}: no order is taken, cancels are.`];
  }
  if (lot.haltedSince !== null) {
    const why = { crossed_at_collar: "orders still cross at the bound of the collar", interruptions: "there were too many interruptions" }[lot.day.halt];
    return ["bad", `Halted since ${clock(lot.haltedMs)}${why ? `: ${why}` : ""}. No order is taken, cancels are.`];
  }
  const { day } = lot;
  if (day.phase !== "volatility") return null;
  const { interruption } = day;
  const corridor = { static: "static", dynamic: "dynamic" }[interruption?.corridor] ?? "";
  const why = interruption ? `: a trade at ${shown(interruption.price)} would have left the ${corridor} corridor` : day.reference === null ? "" : ` around ${shown(day.reference)}`;
  return ["warn", `Trading is interrupted${why}. The volatility call ends in ${left(day.endsMs - now)}, then continuous trading goes on.`];
}

/** What came of an order at once. */
export function replyWords({ traded, value, rest }) {
  const [kind, of] = typeof rest === "string" ? [rest, {}] : Object.entries(rest)[0];
  const shares = BigInt(traded);
  const parts = shares > 0n ? [`${grouped(traded)} traded at ${averageWords(BigInt(value), shares)}`] : [];
  if (kind === "rests") parts.push(`${grouped(of.open)} ${shares > 0n ? "rest" : "in the book"}`);
  if (kind === "parked") parts.push(`${grouped(of.open)} parked until the call`);
  if (kind === "keeps") parts.push(`${grouped(of.open)} keep their place`);
  if (kind === "lapsed") parts.push(`${grouped(of.quantity)} lapsed: ${lapsedWords(of.because)}`);
  const isGood = shares > 0n || kind !== "lapsed";
  return { text: `${shares > 0n || kind !== "none" ? "Accepted: " : "Accepted"}${parts.join("; ")}.`, isGood };
}

/** Average price of shares whose prices add up to a value in units, exact to four decimals. */
export function averageWords(value, shares) {
  if (shares === 0n) return "–";
  return shown(Number((value * 2n + shares) / (shares * 2n)));
}

/** The terms of a day, a sentence each. */
export function dayTerms(lot) {
  const { terms: t } = lot;
  const money = (decimal) => shown(units(decimal));
  const far = ({ absolute, basis_points: points }) => (units(absolute) > 0 ? `${money(absolute)}${points > 0 ? ` or ${points / 100}%` : ""}` : `${points / 100}%`);
  const all = ["Calls and continuous trading share one order book. In a call all trade at one price; in continuous trading an order trades at once, best price first, then the oldest."];
  // As it was opened: halts and auctioneers move the ends, and the last one is known from the close alone.
  const begins = t.phases.map((of) => BigInt(of.begins_after));
  const length = (index) => (index + 1 < begins.length ? begins[index + 1] - begins[index] : (lot.day.lengths.at(-1) ?? BigInt(lot.closesAt) - BigInt(lot.openedAt) - begins.at(-1)));
  all.push(`Schedule: ${t.phases.map((_, index) => `${scheduled(t.phases, index).toLowerCase()} ${span(Math.round(Number(length(index)) / 1_000_000) * 1_000_000)}`).join(", ")}.`);
  all.push(`Limits are multiples of ${money(t.call.tick)}${Number(lot.quantity) > 1 ? `, quantities of ${grouped(lot.quantity)}` : ""}.`);
  const corridors = [t.static_corridor && `${far(t.static_corridor)} around the last call's price`, t.dynamic_corridor && `${far(t.dynamic_corridor)} around the last trade's`].filter(Boolean);
  if (corridors.length > 0) {
    all.push(`A trade further than ${corridors.join(" or ")} interrupts trading by a call of ${span(t.volatility_length)}, ${plural(t.interruptions_max, "time")} a day at most.`);
  }
  if (t.call.collar) all.push(`A call's price stays within ${far(t.call.collar)} of its reference, or the call is extended by ${span(t.call.extend_by)}.`);
  if (Number(t.call.random_end) > 0) all.push(`A call ends at a random moment of its last ${span(t.call.random_end)}, fixed before.`);
  all.push(t.call.book === "open" ? "The book of a call is open." : "The book of a call is closed: only the indicative price is shown.");
  return all;
}
