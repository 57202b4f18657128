// The component: takes what Python sends, keeps one reader per place on the page, and sends selection and clicks back.
// Streamlit calls the default export again whenever data or theme change; it unmounts on a page switch.

const MOUNTED = new WeakMap();
const READERS = new Map();
const OVERLAYS = new Map();
// Reader key and document → the unit at the top of the view, and the last scroll_to that was done.
const PLACES = new Map();
const PLACES_KEPT = 50;

export default function (component) {
  const { data, parentElement } = component;
  try {
    return data.role === "overlay" ? takeOverlay(data, parentElement) : takeReader(component);
  } catch (error) {
    // An exception would make Streamlit replace the component for good, later good data or not.
    console.error(error);
    const r = MOUNTED.get(parentElement);
    if (r) notice(r, `The reader cannot draw this: ${error.message}`);
  }
}

function takeOverlay(data, parentElement) {
  OVERLAYS.set(data.key, data);
  // It shows nothing of its own, so it must not take a row's gap on the page either.
  const box = parentElement.getRootNode().host?.closest("[data-testid=stElementContainer]");
  if (box) box.style.display = "none";
  const r = READERS.get(data.key);
  if (r) guarded(r, () => update(r));
  return () => {
    if (box) box.style.display = "";
    if (OVERLAYS.get(data.key) !== data) return;
    OVERLAYS.delete(data.key);
    const left = READERS.get(data.key);
    if (left) guarded(left, () => update(left));
  };
}

function takeReader({ data, parentElement, setStateValue, setTriggerValue }) {
  const r = MOUNTED.get(parentElement) ?? build(parentElement, data.key);
  READERS.set(data.key, r);
  r.sendState = setStateValue;
  r.sendTrigger = setTriggerValue;
  if (data.text !== undefined) keepText(data.id, data.text);
  r.data = data;
  r.root.style.height = `${data.height}px`;
  r.root.classList.toggle("dark", isDark(r.root));
  update(r);
  return () => {
    rememberPlace(r);
    r.watch.disconnect();
    document.removeEventListener("selectionchange", r.onselectionchange);
    window.removeEventListener("pointerup", r.onpointerup);
    if (READERS.get(r.key) === r) READERS.delete(r.key);
    MOUNTED.delete(parentElement);
    r.root.remove();
  };
}

function guarded(r, act) {
  try {
    act();
  } catch (error) {
    console.error(error);
    notice(r, `The reader cannot draw this: ${error.message}`);
  }
}

// There is no flag for it: the theme is dark where its background is.
function isDark(root) {
  const [red, green, blue] = getComputedStyle(root).backgroundColor.match(/[\d.]+/g).map(Number);
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue < 128;
}

function build(parentElement, key) {
  const r = { key, off: SWITCHED_OFF.get(key) ?? new Set(), unitOf: new WeakMap(), drawn: new WeakMap() };
  SWITCHED_OFF.set(key, r.off);
  r.root = element("div", "rd");
  parentElement.append(r.root);
  buildToolbar(r);
  r.strip = element("canvas", "strip", { tabindex: "0", role: "slider", "aria-label": "Place in the document", "aria-valuemin": "0", "aria-valuemax": "100", "aria-valuenow": "0" });
  r.view = element("div", "view", { tabindex: "0", role: "region", "aria-label": "Document text" });
  r.txt = element("div", "txt", { translate: "no" });
  r.gutter = element("div", "gutter");
  r.view.append(r.txt, r.gutter);
  r.notice = element("div", "notice");
  r.live = element("div", "live", { "aria-live": "polite" });
  r.root.append(r.strip, r.view, r.notice, r.live);
  listen(r);
  listenToStrip(r);
  MOUNTED.set(parentElement, r);
  return r;
}

function notice(r, words) {
  r.notice.textContent = words;
  r.root.classList.add("blank");
}

const RANGES = ["hits", "gold"];
const PACKED = ["unseen", "matches"];

