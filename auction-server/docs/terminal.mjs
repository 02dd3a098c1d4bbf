// A terminal's screen as a picture: text with SGR colours, as `tmux capture-pane -e` gives it, drawn as SVG.

/** A cell, in pixels. */
const [WIDTH, HEIGHT] = [8.4, 17];
const MARGIN = 10;
/** The sixteen colours by their usual names, on dark and on light paper. */
const PAPERS = {
  dark: { ink: "#d8dee9", paper: "#10141a", named: ["#3b4252", "#ff7b72", "#7ee787", "#e3b341", "#79c0ff", "#d2a8ff", "#76e3ea", "#d8dee9", "#6e7681", "#ffa198", "#a5f0b0", "#f2cc60", "#a5d6ff", "#e2c5ff", "#b3f0ff", "#ffffff"] },
  light: { ink: "#1f2328", paper: "#ffffff", named: ["#24292f", "#cf222e", "#116329", "#7d4e00", "#0969da", "#8250df", "#1b7c83", "#6e7781", "#57606a", "#a40e26", "#1a7f37", "#633c01", "#218bff", "#a475f9", "#3192aa", "#8c959f"] },
};

export function drawn(text, columns, rows, paper) {
  const { ink, paper: ground } = PAPERS[paper];
  const [width, height] = [Math.ceil(columns * WIDTH + 2 * MARGIN), rows * HEIGHT + 2 * MARGIN];
  const parts = [];
  // A style goes on over the end of a line.
  const style = {};
  text.split("\n").slice(0, rows).forEach((line, row) => parts.push(...drawnLine(line, row, style, PAPERS[paper])));
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" font-family="ui-monospace, 'DejaVu Sans Mono', 'Liberation Mono', Menlo, Consolas, monospace" font-size="14"><rect width="${width}" height="${height}" rx="6" fill="${ground}"/><g fill="${ink}">${parts.join("")}</g></svg>\n`;
}

function* drawnLine(line, row, style, paper) {
  let column = 0;
  for (const [, codes, run] of line.matchAll(/\x1b\[([\d;]*)m|([^\x1b]+)/g)) {
    if (run === undefined) {
      restyle(style, codes);
      continue;
    }
    const cells = [...run].length;
    const [x, y] = [MARGIN + column * WIDTH, MARGIN + row * HEIGHT];
    let [ink, ground] = [style.ink === undefined ? null : colour(style.ink, paper), style.ground === undefined ? null : colour(style.ground, paper)];
    if (style.reversed) [ink, ground] = [ground ?? paper.paper, ink ?? paper.ink];
    if (ground) yield `<rect x="${round(x)}" y="${y}" width="${round(cells * WIDTH)}" height="${HEIGHT}" fill="${ground}"/>`;
    const marks = [ink && `fill="${ink}"`, style.bold && 'font-weight="700"', style.dim && 'opacity=".7"', style.lined && 'text-decoration="underline"'].filter(Boolean).join(" ");
    // Word by word: a font that has some signs wider than others must not move what stands behind them.
    for (const { 0: word, index } of run.matchAll(/[^ ]+/g)) {
      const before = [...run.slice(0, index)].length;
      yield `<text x="${round(x + before * WIDTH)}" y="${y + 13}" textLength="${round([...word].length * WIDTH)}" lengthAdjust="spacingAndGlyphs" ${marks}>${escaped(word)}</text>`;
    }
    column += cells;
  }
}

const round = (number) => Math.round(number * 10) / 10;
const escaped = (text) => text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");

/** Changes a style as codes of SGR say. */
function restyle(style, codes) {
  const numbers = codes.split(";").map(Number);
  while (numbers.length > 0) {
    const code = numbers.shift();
    if (code === 0) Object.keys(style).forEach((key) => delete style[key]);
    else if (code === 1) style.bold = true;
    else if (code === 2) style.dim = true;
    else if (code === 4) style.lined = true;
    else if (code === 7) style.reversed = true;
    else if (code === 22) delete style.bold, delete style.dim;
    else if (code === 24) delete style.lined;
    else if (code === 27) delete style.reversed;
    else if (code === 38 || code === 48) {
      const value = numbers.shift() === 5 ? numbers.shift() : numbers.splice(0, 3);
      style[code === 38 ? "ink" : "ground"] = value;
    } else if (code === 39) delete style.ink;
    else if (code === 49) delete style.ground;
    else if (code >= 30 && code <= 37) style.ink = code - 30;
    else if (code >= 40 && code <= 47) style.ground = code - 40;
    else if (code >= 90 && code <= 97) style.ink = code - 82;
    else if (code >= 100 && code <= 107) style.ground = code - 92;
  }
}

/** One of the sixteen, of the cube of 256, of its greys, or as it is. */
function colour(value, { named }) {
  if (Array.isArray(value)) return `rgb(${value.join(",")})`;
  if (value < 16) return named[value];
  if (value >= 232) return `rgb(${Array(3).fill(8 + 10 * (value - 232)).join(",")})`;
  const level = (part) => (part === 0 ? 0 : 55 + 40 * part);
  const cube = value - 16;
  return `rgb(${[Math.floor(cube / 36), Math.floor(cube / 6) % 6, cube % 6].map(level).join(",")})`;
}
