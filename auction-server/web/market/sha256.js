// SHA-256 (FIPS 180-4). The browser's own is asynchronous and missing on plain HTTP; the digest of a fold needs
// thousands of short hashes at one moment, so here is a small one.

const K = new Int32Array(64);
const START = new Int32Array(8);
for (let n = 2, found = 0; found < 64; n += 1) {
  let isPrime = true;
  for (let d = 2; d * d <= n; d += 1) if (n % d === 0) isPrime = false;
  if (!isPrime) continue;
  // The first 32 bits of the fractional parts of the roots of the first primes.
  const fraction = (root) => ((root - Math.floor(root)) * 2 ** 32) | 0;
  if (found < 8) START[found] = fraction(Math.sqrt(n));
  K[found] = fraction(Math.cbrt(n));
  found += 1;
}

const words = new Int32Array(64);
const turn = (x, by) => (x >>> by) | (x << (32 - by));

/** The hash of the first `length` bytes. The buffer has at least 72 bytes of room behind them, which are overwritten. */
export function sha256(bytes, length) {
  const blocks = Math.ceil((length + 9) / 64);
  bytes.fill(0, length, blocks * 64);
  bytes[length] = 0x80;
  const view = new DataView(bytes.buffer, bytes.byteOffset);
  view.setUint32(blocks * 64 - 4, length * 8);
  const state = START.slice();
  for (let block = 0; block < blocks; block += 1) compress(state, view, block * 64);
  const hash = new Uint8Array(32);
  const out = new DataView(hash.buffer);
  state.forEach((word, index) => out.setInt32(index * 4, word));
  return hash;
}

function compress(state, view, at) {
  for (let i = 0; i < 16; i += 1) words[i] = view.getInt32(at + i * 4);
  for (let i = 16; i < 64; i += 1) {
    const [x, y] = [words[i - 15], words[i - 2]];
    const s0 = turn(x, 7) ^ turn(x, 18) ^ (x >>> 3);
    const s1 = turn(y, 17) ^ turn(y, 19) ^ (y >>> 10);
    words[i] = (words[i - 16] + s0 + words[i - 7] + s1) | 0;
  }
  let [a, b, c, d, e, f, g, h] = state;
  for (let i = 0; i < 64; i += 1) {
    const s1 = turn(e, 6) ^ turn(e, 11) ^ turn(e, 25);
    const t1 = (h + s1 + ((e & f) ^ (~e & g)) + K[i] + words[i]) | 0;
    const s0 = turn(a, 2) ^ turn(a, 13) ^ turn(a, 22);
    const t2 = (s0 + ((a & b) ^ (a & c) ^ (b & c))) | 0;
    [h, g, f, e, d, c, b, a] = [g, f, e, (d + t1) | 0, c, b, a, (t1 + t2) | 0];
  }
  [a, b, c, d, e, f, g, h].forEach((word, index) => {
    state[index] = (state[index] + word) | 0;
  });
}
