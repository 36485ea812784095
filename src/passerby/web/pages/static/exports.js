// Ranges to take away: a link for each camera, or for each size that its picture had, because a file has one.

import { ask, cameraPath, make } from "./api.js";
import { clock, dateOf } from "./day.js";

const MOST_LISTED = 2000; // segments in one answer
const LONGEST_MS = 24 * 3_600_000;

/** Why that range cannot be exported, or "". */
export function obstacle(begin, end) {
  if (end <= begin) return "The range has to end after it begins.";
  return end - begin > LONGEST_MS ? "The range may be 24 hours long at most." : "";
}

/** <li> with links for a camera and a range in milliseconds; gaps: "leave-out" or "keep". */
export async function exportItem(camera, begin, end, gaps) {
  const runs = await sameSize(camera, begin, end);
  if (!runs.length) return make("li", {}, `${camera.title}: nothing was recorded then`);
  const links = runs.map((run) => link(camera, Math.max(begin, run.begin), Math.min(end, run.end), gaps));
  const told = runs.length > 1 ? " (its picture changed its size)" : "";
  return make("li", {}, `${camera.title}: `, ...links.flatMap((each, index) => (index ? [", ", each] : [each])), told);
}

function link(camera, begin, end, gaps) {
  const query = new URLSearchParams({ begin: new Date(begin).toISOString(), end: new Date(end).toISOString(), gaps });
  const times = `${clock(begin)} to ${dateOf(begin) === dateOf(end) ? "" : `${dateOf(end)} `}${clock(end)}`;
  return make("a", { href: cameraPath(camera.name, `/export?${query}`), download: "" }, times);
}

/** Times between which the picture had one size, gaps among them. */
async function sameSize(camera, begin, end) {
  const runs = [];
  let from = begin;
  for (let more = true; more; ) {
    const query = new URLSearchParams({ begin: new Date(from).toISOString(), end: new Date(end).toISOString(), limit: MOST_LISTED });
    const told = await ask(cameraPath(camera.name, `/segments?${query}`));
    for (const segment of told.segments) add(runs, segment);
    more = told.more;
    from = told.segments.length ? Date.parse(told.segments.at(-1).ends_at) : end;
  }
  return runs;
}

function add(runs, segment) {
  const [begin, end] = [Date.parse(segment.begins_at), Date.parse(segment.ends_at)];
  const last = runs.at(-1);
  const size = `${segment.width}x${segment.height}`;
  if (last?.size === size) last.end = Math.max(last.end, end);
  else runs.push({ size, begin, end });
}
