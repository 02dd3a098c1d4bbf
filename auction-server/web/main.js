// Where the page begins: its views, the way between them, and the keys.

import { Account } from "./view/account.js";
import { app } from "./view/app.js";
import { DayView } from "./view/dayview.js";
import { mark, show } from "./view/dom.js";
import { List } from "./view/list.js";
import { LotView } from "./view/lotview.js";
import { Notices } from "./view/notices.js";
import { Operate } from "./view/operate.js";
import { Results } from "./view/results.js";
import { Status } from "./view/status.js";

const $ = (id) => document.getElementById(id);

const list = new List($("list"));
const pages = { account: new Account($("account"), goBack), results: new Results($("results")), operate: new Operate($("operate")) };
new Notices($("notices"));
new Status();

let view = null;
let before = "#/";
/** The lot of an address that the market does not have. */
let missing = null;

/** Where the address points: a lot, a page, or the list alone. */
function route() {
  const [, name = "", id] = location.hash.split("/");
  const page = pages[name] ?? null;
  for (const [key, each] of Object.entries(pages)) {
    const isIt = each === page;
    show($(key), isIt);
    mark($(`${key}-link`), "aria-current", isIt ? "page" : null);
    if (!isIt) each.leave();
  }
  mark($("list-link"), "aria-current", page ? null : "page");
  show($("market"), !page);
  if (page) {
    page.open();
    return closeView();
  }
  before = location.hash || "#/";
  const isLot = name === "lot";
  const lot = isLot ? app.market.lot(Number(id)) : undefined;
  missing = isLot && !lot && app.isReady ? id : null;
  list.miss(missing);
  if (lot) openView(lot);
  else closeView();
}

function openView(lot) {
  if (view?.lot === lot) return;
  closeView();
  app.openLot = lot.id;
  view = new (lot.day ? DayView : LotView)(lot, $("lot"), closeLot);
  show($("lot"), true);
  $("lot").scrollTop = 0;
  mark($("market"), "data-open", lot.day ? "day" : "lot");
  list.select(lot.id);
  app.lotChanged(lot);
}

function closeView() {
  view?.stop();
  view = null;
  app.openLot = null;
  show($("lot"), false);
  mark($("market"), "data-open", false);
  list.select(null);
}

function closeLot() {
  location.hash = "#/";
  list.focus();
}

/** Behind a login: to where the person came from, ready to bid. */
function goBack() {
  location.hash = before;
  setTimeout(() => view?.focusBid());
}

app.on("open", (id, isToBid) => {
  const hash = `#/lot/${id}`;
  if (location.hash === hash) route();
  else {
    history.pushState(null, "", hash);
    route();
  }
  if (isToBid) view?.focusBid();
  else view?.title.focus({ preventScroll: true });
});
app.on("lot", (lot) => view?.lot === lot && view.changed());
app.on("lot", (lot) => missing !== null && lot.id === Number(missing) && route());
app.on("bids", (id) => view?.lot.id === id && view.changed());
app.on("pause", () => app.isPaused || view?.changed());
app.on("session", () => view?.changed());
app.on("own", () => view?.changed());
app.on("extended", (lot) => view?.lot === lot && view.extended());
app.on("snapshot", () => {
  if (!pages[location.hash.split("/")[1]]) route();
});

addEventListener("hashchange", route);
addEventListener("popstate", route);

// Keys.

const help = $("help");
$("help-button").addEventListener("click", () => help.showModal());
$("help-close").addEventListener("click", () => help.close());

const KEYS = {
  "/": () => $("search").focus(),
  "?": () => help.showModal(),
  p: () => $("pause").click(),
  b: () => {
    const lot = list.currentLot;
    if (lot) list.open(lot, true);
    else view?.focusBid();
  },
  j: () => list.focus(),
  k: () => list.focus(),
};

addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented) return;
  const isTyping = event.target.closest?.("input:not([type=radio], [type=checkbox]), select, textarea, dialog");
  if (event.key === "Escape" && !help.open) {
    if (isTyping && event.target.id === "search") list.focus();
    else if (view) closeLot();
    return;
  }
  const job = isTyping ? null : KEYS[event.key];
  if (!job) return;
  event.preventDefault();
  job();
});

route();
app.wire.open();
