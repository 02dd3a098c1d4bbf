// The pictures of the README, made anew from a demo with a fixed seed: the page in Chromium, the screen in tmux.
//
//   cargo build --workspace && node auction-server/docs/pictures.mjs [FOLDER]
//
// Needs Chromium, tmux, and playwright-core below target/page, as `.ci/run` installs them. FOLDER is where they go,
// instead of the folder `pictures` beside this file.

import { spawn, execFileSync } from "node:child_process";
import { copyFileSync, mkdirSync, mkdtempSync, rmSync, statSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";

import { drawn } from "./terminal.mjs";

const HERE = dirname(fileURLToPath(import.meta.url));
const TOP = resolve(HERE, "../..");
const TARGET = process.env.CARGO_TARGET_DIR ?? join(TOP, "target");
const PROGRAMS = join(TARGET, process.env.PROFILE ?? "debug");
const CHROMIUM = process.env.CHROMIUM ?? execFileSync("sh", ["-c", "command -v chromium || command -v google-chrome"], { encoding: "utf8" }).trim();
const FOLDER = resolve(process.argv[2] ?? join(HERE, "pictures"));
const { chromium } = createRequire(join(TOP, "target/page/package.json"))("playwright-core");

/** A picture is for a README: larger ones are a mistake. */
const BYTES_MAX = 100_000;
const DEADLINE = 90_000;
const PASSWORD = "correct-horse";
const SIZES = { wide: { width: 1280, height: 760 }, narrow: { width: 320, height: 640 } };

async function until(what, found) {
  const begun = Date.now();
  for (;;) {
    const value = await found();
    if (value) return value;
    if (Date.now() - begun > DEADLINE) throw new Error(`in vain: ${what}`);
    await new Promise((done) => setTimeout(done, 50));
  }
}

const surroundings = Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith("AUCTION_")));
const home = mkdtempSync(join(tmpdir(), "auction-pictures-"));
const data = join(home, "data");
mkdirSync(join(data, "demo"), { recursive: true });
copyFileSync(join(TOP, "data/stocks.csv"), join(data, "stocks.csv"));
writeFileSync(join(data, "demo/users.csv"), `name,role,password\ngavel,auctioneer,${PASSWORD}\n`, { mode: 0o600 });
mkdirSync(FOLDER, { recursive: true });

const server = spawn(join(PROGRAMS, "auction-server"), ["--data", data, "--demo", "--seed=7", "--open-for=80s", "--listen=127.0.0.1:0", "--ops-listen=off"], { env: surroundings });
let printed = "";
server.stdout.on("data", (text) => (printed += text));
server.stderr.on("data", (text) => (printed += text));
const address = await until("the server's door", () => printed.match(/listens on (127\.0\.0\.1:\d+)\.\n/)?.[1]);

function kept(name) {
  const { size } = statSync(join(FOLDER, name));
  if (size > BYTES_MAX) throw new Error(`${name} takes ${size} bytes, more than ${BYTES_MAX}`);
  console.log(`${name}: ${size} bytes`);
}

