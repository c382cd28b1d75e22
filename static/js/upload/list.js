// The table of files, redrawn where something changed, once a frame.
import { amount, word } from "./words.js";

const MOVING = new Set(["hashing", "sending"]);

const row = ({ path, file, problem }) => {
  const made = document.createElement("tr");
  const cells = [path, amount(file.size), ""].map((text) => {
    const cell = document.createElement("td");
    cell.textContent = text;
    return cell;
  });
  cells[0].className = "mono";
  cells[1].className = "num";
  const text = document.createElement("span");
  const bar = document.createElement("progress");
  bar.hidden = true;
  bar.setAttribute("aria-label", path);
  cells[2].append(text, bar);
  made.append(...cells);
  if (problem) {
    made.className = "is-refused";
    text.textContent = word(problem.code);
    text.title = problem.detail;
  }
  return made;
};

const draw = (made, { file, state, sent, flying, hashed }) => {
  const [text, bar] = made.lastElementChild.children;
  text.textContent = word(state === "changed" ? "waiting" : state);
  bar.hidden = !MOVING.has(state) || file.size === 0;
  if (bar.hidden) return;
  bar.max = file.size;
  bar.value = state === "hashing" ? hashed ?? 0 : sent + flying;
};

export class List {
  #rows = new Map();
  #changed = new Set();

  constructor(region) {
    this.region = region;
    this.body = region.querySelector("[data-rows]");
  }

  show(items) {
    this.#rows = new Map(items.map((item) => [item, row(item)]));
    this.body.replaceChildren(...this.#rows.values());
    this.region.hidden = !items.length;
  }

  changed(item) {
    if (!this.#changed.size) requestAnimationFrame(() => this.#draw());
    this.#changed.add(item);
  }

  #draw() {
    for (const item of this.#changed) draw(this.#rows.get(item), item);
    this.#changed.clear();
  }
}