// Brings the screen to what the reader's and the overlay's data say; what did not change is not made again.
function update(r) {
  const data = r.data;
  if (!data) return;
  if (!data.id) {
    r.kept = null;
    r.id = null;
    return notice(r, data.empty);
  }
  const kept = keptText(data.id);
  if (!kept) {
    r.kept = null;
    r.id = null;
    notice(r, "Loading the text …");
    return r.sendTrigger("need", data.id);
  }
  r.root.classList.remove("blank");
  const over = OVERLAYS.get(r.key);
  const extra = over?.id === data.id ? over : {};
  const fresh = r.id !== data.id;
  const sources = [data, extra];
  const all = (name) => sources.flatMap((source) => source[name] ?? []);
  const before = r.layers ?? {};
  if (fresh || r.packedChunks !== data.chunks) {
    r.current = -1;
    r.packedChunks = data.chunks;
    before.chunks = layerOf(unpack(data.chunks), kept);
  }
  r.layers = { chunks: before.chunks };
  for (const name of RANGES) {
    r[name] = all(name).map(([, , third, score]) => ({ rank: third, score }));
    r.layers[name] = layerOf(pairs(all(name)), kept);
  }
  for (const name of PACKED) r.layers[name] = layerOf(sources.flatMap((source) => Array.from(unpack(source[name]))), kept);
  r.sections = (data.sections ?? []).map(([, , kind, level]) => ({ kind, level }));
  r.layers.sections = layerOf(pairs(data.sections ?? []), kept);
  r.pages = (data.pages ?? []).map(([start, number]) => [Math.min(toUnit(kept.astral, start), kept.text.length), number]);
  r.numbers = data.numbers ? unpack(data.numbers) : null;
  r.stale = Boolean(extra.id && (extra.version ?? "") !== (data.version ?? ""));
  r.root.classList.toggle("stale", r.stale);
  r.root.classList.toggle("mono", MONO.has(r.key));
  r.view.setAttribute("aria-label", `Text of ${data.name}`);
  r.kept = kept;
  r.id = data.id;
  drawSwitches(r);
  if (fresh) open(r);
  else redraw(r);
  follow(r, [data.goto, extra.goto]);
  moved(r);
}

// A document that was not on screen before: as it was left, or from its beginning.
function open(r) {
  r.found = r.now = r.flash = [];
  r.sel = null;
  r.inView = [0, 1];
  r.box.value = "";
  search(r, "");
  const place = PLACES.get(`${r.key} ${r.id}`);
  const unit = Math.min(place?.unit ?? 0, r.kept.text.length - 1);
  draw(r, blockOf(r.kept.cuts, unit));
  r.view.scrollTop = 0;
  if (unit) bringIntoView(r, unit, true);
  if (place?.dy !== undefined) keepPlace(r, place);
  drawStrip(r);
}

// Does the scroll_to that was not done yet, once: Python repeats it at every rerun.
function follow(r, wanted) {
  for (const goto of wanted) {
    if (!goto || goto[0] !== r.id) continue;
    const place = placeOf(r);
    if (place.done === goto[3]) continue;
    place.done = goto[3];
    const [from, to] = [toUnit(r.kept.astral, goto[1]), toUnit(r.kept.astral, goto[2])];
    r.flash = [[from, Math.max(to, from + 1)]];
    redraw(r);
    bringIntoView(r, from);
    clearTimeout(r.flashed);
    r.flashed = setTimeout(() => {
      r.flash = [];
      for (const run of r.txt.querySelectorAll(".flash")) run.classList.remove("flash");
    }, 1800);
  }
}

function placeOf(r) {
  const name = `${r.key} ${r.id}`;
  const place = PLACES.get(name) ?? {};
  PLACES.delete(name);
  PLACES.set(name, place);
  if (PLACES.size > PLACES_KEPT) PLACES.delete(PLACES.keys().next().value);
  return place;
}

function rememberPlace(r) {
  if (!r.kept || !r.view.isConnected || !r.view.clientHeight) return;
  Object.assign(placeOf(r), topPlace(r));
}

// After anything that moves the view.
function moved(r) {
  if (!r.kept) return;
  r.inView = viewUnits(r);
  showPlace(r);
  drawFrame(r);
}

