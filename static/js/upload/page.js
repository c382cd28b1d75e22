// The page that uploads a folder: choosing, sending, saying how far it is.
import { ask, Refused, Unreadable } from "./api.js";
import { Declaration } from "./declaration.js";
import { chosen, dropped, isHidden } from "./files.js";
import { List } from "./list.js";
import { Transfer } from "./transfer.js";
import { amount, duration, word } from "./words.js";

const CARD = "README.md";
const LARGEST_CARD = 1024 * 1024;
const ASKED = 1000;
// Speed is that of the last seconds.
const WINDOW = 8000;
const KEPT = "baimo-upload:";

class Page {
  items = [];
  transfer = null;
  samples = [];

  constructor(form) {
    this.form = form;
    this.api = form.dataset.api;
    this.slug = form.dataset.slug;
    this.part = Object.fromEntries(
      ["drop", "notes", "list", "state", "total", "figures", "status", "error", "start", "pause", "resume", "cancel"]
        .map((name) => [name, form.querySelector(`[data-${name}]`)]),
    );
    this.list = new List(this.part.list);
    this.declaration = new Declaration(form, this.api);
    this.recall();
    this.listen();
  }

  listen() {
    const { drop, pause, resume, cancel } = this.part;
    for (const name of ["dragenter", "dragover"]) drop.addEventListener(name, (event) => this.over(event));
    for (const name of ["dragleave", "drop"]) drop.addEventListener(name, () => drop.classList.remove("is-over"));
    drop.addEventListener("drop", async (event) => {
      event.preventDefault();
      if (!this.isBusy) this.choose(await dropped(event.dataTransfer));
    });
    for (const input of drop.querySelectorAll("input")) {
      input.addEventListener("change", () => {
        this.choose(chosen(input));
        input.value = "";
      });
    }
    // A folder that misses the field must not replace the page.
    for (const name of ["dragover", "drop"]) addEventListener(name, (event) => event.preventDefault());
    this.form.addEventListener("submit", (event) => { event.preventDefault(); this.start(); });
    this.form.addEventListener("input", () => this.remember());
    pause.addEventListener("click", () => this.transfer.gate.close("paused"));
    resume.addEventListener("click", () => this.transfer.gate.open());
    cancel.addEventListener("click", () => { if (confirm(word("cancel"))) this.cancel(); });
    addEventListener("offline", () => { if (this.isBusy && !this.transfer.gate.reason) this.transfer.gate.close("offline"); });
    addEventListener("online", () => {
      if (!this.isBusy) return;
      if (this.transfer.gate.reason === "offline") this.transfer.gate.open();
      else this.transfer.gate.wake();
    });
    addEventListener("focus", () => { if (this.isBusy && this.transfer.gate.reason === "signed-out") this.transfer.gate.open(); });
    addEventListener("beforeunload", (event) => { if (this.isBusy) event.preventDefault(); });
  }

  over(event) {
    if (this.isBusy) return;
    event.preventDefault();
    this.part.drop.classList.add("is-over");
  }

  get isBusy() { return this.transfer !== null; }

  // What is typed outlives a closed tab; it is forgotten once it is registered.
  get key() { return KEPT + this.slug; }

  get fields() {
    return [...this.form.elements].filter(({ name, type }) => name && type !== "file");
  }

  remember() {
    const values = this.fields.filter(({ type, checked }) => type !== "radio" || checked).map(({ name, value }) => [name, value]);
    localStorage.setItem(this.key, JSON.stringify(values));
  }

  recall() {
    const kept = new Map(JSON.parse(localStorage.getItem(this.key) ?? "[]"));
    for (const [name, value] of kept) if (this.form.elements[name]) this.form.elements[name].value = value;
    this.declaration.show();
  }

  async choose(files) {
    this.say("");
    const shown = files.filter((item) => !isHidden(item));
    this.items = shown.sort((one, other) => (one.path < other.path ? -1 : 1));
    const notes = [];
    if (shown.length < files.length) notes.push(word("hidden", { n: files.length - shown.length }));
    if (!shown.length) notes.unshift(word("none"));
    this.note(notes);
    this.list.show(this.items);
    this.isChecked = false;
    if (shown.length) await this.check().catch((error) => this.complain(error));
  }

  // Asks before anything is read whether the register takes these names and this card.
  async check() {
    const card = this.items.find(({ path, file }) => path === CARD && file.size <= LARGEST_CARD);
    const text = card && await card.file.text();
    let declared = null;
    for (let at = 0; at < this.items.length; at += ASKED) {
      const asked = this.items.slice(at, at + ASKED);
      const json = { files: asked.map(({ path, file }) => ({ path, size: file.size })) };
      if (at === 0 && card) json.card = text;
      const answer = await ask("POST", `${this.api}uploads/`, { json });
      answer.files.forEach(({ problem }, n) => { asked[n].problem = problem; });
      declared ??= answer.card;
    }
    this.isChecked = true;
    // What is left out stands first, so that it is seen.
    this.items.sort((one, other) => Boolean(other.problem) - Boolean(one.problem));
    this.list.show(this.items);
    this.noteChecked();
    this.declaration.tell(declared);
    this.cardProblem = declared?.problem;
    this.complainOfCard();
  }

  complainOfCard() {
    if (this.cardProblem) this.say(word("card-broken", { detail: this.cardProblem }));
    return Boolean(this.cardProblem);
  }

  get good() { return this.items.filter(({ problem }) => !problem); }

