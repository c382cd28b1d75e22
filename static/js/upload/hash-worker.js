// Reads files and says what the SHA-256 of each is.
import { Sha256 } from "./sha256.js";

const PIECE = 4 * 1024 * 1024;

addEventListener("message", async ({ data: { id, file } }) => {
  const hash = new Sha256();
  try {
    for (let at = 0; at < file.size; at += PIECE) {
      hash.update(new Uint8Array(await file.slice(at, at + PIECE).arrayBuffer()));
      if (file.size > PIECE) postMessage({ id, done: Math.min(at + PIECE, file.size) });
    }
    postMessage({ id, sha256: hash.hex() });
  } catch {
    postMessage({ id, isUnreadable: true });
  }
});
