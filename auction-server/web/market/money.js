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

/** Units of what a person typed: `{ units }`, or `{ fault }` that says what would be right. */
export function typed(text, what = "price") {
  const trimmed = text.trim();
  if (trimmed === "") return { fault: `Type a ${what}, such as 12.50.` };
  if (/^\d+,\d{1,2}$/.test(trimmed)) return { fault: "Write decimals with a point: 12.50." };
  const plain = trimmed.replaceAll(/(?<=\d),(?=\d{3}(\D|$))/g, "");
  if (!/^(\d+(\.\d*)?|\.\d+)$/.test(plain)) return { fault: `A ${what} is a number, such as 12.50.` };
  if (/\.\d{5,}$/.test(plain)) return { fault: "At most four decimals." };
  const found = units(plain.startsWith(".") ? `0${plain}` : plain);
  if (!(found <= PRICE_MAX)) return { fault: "The greatest price is 999,999,999.9999." };
  return { units: found };
}

/** A whole number of shares that a person typed. */
export function typedQuantity(text) {
  const plain = text.trim().replaceAll(",", "");
  if (!/^\d+$/.test(plain) || Number(plain) === 0) return { fault: "How many shares? A whole number from 1." };
  if (Number(plain) > QUANTITY_MAX) return { fault: "At most 1,000,000,000,000 shares." };
  return { quantity: String(Number(plain)) };
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
