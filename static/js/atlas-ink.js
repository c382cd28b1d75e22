// What is drawn with a pen beside sigma's dots: discs, names, and the kin of the chosen.
import { upwards } from "./atlas-data.js";

const MOST_NAMES = 90;
// The largest models in view have a name wherever it does not hide another.
const SURE_NAMES = 24;
// A dot whose radius is smaller (in pixels) has no name of its own, nor has a disc.
const LEAST_DOT = 3;
// Names keep clear of so many of the larger dots.
const MOST_CLEAR = 400;
const LEAST_DISC = 26;
const MARGIN = 3;

export const hues = () => {
  const style = getComputedStyle(document.documentElement);
  const of = (name) => style.getPropertyValue(`--${name}`).trim();
  const hue = {
    base: of("hue-base"),
    retrained: of("hue-base"),
    "continued-pretraining": of("hue-continued"),
    sft: of("hue-tuned"),
    "preference-tuned": of("hue-tuned"),
    adapter: of("hue-tuned"),
    merge: of("hue-made"),
    quantized: of("hue-made"),
    assembled: of("hue-made"),
    distilled: of("hue-distilled"),
  };
  return {
    of: (category) => hue[category] ?? of("hue-wrapped"),
    paper: of("paper"),
    land: of("paper-2"),
    shore: of("hairline"),
    ink: of("ink"),
    quiet: of("ink-2"),
    accent: of("accent"),
    line: of("rule"),
    weights: of("line-weights"),
    serif: of("serif"),
    sans: of("sans"),
  };
};

const pen = (sigma, name) => {
  const context = sigma.getCanvases()[name].getContext("2d");
  const { width, height } = sigma.getDimensions();
  context.clearRect(0, 0, width, height);
  return context;
};

const scaleOf = (sigma) => {
  const from = sigma.graphToViewport({ x: 0, y: 0 });
  const to = sigma.graphToViewport({ x: 1, y: 0 });
  return Math.hypot(to.x - from.x, to.y - from.y);
};

export const drawDiscs = (sigma, data, colours) => {
  const context = pen(sigma, "discs");
  const scale = scaleOf(sigma);
  context.fillStyle = colours.land;
  context.strokeStyle = colours.shore;
  for (const disc of data.discs) {
    if (disc.r * scale < 3) continue;
    const { x, y } = sigma.graphToViewport(disc);
    context.beginPath();
    context.arc(x, y, disc.r * scale, 0, 2 * Math.PI);
    context.fill();
    context.stroke();
  }
};

// Boxes already written in, so that no name runs into another, nor over a dot.
const pageOf = ({ width, height }, dots) => {
  const names = [];
  const isClear = (box, others) =>
    others.every(
      (other) =>
        box.right < other.left || box.left > other.right ||
        box.bottom < other.top || box.top > other.bottom,
    );
  const isFree = (box) =>
    box.left >= 0 && box.top >= 0 && box.right <= width && box.bottom <= height &&
    isClear(box, names);
  // A name that matters may lie over dots where there is no other room, not over a name.
  return (choices, { matters = false } = {}) => {
    const free = choices.filter(isFree);
    const box = free.find((one) => isClear(one, dots)) ?? (matters ? free[0] : undefined);
    if (box) names.push(box);
    return box;
  };
};

// What names should not cover: the dots in view that are large enough to be seen.
const dotsInView = (sigma, data, scale) => {
  const { width, height } = sigma.getDimensions();
  const boxes = [];
  for (const model of data.heaviest) {
    const radius = data.r[model] * scale;
    if (radius < LEAST_DOT || boxes.length >= MOST_CLEAR) break;
    const { x, y } = sigma.graphToViewport({ x: data.x[model], y: data.y[model] });
    if (x < 0 || y < 0 || x > width || y > height) continue;
    const half = radius * 0.7;
    boxes.push({ left: x - half, right: x + half, top: y - half, bottom: y + half });
  }
  return boxes;
};

const boxAt = (left, middle, width, size) => ({
  left: left - MARGIN,
  right: left + width + MARGIN,
  top: middle - size / 2 - MARGIN,
  bottom: middle + size / 2 + MARGIN,
});

const write = (context, text, box, colour, paper) => {
  context.lineWidth = 3;
  context.strokeStyle = paper;
  context.fillStyle = colour;
  const y = (box.top + box.bottom) / 2;
  context.strokeText(text, box.left + MARGIN, y);
  context.fillText(text, box.left + MARGIN, y);
};

