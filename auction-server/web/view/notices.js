// What must not be missed: being outbid, with the next bid at hand; won; cut off.

import { plain, shown } from "../market/money.js";
import { app } from "./app.js";
import { announce } from "./announce.js";
import { accepted } from "./openbids.js";
import { el, mark, say, show } from "./dom.js";

/** How many notices are shown at a time; the oldest give way. */
const SHOWN_MAX = 4;
/** How long a notice without a choice stays, in milliseconds; not while someone is on it. */
const STAYS = 12_000;

export class Notices {
  constructor(root) {
    this.root = root;
    this.all = new Map();
    app.on("notice", (notice) => this.add(notice.key ?? notice.text, notice));
    app.on("outbid", (lot) => this.outbid(lot));
    app.on("led", (lot) => this.drop(`outbid ${lot.id}`));
    app.on("lot", (lot) => this.refresh(lot));
    app.on("session", () => app.me === null && [...this.all.keys()].forEach((key) => this.drop(key)));
  }

  outbid(lot) {
    const key = `outbid ${lot.id}`;
    const name = app.market.nameOf(lot.leader);
    announce(`Outbid on ${lot.symbol}: ${name} leads at ${shown(lot.price)}. ${lot.least === null ? "" : `The next bid is ${shown(lot.least)}.`}`, true);
    if (this.all.has(key)) return this.refresh(lot);
    // Who has the lot open sees it there, above the bid box.
    if (app.openLot === lot.id) return;
    const said = el("span", { class: "outcome" });
    const bid = el("button", { type: "button", class: "primary" });
    const notice = this.add(key, { kind: "warns", lot, text: "", stays: true }, [bid, said]);
    Object.assign(notice, { bid, said });
    bid.addEventListener("click", () => this.bid(lot, notice));
    this.refresh(lot);
  }

  /** Bids what the button says: it does not change under the pointer. */
  async bid(lot, notice) {
    notice.bid.disabled = true;
    say(notice.said, "Sending…");
    const { accepted: told, refused, text } = await app.command("bid", { lot: lot.id, price: plain(notice.offer) });
    notice.bid.disabled = false;
    if (refused) say(notice.said, `Refused: ${text}.`);
    else {
      const { text, isGood = true } = accepted(told.reply.bid, lot, false);
      announce(text);
      if (isGood) return this.drop(notice.key);
      say(notice.said, text);
    }
    this.refresh(lot, true);
  }

  /** The price has moved, or the lot has closed. */
  refresh(lot, isForced = false) {
    const notice = this.all.size > 0 && this.all.get(`outbid ${lot.id}`);
    if (!notice) return;
    if (lot.phase === "closed" || lot.leader === app.me || app.openLot === lot.id) return this.drop(notice.key);
    say(notice.words, `Outbid on ${lot.symbol}: ${app.market.nameOf(lot.leader)} leads at ${shown(lot.price)}.`);
    const isHeld = notice.bid.matches(":hover, :focus, :disabled") && notice.offer !== undefined;
    show(notice.bid, lot.least !== null && lot.isOpen);
    if (lot.least === null || (isHeld && !isForced)) return;
    notice.offer = lot.least;
    say(notice.bid, `Bid ${shown(lot.least)}`);
  }

  add(key, { kind, lot, text, stays }, parts = []) {
    this.drop(key);
    const words = el("span", { class: "words" }, text);
    const close = el("button", { type: "button", class: "icon", "aria-label": "Dismiss", onclick: () => this.drop(key) }, "✕");
    const open = lot ? el("a", { href: `#/lot/${lot.id}` }, "Open") : null;
    const sign = el("span", { class: "sign", "aria-hidden": "true" }, { good: "★", warns: "!", bad: "!" }[kind] ?? "•");
    const node = el("li", { class: "notice" }, sign, words, parts, open, close);
    mark(node, "data-kind", kind);
    const notice = { key, node, words };
    this.all.set(key, notice);
    mark(node, "data-choice", parts.length > 0);
    this.root.append(node);
    if (!stays) this.fade(notice);
    const [oldest] = this.all.keys();
    if (this.all.size > SHOWN_MAX) this.drop(oldest);
    this.count();
    return notice;
  }

  fade(notice) {
    setTimeout(() => (notice.node.matches(":hover, :focus-within") ? this.fade(notice) : this.drop(notice.key)), STAYS);
  }

  drop(key) {
    const notice = this.all.get(key);
    if (!notice) return;
    this.all.delete(key);
    notice.node.remove();
    this.count();
  }

  /** The tab's title says it too: people look at other tabs. */
  count() {
    const outbid = [...this.all.keys()].filter((key) => key.startsWith("outbid")).length;
    document.title = `${outbid > 0 ? `(${outbid}) Outbid · ` : ""}Real-time stock auction`;
  }
}
