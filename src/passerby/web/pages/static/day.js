// Days and times of day as the person in front of the browser counts them. What is stored is UTC.

export const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;

const two = (number) => String(number).padStart(2, "0");

/** "2026-11-23" of an instant in milliseconds. */
export function dateOf(at) {
  const day = new Date(at);
  return `${day.getFullYear()}-${two(day.getMonth() + 1)}-${two(day.getDate())}`;
}

/** From midnight to midnight, in milliseconds: 23 or 25 hours where clocks are changed that day. */
export function dayOf(date) {
  const [year, month, day] = date.split("-").map(Number);
  return [new Date(year, month - 1, day).getTime(), new Date(year, month - 1, day + 1).getTime()];
}

/** The date some days on. */
export function nextDate(date, days) {
  const [year, month, day] = date.split("-").map(Number);
  return dateOf(new Date(year, month - 1, day + days).getTime());
}

/** "14:05:30". */
export function clock(at, seconds = true) {
  const day = new Date(at);
  return `${two(day.getHours())}:${two(day.getMinutes())}${seconds ? `:${two(day.getSeconds())}` : ""}`;
}

/** "2026-11-23T14:05:30", as an <input type="datetime-local"> wants it. */
export const localInput = (at) => `${dateOf(at)}T${clock(at)}`;

/** "2026-11-23 13:05:30 UTC". */
export const utc = (at) => `${new Date(at).toISOString().slice(0, 19).replace("T", " ")} UTC`;
