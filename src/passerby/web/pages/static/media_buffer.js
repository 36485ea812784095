// Fragmented MP4 into a <video>: one thing after the other, as a SourceBuffer asks for it.

// iPhones have only the managed kind.
const Source = window.ManagedMediaSource ?? window.MediaSource;

const typeOf = (codec) => `video/mp4; codecs="${codec}"`;

/** Whether this browser plays fragments of that codec. */
export const plays = (codec) => Boolean(Source?.isTypeSupported(typeOf(codec)));

export class MediaBuffer {
  #buffer = null;
  #last;
  #codec;
  #closed = false;

  /** mode: "segments" keeps the times in the fragments, "sequence" strings them together as they come. */
  constructor(video, codec, mode, duration_s = null) {
    this.video = video;
    this.waiting = 0;
    this.#codec = codec;
    this.source = new Source();
    this.address = URL.createObjectURL(this.source);
    video.disableRemotePlayback = true; // the managed kind insists
    const opened = new Promise((resolve) => this.source.addEventListener("sourceopen", resolve, { once: true }));
    video.src = this.address;
    this.#last = opened.then(() => {
      if (this.#closed) return;
      this.#buffer = this.source.addSourceBuffer(typeOf(codec));
      this.#buffer.mode = mode;
      if (duration_s) this.source.duration = duration_s;
    });
  }

  /** Ranges that can be played: [[begin_s, end_s], ...]. */
  ranges() {
    const buffered = this.video.buffered;
    return Array.from({ length: buffered.length }, (_, i) => [buffered.start(i), buffered.end(i)]);
  }

  /** Append a piece. `offset_s` is added to the times in it; `codec` is what it holds. Resolves when it can be played. */
  append(bytes, { offset_s = null, codec = this.#codec } = {}) {
    return this.#then(async (buffer) => {
      if (codec !== this.#codec) buffer.changeType(typeOf((this.#codec = codec)));
      if (offset_s !== null) buffer.timestampOffset = offset_s;
      try {
        await this.#done(() => buffer.appendBuffer(bytes));
      } catch (error) {
        if (error.name !== "QuotaExceededError") throw error;
        await this.#done(() => buffer.remove(0, Math.max(0.1, this.video.currentTime - 1)));
        await this.#done(() => buffer.appendBuffer(bytes));
      }
    });
  }

  /** What comes next belongs to another recording: forget a fragment that was begun. */
  interrupt() {
    return this.#then((buffer) => buffer.abort());
  }

  /** Forget what lies between two times. */
  drop(begin_s, end_s) {
    if (end_s <= begin_s) return Promise.resolve();
    return this.#then((buffer) => this.#done(() => buffer.remove(begin_s, end_s)));
  }

  close() {
    this.#closed = true;
    this.video.removeAttribute("src");
    this.video.load();
    URL.revokeObjectURL(this.address);
  }

  #then(act) {
    this.waiting += 1;
    const turn = this.#last.then(() => (this.#closed ? undefined : act(this.#buffer)));
    this.#last = turn.catch(() => undefined); // whoever asked is told; the next turn goes on
    return turn.finally(() => (this.waiting -= 1));
  }

  async #done(act) {
    const buffer = this.#buffer;
    const failed = new Promise((_, reject) =>
      buffer.addEventListener("error", () => reject(new Error("the fragment does not decode")), { once: true }),
    );
    failed.catch(() => undefined);
    const ended = new Promise((resolve) => buffer.addEventListener("updateend", resolve, { once: true }));
    act();
    await Promise.race([ended, failed]);
  }
}
