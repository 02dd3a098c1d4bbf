// One WebSocket to the market, opened again whenever it is lost. Messages are JSON, one a text frame.

import { Clock } from "./clock.js";

/** Versions of the protocol that this page speaks: 2 has trading days. */
const [VERSION_MIN, VERSION_MAX] = [1, 2];
const PROGRAM = "page/0.1.0";
/** How long to wait before another try, in milliseconds; the last stands for all later ones. */
const PAUSES = [300, 1_000, 2_000, 4_000, 8_000, 15_000];
/** How long a connection may take to greet, in milliseconds. */
const GREETING_MAX = 8_000;
/** How many round trips are measured at once when a connection is new. */
const FIRST_PINGS = 3;

/** What a question comes to when its connection ended before the answer. */
export class Lost extends Error {}

/**
 * States: `connecting`, `live`, `waiting` (then `retriesAt`, in steady milliseconds), `unwelcome` (the server speaks
 * another version).
 */
export class Wire {
  /** `on` has `state()`, `welcome(body)`, `told(kind, body, request)` for what answers no question, `heartbeat(body)`. */
  constructor(address, clock, on) {
    Object.assign(this, { address, clock, on, socket: null, tries: 0, number: 0 });
    this.questions = new Map();
    this.state = "connecting";
    this.heardAt = null;
    this.silenceMax = GREETING_MAX;
    this.timer = 0;
    addEventListener("online", () => this.retryNow());
    document.addEventListener("visibilitychange", () => document.hidden || this.look());
    setInterval(() => this.look(), 1_000);
  }

  open() {
    clearTimeout(this.timer);
    this.enter("connecting");
    this.heardAt = Clock.stamp();
    this.silenceMax = GREETING_MAX;
    let socket;
    try {
      socket = new WebSocket(this.address);
    } catch {
      return this.lost();
    }
    this.socket = socket;
    socket.onopen = () => this.say("hello", { version_min: VERSION_MIN, version_max: VERSION_MAX, client: PROGRAM });
    socket.onmessage = ({ data }) => socket === this.socket && this.hear(data);
    socket.onclose = () => socket === this.socket && this.lost();
  }

  enter(state) {
    this.state = state;
    this.on.state();
  }

  /** Says a message; its number is one of this connection, or the one given. */
  say(kind, body, request = this.nextNumber()) {
    if (this.socket?.readyState === WebSocket.OPEN) {
      this.socket.send(JSON.stringify({ request: String(request), [kind]: body }));
    }
    return String(request);
  }

  nextNumber() {
    this.number += 1;
    return this.number;
  }

  /** Asks what is no command: a promise of `[kind, body]`. */
  ask(kind, body) {
    return new Promise((resolve, reject) => {
      if (this.state !== "live") return reject(new Lost());
      this.questions.set(this.say(kind, body), { resolve, reject });
    });
  }

  hear(data) {
    this.heardAt = Clock.stamp();
    const { request, ...message } = JSON.parse(data);
    const [kind, body] = Object.entries(message)[0] ?? [];
    if (kind === "welcome") return this.welcome(body);
    if (kind === "pong") return this.clock.learn(Number(body.client_time) / 1_000, Number(body.server_time) / 1_000);
    if (kind === "heartbeat") {
      // An answer to each, and not a timer: timers of hidden pages sleep.
      this.ping();
      return this.on.heartbeat(body);
    }
    if (kind === "goodbye") return this.on.told(kind, body, request);
    if (kind === "refused" && this.state === "connecting") return this.enter("unwelcome");
    const question = this.questions.get(request);
    if (!question) return this.on.told(kind, body, request);
    this.questions.delete(request);
    question.resolve([kind, body]);
  }

  welcome(body) {
    this.tries = 0;
    this.silenceMax = body.heartbeat_ms * 2;
    this.clock.guess(Number(body.time) / 1_000);
    this.enter("live");
    for (let n = 0; n < FIRST_PINGS; n += 1) this.ping();
    this.on.welcome(body);
  }

  ping() {
    this.say("ping", { client_time: String(Math.round(Clock.stamp() * 1_000)) });
  }

  /** How long nothing was heard, in milliseconds. */
  get silence() {
    return this.heardAt === null ? 0 : Clock.stamp() - this.heardAt;
  }

  /** Looks whether the connection still lives. */
  look() {
    const slept = this.clock.hasSlept();
    if (this.state === "waiting" && (slept || Clock.stamp() >= this.retriesAt)) return this.open();
    if (this.state !== "live" && this.state !== "connecting") return;
    if (this.silence > this.silenceMax) return this.lost();
    if (slept && this.state === "live") this.ping();
    this.on.state();
  }

  lost() {
    const { socket, questions } = this;
    this.socket = null;
    socket?.close();
    this.questions = new Map();
    questions.forEach((question) => question.reject(new Lost()));
    if (this.state === "unwelcome") return;
    const pause = PAUSES[Math.min(this.tries, PAUSES.length - 1)];
    this.tries += 1;
    // A little chance, so that a thousand pages do not all come back in the same moment.
    const wait = pause * (0.75 + Math.random() / 2);
    this.retriesAt = Clock.stamp() + wait;
    this.timer = setTimeout(() => this.open(), wait);
    this.enter("waiting");
  }

  retryNow() {
    if (this.state === "waiting") this.open();
  }
}
