// The atlas: dots and lines by sigma, where the server put them; search, card, filters.
// Without WebGL the table under it says the same.
import { around, matching, passing, unpacked } from "./atlas-data.js";
import { drawDiscs, drawInk, hues } from "./atlas-ink.js";

const MOST_MATCHES = 12;
// So many lines are left out while they move, and each more faintly drawn.
const MANY_LINES = 3000;
const MOTION = matchMedia("(prefers-reduced-motion: reduce)").matches ? 0 : 150;

const hasWebGL = () => {
  const canvas = document.createElement("canvas");
  return Boolean(canvas.getContext("webgl2") ?? canvas.getContext("webgl"));
};

// Without WebGL these scripts end in an error as soon as they are loaded.
const loaded = (address) =>
  new Promise((resolve, reject) => {
    const script = document.createElement("script");
    script.src = address;
    script.addEventListener("load", resolve);
    script.addEventListener("error", reject);
    document.head.append(script);
  });

const mixed = (one, other, share) => {
  const parts = (hex) => [1, 3, 5].map((at) => parseInt(hex.slice(at, at + 2), 16));
  const [a, b] = [parts(one), parts(other)];
  const channel = (value, i) => Math.round(value * (1 - share) + b[i] * share);
  return `#${a.map((v, i) => channel(v, i).toString(16).padStart(2, "0")).join("")}`;
};

// Sigma adds what is clear to what lies below, so that its channels are less as well.
const clear = (hex, share) => {
  const parts = [1, 3, 5].map((at) => parseInt(hex.slice(at, at + 2), 16) * share);
  return `rgba(${parts.map(Math.round).join(", ")}, ${share.toFixed(3)})`;
};

// The colours of lines by layer, between families and within: many are drawn more
// faintly, and most of all those between families.
const lineColours = (colours, data) => {
  const crowd = Math.min(1, MANY_LINES / data.children.length);
  const hue = { weights: colours.weights, component: colours.weights };
  const ideas = new Set(["architecture", "tokenizer"]);
  const of = (share) =>
    data.layerWords.map((layer) =>
      ideas.has(layer)
        ? clear(colours.line, 0.3 * crowd)
        : clear(hue[layer] ?? colours.quiet, 0.4 * share),
    );
  const [far, near] = [of(Math.max(crowd, 0.12)), of(Math.max(crowd, 0.5))];
  const { children, parents, layers, discOf } = data;
  return (edge) =>
    (discOf[children[edge]] === discOf[parents[edge]] ? near : far)[layers[edge]];
};

const graphOf = (data, colours) => {
  const graph = new graphology.Graph({ type: "directed", multi: true });
  for (let i = 0; i < data.n; i += 1) {
    graph.addNode(i, {
      x: data.x[i],
      y: data.y[i],
      size: data.r[i],
      color: colours.of(data.categories[data.category[i]]),
    });
  }
  const colourOf = lineColours(colours, data);
  for (let i = 0; i < data.children.length; i += 1) {
    const color = colourOf(i);
    graph.addEdgeWithKey(i, data.children[i], data.parents[i], { size: 1, color });
  }
  return graph;
};

class Chart {
  constructor(form, data) {
    this.form = form;
    this.data = data;
    this.colours = hues();
    this.chosen = null;
    this.pointed = null;
    this.passes = null;
    this.sigma = new Sigma(graphOf(data, this.colours), form.querySelector("[data-map]"), {
      renderLabels: false,
      itemSizesReference: "positions",
      zoomToSizeRatioFunction: (ratio) => ratio,
      defaultDrawNodeHover: () => {},
      defaultEdgeType: "thin",
      edgeProgramClasses: { thin: Sigma.rendering.EdgeLineProgram },
      hideEdgesOnMove: data.children.length > MANY_LINES,
      minCameraRatio: 0.002,
      maxCameraRatio: 1.6,
      stagePadding: 12,
      allowInvalidContainer: true,
    });
    this.sigma.setCustomBBox(around(data));
    this.sigma.createCanvasContext("discs", { beforeLayer: "edges" });
    this.sigma.createCanvasContext("ink", { afterLayer: "nodes" });
    this.sigma.resize(true);
    this.sigma.on("afterRender", () => this.ink());
    this.sigma.on("clickNode", ({ node }) => this.choose(Number(node)));
    this.sigma.on("clickStage", () => this.close());
    this.sigma.on("enterNode", ({ node }) => this.point(Number(node)));
    this.sigma.on("leaveNode", () => this.point(null));
    this.sigma.refresh();
  }

  ink() {
    drawDiscs(this.sigma, this.data, this.colours);
    drawInk(this.sigma, this.data, { ...this, lonely: this.form.dataset.lonely });
    this.form.querySelector("[data-wait]").hidden = true;
    this.form.dataset.state = "drawn";
  }

  point(model) {
    this.pointed = model;
    this.form.querySelector("[data-map]").style.cursor = model === null ? "" : "pointer";
    this.ink();
  }

  async choose(model) {
    this.chosen = model;
    this.ink();
    const { card, atlas } = this.form.dataset;
    const query = new URL(atlas, location.href).search;
    const answer = await fetch(`${card}${this.data.ids[model]}/${query}`);
    if (!answer.ok || this.chosen !== model) return;
    const place = this.form.querySelector("[data-card-place]");
    place.innerHTML = await answer.text();
    place.hidden = false;
    place.querySelector("[data-close]").addEventListener("click", () => this.close());
  }

