// A page without a browser: as much of a document as auction-client/examples/page touches. Logs in, bids too
// low, bids, and prints what the page says, and its table.
const [page, server] = process.argv.slice(2);
const parts = new Map();

function element() {
  return { cells: [], rows: [], insertCell() { return this.cells[this.cells.push({}) - 1]; }, replaceChildren(...rows) { this.rows = rows; } };
}

globalThis.document = {
  getElementById: (id) => parts.get(id) ?? parts.set(id, element()).get(id),
  createElement: element,
};
globalThis.location = new URL(`http://localhost/?server=${server}`);
globalThis.FormData = class {
  constructor(fields) { this.fields = fields; }
  *[Symbol.iterator]() { yield* Object.entries(this.fields); }
};

await import(page);
const part = (id) => document.getElementById(id);
const submit = (form, target) => part(form).onsubmit({ preventDefault() {}, target });
const cells = () => part("lots").rows[0]?.cells.slice(0, 5).map((cell) => cell.textContent);

async function until(holds) {
  while (!holds()) await new Promise((done) => setTimeout(done, 10));
}

await until(cells);
await submit("login", { name: "joe", password: process.env.AUCTION_PASSWORD });
console.log(part("said").textContent);
await submit("bid", { lot: "1", price: "0.50" });
console.log(part("said").textContent);
await submit("bid", { lot: "1", price: "3.00" });
console.log(part("said").textContent);
await until(() => cells()[3] === "joe");
console.log(cells().join("|"));
process.exit();
