// Money is a whole number of ten-thousandths, never a fraction: prices fit a JavaScript number exactly.

export const UNITS = 10_000;
export const PRICE_MAX = 9_999_999_999_999;
export const QUANTITY_MAX = 1_000_000_000_000;

/** Units of a decimal as the protocol writes it. */
export function units(text) {
  const point = text.indexOf(".");
  if (point < 0) return Number(text) * UNITS;
  const decimals = (text.slice(point + 1) + "0000").slice(0, 4);
  return Number(text.slice(0, point)) * UNITS + Number(decimals);
}

/**
 * Number that a person typed: `{ decimal }`, as the protocol writes it, or `{ fault }` that says what would be right.
 *
 * The rule is that of the core (`Price::parse`), so that page, screen and commands read a text the same way: digits, and at
 * most one point between them. A comma is refused: it means thousands to some and decimals to others.
 */
export function typedDecimal(text, what) {
  const decimal = text.trim();
  if (decimal === "") return { fault: `Type a ${what}, such as 12.50.` };
  if (decimal.includes(",")) return { fault: "Write 1250 or 12.50: a point before decimals, and no comma." };
  if (!/^\d+(\.\d+)?$/.test(decimal)) return { fault: `A ${what} is a number, such as 12.50.` };
  if (/\.\d{5,}$/.test(decimal)) return { fault: "At most four decimals." };
  return { decimal };
}

/** Price that a person typed, in units: `{ units }` or `{ fault }`. */
export function typed(text, what = "price") {
  const { decimal, fault } = typedDecimal(text, what);
  if (fault) return { fault };
  const found = units(decimal);
  if (!(found <= PRICE_MAX)) return { fault: "The greatest price is 999,999,999.9999." };
  return { units: found };
}

/** Number of shares that a person typed: `{ quantity }`, digits without zeros before them, or `{ fault }`. */
export function typedQuantity(text) {
  const trimmed = text.trim();
  if (trimmed.includes(",")) return { fault: "Write a whole number without a comma, such as 1250." };
  if (!/^\d+$/.test(trimmed) || Number(trimmed) === 0) return { fault: "How many shares? A whole number from 1." };
  if (Number(trimmed) > QUANTITY_MAX) return { fault: "At most 1,000,000,000,000 shares." };
  return { quantity: String(Number(trimmed)) };
}

/** As the protocol and people write it: two decimals, up to four. */
export function plain(amount) {
  const whole = Math.floor(amount / UNITS);
  const rest = String(amount % UNITS).padStart(4, "0");
  return `${whole}.${rest.endsWith("00") ? rest.slice(0, 2) : rest.endsWith("0") ? rest.slice(0, 3) : rest}`;
}

/** The same for reading, with thousands apart. */
export function shown(amount) {
  return grouped(plain(amount));
}

/** A decimal of the protocol with thousands apart, and a true minus. */
export function grouped(text) {
  const [whole, ...rest] = String(text).replace("-", "\u2212").split(".");
  return [whole.replaceAll(/\B(?=(\d{3})+$)/g, ","), ...rest].join(".");
}

/** Price times quantity, for reading; exact. */
export function total(amount, quantity) {
  const all = BigInt(amount) * BigInt(quantity);
  const rest = String(all % 10_000n).padStart(4, "0");
  return grouped(`${all / 10_000n}.${rest.endsWith("00") ? rest.slice(0, 2) : rest}`);
}

/** How far `now` is from `base`: a sign, the difference and the percentage; nothing when they are equal. */
export function change(now, base) {
  if (now === null || now === base) return null;
  const by = Math.abs(now - base);
  const percent = base > 0 ? `${((by / base) * 100).toFixed(by / base < 10 ? 1 : 0)}%` : "";
  return { rises: now > base, by: shown(by), percent };
}
