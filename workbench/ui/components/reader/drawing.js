// The window of blocks that is in the DOM, its gutter, and the way between places on the screen and places in the text.

const WINDOW = 10;
const STEP = 3;
const NEAR = 700;

function element(tag, className, attributes = {}) {
  const made = document.createElement(tag);
  if (className) made.className = className;
  for (const name in attributes) made.setAttribute(name, attributes[name]);
  return made;
}

// The layers as they are to be drawn now: those that are switched on, and what the reader adds of its own.
function shownLayers(r) {
  const shown = {};
  for (const name in r.layers) if (r.layers[name].n && !r.off.has(SWITCH_OF[name] ?? name)) shown[name] = r.layers[name];
  if (r.stale) delete shown.unseen;
  for (const name of ["found", "now", "sel", "flash"]) {
    const spans = r[name];
    if (spans?.length) shown[name] = unitLayer(spans);
  }
  return shown;
}

const SWITCH_OF = { matches: "terms", sections: "structure" };

// A layer of spans that are in units and in order already.
function unitLayer(spans) {
  const starts = spans.map((s) => s[0]);
  const ends = spans.map((s) => s[1]);
  let far = 0;
  return { n: spans.length, starts, ends, reach: ends.map((e) => (far = Math.max(far, e))), row: spans.map((_, i) => i) };
}

// The classes of a run of text, by the spans that are open there.
function classesOf(r, from, to, active) {
  const classes = [];
  const chunks = active.chunks;
  if (chunks?.length) {
    classes.push(chunks[chunks.length - 1] % 2 ? "odd" : "even");
    if (chunks.length > 1 && !r.off.has("overlap")) classes.push("shared");
    if (r.layers.chunks.starts[chunks[chunks.length - 1]] === from) classes.push("begins");
  }
  if (active.hits?.length) classes.push("hit");
  if (active.gold?.length) {
    classes.push("gold");
    if (active.gold.some((i) => r.layers.gold.starts[i] === from)) classes.push("gold-first");
    if (active.gold.some((i) => r.layers.gold.ends[i] === to)) classes.push("gold-last");
  }
  if (active.unseen?.length) {
    classes.push("unseen");
    if (active.unseen.some((i) => r.layers.unseen.starts[i] === from)) classes.push("unseen-first");
  }
  for (const i of active.sections ?? []) {
    const { kind, level } = r.sections[r.layers.sections.row[i]];
    classes.push(kind, `level-${level}`);
  }
  for (const name of ["matches", "found", "now", "sel", "flash"]) if (active[name]?.length) classes.push(name);
  return classes;
}

// One block. Text goes in as text nodes and in no other way. `marks` keeps, per layer, the first and last element of a span.
function drawBlock(r, b) {
  const block = element("div", "blk", { dir: "auto" });
  const marks = { chunks: new Map(), hits: new Map(), unseen: new Map(), sections: new Map() };
  const nodes = [];
  sweep(r.shown, r.kept.cuts[b], r.kept.cuts[b + 1], (from, to, active) => {
    const node = document.createTextNode(r.kept.text.slice(from, to));
    r.unitOf.set(node, from);
    nodes.push(node);
    const classes = classesOf(r, from, to, active);
    if (!classes.length) return block.append(node);
    const run = element("span", classes.join(" "));
    run.append(node);
    block.append(run);
    for (const name in marks) {
      for (const i of active[name] ?? []) {
        const mark = marks[name].get(i);
        if (mark) mark[1] = run;
        else marks[name].set(i, [run, run]);
      }
    }
  });
  r.drawn.set(block, { marks, nodes });
  return block;
}

function drawBlocks(r, from, to) {
  const made = document.createDocumentFragment();
  for (let b = from; b < to; b++) made.append(drawBlock(r, b));
  return made;
}

// Draws the window around block b anew.
function draw(r, b, anchor = null) {
  const blocks = r.kept.cuts.length - 1;
  r.shown = shownLayers(r);
  r.first = Math.max(0, Math.min(b - WINDOW / 2, blocks - WINDOW));
  r.last = Math.min(blocks, r.first + WINDOW);
  r.txt.replaceChildren(drawBlocks(r, r.first, r.last));
  // Before the gutter is written: to ask for a place after that would lay the page out a second time.
  keepPlace(r, anchor);
  drawGutter(r);
}

// Draws the same window anew and keeps the line at the top of the view where it is.
function redraw(r) {
  if (!r.kept) return;
  if (r.pressed) return void (r.waiting = true);
  const anchor = topPlace(r);
  draw(r, Math.min(r.first + WINDOW / 2, r.kept.cuts.length - 2), anchor);
  drawStrip(r);
}