  noteChecked() {
    const { good } = this;
    const n = this.items.length - good.length;
    const size = good.reduce((sum, { file }) => sum + file.size, 0);
    const notes = [word("counted", { n: good.length, size: amount(size) })];
    if (n) notes.push(word("refused", { n }));
    if (!good.some(({ path }) => path.endsWith(".safetensors"))) notes.push(word("no-weights"));
    this.note([...notes, ...this.notes.filter((text) => !notes.includes(text))]);
  }

  note(texts) {
    this.notes = texts;
    this.part.notes.hidden = !texts.length;
    this.part.notes.replaceChildren(...texts.map((text) => {
      const line = document.createElement("p");
      line.textContent = text;
      return line;
    }));
  }

  async start() {
    this.say("");
    if (!this.items.length) { this.say(word("choose")); return; }
    if (this.complainOfCard()) return;
    const { missing } = this.declaration;
    if (missing) {
      this.say(word("name-base"));
      missing.focus();
      return;
    }
    this.remember();
    try {
      if (!this.isChecked) await this.check();
      if (!this.good.length) { this.say(word("choose")); return; }
      await this.register();
      await this.send();
    } catch (error) {
      this.end();
      this.complain(error);
    }
  }

  // From here on a reload goes on with the model that now has a name.
  async register() {
    if (this.slug) return;
    const { organization, name, private: seenBy } = this.form.elements;
    const json = { organization: organization.value, name: name.value.trim(), private: seenBy.value === "yes" };
    const { slug } = await ask("POST", `${this.api}uploads/models/`, { json });
    localStorage.removeItem(this.key);
    this.slug = slug;
    this.remember();
    history.replaceState({}, "", this.form.dataset.uploadPage.replace("SLUG", slug));
  }

  async send() {
    this.transfer = new Transfer({
      api: this.api, slug: this.slug, items: this.good, tell: (item) => this.told(item),
    });
    this.samples = [];
    this.ticking = setInterval(() => this.figure(), 500);
    this.told();
    await this.transfer.run();
    this.status(word("commit"));
    const form = { summary: this.form.elements.summary.value, declaration: this.declaration.value };
    const { slug, job } = await this.transfer.commit(form);
    localStorage.removeItem(this.key);
    this.end();
    const { jobPage, modelPage } = this.form.dataset;
    location.assign(job ? jobPage.replace("JOB", job) : modelPage.replace("SLUG", slug));
  }

  end() {
    clearInterval(this.ticking);
    this.transfer = null;
    this.buttons();
    this.part.state.hidden = true;
    this.status("");
  }

  async cancel() {
    const { transfer } = this;
    await transfer.cancel();
    this.end();
    this.list.show(this.items);
    this.say(word("cancelled"));
  }

  // Something changed: one file, or what all of them wait for.
  told(item) {
    if (!this.transfer) return;
    if (item) { this.list.changed(item); return; }
    for (const one of this.transfer.items) this.list.changed(one);
    this.buttons();
    this.figure();
  }

  buttons() {
    const reason = this.transfer?.gate.reason;
    const { start, pause, resume, cancel, state } = this.part;
    start.hidden = this.isBusy;
    pause.hidden = !this.isBusy || Boolean(reason);
    resume.hidden = !reason;
    cancel.hidden = !this.isBusy;
    state.hidden = !this.isBusy;
    for (const fields of this.form.querySelectorAll("[data-locked]")) fields.disabled = this.isBusy;
    for (const fields of this.form.querySelectorAll("[data-named]")) fields.disabled = Boolean(this.slug);
  }

  figure() {
    const { transfer, part } = this;
    if (!transfer) return;
    const isHashing = transfer.phase === "hashing";
    const done = isHashing ? transfer.hashed : transfer.sent;
    const { size } = transfer;
    part.total.value = size ? done / size : 0;
    const speed = this.speed(isHashing ? transfer.hashed : transfer.moved, transfer.phase);
    const values = { done: amount(done), size: amount(size), speed: amount(speed) };
    if (isHashing) part.figures.textContent = word("figures-hashing", values);
    else if (speed && !transfer.gate.reason) {
      part.figures.textContent = word("figures", { ...values, left: duration((size - done) / speed) });
    } else part.figures.textContent = word("figures-still", values);
    this.status(this.waitingFor());
  }

  waitingFor() {
    const { gate, retryAt } = this.transfer;
    if (gate.reason) return word(gate.reason);
    if (retryAt) return word("again", { seconds: Math.max(1, Math.ceil((retryAt - Date.now()) / 1000)) });
    return "";
  }

  speed(moved, phase) {
    const now = performance.now();
    if (this.samples[0]?.phase !== phase) this.samples = [];
    this.samples.push({ now, moved, phase });
    this.samples = this.samples.filter((sample) => now - sample.now < WINDOW);
    const [first] = this.samples;
    return now > first.now ? ((moved - first.moved) / (now - first.now)) * 1000 : 0;
  }

  status(text) {
    const { status } = this.part;
    if (status.textContent !== text) status.textContent = text;
    status.hidden = !text;
  }

  say(text) {
    this.part.error.textContent = text;
    this.part.error.hidden = !text;
  }

  complain(error) {
    if (error.name === "AbortError") return;
    if (error instanceof Unreadable) this.say(word("unreadable", { path: error.message }));
    else if (!(error instanceof Refused)) { this.say(word("said", { detail: String(error) })); throw error; }
    else this.say(this.sentence(error));
  }

  sentence({ status, message: detail, path, isSignedOut }) {
    if (path) return word("changed", { path });
    if (isSignedOut) return word("signed-out");
    const known = { 0: "unreachable", 403: "forbidden", 409: "taken", 413: "quota", 507: "full" }[status];
    return word(known ?? "said", { detail });
  }
}

for (const form of document.querySelectorAll("[data-upload]")) new Page(form);
