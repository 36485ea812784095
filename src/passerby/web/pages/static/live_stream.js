// A camera's live picture: from a WebSocket into a <video>, close to now, for ever.

import { MediaBuffer, plays } from "./media_buffer.js";

const SILENCE_MS = 12_000; // nothing for so long: connect again
const LONGEST_WAIT_MS = 15_000;
const SLACK_S = 0.25; // what should be left to play when the next part arrives
const BEHIND_S = 3; // further back than this is jumped over, not caught up
const KEPT_S = 6; // behind the picture shown
const MOST_WAITING = 20; // parts that the browser has not taken yet

export class LiveStream {
  #socket = null;
  #buffer = null;
  #failures = 0;
  #timer = 0;
  #silence = 0;
  #running = false;

  /** told(what): "playing", "connecting" or "unsupported". */
  constructor(video, path, told) {
    this.video = video;
    this.path = path;
    this.told = told;
    video.addEventListener("playing", () => this.#running && told("playing"));
    video.addEventListener("error", () => this.#running && this.#again());
  }

  start() {
    if (this.#running) return;
    this.#running = true;
    this.#connect();
  }

  stop() {
    this.#running = false;
    clearTimeout(this.#timer);
    this.#forget();
  }

  #connect() {
    this.told("connecting");
    const address = new URL(this.path, location.href);
    address.protocol = location.protocol === "https:" ? "wss:" : "ws:";
    const socket = (this.#socket = new WebSocket(address));
    socket.binaryType = "arraybuffer";
    socket.onmessage = ({ data }) => (typeof data === "string" ? this.#begin(JSON.parse(data)) : this.#part(data));
    socket.onclose = () => socket === this.#socket && this.#again();
    this.#expectMore();
  }

  /** A recording begins: at first, and whenever the camera was lost in between. */
  #begin({ codec }) {
    if (!plays(codec)) {
      this.stop();
      this.told("unsupported");
    } else if (this.#buffer === null) {
      this.#buffer = new MediaBuffer(this.video, codec, "sequence");
      this.codec = codec;
    } else {
      this.codec = codec;
      this.#buffer.interrupt().catch(() => this.#again());
    }
  }

  #part(bytes) {
    this.#expectMore();
    const buffer = this.#buffer;
    if (buffer === null) return;
    if (buffer.waiting > MOST_WAITING) return this.#again();
    const slack_s = this.#ahead();
    buffer.append(bytes, { codec: this.codec }).then(
      () => buffer === this.#buffer && this.#keepUp(slack_s),
      () => buffer === this.#buffer && this.#again(),
    );
  }

  /** Seconds between the picture shown and the newest one. */
  #ahead() {
    const last = this.#buffer?.ranges().at(-1);
    return last ? last[1] - this.video.currentTime : 0;
  }

  /** Play a little faster or slower, so that each part arrives just before it is needed; jump when far behind. */
  #keepUp(slack_s) {
    const last = this.#buffer.ranges().at(-1);
    if (!last) return;
    this.#failures = 0;
    const video = this.video;
    if (video.currentTime < last[0] || this.#ahead() > BEHIND_S) video.currentTime = Math.max(last[0], last[1] - 0.5);
    const rate = 1 + Math.min(0.1, Math.max(-0.05, (slack_s - SLACK_S) * 0.2));
    if (Math.abs(video.playbackRate - rate) > 0.01) video.playbackRate = rate;
    if (video.paused) video.play().catch(() => undefined); // the browser may want a touch first; it is muted, so rarely
    if (video.currentTime > 2 * KEPT_S) this.#buffer.drop(0, video.currentTime - KEPT_S).catch(() => undefined);
  }

  #expectMore() {
    clearTimeout(this.#silence);
    this.#silence = setTimeout(() => this.#again(), SILENCE_MS);
  }

  /** Connect again, later each time, and not all viewers at once. */
  #again() {
    if (!this.#running) return;
    this.#forget();
    const wait_ms = Math.min(LONGEST_WAIT_MS, 500 * 2 ** this.#failures) * (0.5 + Math.random());
    this.#failures += 1;
    this.told("connecting");
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#connect(), wait_ms);
  }

  #forget() {
    clearTimeout(this.#silence);
    const socket = this.#socket;
    this.#socket = null;
    socket?.close();
    this.#buffer?.close();
    this.#buffer = null;
  }
}