// Moves the window on where the view comes near one of its ends. While a button is down nothing is dropped: the anchor
// of the selection that is being dragged may stand there.
function slide(r) {
  const blocks = r.kept.cuts.length - 1;
  const view = r.view;
  const below = view.scrollHeight - view.scrollTop - view.clientHeight;
  if (below < NEAR && r.last < blocks) {
    const to = Math.min(blocks, r.last + STEP);
    r.txt.append(drawBlocks(r, r.last, to));
    r.last = to;
    const spare = r.pressed ? 0 : r.last - r.first - WINDOW;
    if (spare > 0) {
      const height = view.scrollHeight;
      for (let i = 0; i < spare; i++) r.txt.firstChild.remove();
      r.first += spare;
      view.scrollTop -= height - view.scrollHeight;
    }
    drawGutter(r);
  } else if (view.scrollTop < NEAR && r.first > 0) {
    const from = Math.max(0, r.first - STEP);
    const height = view.scrollHeight;
    r.txt.prepend(drawBlocks(r, from, r.first));
    view.scrollTop += view.scrollHeight - height;
    r.first = from;
    const spare = r.pressed ? 0 : r.last - r.first - WINDOW;
    for (let i = 0; i < spare; i++) r.txt.lastChild.remove();
    r.last -= Math.max(0, spare);
    drawGutter(r);
  }
}

// Rails, numbers, badges, pages: everything beside the text. Positions are read first and written afterwards, so that
// the browser lays out once.
function drawGutter(r) {
  const spans = { chunks: new Map(), hits: new Map(), unseen: new Map(), sections: new Map() };
  for (const block of r.txt.children) {
    const { marks } = r.drawn.get(block);
    for (const name in marks) {
      for (const [i, [first, last]] of marks[name]) {
        const mark = spans[name].get(i);
        if (mark) mark[1] = last;
        else spans[name].set(i, [first, last]);
      }
    }
  }
  const low = r.kept.cuts[r.first];
  const extent = ([first, last]) => [first.offsetTop, last.offsetTop + last.offsetHeight];
  const made = [];
  // Short chunks share a line, and one rail does for all of a hue that do.
  const rails = new Set();
  const rail = (className, [top, bottom]) => {
    const name = `${className} ${top} ${bottom}`;
    if (rails.has(name)) return;
    rails.add(name);
    made.push(placed("i", `rail ${className}`, top + 1, { "aria-hidden": "true" }, bottom - top - 2));
  };
  const numbers = [];
  const chunks = r.layers.chunks;
  for (const [i, mark] of spans.chunks) {
    const range = extent(mark);
    rail(i % 2 ? "second" : "first", range);
    if (chunks.starts[i] >= low) numbers.push([range[0], i]);
  }
  for (const mark of spans.unseen.values()) rail("struck", extent(mark));
  numbers.sort((a, b) => a[0] - b[0]);
  for (let k = 0; k < numbers.length; ) {
    const [top, i] = numbers[k];
    let j = k;
    while (j + 1 < numbers.length && numbers[j + 1][0] - top < 10) j++;
    const label = j > k ? `${numberOf(r, i)}\u2013${numberOf(r, numbers[j][1])}` : `${numberOf(r, i)}`;
    const at = numbers.slice(k, j + 1).some(([, c]) => c === r.current) ? " current" : "";
    made.push(placed("i", "number" + at, top, { "data-label": label, "data-chunk": i, "aria-hidden": "true" }));
    k = j + 1;
  }
  const badges = [...spans.hits].map(([i, mark]) => [mark[0].offsetTop, i]).sort((a, b) => a[0] - b[0] || a[1] - b[1]);
  let free = -Infinity;
  for (const [top, i] of badges) {
    const hit = r.hits[r.layers.hits.row[i]];
    const y = Math.max(top, free);
    free = y + 21;
    made.push(placed("button", "badge", y, { "data-label": hit.rank, "data-hit": i, "aria-label": hitLabel(r, hit), title: hitLabel(r, hit) }));
  }
  if (r.shown.sections) {
    for (const [i, mark] of spans.sections) {
      const section = r.sections[r.layers.sections.row[i]];
      if (r.layers.sections.starts[i] < low || section.kind === "row") continue;
      const label = section.kind === "heading" ? `H${section.level}` : section.kind;
      made.push(placed("i", "kind", mark[0].offsetTop, { "data-label": label, "aria-hidden": "true" }));
    }
  }
  if (!r.off.has("structure")) {
    for (const [unit, number] of r.pages) {
      if (unit < low || unit >= r.kept.cuts[r.last]) continue;
      const rect = charRect(r, unit);
      if (!rect) continue;
      const top = rect.top - r.sheet.getBoundingClientRect().top;
      made.push(placed("i", "page", top, { "data-label": `p. ${number}`, "aria-hidden": "true" }));
    }
  }
  const focused = r.root.getRootNode().activeElement?.dataset?.hit;
  r.gutter.replaceChildren(...made);
  if (focused !== undefined) r.gutter.querySelector(`[data-hit="${focused}"]`)?.focus({ preventScroll: true });
}

