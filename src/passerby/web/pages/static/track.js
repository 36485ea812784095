// One camera's recordings of a day as one <video>, whose media time is the time since the day began.

import { ask, cameraPath } from "./api.js";
import { firstTime } from "./fragments.js";
import { MediaBuffer, plays } from "./media_buffer.js";

const LISTED_MS = 20 * 60_000; // segments are listed for so long a stretch at once
const AGAIN_MS = 3000; // until what is still being recorded, or did not come, is asked for again
const BACK_MS = 30_000; // kept behind the clock
const FASTEST = 16; // what browsers play
const SEAM_S = 0.15; // wall clocks leave holes between recordings that nobody wants to see
const SAME_S = 0.3; // the wall clock may wander so much from the recording's own before it is believed

export class Track {
  #buffer = null;
  #task = null; // what is being fetched, one thing at a time
  #quiet = 0;
  #listed = { begin: 0, end: 0, open: false, asked: 0 };
  #segments = [];
  #loaded = new Map();
  #unusable = new Set();
  #anchors = new Map();

  constructor(video, camera, begin, end) {
    Object.assign(this, { video, camera, begin, end });
  }

  /** "gap": nothing was recorded then. "loading": it is fetched. "ready": it shows. "unplayable": not in this browser. */
  state(at) {
    if (this.unplayable) return "unplayable";
    if (this.#place(at) !== null) return this.video.readyState >= 2 && !this.video.seeking ? "ready" : "loading";
    if (at < this.#listed.begin || at >= this.#listed.end) return "loading";
    const here = this.#segments.find((segment) => segment.begin <= at && at < segment.end);
    if (!here || this.#unusable.has(here.id)) return "gap";
    return this.#loaded.has(here.id) ? "gap" : "loading"; // loaded, and no picture there
  }

  /** Bring the video to where the clock is, and fetch what comes next. */
  follow(at, speed, playing) {
    this.#fetchNext(at, 1000 * Math.max(15, 8 * speed));
    const video = this.video;
    const place_s = this.#place(at);
    const off_s = (place_s ?? video.currentTime) - video.currentTime;
    const most_s = video.seeking ? 1 : playing ? 0.25 * Math.max(1, speed) : 0.02;
    if (Math.abs(off_s) > most_s) video.currentTime = place_s;
    if (playing && this.state(at) === "ready") {
      video.playbackRate = Math.min(FASTEST, speed * (1 + Math.min(0.1, Math.max(-0.1, off_s / speed))));
      if (video.paused) video.play().catch(() => undefined);
    } else if (!video.paused) video.pause();
  }

  close() {
    this.#task?.stop.abort();
    this.#forgetAll();
  }

  #media(at) {
    return (at - this.begin) / 1000;
  }

  /** Media time of the picture to show: there, or where one begins in a moment; null where none is held. */
  #place(at) {
    const time = this.#media(at);
    const range = this.#buffer?.ranges().find(([begin, end]) => begin - SEAM_S <= time && time < end);
    return range ? Math.max(time, range[0]) : null;
  }

  #fetchNext(at, ahead) {
    if (this.#task) {
      const { segment, stop } = this.#task;
      if (segment && (segment.end < at || segment.begin > at + 2 * ahead)) stop.abort(); // the clock has jumped
      return;
    }
    if (performance.now() < this.#quiet) return;
    const next = this.#segments.find((each) => each.end > at && !this.#loaded.has(each.id) && !this.#unusable.has(each.id));
    if (this.#mustList(at, ahead)) this.#fetch(null, (signal) => this.#list(at, signal));
    else if (next && next.begin < at + ahead) this.#fetch(next, (signal) => this.#load(next, at, ahead, signal));
  }

  #mustList(at, ahead) {
    const { begin, end, open, asked } = this.#listed;
    return at < begin || at + ahead > end || (open && performance.now() - asked > AGAIN_MS);
  }

  #fetch(segment, act) {
    const stop = new AbortController();
    const task = (this.#task = { segment, stop });
    act(stop.signal)
      .catch((error) => error.name !== "AbortError" && (this.#quiet = performance.now() + AGAIN_MS))
      .finally(() => this.#task === task && (this.#task = null));
  }

  async #list(at, signal) {
    const [begin, end] = [at - 60_000, at + LISTED_MS];
    const query = new URLSearchParams({ begin: new Date(begin).toISOString(), end: new Date(end).toISOString() });
    const { segments } = await ask(cameraPath(this.camera.name, `/segments?${query}`), { signal });
    this.#segments = segments.map((each) => ({ ...each, begin: Date.parse(each.begins_at), end: Date.parse(each.ends_at) }));
    this.#listed = { begin, end, open: end > Date.now() - 60_000, asked: performance.now() };
  }

  async #load(segment, at, ahead, signal) {
    const answer = await fetch(`/api/v1/segments/${segment.id}`, { signal, credentials: "same-origin" });
    if (answer.status === 404) return void this.#unusable.add(segment.id); // erased since it was listed
    if (!answer.ok) throw new Error(`the server answered ${answer.status}`);
    const bytes = await answer.arrayBuffer();
    if (!plays(segment.codec)) return void (this.unplayable = true);
    this.#buffer ??= new MediaBuffer(this.video, segment.codec, "segments", this.#media(this.end));
    await this.#forget(at, ahead);
    const offset_s = this.#offset(segment, firstTime(bytes));
    const taken = await this.#buffer.append(bytes, { offset_s, codec: segment.codec }).then(() => true, () => false);
    if (taken) return void this.#loaded.set(segment.id, segment);
    this.#unusable.add(segment.id);
    this.#forgetAll(); // after a piece that does not decode a browser takes no more
  }

  /** Within a recording media time counts, so that segments join without a seam; the wall clock says where it begins. */
  #offset(segment, first_s) {
    const begun_s = this.#media(segment.begin) - segment.media_start_s;
    const known_s = this.#anchors.get(segment.recording);
    const anchor_s = known_s !== undefined && Math.abs(known_s - begun_s) < SAME_S ? known_s : begun_s;
    this.#anchors.set(segment.recording, anchor_s);
    return anchor_s + segment.media_start_s - first_s;
  }

  /** Keep only what lies around the clock: browsers hold about 150 MB. */
  async #forget(at, ahead) {
    for (const segment of [...this.#loaded.values()]) {
      if (segment.end > at - BACK_MS && segment.begin < at + 2 * ahead) continue;
      this.#loaded.delete(segment.id);
      await this.#buffer.drop(Math.max(0, this.#media(segment.begin)), this.#media(segment.end));
    }
  }

  #forgetAll() {
    this.#loaded.clear();
    this.#buffer?.close();
    this.#buffer = null;
  }
}
