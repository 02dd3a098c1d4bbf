// What every script of this folder uses: a market of its own with the real server, and real browsers that look at it.
//
// The server listens behind a small relay: it can be killed and started anew, and browsers find it at the same place.

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import net from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";

const { SERVER, MODULES, CHROMIUM, SHOTS } = process.env;
const require = createRequire(join(MODULES, "package.json"));
const { chromium } = require("playwright-core");

/** How long anything may take. Generous: it only keeps a broken page from holding the tests for ever. */
export const DEADLINE = 90_000;
export const PASSWORD = "correct-horse";

export { assert };

/** Waits until `found` finds something. */
export async function until(what, found) {
  const begun = Date.now();
  for (;;) {
    const value = await found();
    if (value) return value;
    if (Date.now() - begun > DEADLINE) throw new Error(`in vain: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

export class House {
  /** With these lots, and an auctioneer `gavel` and a company `apple`. */
  static async open(lots, settings = []) {
    const house = new House();
    house.folder = mkdtempSync(join(tmpdir(), "auction-page-"));
    const symbols = [...new Set(lots.trim().split("\n").slice(1).map((row) => row.split(",")[0]))];
    const stocks = symbols.map((symbol, index) => `${String(index + 1).padStart(5, "0")},${symbol},1.00,${index}`);
    house.write("stocks.csv", ["Security,Symbol,Price,Profit", ...stocks, "90001,SPARE,2.00,5"].join("\n"));
    house.write("lots.csv", lots);
    house.write("users.csv", `name,role,password,symbol\ngavel,auctioneer,${PASSWORD},\napple,company,${PASSWORD},${symbols[0]}\n`);
    house.settings = settings;
    await house.listen();
    await house.start();
    return house;
  }

  write(name, text) {
    writeFileSync(join(this.folder, name), text);
  }

  /** The relay: the address that browsers know. */
  listen() {
    this.streams = new Set();
    this.relay = net.createServer((near) => {
      if (!this.port) return near.destroy();
      const far = net.connect(this.port, "127.0.0.1");
      for (const stream of [near, far]) {
        this.streams.add(stream);
        stream.on("close", () => (this.streams.delete(stream), near.destroy(), far.destroy())).on("error", () => {});
      }
      near.pipe(far).pipe(near);
    });
    return new Promise((resolve) => this.relay.listen(0, "127.0.0.1", resolve));
  }

  get address() {
    return `http://127.0.0.1:${this.relay.address().port}/`;
  }

  async start() {
    const flags = ["--listen=127.0.0.1:0", "--ops-listen=off", "--open-for=1h", "--rate-registrations=off", "--rate-logins=off", ...this.settings];
    const environment = Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith("AUCTION_")));
    const server = spawn(SERVER, ["--data", this.folder, ...flags], { env: environment });
    this.server = server;
    let printed = "";
    let said = "";
    server.stdout.on("data", (data) => (printed += data));
    server.stderr.on("data", (data) => (said += data));
    const gone = new Promise((resolve) => server.once("exit", resolve));
    server.gone = gone;
    this.port = await until("the server's door", () => {
      if (server.exitCode !== null) throw new Error(`the server did not start: ${said}`);
      return printed.match(/127\.0\.0\.1:(\d+)\.\n/)?.[1];
    });
  }

  /** Kills the server as no handler can catch, and cuts what is open. */
  async kill() {
    this.port = null;
    this.server.kill("SIGKILL");
    await this.server.gone;
    this.streams.forEach((stream) => stream.destroy());
  }

  async close() {
    await this.kill();
    this.relay.close();
    rmSync(this.folder, { recursive: true, force: true });
  }
}

const FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync"];

/** Real browsers, and what they must not do: say errors, and ask anyone but the market. */
export class Browsers {
  static async open() {
    const browsers = new Browsers();
    browsers.browser = await chromium.launch({ executablePath: CHROMIUM, args: FLAGS, timeout: DEADLINE });
    browsers.faults = [];
    browsers.expected = [];
    return browsers;
  }

