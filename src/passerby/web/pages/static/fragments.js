// The two numbers of a fragmented MP4 that say when its first picture is shown.

/** Boxes at one level: [kind, begin, end] of what is in them, in bytes. */
function* boxes(view, begin, end) {
  while (begin + 8 <= end) {
    let size = view.getUint32(begin);
    let head = 8;
    if (size === 1 && begin + 16 <= end) {
      size = Number(view.getBigUint64(begin + 8));
      head = 16;
    }
    if (size < head) return;
    const kind = String.fromCharCode(...new Uint8Array(view.buffer, view.byteOffset + begin + 4, 4));
    yield [kind, begin + head, Math.min(begin + size, end)];
    begin += size;
  }
}

function find(view, path, begin = 0, end = view.byteLength) {
  for (const [kind, inner, until] of boxes(view, begin, end)) {
    if (kind !== path[0]) continue;
    return path.length === 1 ? inner : find(view, path.slice(1), inner, until);
  }
  return null;
}

/** Media time of the first picture in seconds; 0 where the file does not say. */
export function firstTime(bytes) {
  const view = new DataView(bytes);
  const media = find(view, ["moov", "trak", "mdia", "mdhd"]);
  const fragment = find(view, ["moof", "traf", "tfdt"]);
  if (media === null || fragment === null) return 0;
  const scale = view.getUint32(media + (view.getUint8(media) === 1 ? 20 : 12));
  const long = view.getUint8(fragment) === 1;
  const ticks = long ? Number(view.getBigUint64(fragment + 4)) : view.getUint32(fragment + 4);
  return ticks / scale;
}
