// What an auctioneer does with a trading day: halt, resume, move the end of the phase, cancel a trader's orders, close.

import { phaseWords } from "../market/daywords.js";
import { grouped } from "../market/money.js";
import { clock } from "../market/words.js";
import { app } from "./app.js";
import { el, field, mark, say, show } from "./dom.js";
import { sure } from "./running.js";

/** Steps by which a click moves the end of the running phase, in seconds. */
const MOVES = [-60, 60, 300];
/** Number of turns of a cancel-all: the server cancels so many orders at a time. */
const TURNS_MAX = 1_000;

export function dayTools(lot) {
  const said = el("p", { class: "outcome", role: "status" });
  const tell = (isGood, text) => {
    mark(said, "data-kind", isGood ? "good" : "bad");
    said.saidText = undefined;
    say(said, text);
  };
  const give = async (kind, body, words) => {
    say(said, "Sending…");
    const { refused, text } = await app.command(kind, body);
    tell(!refused, refused ? `Refused: ${text}.` : words);
  };
  const button = (name, job) => el("button", { type: "button", class: "second", onclick: job }, name);
  const halt = button("Halt", () => give("halt_lot", { lot: lot.id }, `${lot.symbol}: halted.`));
  const resume = button("Resume", () => give("resume_lot", { lot: lot.id }, `${lot.symbol}: goes on.`));
  const moves = MOVES.map((seconds) =>
    button(`Phase ${seconds > 0 ? "+" : "−"}${Math.abs(seconds) / 60} min`, () => {
      const endsAt = String(BigInt(lot.day.endsAt) + BigInt(seconds) * 1_000_000n);
      return give("move_phase", { lot: lot.id, phase: lot.day.index, ends_at: endsAt }, `${phaseWords(lot)} ends at ${clock(Number(endsAt) / 1_000)}.`);
    }),
  );
  const end = sure("End phase now", () => {
    // A little ahead: the end must be later than the server's time when it is decided.
    const endsAt = String(Math.round((app.now() + 1_000) * 1_000));
    return give("move_phase", { lot: lot.id, phase: lot.day.index, ends_at: endsAt }, `${phaseWords(lot)} ends now.`);
  });
  const close = sure("Close now", () => give("close_lot", { lot: lot.id }, `${lot.symbol}: closed.`));
  const cancel = sure("Cancel lot", () => give("cancel_lot", { lot: lot.id }, `${lot.symbol}: cancelled.`));
  const trader = el("input", { type: "text", name: "cancel_of", autocomplete: "off", spellcheck: false });
  const traderField = field("Cancel all orders of", trader);
  const cancelAll = async (event) => {
    event.preventDefault();
    const name = trader.value.trim().toLowerCase();
    const user = app.market.names.get(name);
    traderField.fault(user === undefined ? "There is no user of this name." : null);
    if (user === undefined) return;
    let cancelled = 0;
    for (let turn = 0; turn < TURNS_MAX; turn += 1) {
      const { accepted, text } = await app.command("cancel_all", { trader: user, lot: lot.id });
      if (!accepted) return tell(false, `Refused: ${text}.`);
      const { all_cancelled: all } = accepted.reply;
      cancelled += all.cancelled;
      if (!all.more) return tell(true, `${grouped(cancelled)} of ${name} withdrawn${all.kept > 0 ? `, ${grouped(all.kept)} cannot be now` : ""}.`);
    }
  };
  const form = el("form", { class: "cancel-of", novalidate: true, onsubmit: cancelAll }, traderField, el("button", { class: "danger", type: "submit" }, "Cancel their orders"));
  const node = el("div", { class: "running", role: "group", "aria-label": `Run lot ${lot.id}` }, el("div", { class: "buttons" }, halt, resume, moves, end, close, cancel), form, said);
  const update = () => {
    const isHalted = lot.haltedSince !== null;
    const isOpen = lot.phase !== "closed";
    const runs = lot.phase === "open" && !isHalted;
    const canMove = runs && lot.day.phase !== "volatility" && app.market.haltedSince === null;
    show(node, app.session.isAuctioneer && (isOpen || said.textContent !== ""));
    show(halt, runs || (isOpen && !isHalted));
    show(resume, isOpen && isHalted);
    [...moves, end].forEach((one) => show(one, canMove));
    show(close, lot.phase === "open");
    show(cancel, lot.phase === "scheduled");
    show(form, lot.phase === "open");
  };
  update();
  return { node, update };
}

/** The kill switch: halts and resumes the whole market. */
export function marketHalt() {
  const said = el("p", { class: "outcome", role: "status" });
  const give = async (kind, words) => {
    const { refused, text } = await app.command(kind, {});
    mark(said, "data-kind", refused ? "bad" : "good");
    said.saidText = undefined;
    say(said, refused ? `Refused: ${text}.` : words);
    update();
  };
  const halt = sure("Halt the whole market", () => give("halt_all", "The market is halted."));
  const resume = el("button", { type: "button", class: "primary", onclick: () => give("resume_all", "The market goes on.") }, "Resume the market");
  const words = el("p", { class: "hint" }, "While it is halted no order and no bid is taken; cancels are. Continuous trading goes on through a volatility call.");
  const update = () => {
    const isHalted = app.market.haltedSince !== null;
    show(halt, !isHalted);
    show(resume, isHalted);
  };
  update();
  return { nodes: [words, el("div", { class: "buttons" }, halt, resume), said], update };
}
