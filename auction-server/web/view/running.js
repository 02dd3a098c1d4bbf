// What an auctioneer does with a lot: halt, resume, extend, close, cancel.

import { clock } from "../market/words.js";
import { app } from "./app.js";
import { el, mark, say, show } from "./dom.js";

/** By how much a click extends, in seconds. */
const EXTEND_BY = [60, 300];

export function auctioneerTools(lot) {
  const said = el("p", { class: "outcome", role: "status" });
  const give = async (kind, body, words) => {
    say(said, "Sending…");
    const { refused, text } = await app.command(kind, { lot: lot.id, ...body });
    mark(said, "data-kind", refused ? "bad" : "good");
    said.saidText = undefined;
    say(said, refused ? `Refused: ${text}.` : `${lot.symbol}: ${words}.`);
  };
  const button = (name, job, kind = "second") => el("button", { type: "button", class: kind, onclick: job }, name);
  const halt = button("Halt", () => give("halt_lot", {}, "halted"));
  const resume = button("Resume", () => give("resume_lot", {}, "goes on"));
  const extend = EXTEND_BY.map((seconds) =>
    button(`+${seconds / 60} min`, () => {
      const closesAt = String(BigInt(lot.closesAt) + BigInt(seconds) * 1_000_000n);
      return give("extend_lot", { closes_at: closesAt }, `closes at ${clock(Number(closesAt) / 1_000)}`);
    }),
  );
  const close = sure("Close now", () => give("close_lot", {}, "closed"));
  const cancel = sure("Cancel lot", () => give("cancel_lot", {}, "cancelled"));
  const all = [halt, resume, ...extend, close, cancel];
  const node = el("div", { class: "running", role: "group", "aria-label": `Run lot ${lot.id}` }, el("div", { class: "buttons" }, all), said);
  const update = () => {
    const isHalted = lot.haltedSince !== null;
    const isOpen = lot.phase !== "closed";
    show(node, app.session.isAuctioneer && (isOpen || said.textContent !== ""));
    show(halt, isOpen && !isHalted);
    show(resume, isOpen && isHalted);
    extend.forEach((one) => show(one, isOpen && !isHalted));
    show(close, lot.phase === "open");
    show(cancel, isOpen && lot.bidders === 0);
  };
  update();
  return { node, update };
}

/** A button that asks once more, by its own words, before what cannot be undone. */
export function sure(name, job) {
  let isAsking = false;
  const rest = () => {
    isAsking = false;
    say(node, name);
  };
  const press = () => {
    if (!isAsking) {
      isAsking = true;
      return say(node, `${name}: sure?`);
    }
    rest();
    return job();
  };
  const node = el("button", { type: "button", class: "danger", onclick: press, onblur: rest });
  say(node, name);
  return node;
}
