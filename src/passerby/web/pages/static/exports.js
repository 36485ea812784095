// Ranges to take away: a link for each unbroken recording in them, because a file cannot reach over a gap.

import { ask, cameraPath, make } from "./api.js";
import { clock, dateOf } from "./day.js";

const MOST_LISTED = 2000; // segments in one answer
const LONGEST_MS = 24 * 3_600_000;

/** Why that range cannot be exported, or "". */
export function obstacle(begin, end) {
  if (end <= begin) return "The range has to end after it begins.";
  return end - begin > LONGEST_MS ? "The range may be 24 hours long at most." : "";
}

/** <li> with links for a camera and a range in milliseconds. */
export async function exportItem(camera, begin, end) {
  const runs = await recordings(camera, begin, end);
  if (!runs.length) return make("li", {}, `${camera.title}: nothing was recorded then`);
  const links = runs.map((run) => link(camera, Math.max(begin, run.begin), Math.min(end, run.end)));
  return make("li", {}, `${camera.title}: `, ...links.flatMap((each, index) => (index ? [", ", each] : [each])));
}

function link(camera, begin, end) {
  const query = new URLSearchParams({ begin: new Date(begin).toISOString(), end: new Date(end).toISOString() });
  const times = `${clock(begin)} to ${dateOf(begin) === dateOf(end) ? "" : `${dateOf(end)} `}${clock(end)}`;
  return make("a", { href: cameraPath(camera.name, `/export?${query}`), download: "" }, times);
}

async function recordings(camera, begin, end) {
  const runs = [];
  let from = begin;
  for (let more = true; more; ) {
    const query = new URLSearchParams({ begin: new Date(from).toISOString(), end: new Date(end).toISOString(), limit: MOST_LISTED });
    const told = await ask(cameraPath(camera.name, `/segments?${query}`));
    for (const segment of told.segments) add(runs, segment);
    more = told.more;
    from = runs.at(-1)?.end ?? end;
  }
  return runs;
}

function add(runs, segment) {
  const [begin, end] = [Date.parse(segment.begins_at), Date.parse(segment.ends_at)];
  const last = runs.at(-1);
  if (last?.recording === segment.recording) last.end = Math.max(last.end, end);
  else runs.push({ recording: segment.recording, begin, end });
}
