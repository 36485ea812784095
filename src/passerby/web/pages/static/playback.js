// The playback page: one clock for all chosen cameras, a timeline to point at, and ranges to take away.

import { arrange, ask, cameraPath, given, make, present } from "./api.js";
import { clock, dateOf, dayOf, localInput, nextDate, utc } from "./day.js";
import { exportItem, obstacle } from "./exports.js";
import { Timeline, zoneLabel } from "./timeline.js";
import { Track } from "./track.js";

const TICK_MS = 100;
const SPANS_MS = 15_000; // today grows
const MOST_SHOWN = 9;
const WORDS = { gap: "not recorded", loading: "loading", ready: "", unplayable: "this browser cannot play it; export it instead" };

class Screen {
  constructor(camera, day) {
    this.video = make("video", { class: "moving", playsinline: true, tabindex: "-1", "aria-label": camera.title });
    this.video.muted = true;
    this.note = make("p", { class: "why" });
    this.element = make(
      "article",
      { class: "tile", "data-camera": camera.name },
      make("div", { class: "picture" }, this.video, this.note),
      make("footer", {}, make("h2", {}, camera.title)),
    );
    this.track = new Track(this.video, camera, ...day);
  }

  tell(state) {
    if (this.element.dataset.track === state) return;
    this.element.dataset.track = state;
    this.note.textContent = WORDS[state];
    this.note.hidden = state === "ready";
  }

  close() {
    this.track.close();
    this.element.remove();
  }
}