function listen(r) {
  // Streamlit takes "r" and "c" pressed anywhere for its own.
  r.root.onkeydown = (event) => {
    event.stopPropagation();
    if ((event.ctrlKey || event.metaKey) && event.key === "f" && r.kept && r.root.getRootNode().activeElement !== r.box) {
      event.preventDefault();
      r.box.select();
      r.box.focus();
    }
  };
  r.view.onkeydown = (event) => r.kept && guarded(r, () => keyInText(r, event));

  let frame = 0;
  let rest;
  r.view.onscroll = () => {
    if (!r.kept) return;
    frame ||= requestAnimationFrame(() => {
      frame = 0;
      guarded(r, () => {
        slide(r);
        moved(r);
      });
    });
    clearTimeout(rest);
    rest = setTimeout(() => rememberPlace(r), 200);
  };

  r.view.onpointerdown = (event) => (r.pressed = event.button === 0);
  r.onpointerup = () => {
    r.pressed = false;
    if (r.waiting) {
      r.waiting = false;
      guarded(r, () => redraw(r));
    }
  };
  window.addEventListener("pointerup", r.onpointerup);

  let settled;
  r.onselectionchange = () => {
    clearTimeout(settled);
    settled = setTimeout(() => r.kept && guarded(r, () => takeSelection(r)), 250);
  };
  document.addEventListener("selectionchange", r.onselectionchange);

  let clicked;
  r.view.onclick = (event) => {
    clearTimeout(clicked);
    // The first click of a double click comes first: wait for the second, which selects a word and is no click.
    if (r.kept && event.detail <= 1) clicked = setTimeout(() => guarded(r, () => takeClick(r, event)), event.detail ? 220 : 0);
  };

  r.watch = new ResizeObserver(() => {
    if (!r.kept || !r.view.clientHeight) return;
    guarded(r, () => {
      drawGutter(r);
      drawStrip(r);
      slide(r);
      moved(r);
    });
  });
  r.watch.observe(r.view);
}

// Home and End know the window only, the document is meant. Alt with an arrow goes chunk by chunk, Enter is its click.
function keyInText(r, event) {
  const chunks = r.layers.chunks;
  const end = r.kept.text.length - 1;
  if (event.target !== r.view) return;
  if (event.key === "Home" || event.key === "End") {
    event.preventDefault();
    bringIntoView(r, event.key === "Home" ? 0 : end, true);
  } else if (event.altKey && (event.key === "ArrowDown" || event.key === "ArrowUp") && chunks.n) {
    event.preventDefault();
    const here = r.current >= 0 ? r.current : countWhile(chunks.n, (k) => chunks.starts[k] < r.inView[0]) - (event.key === "ArrowDown" ? 1 : 0);
    r.current = Math.max(0, Math.min(chunks.n - 1, here + (event.key === "ArrowDown" ? 1 : -1)));
    bringIntoView(r, chunks.starts[r.current]);
    drawGutter(r);
    say(r, chunkWords(r, r.current));
  } else if (event.key === "Enter" && r.current >= 0) {
    sendClick(r, "chunk", chunks.row[r.current], chunks.starts[r.current]);
  } else if (event.key === "Escape") clearSelection(r);
}

function chunkWords(r, i) {
  const [from, to] = [r.layers.chunks.starts[i], r.layers.chunks.ends[i]].map((unit) => toPoint(r.kept.astral, unit));
  const n = (value) => value.toLocaleString("en");
  return `Chunk ${numberOf(r, i)}: ${n(to - from)} characters, ${n(from)} to ${n(to)}`;
}

