// Layers of spans, and the segments of text between their edges.

// A layer from a flat list of code points: its spans in text order, in units. `row[i]` is where span i stood in the list.
function layerOf(flat, kept) {
  const n = flat.length >> 1;
  let row = Int32Array.from({ length: n }, (_, i) => i);
  const before = (a, b) => flat[2 * a] - flat[2 * b] || flat[2 * a + 1] - flat[2 * b + 1];
  for (let i = 1; i < n; i++) {
    if (before(i - 1, i) > 0) {
      row = row.sort(before);
      break;
    }
  }
  const starts = new Int32Array(n);
  const ends = new Int32Array(n);
  const reach = new Int32Array(n);
  let overlaps = false;
  const unit = (point) => Math.min(kept.text.length, kept.astral.length ? toUnit(kept.astral, point) : point);
  for (let i = 0; i < n; i++) {
    starts[i] = unit(flat[2 * row[i]]);
    ends[i] = unit(flat[2 * row[i] + 1]);
    if (i && starts[i] < reach[i - 1] && ends[i] > starts[i]) overlaps = true;
    reach[i] = i ? Math.max(reach[i - 1], ends[i]) : ends[i];
  }
  return { n, starts, ends, reach, row, overlaps };
}

const pairs = (rows) => rows.flatMap((row) => [row[0], row[1]]);

// The first span that may hold something at or after a unit; earlier ones have all ended.
function firstAt(layer, unit) {
  return countWhile(layer.n, (k) => layer.reach[k] <= unit);
}

// The last started span that holds a unit, or -1.
function holding(layer, unit) {
  for (let i = countWhile(layer.n, (k) => layer.starts[k] <= unit) - 1; i >= 0 && layer.reach[i] > unit; i--) {
    if (layer.ends[i] > unit) return i;
  }
  return -1;
}

// Calls draw(from, to, active, opened, closed) for each run of text within low..high in which no span begins or ends.
// active[name] holds the spans of a layer that are open there, in the order in which they began.
function sweep(layers, low, high, draw) {
  const edges = [];
  const active = {};
  for (const name in layers) {
    const layer = layers[name];
    active[name] = [];
    for (let i = firstAt(layer, low); i < layer.n && layer.starts[i] < high; i++) {
      if (layer.ends[i] <= low || layer.ends[i] <= layer.starts[i]) continue;
      edges.push([Math.max(low, layer.starts[i]), 1, name, i]);
      if (layer.ends[i] < high) edges.push([layer.ends[i], 0, name, i]);
    }
  }
  edges.sort((a, b) => a[0] - b[0] || a[1] - b[1] || a[3] - b[3]);
  let at = low;
  for (let e = 0; e <= edges.length; ) {
    const next = e < edges.length ? edges[e][0] : high;
    if (next > at) draw(at, next, active);
    at = next;
    if (e === edges.length) break;
    for (; e < edges.length && edges[e][0] === at; e++) {
      const [, opens, name, i] = edges[e];
      if (opens) active[name].push(i);
      else active[name].splice(active[name].indexOf(i), 1);
    }
  }
}
