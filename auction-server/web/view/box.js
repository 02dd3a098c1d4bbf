// What every bidding box has: its form, what came of a bid, why a lot takes none; and a field for an amount.

import { plain, shown, typed, units } from "../market/money.js";
import { clock, farPrice, outcome } from "../market/words.js";
import { app } from "./app.js";
import { announce } from "./announce.js";
import { el, field, mark, say, show } from "./dom.js";

/** An amount that moved by itself is asked about when it is sent within so long, in milliseconds. */
const JUST_MOVED = 600;
/** Who was asked is not asked again for so long, in milliseconds. */
const WARNED_FOR = 5_000;

/** A box is built once for an opened lot and only ever told what changed, so that no update takes the focus or what is
 * typed: `node`, `update(now)`, `tick(now)`, `focus()`. */
export class Box {
  constructor(lot, title) {
    this.lot = lot;
    this.outcome = el("p", { class: "outcome", role: "status" });
    this.closedTo = el("p", { class: "closed-to" });
    this.form = el("form", { novalidate: true, autocomplete: "off", onsubmit: (event) => (event.preventDefault(), this.submit()) });
    this.form.addEventListener("keydown", (event) => event.key === "Escape" && this.asks !== null && (event.stopPropagation(), this.dropAsking()));
    this.node = el("section", { class: "bidding", "aria-label": title }, this.closedTo, this.form, this.outcome);
    this.asks = null;
    /** From which place of the feed on what was said of leading can be looked at; nothing: no such thing was said. */
    this.ledFrom = null;
  }

  /** What a change of the lot or of who is here means. */
  update(now) {
    const why = this.why();
    // What was refused while it was open concerns nobody behind the close.
    if (this.lot.phase === "closed" && this.outcome.dataset.kind === "bad") this.tell(null, "");
    if (this.ledFrom !== null && app.market.sequence >= this.ledFrom && this.lot.phase === "open" && this.lot.leader !== app.me) this.tell(null, "");
    show(this.form, why === null);
    show(this.closedTo, why !== null);
    if (why === null) return this.refresh(now);
    if (typeof why === "string") say(this.closedTo, why);
    else if (this.closedTo.firstElementChild?.dataset.key !== why.dataset.key) {
      this.closedTo.saidText = undefined;
      this.closedTo.replaceChildren(why);
    }
  }

  /** Why nothing can be bid here and now; nothing when it can. */
  why() {
    return closedTo(this.lot);
  }

  tick() {}

  focus() {
    if (!this.form.hidden) {
      this.first.focus();
      this.first.select?.();
    } else this.closedTo.querySelector("a")?.focus();
  }

  tell(kind, text, action = null) {
    this.ledFrom = null;
    mark(this.outcome, "data-kind", kind);
    this.outcome.replaceChildren(text, ...(action ? [" ", action] : []));
  }

  /** Asks once more about a price far from the market's: true when it was asked before for the same amount. */
  isSure(order, verb = "Press Enter") {
    const { compared } = this.lot;
    const far = compared === null ? null : farPrice({ side: "buy", quantity: this.lot.quantity, ...compared, ...order });
    if (far === null || this.asks === order.amount) {
      this.asks = null;
      return true;
    }
    this.asks = order.amount;
    this.tell("asks", `${far}. ${verb} again to confirm, Escape to change it.`);
    announce(this.outcome.textContent);
    return false;
  }

  dropAsking() {
    this.asks = null;
    this.tell(null, "");
    this.refresh(app.now());
  }

  /** Gives a command and says how it went; `done` has the words for what was accepted. */
  async give(kind, body, done) {
    this.tell("sends", "Sending…");
    mark(this.form, "aria-busy", "true");
    const answer = await app.command(kind, body);
    mark(this.form, "aria-busy", null);
    if (answer.accepted) {
      const { text, isGood = true, leads = false } = done(answer.accepted.reply);
      this.tell(isGood ? "good" : "warns", text);
      if (leads) this.ledFrom = Number(answer.accepted.feed_sequence);
    } else this.refused(answer);
    this.update(app.now());
    return answer;
  }

  refused({ refused, text }) {
    const least = refused.price ? units(refused.price) : null;
    const use = least === null || !this.use ? null : el("button", { type: "button", class: "quiet", onclick: () => this.use(least) }, `Use ${shown(least)}`);
    this.tell("bad", `Refused: ${text}.`, use);
    this.suggested = use && { node: use, amount: least };
    use?.addEventListener("click", () => (this.suggested = null));
  }
}

/** Why a lot cannot be bid on here and now: words, a node, or nothing when it can. */
export function closedTo(lot) {
  if (lot.phase === "closed") return resultOf(lot);
  if (lot.phase === "scheduled") return `Bidding opens at ${clock(lot.opensMs)}.`;
  const { session } = app;
  if (!session.user) {
    return el("span", { data: { key: "login" } }, el("a", { href: "#/account" }, "Log in or register"), " to bid.");
  }
  if (session.isAuctioneer) return "Auctioneers do not bid.";
  if (session.company === lot.symbol) return "A company does not bid on its own stock.";
  if (session.company) return "Companies do not bid.";
  if (lot.haltedSince !== null && !app.own.orders(lot.id).length) return "The lot is halted: it takes no bids until it goes on.";
  return null;
}

function resultOf(lot) {
  const { word, price, winner, why } = outcome(lot, app.market);
  const at = price === null ? "" : ` at ${shown(price)}`;
  const to = winner === null ? "" : ` to ${winner}`;
  return `${word}${to}${at}${lot.outcome.sold ? "," : ":"} ${why}.`;
}

/** An amount that follows the least bid until someone types, and stays what it is while it has the focus. */
export class Amount {
  constructor(label, id) {
    this.input = el("input", { type: "text", inputMode: "decimal", class: "amount", name: id, spellcheck: false, enterKeyHint: "send" });
    this.field = field(label, this.input);
    this.isOwn = false;
    this.input.addEventListener("input", () => {
      this.isOwn = this.input.value.trim() !== "";
      this.field.fault(null);
    });
  }

  /** The least has changed. */
  offer(least) {
    if (document.activeElement !== this.input) this.follow(least);
  }

  /** The same where the amount would be refused from now on: also under the focus, but never what was typed. */
  follow(least) {
    const text = least === null ? "" : plain(least);
    if (this.isOwn || this.input.value === text) return;
    this.input.value = text;
    if (document.activeElement !== this.input) return;
    this.input.select();
    this.movedAt = performance.now();
  }

  /** Whether the amount has moved just now, under someone who is about to send it; the second time it was seen. */
  hasJustMoved() {
    const moved = performance.now() - (this.movedAt ?? -JUST_MOVED) < JUST_MOVED;
    const isWarned = performance.now() - (this.warnedAt ?? -WARNED_FOR) < WARNED_FOR;
    if (this.isOwn || !moved || isWarned) return false;
    this.warnedAt = performance.now();
    return true;
  }

  use(amount) {
    this.input.value = plain(amount);
    this.isOwn = false;
    this.field.fault(null);
  }

  clear() {
    this.isOwn = false;
  }

  read() {
    const { units: amount, fault } = typed(this.input.value);
    this.field.fault(fault);
    if (fault) this.input.focus();
    return amount;
  }
}
