// What the user does in the text: keys, scrolling, selecting, clicking; and what of it goes to Python.

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
    settled = setTimeout(() => r.kept && r.root.isConnected && guarded(r, () => takeSelection(r)), 250); // it may be gone by then
  };
  document.addEventListener("selectionchange", r.onselectionchange);

  let clicked;
  r.view.onclick = (event) => {
    clearTimeout(clicked);
    // The first click of a double click comes first: wait for the second, which selects a word and is no click.
    if (!r.kept || event.detail > 1) return;
    const on = event.composedPath()[0];
    const { clientX: x, clientY: y } = event;
    clicked = setTimeout(() => r.root.isConnected && guarded(r, () => takeClick(r, on, x, y)), event.detail ? 220 : 0);
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

function takeClick(r, target, x, y) {
  if (selectedUnits(r)) return;
  const on = target.dataset ?? {};
  const { chunks, hits, gold } = r.layers;
  clearSelection(r);
  if (on.hit !== undefined) {
    bringIntoView(r, hits.starts[on.hit]);
    return sendClick(r, "hit", r.hits[hits.row[on.hit]].rank, hits.starts[on.hit]);
  }
  const unit = on.chunk !== undefined ? chunks.starts[on.chunk] : unitUnder(r, target, x, y);
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
function unitUnder(r, run, x, y) {
  if (!r.txt.contains(run) || run === r.txt) return null;
  const nodes = run.classList.contains("blk") ? r.drawn.get(run).nodes.filter((node) => node.parentNode === run) : [run.firstChild];
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
