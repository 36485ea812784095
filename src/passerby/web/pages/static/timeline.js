// A day on a canvas: a row for each camera, what was recorded, how much of it was covered, and where the clock stands.

import { clock, zone } from "./day.js";
import { percent } from "./api.js";

const AXIS_PX = 22;
const ROW_PX = 30;
const SHORTEST_MS = 10 * 60_000; // the closest view
const LITTLE_MS = 2 * 3_600_000;
const STEPS_MS = [1, 2, 5, 10, 15, 30, 60, 120, 180, 240, 360].map((minutes) => minutes * 60_000);

export class Timeline {
  /** chosen(at_ms, done): somebody points at an instant; `done` when the finger or button is lifted. */
  constructor(canvas, chosen) {
    this.canvas = canvas;
    this.chosen = chosen;
    this.rows = [];
    this.range = null;
    new ResizeObserver(() => this.draw()).observe(canvas);
    this.ground = document.createElement("canvas"); // everything but the clock's line, which moves all the time
    document.addEventListener("scheme", () => this.draw());
    canvas.addEventListener("pointerdown", (event) => this.#press(event));
    canvas.addEventListener("keydown", (event) => this.#key(event));
    canvas.addEventListener("wheel", (event) => this.#wheel(event), { passive: false });
  }

  /** Show another day, all of it. */
  show(begin, end) {
    this.day = [begin, end];
    this.view = [begin, end];
    this.draw();
  }

  /** A whole day hides minutes: where little was recorded, look at that alone. */
  lookAt(begin, end) {
    if (end - begin > LITTLE_MS) return;
    this.#look((begin + end) / 2, Math.max(SHORTEST_MS, 2 * (end - begin)));
    this.draw();
  }

  /** rows: [{title, spans: [{begin, end, share}]}], instants in milliseconds. */
  fill(rows) {
    this.rows = rows;
    this.canvas.style.height = `${AXIS_PX + Math.max(1, rows.length) * ROW_PX}px`;
    this.draw();
  }

  /** Move the line that says where the clock stands; the view follows it. */
  move(at) {
    this.at = at;
    const [begin, end] = this.view;
    const follows = !this.dragging && (at < begin || at > end);
    if (follows) this.#look(at, end - begin);
    this.canvas.setAttribute("aria-valuenow", Math.round((at - this.day[0]) / 1000));
    this.canvas.setAttribute("aria-valuetext", `${clock(at)}, ${this.#told(at)}`);
    if (follows) this.draw();
    else this.#show();
  }

  /** The range that an export would take, or null. */
  mark(range) {
    this.range = range;
    this.draw();
  }

  zoom(factor, around = this.at) {
    const [begin, end] = this.view;
    const span = Math.min(this.day[1] - this.day[0], Math.max(SHORTEST_MS, (end - begin) * factor));
    const share = (around - begin) / (end - begin);
    this.#look(around + (0.5 - Math.min(1, Math.max(0, share))) * span, span);
    this.draw();
  }

  #look(middle, span) {
    const begin = Math.min(this.day[1] - span, Math.max(this.day[0], middle - span / 2));
    this.view = [begin, begin + span];
  }

  #told(at) {
    const here = this.rows.map(({ title, spans }) => {
      const span = spans.find(({ begin, end }) => begin <= at && at < end);
      return `${title}: ${span ? `${percent(span.share)} covered` : "not recorded"}`;
    });
    return here.join("; ");
  }

  #press(event) {
    this.dragging = true;
    this.canvas.focus();
    this.canvas.setPointerCapture(event.pointerId);
    const follow = (move) => this.chosen(this.#instant(move), false);
    const lift = (last) => {
      this.dragging = false;
      this.canvas.removeEventListener("pointermove", follow);
      this.canvas.removeEventListener("pointerup", lift);
      this.canvas.removeEventListener("pointercancel", lift);
      this.chosen(this.#instant(last), true);
    };
    this.canvas.addEventListener("pointermove", follow);
    this.canvas.addEventListener("pointerup", lift);
    this.canvas.addEventListener("pointercancel", lift);
    follow(event);
  }

  #instant(event) {
    const { left, width } = this.canvas.getBoundingClientRect();
    const [begin, end] = this.view;
    const share = Math.min(1, Math.max(0, (event.clientX - left) / width));
    return begin + share * (end - begin);
  }

  #wheel(event) {
    if (!event.ctrlKey && !event.shiftKey) return; // plain wheels scroll the page
    event.preventDefault();
    this.zoom((event.deltaY || event.deltaX) > 0 ? 1.25 : 0.8, this.#instant(event));
  }

  #key(event) {
    const small = event.shiftKey ? 60_000 : 10_000;
    const step = { ArrowRight: small, ArrowLeft: -small, PageUp: 600_000, PageDown: -600_000 }[event.key];
    const times = this.rows.flatMap(({ spans }) => spans.flatMap(({ begin, end }) => [begin, end - 1]));
    if (step) this.chosen(this.at + step, true);
    else if (event.key === "Home" && times.length) this.chosen(Math.min(...times), true);
    else if (event.key === "End" && times.length) this.chosen(Math.max(...times), true);
    else if (event.key === "+") this.zoom(0.5);
    else if (event.key === "-") this.zoom(2);
    else return;
    event.preventDefault();
  }

