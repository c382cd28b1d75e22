// Makes a drawn tree easier to explore: paths to the roots, zoom, dragging.
// Everything it does is an addition; the drawing works without it.
const SMALLEST = 0.3;
const LARGEST = 3;

const ancestors = (edges, slug) => {
  const found = new Set([slug]);
  const waiting = [slug];
  while (waiting.length) {
    const child = waiting.pop();
    for (const edge of edges) {
      const { parent } = edge.dataset;
      if (edge.dataset.child === child && !found.has(parent)) {
        found.add(parent);
        waiting.push(parent);
      }
    }
  }
  return found;
};

const light = (svg, slugs) => {
  svg.classList.add("has-lit");
  for (const chip of svg.querySelectorAll(".chip")) {
    chip.classList.toggle("lit", slugs.has(chip.dataset.slug));
  }
  for (const edge of svg.querySelectorAll(".edge")) {
    const { child, parent } = edge.dataset;
    edge.classList.toggle("lit", slugs.has(child) && slugs.has(parent));
  }
};

const showPaths = (svg) => {
  const edges = [...svg.querySelectorAll(".edge:not(.edge--contradicted)")];
  const lit = [...svg.querySelectorAll(".chip.lit")].map((chip) => chip.dataset.slug);
  const restore = () => {
    light(svg, new Set(lit));
    if (!lit.length) svg.classList.remove("has-lit");
  };
  const show = (event) => {
    const chip = event.target.closest(".chip");
    if (chip) light(svg, ancestors(edges, chip.dataset.slug));
  };
  svg.addEventListener("pointerover", show);
  svg.addEventListener("focusin", show);
  svg.addEventListener("pointerleave", restore);
  svg.addEventListener("focusout", restore);
};

const zoomable = (frame, svg, tools) => {
  const [, , width, height] = svg.getAttribute("viewBox").split(" ").map(Number);
  let scale = 1;
  const zoom = (wanted) => {
    scale = Math.min(Math.max(wanted, SMALLEST), LARGEST);
    svg.setAttribute("width", width * scale);
    svg.setAttribute("height", height * scale);
  };
  for (const button of tools.querySelectorAll("[data-zoom-by]")) {
    button.addEventListener("click", () => zoom(scale * Number(button.dataset.zoomBy)));
  }
  tools.querySelector("[data-zoom-fit]").addEventListener("click", () => {
    zoom(frame.clientWidth / width);
  });
  tools.hidden = false;
};

const draggable = (frame) => {
  let from = null;
  let moved = false;
  frame.addEventListener("pointerdown", (event) => {
    if (event.pointerType !== "mouse" || event.button !== 0) return;
    from = { x: event.clientX + frame.scrollLeft, y: event.clientY + frame.scrollTop };
    moved = false;
  });
  frame.addEventListener("pointermove", (event) => {
    if (!from) return;
    const left = from.x - event.clientX;
    const top = from.y - event.clientY;
    moved ||= Math.abs(left - frame.scrollLeft) + Math.abs(top - frame.scrollTop) > 4;
    if (moved) frame.scrollTo(left, top);
  });
  addEventListener("pointerup", () => { from = null; });
  frame.addEventListener("dragstart", (event) => event.preventDefault());
  frame.addEventListener("click", (event) => { if (moved) event.preventDefault(); }, true);
};

const showFocus = (frame, svg) => {
  const chip = svg.querySelector(".is-focus rect, .chip.lit rect");
  if (!chip) return;
  const x = Number(chip.getAttribute("x")) + Number(chip.getAttribute("width")) / 2;
  frame.scrollTo(x - frame.clientWidth / 2, chip.getAttribute("y") - frame.clientHeight / 2);
};

for (const frame of document.querySelectorAll("[data-tree]")) {
  const svg = frame.querySelector("svg");
  showPaths(svg);
  draggable(frame);
  showFocus(frame, svg);
  const tools = document.querySelector("[data-zoom]");
  if (tools) zoomable(frame, svg, tools);
}