const nameDiscs = (view) => {
  const { sigma, data, colours, context, take, scale, lonely } = view;
  for (const disc of data.discs) {
    const radius = disc.r * scale;
    const name = disc.head < 0 ? lonely : disc.family;
    if (radius < LEAST_DISC || !name) continue;
    const size = Math.round(Math.min(12 + radius / 25, 20));
    context.font = `600 ${size}px ${colours.serif}`;
    const { width } = context.measureText(name);
    if (width > 2.4 * radius) continue;
    const { x, y } = sigma.graphToViewport(disc);
    const rows = [y - radius + size, y - radius - size / 2, y + radius + size / 2];
    const boxes = rows.map((row) => boxAt(x - width / 2, row, width, size));
    const box = take(boxes, { matters: true });
    if (box) write(context, name, box, colours.quiet, colours.paper);
  }
};

const nameDot = (view, model, { matters = false, isForced = false } = {}) => {
  const { sigma, data, colours, context, take, scale } = view;
  const radius = data.r[model] * scale;
  const size = radius > 10 ? 13 : 12;
  context.font = `${size}px ${colours.sans}`;
  const name = data.names[model];
  const { width } = context.measureText(name);
  const { x, y } = sigma.graphToViewport({ x: data.x[model], y: data.y[model] });
  const beside = radius + 3;
  const choices = [
    boxAt(x + beside, y, width, size),
    boxAt(x - beside - width, y, width, size),
    boxAt(x - width / 2, y + beside + size / 2, width, size),
    boxAt(x - width / 2, y - beside - size / 2, width, size),
  ];
  const box = take(choices, { matters }) ?? (isForced ? choices[0] : null);
  if (box) {
    write(context, name, box, colours.ink, colours.paper);
    view.named.add(model);
  }
  return Boolean(box);
};

const nameDots = (view, passes) => {
  const { sigma, data, scale } = view;
  const { width, height } = sigma.getDimensions();
  let named = 0;
  for (const model of data.heaviest) {
    // They come by size, so that nothing after this one is large enough.
    const isLarge = data.r[model] * scale >= LEAST_DOT || named < SURE_NAMES;
    if (!isLarge || named >= MOST_NAMES) return;
    if (view.named.has(model) || (passes && !passes[model])) continue;
    const { x, y } = sigma.graphToViewport({ x: data.x[model], y: data.y[model] });
    if (x < 0 || y < 0 || x > width || y > height) continue;
    if (nameDot(view, model, { matters: named < SURE_NAMES })) named += 1;
  }
};

const lineTo = (view, a, b) => {
  const { sigma, data, context } = view;
  const from = sigma.graphToViewport({ x: data.x[a], y: data.y[a] });
  const to = sigma.graphToViewport({ x: data.x[b], y: data.y[b] });
  context.moveTo(from.x, from.y);
  context.lineTo(to.x, to.y);
};

const drawKin = (view, chosen) => {
  const { sigma, data, colours, context, scale } = view;
  const above = upwards(data, chosen);
  context.strokeStyle = colours.accent;
  context.lineWidth = 0.7;
  context.beginPath();
  for (const child of data.childrenOf(chosen)) lineTo(view, chosen, child);
  context.stroke();
  context.lineWidth = 2;
  context.beginPath();
  for (const model of above) for (const parent of data.parentsOf(model)) lineTo(view, model, parent);
  context.stroke();
  const { x, y } = sigma.graphToViewport({ x: data.x[chosen], y: data.y[chosen] });
  context.lineWidth = 2.5;
  context.beginPath();
  context.arc(x, y, Math.max(data.r[chosen] * scale, 4) + 3, 0, 2 * Math.PI);
  context.stroke();
  return above;
};

export const drawInk = (sigma, data, { colours, chosen, pointed, passes, lonely }) => {
  const context = pen(sigma, "ink");
  context.textBaseline = "middle";
  context.lineJoin = "round";
  const scale = scaleOf(sigma);
  const take = pageOf(sigma.getDimensions(), dotsInView(sigma, data, scale));
  const named = new Set();
  const view = { sigma, data, colours, context, take, lonely, scale, named };
  const above = chosen === null ? new Set() : drawKin(view, chosen);
  if (pointed !== null) nameDot(view, pointed, { isForced: true });
  if (chosen !== null && chosen !== pointed) nameDot(view, chosen, { isForced: true });
  for (const model of above) if (!named.has(model)) nameDot(view, model);
  nameDiscs(view);
  nameDots(view, passes);
};
