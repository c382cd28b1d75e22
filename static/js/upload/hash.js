// The SHA-256 of many files, in workers beside the page.
import { Unreadable } from "./api.js";

const MOST_WORKERS = 4;
// A worker reads so many at a time: of a small file most is waiting for the disk.
const AT_ONCE = 8;

// Fills in `sha256` and `hashed` of every item; `tell` hears of each step.
export const hashAll = (items, signal, tell) => new Promise((resolve, reject) => {
  const waiting = items.filter((item) => !item.sha256);
  const n = Math.min(MOST_WORKERS, Math.max(2, navigator.hardwareConcurrency - 1), waiting.length);
  const workers = [];
  let left = waiting.length;
  const end = (settle, value) => {
    for (const worker of workers) worker.terminate();
    settle(value);
  };
  if (!left) { resolve(); return; }
  let next = 0;
  const give = (worker) => {
    if (next === waiting.length) return;
    const item = waiting[next];
    item.state = "hashing";
    worker.postMessage({ id: next, file: item.file });
    next += 1;
  };
  const hear = (worker, { id, done, sha256, isUnreadable }) => {
    const item = waiting[id];
    if (isUnreadable) { end(reject, new Unreadable(item.path)); return; }
    if (done) item.hashed = done;
    if (sha256) {
      Object.assign(item, { sha256, hashed: item.file.size, state: "waiting" });
      left -= 1;
    }
    tell(item);
    if (!left) end(resolve);
    else if (sha256) give(worker);
  };
  signal.addEventListener("abort", () => end(reject, signal.reason), { once: true });
  for (let i = 0; i < n; i += 1) {
    const worker = new Worker(new URL("./hash-worker.js", import.meta.url), { type: "module" });
    worker.addEventListener("message", ({ data }) => hear(worker, data));
    workers.push(worker);
    for (let k = 0; k < AT_ONCE; k += 1) give(worker);
  }
});
