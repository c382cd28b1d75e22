// Sends the files of a model: asks what is missing, sends that in parts, a few at a
// time, tries again while nobody answers, and waits while the gate is closed.
import { ask, Refused, Unreadable } from "./api.js";
import { CLOSED, Gate } from "./gate.js";
import { hashAll } from "./hash.js";

const IN_FLIGHT = 4;
// As many files as the register lets one question name.
const ASKED = 1000;
const LONGEST_REST = 30_000;

const some = (items) =>
  Array.from({ length: Math.ceil(items.length / ASKED) }, (_, n) => items.slice(n * ASKED, (n + 1) * ASKED));

const named = ({ path, file, sha256 }) => ({ path, size: file.size, ...(sha256 && { sha256 }) });

export class Transfer {
  constructor({ api, slug, items, tell }) {
    Object.assign(this, { api, slug, items, tell });
    // All bytes that went out, those that had to be sent again too.
    this.moved = 0;
    for (const item of items) Object.assign(item, { state: "waiting", sent: 0, flying: 0 });
    this.cancelled = new AbortController();
    this.gate = new Gate(() => tell());
  }

  get size() { return this.items.reduce((sum, { file }) => sum + file.size, 0); }

  get hashed() { return this.items.reduce((sum, item) => sum + (item.hashed ?? 0), 0); }

  get sent() { return this.items.reduce((sum, item) => sum + item.sent + item.flying, 0); }

  // Ends when all contents are here; rejects with what the page has to say.
  async run() {
    try {
      await this.sendAll();
    } catch (error) {
      this.stop();
      throw error;
    }
  }

  async sendAll() {
    this.phase = "hashing";
    await hashAll(this.items, this.cancelled.signal, this.tell);
    this.phase = "sending";
    const first = new Map();
    for (const item of this.items) if (!first.has(item.sha256)) first.set(item.sha256, item);
    const unique = [...first.values()];
    await this.plan(unique);
    this.units = unique.filter((item) => item.state !== "here").flatMap((item) => this.unitsOf(item));
    await Promise.all(Array.from({ length: IN_FLIGHT }, () => this.runner()));
    for (const item of this.items) {
      if (first.get(item.sha256) !== item) Object.assign(item, { state: "here", sent: item.file.size });
    }
    this.tell();
  }

  // Breaks off whatever is on its way; this transfer is over then.
  stop() {
    this.cancelled.abort();
    this.gate.breakOff();
  }

  // Stops, and lets the register forget the parts.
  cancel() {
    this.stop();
    return Promise.allSettled(
      this.items
        .filter((item) => item.partBytes && item.state !== "done")
        .map((item) => ask("DELETE", this.addressOf(item))),
    );
  }

  async plan(items) {
    for (const asked of some(items)) {
      const { files } = await this.patiently((signal) => ask("POST", `${this.api}uploads/`, {
        json: { model: this.slug, files: asked.map(named) }, signal,
      }));
      files.forEach((travel, n) => this.heed(asked[n], travel));
    }
    this.tell();
  }

  heed(item, travel) {
    item.partBytes = travel.part_bytes;
    item.parts = new Set(travel.parts);
    const { size } = item.file;
    if (travel.is_here) Object.assign(item, { state: "here", sent: size });
    else item.sent = [...item.parts].reduce((sum, n) => sum + this.sliceOf(item, n).size, 0);
  }

  unitsOf(item) {
    if (!item.partBytes) return [{ item, number: 0 }];
    const n = Math.ceil(item.file.size / item.partBytes);
    item.left = n;
    const units = [];
    for (let number = 1; number <= n; number += 1) {
      if (item.parts.has(number)) item.left -= 1;
      else units.push({ item, number });
    }
    // All parts are here, and only the end is missing.
    return units.length ? units : [{ item, number: null }];
  }

  sliceOf({ file, partBytes }, number) {
    return number ? file.slice((number - 1) * partBytes, number * partBytes) : file;
  }

  addressOf(item, rest = "") {
    return `${this.api}uploads/${encodeURIComponent(this.slug)}/${item.sha256}/${rest}?size=${item.file.size}`;
  }

  async runner() {
    for (let unit = this.units.shift(); unit; unit = this.units.shift()) await this.send(unit);
  }

  async send({ item, number }) {
    if (number !== null) await this.sendSlice(item, number);
    if (!item.partBytes) item.state = "done";
    else if (number === null || item.left === 0) await this.complete(item);
    this.tell(item);
  }

  async sendSlice(item, number) {
    const slice = this.sliceOf(item, number);
    const address = this.addressOf(item, number ? `parts/${number}/` : "");
    let isRepeated = false;
    await this.patiently(async (signal) => {
      if (isRepeated && await this.isThere(item, number, slice, signal)) return;
      isRepeated = true;
      item.state = "sending";
      let loaded = 0;
      const progress = (now) => {
        const more = Math.min(now, slice.size) - loaded;
        loaded += more;
        item.flying += more;
        this.moved += more;
        this.tell(item);
      };
      try {
        await ask("PUT", address, { body: slice, signal, progress });
      } finally {
        item.flying -= loaded;
      }
    }).catch((error) => this.explain(error, item));
    item.sent += slice.size;
    item.left -= 1;
  }

  // A server that refuses before it has read all leaves the browser without its answer,
  // and so does a file that was changed: ask both before the same is sent again.
  async isThere(item, number, slice, signal) {
    await slice.slice(0, 1).arrayBuffer().catch(() => { throw new Unreadable(item.path); });
    const json = { model: this.slug, files: [named(item)] };
    const { files: [travel] } = await ask("POST", `${this.api}uploads/`, { json, signal });
    return travel.is_here || travel.parts.includes(number);
  }

  async complete(item) {
    item.state = "joining";
    this.tell(item);
    await this.patiently((signal) => ask("POST", this.addressOf(item, "complete/"), { signal }))
      .catch((error) => this.explain(error, item));
    item.state = "done";
  }

  // The bytes that arrived are not those that were read before.
  explain(error, item) {
    if (error instanceof Refused && error.status === 422) {
      error.path = item.path;
      item.sha256 = null;
      item.state = "changed";
    }
    throw error;
  }

  // Repeats some work until it succeeds, or fails for good.
  async patiently(work) {
    for (let n = 0; ; n += 1) {
      await this.gate.pass(this.cancelled.signal);
      this.cancelled.signal.throwIfAborted();
      try {
        const done = await work(this.gate.signal);
        this.retryAt = null;
        return done;
      } catch (error) {
        if (error === CLOSED) { n = -1; continue; }
        if (!(error instanceof Refused)) throw error;
        if (error.isSignedOut) { this.gate.close("signed-out"); n = -1; continue; }
        if (!error.isPassing) throw error;
        const rest = error.wait * 1000 || Math.min(1000 * 2 ** n, LONGEST_REST);
        if (error.status !== 503) this.retryAt = Date.now() + rest;
        this.tell();
        await this.gate.rest(rest * (0.75 + Math.random() / 2));
      }
    }
  }

  async commit(form) {
    const files = this.items.map(({ path, sha256 }) => ({ path, sha256 }));
    return this.patiently((signal) => ask("POST", `${this.api}uploads/${encodeURIComponent(this.slug)}/commit/`, {
      json: { ...form, files }, signal,
    }));
  }
}
