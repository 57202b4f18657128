// The whole document as one strip: where chunks, gold, hits and finds stand, and which part is in view.

const STRIP_HEIGHT = 30;

function colour(r, name) {
  return getComputedStyle(r.root).getPropertyValue(`--${name}`).trim();
}

// The picture without the frame is made once per change of layers, theme or width; a scroll draws the frame over it.
function drawStrip(r) {
  const width = r.strip.clientWidth;
  if (!width || !r.kept) return;
  const ratio = window.devicePixelRatio || 1;
  const base = document.createElement("canvas");
  r.strip.width = base.width = Math.round(width * ratio);
  r.strip.height = base.height = Math.round(STRIP_HEIGHT * ratio);
  const pen = base.getContext("2d");
  pen.scale(ratio, ratio);
  const x = (unit) => (unit / r.kept.text.length) * width;
  const { chunks, gold, hits, unseen, found, sections } = shownLayers(r);
  pen.fillStyle = colour(r, "line");
  pen.fillRect(0, 15, width, 1);
  if (chunks) drawChunks(pen, chunks, x, width, [colour(r, "even-rail"), colour(r, "odd-rail")]);
  else if (sections) {
    pen.fillStyle = colour(r, "muted");
    for (let i = 0; i < sections.n; i++) {
      const { kind, level } = r.sections[sections.row[i]];
      if (kind === "heading") pen.fillRect(x(sections.starts[i]), 10, 1.5, Math.max(3, 15 - 3 * level));
    }
  }
  const box = (layer, i, top, height, least) => [x(layer.starts[i]), top, Math.max(least, x(layer.ends[i]) - x(layer.starts[i])), height];
  if (unseen) {
    pen.fillStyle = colour(r, "muted");
    for (let i = 0; i < unseen.n; i++) pen.fillRect(...box(unseen, i, 14, 3, 1));
  }
  if (found) {
    pen.fillStyle = colour(r, "find");
    for (let i = 0; i < found.n; i++) pen.fillRect(...box(found, i, 23, 3, 2));
  }
  if (gold) {
    pen.strokeStyle = colour(r, "gold");
    pen.lineWidth = 2;
    for (let i = 0; i < gold.n; i++) pen.strokeRect(...box(gold, i, 7, 16, 4));
  }
  if (hits) {
    pen.fillStyle = pen.strokeStyle = colour(r, "ink");
    pen.font = `700 9px ${getComputedStyle(r.root).fontFamily}`;
    let free = 0;
    for (let i = 0; i < hits.n; i++) {
      const [left, , wide] = box(hits, i, 0, 0, 2);
      pen.fillRect(left, 22, wide, 3);
      const rank = String(r.hits[hits.row[i]].rank);
      const at = Math.min(width - 6, Math.max(3, left + wide / 2)) - pen.measureText(rank).width / 2;
      if (at < free) continue;
      pen.fillText(rank, at, 6.5);
      free = at + pen.measureText(rank).width + 1;
    }
  }
  r.base = base;
  drawFrame(r);
}

// Wide enough chunks one by one, in their two hues; else, per pixel, how many boundaries fall into it.
function drawChunks(pen, chunks, x, width, hues) {
  pen.globalAlpha = 0.55;
  if ((x(chunks.reach[chunks.n - 1]) - x(chunks.starts[0])) / chunks.n >= 3) {
    for (let i = 0; i < chunks.n; i++) {
      pen.fillStyle = hues[i % 2];
      const [from, to] = [x(chunks.starts[i]), x(chunks.ends[i])];
      pen.fillRect(from, i % 2 ? 12 : 10, Math.max(1, to - from - 0.5), 8);
    }
  } else {
    const count = new Float32Array(Math.ceil(width) + 1);
    for (let i = 0; i < chunks.n; i++) count[Math.floor(x(chunks.starts[i]))]++;
    const most = count.reduce((a, b) => Math.max(a, b), 1);
    pen.fillStyle = hues[0];
    for (let p = 0; p < width; p++) {
      const high = count[p] ? 3 + 9 * (count[p] / most) : 0;
      pen.fillRect(p, 21 - high, 1, high);
    }
  }
  pen.globalAlpha = 1;
}

function drawFrame(r) {
  if (!r.base) return;
  const pen = r.strip.getContext("2d");
  const ratio = window.devicePixelRatio || 1;
  const width = r.strip.clientWidth;
  pen.setTransform(1, 0, 0, 1, 0, 0);
  pen.clearRect(0, 0, r.strip.width, r.strip.height);
  pen.drawImage(r.base, 0, 0);
  pen.scale(ratio, ratio);
  const [from, to] = r.inView;
  const length = r.kept.text.length;
  const left = (from / length) * width;
  const wide = Math.max(6, ((to - from) / length) * width);
  const at = Math.max(1, Math.min(left, width - wide - 1));
  pen.fillStyle = colour(r, "frame-fill");
  pen.strokeStyle = colour(r, "accent");
  pen.lineWidth = 1.5;
  pen.beginPath();
  pen.roundRect(at, 1, wide, STRIP_HEIGHT - 2, 3);
  pen.fill();
  pen.stroke();
}

function listenToStrip(r) {
  const jump = (event) => {
    const box = r.strip.getBoundingClientRect();
    const share = Math.max(0, Math.min(1, (event.clientX - box.left) / box.width));
    const half = (r.inView[1] - r.inView[0]) / 2;
    bringIntoView(r, Math.round(share * r.kept.text.length - half), true);
  };
  r.strip.onpointerdown = (event) => {
    if (!r.kept || event.button) return;
    r.strip.setPointerCapture(event.pointerId);
    jump(event);
  };
  r.strip.onpointermove = (event) => {
    if (r.kept && event.buttons & 1 && r.strip.hasPointerCapture(event.pointerId)) jump(event);
  };
  r.strip.onkeydown = (event) => {
    if (!r.kept) return;
    const [from, to] = r.inView;
    const page = Math.max(200, to - from);
    const wanted = {
      ArrowRight: from + page / 4, ArrowDown: from + page / 4, ArrowLeft: from - page / 4, ArrowUp: from - page / 4,
      PageDown: from + page, PageUp: from - page, Home: 0, End: r.kept.text.length - 1,
    }[event.key];
    if (wanted === undefined) return;
    event.preventDefault();
    bringIntoView(r, Math.round(wanted), true);
  };
}
