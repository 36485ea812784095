// Parts of a picture, drawn with clicks: <passerby-areas data-still="picture" data-keep="id" data-only="id">.
// The ids are of the fields in which the same parts stand as text; what is drawn goes there, what is typed comes back.

import { make } from "./api.js";

const KINDS = { keep: "keep as it is", only: "cover here alone" };
const NEAR = 0.025; // so near to the first point a click closes the part
const AGAIN_MS = 2000;
const SVG = "http://www.w3.org/2000/svg";

const parse = (text) =>
  text
    .split("\n")
    .map((line) => line.trim().split(/\s+/).map((pair) => pair.split(",").map(Number)))
    .filter((points) => points.length > 1 && points.every((point) => point.length === 2 && point.every(Number.isFinite)));

const format = (areas) => areas.map((points) => points.map(([x, y]) => `${+x.toFixed(3)},${+y.toFixed(3)}`).join(" ")).join("\n");

/** Two points are corners of a rectangle. */
const corners = (points) => {
  if (points.length !== 2) return points;
  const [[x1, y1], [x2, y2]] = points;
  return [[x1, y1], [x2, y1], [x2, y2], [x1, y2]];
};

class Areas extends HTMLElement {
  static observedAttributes = ["data-still"];

  connectedCallback() {
    if (this.image) return;
    this.draft = [];
    this.kind = "keep";
    this.image = make("img", { alt: "The last picture of the camera, covered as it is set now", draggable: "false" });
    this.svg = document.createElementNS(SVG, "svg");
    this.svg.setAttribute("viewBox", "0 0 1 1");
    this.svg.setAttribute("preserveAspectRatio", "none");
    this.stage = make("div", { class: "stage" }, this.image, this.svg);
    this.missing = make("p", { class: "quiet" }, "There is no picture yet to draw on: try the camera, or type the points.");
    this.stage.addEventListener("click", (event) => this.#point(event));
    this.image.addEventListener("load", () => this.#reveal(true));
    this.image.addEventListener("error", () => this.#again());
    this.append(this.#tools(), this.missing, this.stage);
    for (const kind of Object.keys(KINDS)) this.#field(kind)?.addEventListener("input", () => this.#typed());
    this.attributeChangedCallback();
    this.#draw();
  }

  attributeChangedCallback() {
    if (!this.image) return;
    this.#reveal(false);
    if (this.dataset.still) this.image.src = this.dataset.still;
  }

  /** A camera that has just started has its first picture soon. */
  #again() {
    this.#reveal(false);
    setTimeout(() => this.isConnected && this.missing.hidden === false && this.attributeChangedCallback(), AGAIN_MS);
  }

  #reveal(there) {
    this.stage.hidden = !there;
    this.missing.hidden = there;
  }

  #field(kind) {
    const id = this.dataset[kind];
    return document.querySelector(`textarea#${id}, #${id} textarea`) ?? document.querySelector(`label[for="${id}"] textarea`);
  }

  #areas(kind) {
    return parse(this.#field(kind)?.value ?? "");
  }

  /** What is drawn stands in the field at once, so that nothing is lost that was not closed. */
  #store(areas) {
    const field = this.#field(this.kind);
    field.value = format(areas);
    this.storing = true;
    field.dispatchEvent(new Event("input", { bubbles: true }));
    this.storing = false;
    this.#draw();
  }

  #typed() {
    if (!this.storing) this.#end();
  }

  #end() {
    this.draft = [];
    this.#draw();
  }

  #tools() {
    const choice = make("select", { class: "plain", "aria-label": "What is drawn" });
    for (const [kind, said] of Object.entries(KINDS)) choice.append(make("option", { value: kind }, said));
    choice.addEventListener("change", () => {
      this.kind = choice.value;
      this.#end();
    });
    const tool = (text, act) => make("button", { class: "plain", type: "button", onclick: act }, text);
    this.close = tool("Close the part", () => this.#end());
    return make("div", { class: "line" }, choice, this.close, tool("Undo", () => this.#undo()), tool("Clear", () => this.#clear()));
  }

  #point(event) {
    const { left, top, width, height } = this.stage.getBoundingClientRect();
    const within = (share) => Math.min(1, Math.max(0, share));
    const point = [within((event.clientX - left) / width), within((event.clientY - top) / height)];
    const [first] = this.draft;
    if (this.draft.length > 2 && Math.hypot(point[0] - first[0], point[1] - first[1]) < NEAR) return this.#end();
    if (!this.draft.length) this.closed = this.#areas(this.kind);
    this.draft.push(point);
    this.#keep();
  }

  #keep() {
    this.#store(this.draft.length > 1 ? [...this.closed, this.draft] : this.closed);
  }

  #undo() {
    if (this.draft.pop()) this.#keep();
    else this.#store(this.#areas(this.kind).slice(0, -1));
  }

  #clear() {
    this.draft = [];
    this.#store([]);
  }

  #draw() {
    this.close.disabled = this.draft.length < 2;
    this.svg.replaceChildren();
    for (const kind of Object.keys(KINDS)) for (const area of this.#areas(kind)) this.#shape("polygon", kind, corners(area));
    for (const [x, y] of this.draft) this.#shape("polyline", `${this.kind} corner`, [[x, y], [x, y]]);
  }

  #shape(tag, classes, points) {
    const shape = document.createElementNS(SVG, tag);
    shape.setAttribute("class", classes);
    shape.setAttribute("points", points.map((point) => point.join(",")).join(" "));
    this.svg.append(shape);
  }
}

customElements.define("passerby-areas", Areas);
