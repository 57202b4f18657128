// The component: takes what Python sends, keeps one reader per place on the page, and sends selection and clicks back.
// mount.js, which is all that Streamlit sends again with every message, calls `take` and `leave`.

const MOUNTED = new WeakMap();
const READERS = new Map();
const OVERLAYS = new Map();
// Reader key and document → the unit at the top of the view, and the last scroll_to that was done.
const PLACES = new Map();
const PLACES_KEPT = 50;

function take(component) {
  const { data, parentElement } = component;
  try {
    if (data.role === "overlay") takeOverlay(data, parentElement);
    else takeReader(component);
  } catch (error) {
    // An exception would make Streamlit replace the component for good, later good data or not.
    console.error(error);
    const r = MOUNTED.get(parentElement);
    if (r) notice(r, `The reader cannot draw this: ${error.message}`);
  }
}

function leave({ data, parentElement }) {
  if (data.role === "overlay") leaveOverlay(data, parentElement);
  else leaveReader(parentElement);
}

function takeOverlay(data, parentElement) {
  OVERLAYS.set(data.key, { ...data, from: parentElement });
  const r = READERS.get(data.key);
  if (r) guarded(r, () => update(r));
}

function leaveOverlay(data, parentElement) {
  if (OVERLAYS.get(data.key)?.from !== parentElement) return;
  OVERLAYS.delete(data.key);
  const r = READERS.get(data.key);
  if (r) guarded(r, () => update(r));
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
}

function leaveReader(parentElement) {
  const r = MOUNTED.get(parentElement);
  if (!r) return;
  rememberPlace(r);
  r.watch.disconnect();
  document.removeEventListener("selectionchange", r.onselectionchange);
  window.removeEventListener("pointerup", r.onpointerup);
  if (READERS.get(r.key) === r) READERS.delete(r.key);
  MOUNTED.delete(parentElement);
  r.root.remove();
  r.style.remove();
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
  const colour = getComputedStyle(root).backgroundColor.match(/[\d.]+/g); // none where the page has dropped it by now
  const [red, green, blue] = (colour ?? [255, 255, 255]).map(Number);
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue < 128;
}

function build(parentElement, key) {
  const r = { key, off: SWITCHED_OFF.get(key) ?? new Set(), unitOf: new WeakMap(), drawn: new WeakMap() };
  SWITCHED_OFF.set(key, r.off);
  r.root = element("div", "rd");
  r.style = Object.assign(document.createElement("style"), { textContent: STYLE });
  parentElement.replaceChildren(r.style, r.root);
  buildToolbar(r);
  r.strip = element("canvas", "strip", { tabindex: "0", role: "slider", "aria-label": "Place in the document", "aria-valuemin": "0", "aria-valuemax": "100", "aria-valuenow": "0" });
  r.view = element("div", "view", { tabindex: "0", role: "region", "aria-label": "Document text" });
  r.txt = element("div", "txt", { translate: "no" });
  r.gutter = element("div", "gutter");
  r.sheet = element("div", "sheet");
  r.sheet.append(r.txt, r.gutter);
  r.view.append(r.sheet);
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
  // Nodes made anew would take the browser's selection away: only where something on screen changes.
  const content = JSON.stringify([{ ...data, text: null, goto: null, height: null }, { ...extra, goto: null, from: null }]);
  if (!fresh && content === r.content) {
    drawStrip(r);
    return follow(r, [data.goto, extra.goto]);
  }
  r.content = content;
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
  r.root.classList.toggle("structured", Boolean(r.layers.sections.n || r.pages.length));
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
