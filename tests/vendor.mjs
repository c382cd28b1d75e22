// Copies the browser libraries of node_modules to static/vendor, and notes what they
// are: `make vendor`, after package.json has changed. Pages are served what is committed.
import { createHash } from "node:crypto";
import { copyFileSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";

const FOLDER = "static/vendor";
// The map is a file of its own because collectstatic follows the script's last line.
// sigma.min.js holds two other packages, so their licences go with it.
const COPIED = {
  graphology: {
    "graphology.umd.min.js": "graphology/dist/graphology.umd.min.js",
    "graphology.umd.min.js.map": "graphology/dist/graphology.umd.min.js.map",
    "LICENSE.txt": "graphology/LICENSE.txt",
    "LICENSE.events.txt": "events/LICENSE",
  },
  sigma: {
    "sigma.min.js": "sigma/dist/sigma.min.js",
    "LICENSE.txt": "sigma/LICENSE.txt",
    "LICENSE.events.txt": "events/LICENSE",
    "LICENSE.graphology-utils.txt": "graphology-utils/LICENSE.txt",
  },
};

const locked = JSON.parse(readFileSync("package-lock.json", "utf8")).packages;
const sha256 = (path) => createHash("sha256").update(readFileSync(path)).digest("hex");

rmSync(FOLDER, { recursive: true, force: true });
const noted = {};
for (const [name, files] of Object.entries(COPIED)) {
  const { version, integrity } = locked[`node_modules/${name}`];
  const folder = `${FOLDER}/${name}-${version}`;
  mkdirSync(folder, { recursive: true });
  noted[name] = { version, integrity, sha256: {} };
  for (const [file, source] of Object.entries(files)) {
    copyFileSync(`node_modules/${source}`, `${folder}/${file}`);
    noted[name].sha256[file] = sha256(`${folder}/${file}`);
  }
}
writeFileSync(`${FOLDER}/vendored.json`, `${JSON.stringify(noted, null, 2)}\n`);
