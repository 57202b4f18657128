// The row above the text: find, one switch per layer (its swatch is the legend), and the place in the document.

const MOST_FOUND = 5000;
const SWITCHES = [
  ["chunks", "Chunks", (r) => r.layers.chunks.n],
  ["overlap", "Overlap", (r) => (r.layers.chunks.overlaps ? -1 : 0)],
  ["gold", "Gold", (r) => r.layers.gold.n],
  ["hits", "Hits", (r) => r.layers.hits.n],
  ["terms", "Terms", (r) => r.layers.matches.n],
  ["unseen", "Not embedded", (r) => r.layers.unseen.n],
  ["structure", "Structure", (r) => (r.layers.sections.n || r.pages.length ? -1 : 0)],
];

// Kept by reader key, so that a reader that comes back after another page looks as it was left.
const SWITCHED_OFF = new Map();
const MONO = new Set();

function buildToolbar(r) {
  r.bar = element("div", "bar");
  const find = element("div", "find", { role: "search" });
  r.box = element("input", "box", { type: "text", placeholder: "Find in text", "aria-label": "Find in document text", spellcheck: "false", autocomplete: "off" });
  r.count = element("span", "count");
  r.previous = element("button", "step up", { type: "button", "aria-label": "Previous match", title: "Previous match (Shift+Enter)" });
  r.next = element("button", "step down", { type: "button", "aria-label": "Next match", title: "Next match (Enter)" });
  find.append(r.box, r.count, r.previous, r.next);
  r.switches = element("div", "switches", { role: "group", "aria-label": "Layers" });
  r.place = element("span", "place");
  r.bar.append(find, r.switches, r.place);
  r.root.append(r.bar);

  let timer;
  r.box.oninput = () => {
    clearTimeout(timer);
    timer = setTimeout(() => search(r, r.box.value), 120);
  };
  r.box.onkeydown = (event) => {
    if (event.key === "Enter") {
      event.preventDefault();
      clearTimeout(timer);
      if (r.searched !== r.box.value) search(r, r.box.value);
      else step(r, event.shiftKey ? -1 : 1);
    } else if (event.key === "Escape") {
      r.box.value = "";
      search(r, "");
      r.view.focus({ preventScroll: true });
    }
  };
  r.next.onclick = () => step(r, 1);
  r.previous.onclick = () => step(r, -1);
}

function drawSwitches(r) {
  const wanted = SWITCHES.map(([name, label, size]) => [name, label, size(r)]).filter(([, , n]) => n);
  const focused = r.root.getRootNode().activeElement?.dataset?.layer;
  const made = wanted.map(([name, label, n]) => {
    const button = element("button", `switch for-${name}`, { type: "button", "data-layer": name, "aria-pressed": String(!r.off.has(name)) });
    button.append(element("i", "swatch", { "aria-hidden": "true" }), label);
    if (n > 0) button.append(Object.assign(element("b", "size"), { textContent: n.toLocaleString("en") }));
    if (r.stale && name === "hits") button.append(Object.assign(element("em", "stale"), { textContent: "stale" }));
    button.onclick = () => {
      if (!r.off.delete(name)) r.off.add(name);
      button.setAttribute("aria-pressed", String(!r.off.has(name)));
      redraw(r);
    };
    return button;
  });
  const mono = element("button", "switch for-mono", { type: "button", "data-layer": "mono", "aria-pressed": String(MONO.has(r.key)) });
  mono.append("Mono");
  mono.onclick = () => {
    if (!MONO.delete(r.key)) MONO.add(r.key);
    mono.setAttribute("aria-pressed", String(MONO.has(r.key)));
    const anchor = topPlace(r);
    r.root.classList.toggle("mono", MONO.has(r.key));
    drawGutter(r);
    keepPlace(r, anchor);
  };
  r.switches.replaceChildren(...made, mono);
  if (focused) r.switches.querySelector(`[data-layer="${focused}"]`)?.focus({ preventScroll: true });
}

// Finds in the whole text, without case, a space in the query standing for any run of white space.
function search(r, query) {
  r.searched = query;
  r.found = [];
  r.now = [];
  r.chosen = -1;
  r.more = false;
  if (query.trim() && r.kept) {
    const escaped = query.trim().replace(/[\\^$.*+?()[\]{}|/]/g, "\\$&").replace(/\s+/g, "\\s+");
    for (const match of r.kept.text.matchAll(new RegExp(escaped, "giu"))) {
      if (r.found.length === MOST_FOUND) {
        r.more = true;
        break;
      }
      r.found.push([match.index, match.index + match[0].length]);
    }
    if (r.found.length) {
      const here = r.inView[0];
      r.chosen = Math.min(r.found.length - 1, countWhile(r.found.length, (k) => r.found[k][0] < here)) - 1;
      return step(r, 1);
    }
  }
  showCount(r);
  redraw(r);
}

function step(r, by) {
  if (!r.found.length) return;
  r.chosen = (r.chosen + by + r.found.length) % r.found.length;
  r.now = [r.found[r.chosen]];
  showCount(r);
  redraw(r);
  bringIntoView(r, r.now[0][0]);
}

function showCount(r) {
  const all = r.found.length.toLocaleString("en") + (r.more ? "+" : "");
  r.count.textContent = !r.searched?.trim() ? "" : r.found.length ? `${(r.chosen + 1).toLocaleString("en")} of ${all}` : "no match";
  r.next.disabled = r.previous.disabled = !r.found.length;
  r.root.classList.toggle("finding", Boolean(r.searched?.trim()));
  say(r, r.count.textContent && `Find: ${r.count.textContent}`);
}

function say(r, words) {
  if (r.live.textContent !== words) r.live.textContent = words;
}

// Where the view stands: "Chunk 42 of 187 · p. 3 · 34 %".
function showPlace(r) {
  const [from, to] = r.inView;
  const parts = [];
  const chunks = r.layers.chunks;
  if (chunks.n) {
    const i = Math.max(0, countWhile(chunks.n, (k) => chunks.starts[k] <= from) - 1);
    parts.push(`chunk ${numberOf(r, i).toLocaleString("en")} of ${chunks.n.toLocaleString("en")}`);
  }
  const page = r.pages[countWhile(r.pages.length, (k) => r.pages[k][0] <= from) - 1];
  if (page) parts.push(`p. ${page[1]}`);
  const end = r.kept.text.length;
  const share = to >= end ? 100 : Math.floor((100 * from) / end);
  parts.push(`${share} %`);
  r.place.textContent = parts.join(" \u00b7 ");
  r.strip.setAttribute("aria-valuenow", String(share));
  r.strip.setAttribute("aria-valuetext", r.place.textContent);
}
