// What a screen reader says: one's own outcomes at once, the countdown at 60, 30 and 10 seconds, and no tick between.

const polite = document.getElementById("polite");
const urgent = document.getElementById("urgent");

export function announce(text, isUrgent = false) {
  const region = isUrgent ? urgent : polite;
  const line = document.createElement("p");
  line.textContent = text;
  region.append(line);
  // A region that only grows would be read from the beginning.
  while (region.childElementCount > 5) region.firstElementChild.remove();
}

const MARKS = [60, 30, 10];

/** Tells each mark that a countdown passes, once; `told` is kept by whoever counts. */
export function announceCountdown(told, key, millisLeft, words) {
  const seconds = millisLeft / 1_000;
  const mark = MARKS.filter((at) => seconds <= at && seconds > at - 5).at(-1);
  if (mark === undefined || told.get(key) === mark) return;
  told.set(key, mark);
  announce(words(mark));
}
