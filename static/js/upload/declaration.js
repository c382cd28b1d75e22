// The part of the form that says where the model comes from.
import { ask } from "./api.js";
import { word } from "./words.js";

const PATIENCE = 200;

// Ids as a card names them: team/model, or the slug of the catalog.
const idOf = ({ slug }) => slug.replace("--", "/");

export class Declaration {
  constructor(form, api) {
    this.form = form;
    this.api = api;
    form.addEventListener("change", () => this.show());
    form.addEventListener("input", ({ target }) => {
      if (target.name === "base") this.suggest(target.value.trim());
    });
    form.querySelector("[data-more-bases]").addEventListener("click", () => this.another().focus());
    this.show();
  }

  get origin() { return this.form.elements.origin.value; }

  get inputs() { return [...this.form.querySelectorAll("input[name=base]")]; }

  show() {
    for (const part of this.form.querySelectorAll("[data-origin]")) {
      part.hidden = !part.dataset.origin.split(" ").includes(this.origin);
    }
  }

  another() {
    const [first] = this.inputs;
    const input = first.cloneNode();
    input.removeAttribute("id");
    input.setAttribute("aria-label", first.labels[0].textContent);
    input.value = "";
    this.inputs.at(-1).after(input);
    return input;
  }

  suggest(text) {
    clearTimeout(this.timer);
    if (!text) return;
    this.timer = setTimeout(async () => {
      const query = new URLSearchParams({ q: text.replace("/", " "), limit: 8 });
      const { results } = await ask("GET", `${this.api}models/?${query}`).catch(() => ({ results: [] }));
      const options = results.map((model) => {
        const option = document.createElement("option");
        option.value = idOf(model);
        option.textContent = model.name;
        return option;
      });
      this.form.querySelector("#upload-found").replaceChildren(...options);
    }, PATIENCE);
  }

  // What a README.md declares, and the answer that it suggests.
  tell(card) {
    const place = this.form.querySelector("[data-card]");
    if (!card) { place.textContent = word("no-card"); return; }
    const bases = card.bases.map(({ id, relation }) => `${relation} ${id}`).join(", ");
    if (bases) place.textContent = word("declares", { bases });
    else if (card.category) place.textContent = word("declares-category", { category: card.category });
    else place.textContent = word("declares-nothing");
    if (bases || card.category) {
      this.form.elements.origin.value = "card";
      this.show();
    }
  }

  // The first field that still needs an answer.
  get missing() { return this.origin === "base" && !this.bases.length ? this.inputs[0] : null; }

  get bases() { return [...new Set(this.inputs.map(({ value }) => value.trim()).filter(Boolean))]; }

  get value() {
    const { relation, category, scratch } = this.form.elements;
    if (this.origin === "card") return null;
    if (this.origin === "scratch") return { bases: [], category: scratch.value };
    return { bases: this.bases, relation: relation.value, category: category.value || null };
  }
}