function placed(tag, className, top, attributes, height) {
  const made = element(tag, className, attributes);
  made.style.top = `${top}px`;
  if (height !== undefined) made.style.height = `${height}px`;
  return made;
}

const numberOf = (r, i) => r.numbers?.[r.layers.chunks.row[i]] ?? r.layers.chunks.row[i] + 1;
const hitLabel = (r, hit) => `Hit ${hit.rank}, score ${hit.score.toFixed(3)}${r.stale ? ", stale" : ""}`;

// The text node in the window that holds a unit, and the place in it.
function nodeAt(r, unit) {
  const block = r.txt.children[blockOf(r.kept.cuts, unit) - r.first];
  const nodes = block ? r.drawn.get(block).nodes : [];
  const node = nodes[countWhile(nodes.length, (k) => r.unitOf.get(nodes[k]) <= unit) - 1];
  return node && [node, Math.min(unit - r.unitOf.get(node), node.length - 1)];
}

function charRect(r, unit) {
  const found = nodeAt(r, unit);
  if (!found) return null;
  const [node, at] = found;
  const range = document.createRange();
  // A line feed may have no box of its own: take the next character's that has one.
  for (let i = at; i < Math.min(node.length, at + 8); i++) {
    range.setStart(node, i);
    range.setEnd(node, i + 1);
    const rect = range.getClientRects()[0];
    if (rect) return rect;
  }
  return (node.parentElement ?? r.txt).getBoundingClientRect();
}

// The first unit whose line reaches into the view, and how far below the view's top it stands.
function topPlace(r) {
  if (!r.txt.firstChild) return null;
  const top = r.view.getBoundingClientRect().top + 1;
  const blocks = r.txt.children;
  const block = blocks[Math.min(blocks.length - 1, countWhile(blocks.length, (k) => blocks[k].getBoundingClientRect().bottom <= top))];
  const b = r.first + Array.prototype.indexOf.call(blocks, block);
  const low = r.kept.cuts[b];
  const length = r.kept.cuts[b + 1] - low;
  const above = countWhile(length, (k) => (charRect(r, low + k)?.bottom ?? 0) <= top);
  const unit = low + Math.min(above, Math.max(0, length - 1));
  return { unit, dy: (charRect(r, unit)?.top ?? top) - top };
}

function keepPlace(r, place) {
  const rect = place && charRect(r, place.unit);
  if (rect) r.view.scrollTop += rect.top - (r.view.getBoundingClientRect().top + 1) - place.dy;
}

// A rough and cheap answer for every frame of a scroll: the units at the top and bottom of the view.
function viewUnits(r) {
  const box = r.view.getBoundingClientRect();
  const unitAt = (y) => {
    const blocks = r.txt.children;
    const k = Math.min(blocks.length - 1, countWhile(blocks.length, (j) => blocks[j].getBoundingClientRect().bottom <= y));
    if (k < 0) return 0;
    const rect = blocks[k].getBoundingClientRect();
    const [from, to] = [r.kept.cuts[r.first + k], r.kept.cuts[r.first + k + 1]];
    const share = rect.height ? (y - rect.top) / rect.height : 0;
    return Math.round(from + (to - from) * Math.max(0, Math.min(1, share)));
  };
  return [unitAt(box.top), unitAt(box.bottom)];
}

// Brings a unit to a third of the view's height; a place that is well in view already stays where it is.
function bringIntoView(r, unit, always = false) {
  unit = Math.max(0, Math.min(unit, r.kept.text.length - 1));
  const b = blockOf(r.kept.cuts, unit);
  if (b < r.first || b >= r.last) draw(r, b);
  const box = r.view.getBoundingClientRect();
  const rect = charRect(r, unit);
  const there = rect.top - box.top;
  if (always || there < 8 || there > box.height - 60) r.view.scrollTop += there - (always ? 4 : box.height / 3);
  slide(r);
  moved(r);
}
