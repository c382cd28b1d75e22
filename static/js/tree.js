// Makes a drawn tree easier to explore: paths to the roots, zoom, dragging, and pictures
// that change in place. Everything it does is an addition; links work without it.
const SMALLEST = 0.3;
const LARGEST = 3;

const parentsOf = (edge) => edge.dataset.parent.split(" ");

const ancestors = (edges, slug) => {
  const found = new Set([slug]);
  const waiting = [slug];
  while (waiting.length) {
    const child = waiting.pop();
    for (const edge of edges) {
      if (edge.dataset.child !== child) continue;
      for (const parent of parentsOf(edge)) {
        if (found.has(parent)) continue;
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
    const isLit = slugs.has(edge.dataset.child) && parentsOf(edge).some((p) => slugs.has(p));
    edge.classList.toggle("lit", isLit);
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

const zoomable = (frame, tools) => {
  const drawings = [...frame.querySelectorAll("svg")];
  const sizes = drawings.map((svg) => svg.getAttribute("viewBox").split(" ").slice(2).map(Number));
  let scale = 1;
  const zoom = (wanted, at = { x: frame.clientWidth / 2, y: frame.clientHeight / 2 }) => {
    const before = scale;
    scale = Math.min(Math.max(wanted, SMALLEST), LARGEST);
    drawings.forEach((svg, i) => {
      svg.setAttribute("width", sizes[i][0] * scale);
      svg.setAttribute("height", sizes[i][1] * scale);
    });
    // What is under the pointer stays there.
    const ratio = scale / before;
    frame.scrollTo((frame.scrollLeft + at.x) * ratio - at.x, (frame.scrollTop + at.y) * ratio - at.y);
  };
  for (const button of tools.querySelectorAll("[data-zoom-by]")) {
    button.addEventListener("click", () => zoom(scale * Number(button.dataset.zoomBy)));
  }
  tools.querySelector("[data-zoom-fit]").addEventListener("click", () => {
    zoom(frame.clientWidth / sizes[0][0]);
  });
  frame.addEventListener("wheel", (event) => {
    if (!event.ctrlKey && !event.metaKey) return;
    event.preventDefault();
    const box = frame.getBoundingClientRect();
    const at = { x: event.clientX - box.left, y: event.clientY - box.top };
    zoom(scale * Math.exp(-event.deltaY / 300), at);
  }, { passive: false });
  frame.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.key === "+" || event.key === "=") zoom(scale * 1.25);
    else if (event.key === "-") zoom(scale * 0.8);
    else if (event.key === "0") zoom(1);
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
    if (!event.buttons) { from = null; return; }
    const left = from.x - event.clientX;
    const top = from.y - event.clientY;
    moved ||= Math.abs(left - frame.scrollLeft) + Math.abs(top - frame.scrollTop) > 4;
    if (moved) frame.scrollTo(left, top);
  });
  frame.addEventListener("pointerup", () => { from = null; });
  frame.addEventListener("dragstart", (event) => event.preventDefault());
  frame.addEventListener("click", (event) => {
    if (moved) { event.preventDefault(); event.stopPropagation(); }
    moved = false;
  }, true);
};

const center = (frame, chip) => {
  const box = frame.getBoundingClientRect();
  const at = chip.getBoundingClientRect();
  frame.scrollBy(
    at.left + at.width / 2 - box.left - box.width / 2,
    at.top + at.height / 2 - box.top - box.height / 2,
  );
};

const find = (root, slug) =>
  [...root.querySelectorAll(".chip")].find((chip) => chip.dataset.slug === slug);

// A name that is in the picture is shown there; any other is asked for.
const jumps = (form, frame) => {
  const input = form.querySelector("input[name=focus]");
  input.addEventListener("change", () => {
    const chip = find(frame, input.value.trim());
    if (!chip) return;
    center(frame, chip);
    chip.focus();
  });
};

const prepare = (root) => {
  for (const frame of root.querySelectorAll("[data-tree]")) {
    showPaths(frame.querySelector(".tree-body"));
    draggable(frame);
    const chip = frame.querySelector(".is-focus, .chip.lit");
    if (chip) center(frame, chip);
    const tools = root.querySelector("[data-zoom]");
    if (tools) zoomable(frame, tools);
    const form = root.querySelector("[data-jump]");
    if (form) jumps(form, frame);
  }
};

// Where a chip stood before the picture changed, so that it stays under the pointer.
const placeOf = (box, slug) => {
  const chip = slug && find(box, slug);
  return chip ? chip.getBoundingClientRect().top : null;
};

const swap = async (box, address, slug) => {
  const before = placeOf(box, slug);
  box.setAttribute("aria-busy", "true");
  let text;
  try {
    const response = await fetch(address, { headers: { Accept: "text/html" } });
    if (!response.ok) throw new Error(String(response.status));
    text = await response.text();
  } catch {
    location.assign(address);
    return;
  }
  const fresh = new DOMParser().parseFromString(text, "text/html").getElementById(box.id);
  if (!fresh) { location.assign(address); return; }
  box.replaceChildren(...fresh.childNodes);
  box.removeAttribute("aria-busy");
  prepare(box);
  const chip = slug && find(box, slug);
  if (!chip) return;
  const frame = chip.closest("[data-tree]");
  if (before !== null) frame.scrollTop += chip.getBoundingClientRect().top - before;
  chip.focus({ preventScroll: true });
};

const go = (box, address, slug) => {
  history.pushState({}, "", address);
  return swap(box, address, slug);
};

for (const box of document.querySelectorAll("[data-swap]")) {
  box.addEventListener("click", (event) => {
    const link = event.target.closest("a");
    if (!link || link.hasAttribute("data-leave") || event.defaultPrevented) return;
    if (event.button || event.ctrlKey || event.metaKey || event.shiftKey || event.altKey) return;
    const address = new URL(link.getAttribute("href"), location.href);
    if (address.pathname !== location.pathname) return;
    event.preventDefault();
    // A folded chip is named after its parent.
    const slug = link.dataset.slug?.split(":")[0];
    go(box, address.href, slug);
  });
  box.addEventListener("submit", (event) => {
    const address = new URL(location.pathname, location.href);
    address.search = new URLSearchParams(new FormData(event.target)).toString();
    event.preventDefault();
    go(box, address.href, null);
  });
  addEventListener("popstate", () => swap(box, location.href, null));
}
prepare(document);