class Playback {
  constructor(root) {
    this.root = root;
    this.cameras = given(root, "cameras");
    this.mayExport = given(root, "export");
    this.part = (name) => root.querySelector(`[data-part="${name}"]`);
    this.screens = new Map();
    this.spans = new Map();
    this.speed = 1;
    this.playing = false;
    this.timeline = new Timeline(this.part("timeline"), (at, done) => this.#point(at, done));
    this.part("zone").textContent = zoneLabel;
    this.#wire();
    this.#begin();
  }

  #wire() {
    const on = (name, kind, act) => this.part(name)?.addEventListener(kind, act);
    on("date", "change", ({ target }) => target.value && this.#go(dayOf(target.value)[0], true));
    on("earlier", "click", () => this.#go(dayOf(nextDate(dateOf(this.at), -1))[0], true));
    on("later", "click", () => this.#go(dayOf(nextDate(dateOf(this.at), 1))[0], true));
    on("play", "click", () => this.play(!this.playing));
    on("back", "click", () => this.#go(this.at - 10_000));
    on("on", "click", () => this.#go(this.at + 10_000));
    on("speed", "change", ({ target }) => (this.speed = Number(target.value)));
    on("closer", "click", () => this.timeline.zoom(0.5));
    on("wider", "click", () => this.timeline.zoom(2));
    on("cameras", "change", () => this.#choose());
    on("from-here", "click", () => this.#take("from"));
    on("to-here", "click", () => this.#take("to"));
    on("from", "change", () => this.#links());
    on("to", "change", () => this.#links());
    on("gaps", "change", () => this.#links());
    document.addEventListener("keydown", (event) => this.#key(event));
  }

  /** Where the address says, or the last minute of what there is. */
  async #begin() {
    const query = new URLSearchParams(location.search);
    const asked = query.getAll("camera");
    const boxes = [...this.part("cameras").querySelectorAll("input")];
    boxes.forEach((box, index) => (box.checked = asked.length ? asked.includes(box.value) : index === 0));
    this.wanted = Date.parse(query.get("at") ?? "") || null;
    this.at = this.wanted ?? Date.now() - 60_000;
    await this.#showDay(dateOf(this.at));
    this.tick = performance.now();
    setInterval(() => this.#tick(), TICK_MS);
    setInterval(() => !document.hidden && this.day[1] > Date.now() && this.#fill(), SPANS_MS);
  }

  async #showDay(date) {
    this.day = dayOf(date);
    this.part("date").value = date;
    this.screens.forEach((screen) => screen.close());
    this.screens.clear();
    this.timeline.show(...this.day);
    this.spans.clear();
    await this.#choose();
    if (!this.wanted) this.#lastMinute();
  }

  /** A day opens a minute before the end of what was recorded in it, or where that began, if it is shorter. */
  #lastMinute() {
    const spans = [...this.spans.values()].flat();
    if (!spans.length) return;
    const last = spans.reduce((one, other) => (other.end > one.end ? other : one));
    this.at = Math.max(this.day[0], last.begin, Math.min(this.day[1], last.end) - 60_000);
    this.timeline.lookAt(Math.min(...spans.map(({ begin }) => begin)), last.end);
  }

  async #choose() {
    const boxes = [...this.part("cameras").querySelectorAll("input")];
    const chosen = boxes.filter((box) => box.checked).slice(0, MOST_SHOWN).map((box) => box.value);
    boxes.forEach((box) => (box.disabled = !box.checked && chosen.length >= MOST_SHOWN));
    for (const [name, screen] of this.screens) {
      if (chosen.includes(name)) continue;
      screen.close();
      this.screens.delete(name);
    }
    for (const name of chosen) if (!this.screens.has(name)) this.#add(this.cameras.find((camera) => camera.name === name));
    arrange(this.part("screens"), Math.max(1, chosen.length));
    this.#links();
    await this.#fill();
  }

  #add(camera) {
    const screen = new Screen(camera, this.day);
    this.screens.set(camera.name, screen);
    this.part("screens").append(screen.element);
  }

  /** What was recorded on this day, by camera. */
  async #fill() {
    const [begin, end] = this.day;
    const query = new URLSearchParams({ begin: new Date(begin).toISOString(), end: new Date(end).toISOString() });
    const names = [...this.screens.keys()];
    const answers = await Promise.allSettled(names.map((name) => ask(cameraPath(name, `/timeline?${query}`))));
    if (begin !== this.day[0]) return; // another day was chosen meanwhile
    answers.forEach(({ status, value }, index) => {
      if (status !== "fulfilled") return;
      const spans = value.spans.map((span) => ({ begin: Date.parse(span.begins_at), end: Date.parse(span.ends_at), share: span.covered_share }));
      this.spans.set(names[index], spans);
    });
    this.part("trouble").hidden = answers.every(({ status }) => status === "fulfilled");
    const rows = names.map((name) => ({ title: this.cameras.find((each) => each.name === name).title, spans: this.spans.get(name) ?? [] }));
    this.timeline.fill(rows);
  }

  play(playing) {
    this.playing = playing;
    const button = this.part("play");
    button.textContent = playing ? "pause" : "play_arrow";
    button.setAttribute("aria-label", playing ? "Pause" : "Play");
  }

  #point(at, done) {
    this.dragging = !done;
    this.#go(at);
  }

  /** To another instant; to another day where it lies in one. */
  async #go(at, fresh = false) {
    this.wanted = fresh ? null : at;
    this.at = Math.min(at, Date.now());
    if (this.at < this.day[0] || this.at >= this.day[1]) await this.#showDay(dateOf(this.at));
    else if (fresh) this.#lastMinute();
  }

  #tick() {
    const now = performance.now();
    const passed = Math.min(1000, now - this.tick);
    this.tick = now;
    const screens = [...this.screens.values()];
    const states = screens.map(({ track }) => track.state(this.at));
    const running = this.playing && !this.dragging;
    if (running && !states.includes("loading")) this.#advance(passed, states);
    screens.forEach((screen, index) => {
      screen.tell(states[index]);
      screen.track.follow(this.at, this.speed, running && !states.includes("loading"));
    });
    this.#read();
  }

  #advance(passed, states) {
    this.at += passed * this.speed;
    if (states.every((state) => state === "gap")) this.at = this.#afterGap();
    if (this.at >= Math.min(this.day[1] - 1, Date.now())) this.play(false);
  }

  /** Where nothing was recorded by any of them, the clock jumps to where something was. */
  #afterGap() {
    if (!this.part("skip").checked) return this.at;
    const begins = [...this.spans.values()].flat().map(({ begin, end }) => (end > this.at + 500 ? Math.max(begin, this.at) : Infinity));
    const next = Math.min(...begins);
    if (next === Infinity) this.play(false);
    return next === Infinity ? this.at : next;
  }

  #read() {
    this.part("clock").textContent = clock(this.at);
    this.part("utc").textContent = utc(this.at);
    this.timeline.move(this.at);
  }

  #take(which) {
    this.part(which).value = localInput(this.at);
    this.#links();
  }

  /** Links, as soon as the range has a beginning and a later end. */
  async #links() {
    if (!this.mayExport) return;
    const [begin, end] = ["from", "to"].map((name) => new Date(this.part(name).value).getTime());
    const whole = !Number.isNaN(begin) && !Number.isNaN(end);
    const why = whole ? obstacle(begin, end) : "";
    this.part("range").textContent = why;
    this.timeline.mark(whole && !why ? [begin, end] : null);
    const turn = (this.linking = Symbol("links")); // only the latest answer counts
    const cameras = whole && !why ? [...this.screens.values()].map(({ track }) => track.camera) : [];
    const items = await Promise.all(cameras.map((camera) => exportItem(camera, begin, end, this.part("gaps").value).catch(() => "")));
    if (turn === this.linking) this.part("exports").replaceChildren(...items);
  }

  #key(event) {
    if (event.altKey || event.ctrlKey || event.metaKey || event.target.closest("input, select, textarea, button, a, canvas")) return;
    if (event.key === " ") this.play(!this.playing);
    else if (event.key === "ArrowRight") this.#go(this.at + 10_000);
    else if (event.key === "ArrowLeft") this.#go(this.at - 10_000);
    else return;
    event.preventDefault();
  }
}

new Playback(await present("#playback"));