  close() {
    this.chosen = null;
    this.form.querySelector("[data-card-place]").hidden = true;
    this.ink();
  }

  jump(model) {
    const { x, y } = this.sigma.getNodeDisplayData(model);
    const pixels = this.data.r[model] * this.pixelsPerUnit();
    const ratio = Math.min(this.sigma.getCamera().ratio, (this.sigma.getCamera().ratio * pixels) / 9);
    this.sigma.getCamera().animate({ x, y, ratio }, { duration: MOTION });
    this.choose(model);
  }

  pixelsPerUnit() {
    const a = this.sigma.graphToViewport({ x: 0, y: 0 });
    const b = this.sigma.graphToViewport({ x: 1, y: 0 });
    return Math.hypot(b.x - a.x, b.y - a.y);
  }

  zoom(by) {
    const camera = this.sigma.getCamera();
    camera.animate({ ratio: camera.getBoundedRatio(camera.ratio * by) }, { duration: MOTION });
  }

  fit() {
    this.sigma.getCamera().animate({ x: 0.5, y: 0.5, ratio: 1, angle: 0 }, { duration: MOTION });
  }

  filter() {
    const codes = (name) =>
      new Set(
        [...this.form.querySelectorAll(`[name="${name}"]:checked`)].map((box) =>
          Number(box.dataset.code),
        ),
      );
    const family = this.form.querySelector("#atlas-family")?.selectedOptions[0].dataset.code;
    const disc = this.data.discs.find(({ id }) => id === Number(family ?? NaN));
    const layers = codes("layer");
    const passes = passing(this.data, {
      categories: codes("category"),
      origins: codes("origin"),
      disc,
    });
    this.passes = passes;
    const { children, parents } = this.data;
    const isLine = (i) =>
      (!layers.size || layers.has(this.data.layers[i])) &&
      (!passes || (passes[children[i]] && passes[parents[i]]));
    const faint = mixed(this.colours.shore, this.colours.land, 0.3);
    this.sigma.setSetting(
      "nodeReducer",
      passes && ((node, shown) => (passes[node] ? shown : { ...shown, color: faint })),
    );
    this.sigma.setSetting(
      "edgeReducer",
      passes || layers.size
        ? (edge, shown) => (isLine(edge) ? shown : { ...shown, hidden: true })
        : null,
    );
    this.sigma.refresh({ skipIndexation: true });
  }

  recolour() {
    this.colours = hues();
    const { categories, category } = this.data;
    const graph = this.sigma.getGraph();
    graph.updateEachNodeAttributes((node, shown) => ({
      ...shown,
      color: this.colours.of(categories[category[node]]),
    }));
    const colourOf = lineColours(this.colours, this.data);
    graph.updateEachEdgeAttributes((edge, shown) => ({ ...shown, color: colourOf(edge) }));
    this.filter();
  }
}

const searchable = (form, map, data) => {
  const field = form.querySelector("#atlas-q");
  const names = form.querySelector("#atlas-names");
  field.addEventListener("input", () => {
    const found = matching(data, field.value, MOST_MATCHES);
    names.replaceChildren(...found.map((i) => new Option("", data.names[i])));
    if (found.length && data.names[found[0]] === field.value) map.jump(found[0]);
  });
  form.addEventListener("submit", (event) => {
    // What is not among those shown, and whatever filters the table, the server answers.
    if (event.submitter?.closest(".atlas-filters")) return;
    const [found] = matching(data, field.value, 1);
    if (found === undefined) return;
    event.preventDefault();
    map.jump(found);
  });
};

const start = async (form) => {
  if (!hasWebGL()) {
    form.querySelector("[data-frame]").hidden = true;
    form.querySelector(".zoom").hidden = true;
    form.querySelector("[data-no-drawing]").hidden = false;
    return;
  }
  const { atlas, graphology, sigma } = form.dataset;
  const [answer] = await Promise.all([fetch(atlas), loaded(graphology), loaded(sigma)]);
  if (!answer.ok) throw new Error(`the atlas: ${answer.status}`);
  const data = unpacked(await answer.json());
  const map = new Chart(form, data);
  searchable(form, map, data);
  for (const button of form.querySelectorAll("[data-zoom-by]")) {
    button.addEventListener("click", () => map.zoom(Number(button.dataset.zoomBy)));
  }
  form.querySelector("[data-zoom-fit]").addEventListener("click", () => map.fit());
  form.querySelector(".atlas-filters").addEventListener("change", () => map.filter());
  addEventListener("keydown", (event) => {
    if (event.key === "Escape") map.close();
  });
  const recolour = () => map.recolour();
  new MutationObserver(recolour).observe(document.documentElement, {
    attributeFilter: ["data-theme"],
  });
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", recolour);
  if (form.querySelector(".atlas-filters :checked:not([value=''])")) map.filter();
  const at = data.ids.indexOf(Number(form.dataset.at || NaN));
  if (at >= 0) map.jump(at);
};

for (const form of document.querySelectorAll("[data-atlas]")) {
  start(form).catch((error) => {
    const wait = form.querySelector("[data-wait]");
    wait.textContent = wait.dataset.failed;
    throw error;
  });
}