// The range selected in this reader in units, or null. Inside a shadow root, getRangeAt tells nothing: composed ranges do.
function selectedUnits(r) {
  const selection = document.getSelection();
  const root = r.root.getRootNode();
  if (!selection || !selection.rangeCount) return null;
  const range = selection.getComposedRanges?.({ shadowRoots: [root] })[0] ?? root.getSelection?.()?.getRangeAt(0);
  if (!range || !r.view.contains(range.startContainer)) return null;
  const unit = (container, offset) => {
    if (r.txt.contains(container)) {
      const start = r.unitOf.get(container);
      if (start !== undefined) return start + offset;
      const upTo = document.createRange();
      upTo.setStart(r.txt, 0);
      upTo.setEnd(container, offset);
      return r.kept.cuts[r.first] + upTo.toString().length;
    }
    // Dragged out of the text: up to the end of what is drawn on that side.
    const follows = r.txt.compareDocumentPosition(container) & (Node.DOCUMENT_POSITION_FOLLOWING | Node.DOCUMENT_POSITION_CONTAINS);
    return follows ? r.kept.cuts[r.last] : r.kept.cuts[r.first];
  };
  const [from, to] = [unit(range.startContainer, range.startOffset), unit(range.endContainer, range.endOffset)];
  return from < to ? [from, to] : null;
}

function takeSelection(r) {
  const units = selectedUnits(r);
  if (units) {
    if (!r.data.selectable || (r.sel && r.sel[0][0] === units[0] && r.sel[0][1] === units[1])) return;
    r.sel = [units];
    r.selDrawn = false;
    r.sendState("sel", [r.id, toPoint(r.kept.astral, units[0]), toPoint(r.kept.astral, units[1])]);
  } else if (r.sel && !r.selDrawn) {
    // The browser's own mark is gone, the selection still stands: draw it.
    r.selDrawn = true;
    redraw(r);
  }
}

function clearSelection(r) {
  if (!r.sel) return;
  r.sel = null;
  r.selDrawn = false;
  redraw(r);
  r.sendState("sel", null);
}

function takeClick(r, event) {
  if (selectedUnits(r)) return;
  const on = event.target.dataset ?? {};
  const { chunks, hits, gold } = r.layers;
  clearSelection(r);
  if (on.hit !== undefined) {
    bringIntoView(r, hits.starts[on.hit]);
    return sendClick(r, "hit", r.hits[hits.row[on.hit]].rank, hits.starts[on.hit]);
  }
  const unit = on.chunk !== undefined ? chunks.starts[on.chunk] : unitUnder(r, event);
  if (unit === null) return;
  const over = (layer, name) => (r.shown[name] && on.chunk === undefined ? holding(layer, unit) : -1);
  const hit = over(hits, "hits");
  const mark = over(gold, "gold");
  const i = on.chunk !== undefined ? Number(on.chunk) : holding(chunks, unit);
  if (i >= 0) {
    r.current = i;
    drawGutter(r);
    say(r, chunkWords(r, i));
  }
  if (hit >= 0) sendClick(r, "hit", r.hits[hits.row[hit]].rank, unit);
  else if (mark >= 0) sendClick(r, "gold", r.gold[gold.row[mark]].rank, unit);
  else if (i >= 0) sendClick(r, "chunk", chunks.row[i], unit);
}

function sendClick(r, layer, id, unit) {
  r.sendTrigger("click", [r.id, toPoint(r.kept.astral, unit), id, layer]);
}

// The unit of the character under the pointer; null beside the text.
function unitUnder(r, event) {
  const run = event.composedPath()[0];
  if (!(run instanceof Node) || !r.txt.contains(run) || run === r.txt) return null;
  const nodes = run.classList.contains("blk") ? r.drawn.get(run).nodes.filter((node) => node.parentNode === run) : [run.firstChild];
  const { clientX: x, clientY: y } = event;
  for (const node of nodes) {
    const whole = document.createRange();
    whole.selectNode(node);
    if (![...whole.getClientRects()].some((box) => x >= box.left && x <= box.right && y >= box.top && y <= box.bottom)) continue;
    const start = r.unitOf.get(node);
    const above = countWhile(node.length, (k) => (charRect(r, start + k)?.bottom ?? 0) <= y);
    const line = countWhile(node.length, (k) => (charRect(r, start + k)?.top ?? 0) <= y);
    for (let k = above; k < line; k++) {
      const rect = charRect(r, start + k);
      if (rect && x >= rect.left && x <= rect.right) return start + k;
    }
    return start + above;
  }
  return null;
}