  /** A person with a browser of their own. */
  async person(house, options = {}) {
    const context = await this.browser.newContext({ viewport: { width: 1440, height: 900 }, ...options });
    context.setDefaultTimeout(DEADLINE);
    await context.addInitScript(() => addEventListener("securitypolicyviolation", (event) => console.error(`policy: ${event.violatedDirective} ${event.blockedURI}`)));
    const page = await context.newPage();
    page.on("console", (message) => {
      const isExpected = this.expected.some((part) => message.text().includes(part));
      if (["error", "warning"].includes(message.type()) && !isExpected) this.faults.push(`console: ${message.text()}`);
    });
    page.on("pageerror", (error) => this.faults.push(`error: ${error.stack}`));
    page.on("request", (request) => {
      const url = new URL(request.url());
      if (url.protocol !== "blob:" && url.origin !== new URL(house.address).origin) this.faults.push(`asked elsewhere: ${url}`);
    });
    await page.goto(house.address);
    return new Person(page, house);
  }

  async close() {
    await this.browser.close();
    assert.deepEqual(this.faults, []);
  }
}

export class Person {
  constructor(page, house) {
    Object.assign(this, { page, house });
  }

  async live() {
    await this.page.waitForSelector("html[data-link=live]");
  }

  async go(hash) {
    await this.page.evaluate((to) => (location.hash = to), hash);
  }

  async enter(name, button) {
    const { page } = this;
    await this.live();
    await this.go("#/account");
    await page.fill("[name=username]", name);
    await page.fill("[name=password]", PASSWORD);
    await page.click(`button:text-is("${button}")`);
    await page.waitForFunction((name) => document.getElementById("account-link").textContent === name, name);
    this.name = name;
    return this;
  }

  register(name) {
    return this.enter(name, "Register");
  }

  logIn(name) {
    return this.enter(name, "Log in");
  }

  /** Opens a lot and waits until it is the one that is shown. */
  async lot(id) {
    await this.go(`#/lot/${id}`);
    await this.page.waitForFunction((id) => document.querySelector("#lot .about")?.textContent.startsWith(`Lot ${id} ·`), id);
  }

  /** Types a bid and sends it with Enter. */
  async bid(amount) {
    await this.page.fill("#lot .bidding [name=amount]", amount);
    await this.page.press("#lot .bidding [name=amount]", "Enter");
  }

  /** Waits until a place says what is expected. */
  async sees(selector, pattern) {
    const source = pattern instanceof RegExp ? pattern.source : pattern.replaceAll(/[.*+?^${}()|[\]\\]/g, "\\$&");
    try {
      await this.page.waitForFunction(([selector, source]) => [...document.querySelectorAll(selector)].some((node) => node.checkVisibility() && new RegExp(source).test(node.textContent)), [selector, source]);
    } catch {
      const there = await this.page.$$eval(selector, (all) => all.map((node) => node.textContent));
      throw new Error(`${this.name ?? "someone"} does not see ${pattern} in ${selector}, but ${JSON.stringify(there)}`);
    }
  }

  text(selector) {
    return this.page.textContent(selector);
  }

  /** What a screen reader was told. */
  async heard(pattern) {
    await this.page.waitForFunction((source) => new RegExp(source).test(["polite", "urgent"].map((id) => document.getElementById(id).textContent).join("\n")), pattern.source);
  }

  async shot(name) {
    if (!SHOTS) return;
    mkdirSync(SHOTS, { recursive: true });
    await this.page.screenshot({ path: join(SHOTS, `${name}.png`) });
  }
}

/** What the accessibility check of axe finds wrong with what is shown. */
export async function inaccessible(page, where) {
  const { readFileSync } = await import("node:fs");
  const source = readFileSync(require.resolve("axe-core/axe.min.js"), "utf8");
  // Evaluated by the debugger, and not as a script of the page, whose policy would not let it in.
  await page.evaluate(`${source}; undefined`);
  const { violations } = await page.evaluate(() => window.axe.run(document, { resultTypes: ["violations"] }));
  return violations.flatMap(({ id, nodes }) => nodes.map((node) => `${where}: ${id}: ${node.html} ${node.failureSummary}`));
}

/** Runs a script's story: the market and the browsers are closed, whatever happens. */
export async function story(lots, tell, settings) {
  const house = await House.open(lots, settings);
  const browsers = await Browsers.open();
  let failed = true;
  try {
    await tell(house, browsers);
    failed = false;
  } finally {
    if (failed) await browsers.browser.close();
    else await browsers.close();
    await house.close();
  }
}
