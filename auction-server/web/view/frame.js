// When things are drawn: what changed, once a frame; countdowns on a beat of their own.

/** How often countdowns and falling prices are looked at, in milliseconds. */
const BEAT = 200;

const waiting = new Set();
let isAsked = false;

/** Does `job` with the next frame, once, however often it is asked for. */
export function soon(job) {
  waiting.add(job);
  if (isAsked) return;
  isAsked = true;
  requestAnimationFrame(draw);
}

function draw() {
  // What a job asks for is done in the same frame: what changed is told first, and then drawn.
  for (let round = 0; round < 2; round += 1) {
    const jobs = [...waiting];
    waiting.clear();
    for (const job of jobs) job();
  }
  isAsked = waiting.size > 0;
  if (isAsked) requestAnimationFrame(draw);
}

const beats = new Set();

/** Does `job` on every beat, until what it gives back is called. */
export function onBeat(job) {
  beats.add(job);
  return () => beats.delete(job);
}

setInterval(() => document.hidden || beats.forEach((job) => job()), BEAT);