async function page() {
  const browser = await chromium.launch({ executablePath: CHROMIUM, args: ["--no-sandbox", "--disable-gpu"] });
  const context = await browser.newContext({ viewport: SIZES.wide, reducedMotion: "reduce" });
  const tab = await context.newPage();
  tab.setDefaultTimeout(DEADLINE);
  // Half of what a PNG takes, and nobody sees the difference.
  const desk = await (await browser.newContext()).newPage();
  const packed = async (png) => Buffer.from(await desk.evaluate(async (base64) => {
    const image = await createImageBitmap(await (await fetch(`data:image/png;base64,${base64}`)).blob());
    const canvas = new OffscreenCanvas(image.width, image.height);
    canvas.getContext("2d").drawImage(image, 0, 0);
    const bytes = new Uint8Array(await (await canvas.convertToBlob({ type: "image/webp", quality: 0.86 })).arrayBuffer());
    return btoa(Array.from(bytes, (byte) => String.fromCharCode(byte)).join(""));
  }, png.toString("base64")), "base64");
  const go = (hash) => tab.evaluate((to) => (location.hash = to), hash);
  const shot = async (name, size, colorScheme) => {
    await tab.setViewportSize(SIZES[size]);
    await tab.emulateMedia({ colorScheme });
    await tab.evaluate(() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done))));
    const file = `${name}-${colorScheme}.webp`;
    writeFileSync(join(FOLDER, file), await packed(await tab.screenshot()));
    kept(file);
  };
  const enter = async (name, button) => {
    await go("#/account");
    await tab.fill("[name=username]", name);
    await tab.fill("[name=password]", PASSWORD);
    await tab.click(`button:text-is("${button}")`);
    await tab.waitForFunction((name) => document.getElementById("account-link").textContent === name, name);
    // A pointer that rests on the list would hold its order.
    await tab.mouse.move(0, 0);
  };
  /** The open lot of a format that is the furthest. */
  const lotOf = (format) => until(`an open lot: ${format}`, () => tab.evaluate((format) => {
    const rows = [...document.querySelectorAll(".rows .row")];
    const row = rows.find((row) => row.dataset.phase === "open" && row.querySelector(".about").textContent.includes(format));
    return row ? Number(row.dataset.lot) : null;
  }, format));
  const open = async (format) => {
    await go("#/");
    const lot = await lotOf(format);
    await go(`#/lot/${lot}`);
    await tab.waitForSelector("#lot .figures");
  };

  await tab.goto(`http://${address}/`);
  await tab.waitForSelector("html[data-link=live]");
  await enter("mia", "Register");
  // A maximum that leads for a while, and a market that has something to show.
  await open("English");
  await tab.waitForFunction(() => document.querySelectorAll("#lot [aria-label=Bids] tbody tr").length > 4);
  await tab.press("#lot .bidding [name=amount]", "Enter");
  await tab.waitForFunction(() => document.querySelector(".bidding .outcome")?.textContent !== "");
  for (const scheme of ["light", "dark"]) await shot("english", "wide", scheme);
  for (const scheme of ["light", "dark"]) await shot("english-narrow", "narrow", scheme);
  await tab.setViewportSize(SIZES.wide);
  await open("Call");
  await tab.waitForFunction(() => /\d/.test(document.querySelector("#lot .figures .price").textContent));
  for (const scheme of ["light", "dark"]) await shot("call", "wide", scheme);
  await go("#/");
  for (const scheme of ["light", "dark"]) await shot("lots", "wide", scheme);
  for (const scheme of ["light", "dark"]) await shot("lots-narrow", "narrow", scheme);
  for (const format of ["Dutch", "Vickrey", "Uniform"]) {
    await tab.setViewportSize(SIZES.wide);
    await open(format);
    await shot(format.toLowerCase(), "wide", "light");
  }
  await until("some results", () => (printed.match(/ (goes to|is uncrossed) /g) ?? []).length > 5);
  await go("#/results");
  for (const scheme of ["light", "dark"]) await shot("results", "wide", scheme);
  await go("#/account");
  await tab.click('button:text-is("Log out")');
  await enter("gavel", "Log in");
  await go("#/operate");
  for (const scheme of ["light", "dark"]) await shot("operate", "wide", scheme);
  await browser.close();
}

async function screen() {
  const socket = join(home, "tmux");
  const tmux = (...words) => execFileSync("tmux", ["-S", socket, "-f", "/dev/null", ...words], { encoding: "utf8", stdio: ["ignore", "pipe", "ignore"], env: { ...surroundings, LC_ALL: "C.UTF-8", TERM: "xterm-256color" } });
  const auction = join(PROGRAMS, "auction");
  const known = { ...surroundings, AUCTION_HOME: join(home, "tom"), AUCTION_SERVER: address, AUCTION_PASSWORD: PASSWORD };
  for (const words of [["register", "tom"], ["login", "tom"]]) execFileSync(auction, words, { env: known });
  const say = (keys) => tmux("send-keys", "-t", "0", ...keys);
  const shown = () => tmux("capture-pane", "-p", "-t", "0");
  const sizes = [["screen-dark", "dark", 100, 30, "dark", ["lots", "bid"]], ["screen-light", "light", 100, 30, "light", ["lots", "bid"]], ["screen-80x24", "default", 80, 24, "dark", ["lot"]]];
  for (const [name, theme, columns, rows, paper, wanted] of sizes) {
    const variables = Object.entries({ AUCTION_HOME: known.AUCTION_HOME, AUCTION_SERVER: address, AUCTION_THEME: theme, COLORTERM: "truecolor" }).map(([key, value]) => `${key}=${value}`);
    tmux("new-session", "-d", "-x", String(columns), "-y", String(rows), "env", ...variables, auction);
    await until("the screen is live", () => shown().includes("live"));
    const shot = (what) => {
      if (!wanted.includes(what)) return;
      const file = `${name}-${what}.svg`;
      writeFileSync(join(FOLDER, file), drawn(tmux("capture-pane", "-e", "-p", "-t", "0"), columns, rows, paper));
      kept(file);
    };
    shot("lots");
    // An English lot, and one step more than the least.
    say(["/"]);
    say(["english", "Enter"]);
    await until("a filter", () => /of \d+ lots/.test(shown()));
    say(["Enter"]);
    await until("a lot", () => shown().includes("Esc"));
    shot("lot");
    say(["b"]);
    await until("a form", () => shown().includes("Bid on"));
    shot("bid");
    tmux("kill-server");
    await until("tmux is gone", () => {
      try {
        return !tmux("list-sessions");
      } catch {
        return true;
      }
    });
  }
}

try {
  await page();
  await screen();
} finally {
  server.kill("SIGTERM");
  await new Promise((done) => server.once("exit", done));
  rmSync(home, { recursive: true, force: true });
}
