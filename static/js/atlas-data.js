// The atlas as numbers: what the server sent, unpacked, and questions about it.

const summed = (steps) => {
  let sum = 0;
  return Int32Array.from(steps, (step) => (sum += step));
};

// Which lists stand at each index: the parents of each model, or the children.
const listed = (n, keys, values) => {
  const lists = new Map();
  for (let i = 0; i < keys.length; i += 1) {
    if (!lists.has(keys[i])) lists.set(keys[i], new Set());
    lists.get(keys[i]).add(values[i]);
  }
  return (i) => lists.get(i) ?? new Set();
};

// The disc of each model, -1 where none is drawn; found through a grid of small squares.
const discsOf = ({ x, y, discs }) => {
  const side = 64;
  const squares = new Map();
  const key = (column, row) => column * 65536 + row;
  const cells = (from, to) => {
    const first = Math.max(0, Math.floor(from / side));
    return Array.from({ length: Math.floor(to / side) - first + 1 }, (_, i) => first + i);
  };
  discs.forEach((disc, number) => {
    for (const column of cells(disc.x - disc.r, disc.x + disc.r)) {
      for (const row of cells(disc.y - disc.r, disc.y + disc.r)) {
        const at = key(column, row);
        if (!squares.has(at)) squares.set(at, []);
        squares.get(at).push(number);
      }
    }
  });
  const holds = (number, i) =>
    Math.hypot(x[i] - discs[number].x, y[i] - discs[number].y) <= discs[number].r;
  return Int32Array.from(x, (_, i) => {
    const near = squares.get(key(Math.floor(x[i] / side), Math.floor(y[i] / side))) ?? [];
    return near.find((number) => holds(number, i)) ?? -1;
  });
};

export const unpacked = (sent) => {
  const children = summed(sent.children);
  const order = Int32Array.from(sent.ids.keys());
  order.sort((a, b) => sent.r[b] - sent.r[a] || a - b);
  return {
    ...sent,
    ids: summed(sent.ids),
    children,
    discOf: discsOf(sent),
    heaviest: order,
    parentsOf: listed(sent.n, children, sent.parents),
    childrenOf: listed(sent.n, sent.parents, children),
  };
};

// Everything a model descends from, the model first.
export const upwards = (data, start) => {
  const found = new Set([start]);
  for (const model of found) for (const parent of data.parentsOf(model)) found.add(parent);
  return found;
};

// The names that hold a text, what most derive from first; those that begin so before.
export const matching = (data, text, most) => {
  const wanted = text.trim().toLowerCase();
  const ranked = [[], [], []];
  if (!wanted) return [];
  for (const model of data.heaviest) {
    const name = data.names[model].toLowerCase();
    const at = name.indexOf(wanted);
    if (at < 0) continue;
    const rank = name === wanted ? 0 : at === 0 ? 1 : 2;
    if (ranked[rank].length < most) ranked[rank].push(model);
  }
  return ranked.flat().slice(0, most);
};

// Which models pass the filters: one byte each, or null where nothing is filtered.
export const passing = (data, { categories, origins, disc }) => {
  if (!categories.size && !origins.size && !disc) return null;
  return Uint8Array.from(data.ids, (_, i) => {
    if (categories.size && !categories.has(data.category[i])) return 0;
    if (origins.size && !origins.has(data.origin[i])) return 0;
    return !disc || data.discs[data.discOf[i]] === disc ? 1 : 0;
  });
};

// The smallest box around everything, never so small that one model fills the window.
export const around = (data) => {
  const box = { x: [Infinity, -Infinity], y: [Infinity, -Infinity] };
  const widen = (axis, value, r) => {
    box[axis][0] = Math.min(box[axis][0], value - r);
    box[axis][1] = Math.max(box[axis][1], value + r);
  };
  const all = [...data.discs, ...data.r.map((r, i) => ({ x: data.x[i], y: data.y[i], r }))];
  for (const { x, y, r } of all) {
    widen("x", x, Math.max(r, 0));
    widen("y", y, Math.max(r, 0));
  }
  for (const axis of ["x", "y"]) {
    const middle = (box[axis][0] + box[axis][1]) / 2;
    const half = Math.max((box[axis][1] - box[axis][0]) / 2, 80);
    box[axis] = [middle - half, middle + half];
  }
  return box;
};
