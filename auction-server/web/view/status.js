// The bar's word and sign for the connection, the server's clock, pause and theme.

import { clock } from "../market/words.js";
import { app } from "./app.js";
import { announce } from "./announce.js";
import { Clock } from "../link/clock.js";
import { mark, say, show } from "./dom.js";
import { onBeat, soon } from "./frame.js";

/** Silence from which on the page says that it is stale, in milliseconds beyond a heartbeat. */
const STALE_SLACK = 1_500;

const $ = (id) => document.getElementById(id);

export class Status {
  constructor() {
    this.link = $("link");
    this.sign = $("link-sign");
    this.words = $("link-words");
    this.retry = $("retry");
    this.time = $("time");
    this.retry.addEventListener("click", () => app.wire.retryNow());
    app.on("link", () => this.draw());
    app.on("check", () => this.drawCheck());
    app.on("said", (text) => (this.goodbye = text));
    onBeat(() => this.tick());
    this.buildPause();
    this.buildTheme();
    app.on("session", () => this.drawUser());
    this.drawUser();
    app.on("snapshot", () => show($("demo"), app.market.isDemo));
  }

  now() {
    const { wire, clock: learned } = app;
    if (wire.state === "live" && wire.silence > wire.silenceMax / 2 + STALE_SLACK) {
      return ["stale", "⚠", `Stale since ${clock(app.now() - wire.silence)}`];
    }
    if (wire.state === "live") {
      const trip = learned.roundTrip;
      const took = trip === null ? "" : trip < 1 ? " <1 ms" : ` ${Math.round(trip)} ms`;
      return ["live", "●", `Live${took}`];
    }
    if (wire.state === "waiting") {
      const seconds = Math.max(0, Math.ceil((wire.retriesAt - Clock.stamp()) / 1_000));
      return ["waiting", "↻", `Reconnecting in ${seconds} s`];
    }
    if (wire.state === "unwelcome") return ["unwelcome", "✕", "This page is too old: reload it"];
    return ["connecting", "…", "Connecting"];
  }

  draw() {
    const [state, sign, words] = this.now();
    say(this.sign, sign);
    say(this.words, words);
    show(this.retry, state === "waiting");
    if (state === this.state) return;
    mark(this.link, "data-state", state);
    mark(document.documentElement, "data-link", state);
    const wasCut = this.state === "waiting" || this.state === "stale";
    this.state = state;
    if (state === "waiting" && !this.isCut) {
      this.isCut = true;
      announce(`The connection is lost${this.goodbye ? `: ${this.goodbye}` : ""}. What is shown may be old.`, true);
    }
    if (state === "live" && (this.isCut || wasCut)) {
      this.isCut = false;
      this.goodbye = null;
      announce("The connection is back.");
    }
  }

  drawCheck() {
    const { word, atMs } = app.check;
    const words = { same: `The fold of the feed here equals the server’s: checked at ${atMs && clock(atMs)}, feed ${app.market.sequence}.`, differs: "The fold here differed from the server’s: it was fetched anew." }[word];
    mark(this.link, "title", words ?? "The fold of the feed is not checked here: part of it is of a later version.");
  }

  tick() {
    this.draw();
    if (app.isReady) say(this.time, clock(app.now()));
  }

  buildPause() {
    const button = $("pause");
    const held = new Set();
    const draw = () => say(button, app.isPaused ? `Go on${held.size > 0 ? ` (${held.size})` : ""}` : "Pause");
    button.addEventListener("click", () => {
      held.clear();
      app.pause(!app.isPaused);
      mark(button, "aria-pressed", String(app.isPaused));
      mark(document.documentElement, "data-paused", app.isPaused);
      announce(app.isPaused ? "Updates are paused. Bidding and countdowns go on." : "Updates go on.");
      draw();
    });
    app.on("lot", (lot) => {
      if (!app.isPaused) return;
      held.add(lot.id);
      soon(draw);
    });
  }

  buildTheme() {
    const button = $("theme");
    const names = { system: "◐ Auto", light: "☼ Light", dark: "☾ Dark" };
    const draw = (theme) => say(button, names[theme]);
    draw(document.documentElement.dataset.theme);
    button.addEventListener("click", () => draw(nextTheme()));
  }

  drawUser() {
    const { user } = app.session;
    say($("account-link"), user ? user.name : "Log in");
    show($("operate-link"), app.session.isAuctioneer);
  }
}
