// The user's own activity, asked of the server page by page after each login and each reconnection.

/** How many entries are asked for at a time; the server gives no more. */
const PAGE = 1_024;
/** How long to wait before asking again when the server cannot answer now, in milliseconds. */
const PAUSE = 1_000;

export class Activity {
  /** `ask(kind, body)` gives a promise of the answer, `came(entries)` is told each page, `ended(isKnown)` when there are no
   * more, or the server cannot tell. */
  constructor({ ask, came, ended }) {
    Object.assign(this, { ask, came, ended });
    this.run = 0;
    this.isRunning = false;
  }

  /** What is on its way is of no use any more. */
  stop() {
    this.run += 1;
    this.isRunning = false;
  }

  /** Asks for everything from the newest on. */
  async load() {
    this.stop();
    const { run } = this;
    this.isRunning = true;
    for (let before = null; ; ) {
      const [kind, body] = await this.ask("get_activity", { before, limit: PAGE });
      if (run !== this.run) return;
      if (kind === "activity") {
        this.came(body.entries);
        if (body.next === null) return this.end(true);
        before = body.next;
      } else if (/^(busy|slow_down)$/.test(body.code)) {
        await new Promise((resolve) => setTimeout(resolve, PAUSE));
        if (run !== this.run) return;
      } else return this.end(false);
    }
  }

  end(isKnown) {
    this.isRunning = false;
    this.ended(isKnown);
  }
}