  draw() {
    if (!this.day) return;
    const ratio = devicePixelRatio || 1;
    const { clientWidth: width, clientHeight: height } = this.canvas;
    if (!width) return;
    Object.assign(this.ground, { width: width * ratio, height: height * ratio });
    const paint = this.ground.getContext("2d");
    paint.scale(ratio, ratio);
    const style = getComputedStyle(this.canvas);
    const colour = (name) => style.getPropertyValue(`--${name}`).trim();
    const x = (at) => ((at - this.view[0]) / (this.view[1] - this.view[0])) * width;
    this.#axis(paint, x, colour, width, height);
    this.rows.forEach((row, index) => this.#row(paint, x, colour, row, AXIS_PX + index * ROW_PX, width));
    if (this.range) {
      paint.fillStyle = colour("chosen");
      paint.fillRect(x(this.range[0]), AXIS_PX, x(this.range[1]) - x(this.range[0]), height - AXIS_PX);
    }
    this.accent = colour("accent");
    this.#show();
  }

  /** The ground, and on it the line where the clock stands. */
  #show() {
    const { width, height } = this.ground;
    if (!this.canvas.clientWidth || !this.accent) return;
    if (this.canvas.width !== width || this.canvas.height !== height) Object.assign(this.canvas, { width, height });
    const paint = this.canvas.getContext("2d");
    paint.setTransform(1, 0, 0, 1, 0, 0);
    paint.clearRect(0, 0, width, height);
    paint.drawImage(this.ground, 0, 0);
    if (this.at === undefined) return;
    const ratio = width / this.canvas.clientWidth;
    paint.scale(ratio, ratio);
    const place = ((this.at - this.view[0]) / (this.view[1] - this.view[0])) * this.canvas.clientWidth;
    paint.fillStyle = this.accent;
    paint.fillRect(place - 1, AXIS_PX - 6, 2, height / ratio);
    paint.beginPath();
    paint.arc(place, AXIS_PX - 6, 5, 0, 2 * Math.PI);
    paint.fill();
  }

  #axis(paint, x, colour, width, height) {
    const shown = this.view[1] - this.view[0];
    const step = STEPS_MS.find((each) => shown / each <= width / 64) ?? STEPS_MS.at(-1);
    paint.font = "12px system-ui, sans-serif";
    paint.fillStyle = colour("muted");
    paint.strokeStyle = colour("line");
    paint.textAlign = "center";
    const first = this.day[0] + Math.ceil((this.view[0] - this.day[0]) / step) * step;
    for (let at = first; at <= this.view[1]; at += step) {
      const place = Math.round(x(at)) + 0.5;
      paint.beginPath();
      paint.moveTo(place, AXIS_PX - 5);
      paint.lineTo(place, height);
      paint.stroke();
      if (place > 20 && place < width - 20) paint.fillText(clock(at, false), place, 12);
    }
  }

  /** Recorded: a band. Covered: its lower part, as high as the share; the root makes a small share visible. */
  #row(paint, x, colour, { title, spans }, top, width) {
    paint.fillStyle = colour("gap");
    paint.fillRect(0, top + 2, width, ROW_PX - 4);
    for (const { begin, end, share } of spans) {
      if (end < this.view[0] || begin > this.view[1]) continue;
      const [left, right] = [x(begin), x(end)];
      const wide = Math.max(1, right - left);
      const high = (ROW_PX - 4) * Math.sqrt(share);
      paint.fillStyle = colour("recorded");
      paint.fillRect(left, top + 2, wide, ROW_PX - 4);
      paint.fillStyle = colour("covered");
      paint.fillRect(left, top + ROW_PX - 2 - high, wide, high);
    }
    paint.font = "600 12px system-ui, sans-serif";
    paint.textAlign = "left";
    paint.lineWidth = 3;
    paint.strokeStyle = colour("surface");
    paint.strokeText(title, 8, top + 19);
    paint.fillStyle = colour("text");
    paint.fillText(title, 8, top + 19);
    paint.lineWidth = 1;
  }
}

export const zoneLabel = `Times are shown in ${zone}, and stored in UTC.`;
