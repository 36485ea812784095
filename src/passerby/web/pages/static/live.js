// The live page: a tile for each camera, its state, and the keys.

import { arrange, ask, cameraPath, given, make, percent, present } from "./api.js";
import { LiveStream } from "./live_stream.js";

const STATES_MS = 2000;
const STILL_MS = 1000;
const NO_STILL_MS = 5000; // a camera that has just started, or is lost, has none

class Tile {
  constructor(camera, wall) {
    this.camera = camera;
    this.still = make("img", { class: "still", alt: "" });
    this.video = make("video", { class: "moving", playsinline: true, tabindex: "-1", "aria-hidden": "true" });
    this.video.muted = true;
    this.state = make("span", { class: "state", "data-state": "starting" }, "starting");
    this.covered = make("span", { class: "covered" });
    this.why = make("p", { class: "why", hidden: true });
    this.enlarge = make("button", { class: "enlarge", type: "button", onclick: () => wall.enlarge(this) });
    this.element = make(
      "article",
      { class: "tile", "data-camera": camera.name, "data-playing": "connecting" },
      make("div", { class: "picture" }, this.still, this.video, this.covered, this.why, this.enlarge),
      make("footer", {}, make("h2", {}, camera.title), this.state, this.#buttons()),
    );
    this.stream = new LiveStream(this.video, cameraPath(camera.name, "/live"), (what) => this.#told(what));
    this.stills = 0;
    this.describe();
  }

  #buttons() {
    const playback = `/playback?camera=${encodeURIComponent(this.camera.name)}`;
    const whole = { type: "button", class: "icon", "aria-label": `${this.camera.title}: full screen`, title: "Full screen" };
    return make(
      "span",
      { class: "actions" },
      make("a", { class: "icon", href: playback, "aria-label": `${this.camera.title}: play back`, title: "Play back" }, "history"),
      make("button", { ...whole, onclick: () => this.fullScreen() }, "fullscreen"),
    );
  }

  show() {
    this.stream.start();
    if (this.element.dataset.playing !== "playing") this.#showStills();
  }

  hide() {
    this.stream.stop();
    this.#stopStills();
  }

  fullScreen() {
    if (document.fullscreenElement) document.exitFullscreen();
    else if (this.element.requestFullscreen) this.element.requestFullscreen().catch(() => undefined);
    else this.video.webkitEnterFullscreen?.(); // iPhones enlarge only videos
  }

  /** State and figures, as the server tells them. */
  tell(status) {
    this.state.textContent = this.state.dataset.state = status.state;
    this.covered.textContent = status.state === "live" || status.state === "degraded" ? `${percent(status.figures.covered_share)} covered` : "";
    this.element.dataset.state = status.state;
    this.why.textContent = status.why;
    this.why.hidden = !status.why;
    this.describe();
  }

  describe() {
    const parts = [this.camera.title, this.state.textContent, this.covered.textContent].filter(Boolean);
    this.enlarge.setAttribute("aria-label", `Enlarge ${parts.join(", ")}`);
  }

  #told(what) {
    this.element.dataset.playing = what;
    if (what === "playing") this.#stopStills();
    else this.#showStills();
  }

  /** Still pictures until the moving one is there, and where there is none. */
  #showStills() {
    if (this.stills) return;
    const again = (after_ms) => this.stills && (this.stills = setTimeout(next, after_ms));
    const next = () => (this.still.src = `${cameraPath(this.camera.name, "/still.jpg")}?at=${Date.now()}`);
    this.still.onload = () => {
      this.element.dataset.still = "shown";
      again(STILL_MS);
    };
    this.still.onerror = () => again(NO_STILL_MS);
    this.stills = setTimeout(next);
  }

  #stopStills() {
    clearTimeout(this.stills);
    this.stills = 0;
  }
}

class Wall {
  constructor(element) {
    this.element = element;
    this.tiles = given(element, "cameras").map((camera) => new Tile(camera, this));
    this.large = null;
    element.append(...this.tiles.map((tile) => tile.element));
    arrange(element, this.tiles.length);
    this.seen = new IntersectionObserver((entries) => entries.forEach((entry) => this.#scrolled(entry)), { rootMargin: "200px" });
    this.tiles.forEach((tile) => this.seen.observe(tile.element));
    document.addEventListener("visibilitychange", () => this.#refresh());
    document.addEventListener("keydown", (event) => this.#key(event));
    this.#states();
    setInterval(() => document.hidden || this.#states(), STATES_MS);
  }

  enlarge(tile) {
    this.large = this.large === tile ? null : tile;
    this.element.classList.toggle("one", this.large !== null);
    this.tiles.forEach((each) => each.element.classList.toggle("large", each === this.large));
    tile.enlarge.focus();
  }

  #scrolled(entry) {
    const tile = this.tiles.find((each) => each.element === entry.target);
    tile.visible = entry.isIntersecting;
    this.#refresh();
  }

  /** Only what is seen is fetched: a phone shows one or two of the tiles at a time. */
  #refresh() {
    for (const tile of this.tiles) {
      if (tile.visible && !document.hidden) tile.show();
      else tile.hide();
    }
  }

  async #states() {
    try {
      const { cameras } = await ask("/api/v1/cameras");
      this.element.removeAttribute("data-unreachable");
      for (const status of cameras) this.tiles.find((tile) => tile.camera.name === status.name)?.tell(status);
    } catch {
      this.element.dataset.unreachable = "true";
    }
  }

  #key(event) {
    if (event.altKey || event.ctrlKey || event.metaKey || event.target.matches("input, select, textarea")) return;
    const at = this.tiles.findIndex((tile) => tile.element.contains(document.activeElement));
    const columns = getComputedStyle(this.element).gridTemplateColumns.split(" ").length;
    const step = { ArrowRight: 1, ArrowLeft: -1, ArrowDown: columns, ArrowUp: -columns }[event.key];
    if (step && at >= 0) this.#focus(at + step);
    else if (/^[1-9]$/.test(event.key) && this.tiles[event.key - 1]) this.enlarge(this.tiles[event.key - 1]);
    else if (event.key === "Escape" && this.large) this.enlarge(this.large);
    else if (event.key === "f" && at >= 0) this.tiles[at].fullScreen();
    else return;
    event.preventDefault();
  }

  #focus(index) {
    const tiles = this.large ? [] : this.tiles;
    tiles[index]?.enlarge.focus();
  }
}

new Wall(await present("#wall"));
