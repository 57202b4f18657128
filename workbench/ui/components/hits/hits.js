// Ranked hit lists side by side: draws the columns that Python sends, and sends clicks back.
// Streamlit calls the default export again whenever data or theme change; it unmounts on a page switch.

const MOUNTED = new WeakMap();

export default function (component) {
  const { parentElement } = component;
  try {
    return take(component);
  } catch (error) {
    // An exception would make Streamlit replace the component for good, later good data or not.
    console.error(error);
    const r = MOUNTED.get(parentElement);
    if (r) failed(r, error);
  }
}

function take({ data, parentElement, setTriggerValue }) {
  const r = MOUNTED.get(parentElement) ?? build(parentElement);
  r.send = (value) => setTriggerValue("click", value);
  r.data = data;
  r.root.style.height = `${data.height}px`;
  r.root.classList.toggle("dark", isDark(r.root));
  update(r);
  return () => {
    r.watch.disconnect();
    MOUNTED.delete(parentElement);
    r.root.remove();
  };
}

function guarded(r, act) {
  try {
    act();
  } catch (error) {
    console.error(error);
    failed(r, error);
  }
}

function failed(r, error) {
  r.drawn = null;
  notice(r, `The hits cannot be drawn: ${error.message}`);
}

function notice(r, sentence) {
  r.notice.textContent = sentence;
  r.root.classList.add("blank");
}

// There is no flag for it: the theme is dark where its background is.
function isDark(root) {
  const colour = getComputedStyle(root).backgroundColor.match(/[\d.]+/g); // none where the page has dropped it by now
  const [red, green, blue] = (colour ?? [255, 255, 255]).map(Number);
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue < 128;
}

function build(parentElement) {
  const r = { cells: [] };
  r.root = element("div", "hl");
  r.lists = element("div", "lists");
  r.grid = element("div", "grid", { role: "grid", "aria-label": "Hits by rank" });
  r.heads = element("div", "heads", { role: "row" });
  r.cards = element("div", "cards", { role: "presentation" });
  r.svg = document.createElementNS(SVG, "svg");
  r.svg.setAttribute("aria-hidden", "true");
  r.grid.append(r.heads, r.cards);
  r.lists.append(r.grid);
  r.detail = element("section", "detail", { "aria-label": "Selected hit", tabindex: "0" });
  r.notice = element("div", "notice");
  const panes = element("div", "panes");
  panes.append(r.lists, r.detail);
  r.root.append(panes, r.notice);
  parentElement.append(r.root);
  listen(r);
  MOUNTED.set(parentElement, r);
  return r;
}

// Brings the screen to what the data say; cards are made anew only where a list changed.
function update(r) {
  const { columns, items, movement } = r.data;
  r.root.classList.toggle("blank", !columns.length);
  if (!columns.length) return notice(r, r.data.empty);
  r.root.style.setProperty("--columns", columns.length);
  r.root.classList.toggle("single", columns.length === 1);
  r.root.classList.toggle("pair", columns.length === 2);
  r.root.classList.toggle("many", columns.length > 2);
  drawHeads(r);
  const rows = columns.map((column) => [column.title, column.stale, column.rows, column.gone]);
  const content = JSON.stringify([rows, items, movement]);
  if (content !== r.drawn) {
    const listed = JSON.stringify(columns.map((column) => column.rows));
    drawCards(r);
    if (listed !== r.listed) r.lists.scrollTop = 0;
    r.drawn = content;
    r.listed = listed;
  }
  drawDetail(r);
  choose(r, r.data.selected ?? -1);
  drawLines(r);
}

function drawHeads(r) {
  const content = JSON.stringify(r.data.columns.map(({ title, note, stale, rows, gone }) => [title, note, stale, rows.length, gone?.length]));
  if (content === r.headed) return;
  r.headed = content;
  r.heads.replaceChildren(
    ...r.data.columns.map((column) => {
      const head = element("div", "head", { role: "columnheader" });
      const line = element("div", "line");
      line.append(words("b", "title", column.title, { title: column.title, dir: "auto" }));
      if (column.stale) line.append(words("span", "tag stale-tag", "stale"));
      if (column.rows.length) line.append(words("span", "count", String(column.rows.length), { title: `${column.rows.length} hits` }));
      head.append(line);
      if (column.note && column.rows.length) head.append(words("div", "note", column.note, { role: "status" }));
      return head;
    }),
  );
}

// One grid row per rank, so that equal ranks stand level in all columns.
function drawCards(r) {
  const { columns } = r.data;
  const active = r.grid.getRootNode().activeElement;
  const held = r.cells.flat().find((cell) => cell.node === active);
  const lists = columns.map((column) => [...column.rows, ...(column.gone ?? [])]);
  const depth = Math.max(1, ...lists.map((list) => list.length));
  r.cells = lists.map(() => []);
  const made = [];
  for (let i = 0; i < depth; i++) {
    const line = element("div", "row", { role: "row" });
    lists.forEach((list, c) => {
      if (list[i]) line.append(place(drawCard(r, c, list[i]), i, c));
      else if (!list.length && i === 0) {
        const empty = words("div", "empty", columns[c].note || "No hits.", { role: "gridcell" });
        empty.style.gridRow = `1 / span ${depth}`;
        empty.style.gridColumn = c + 1;
        line.append(empty);
      }
    });
    made.push(line);
  }
  r.cards.replaceChildren(...made, r.svg);
  r.over = null;
  const all = r.cells.flat();
  const again = held && all.find((cell) => cell.item === held.item && cell.column === held.column);
  rove(r, again ?? all[0]);
  if (again) again.node.focus({ preventScroll: true });
}

function place(node, i, c) {
  node.style.gridRow = i + 1;
  node.style.gridColumn = c + 1;
  return node;
}

function drawCard(r, c, [index, rank, score, passage, move]) {
  const item = r.data.items[index];
  const column = r.data.columns[c];
  const gone = move === "gone";
  const node = element("div", `card ${item.number % 2 ? "even" : "odd"}${gone ? " ghost" : ""}${column.stale ? " stale" : ""}`, {
    role: "gridcell",
    tabindex: "-1",
    "aria-selected": "false",
    "aria-label": label(item, rank, score, move, column),
  });
  const cell = { node, item: index, passage, rank, column: gone ? 0 : c, shownIn: c };
  r.cells[c].push(cell);
  node.hit = cell;
  const top = element("div", "top", { "aria-hidden": "true" });
  const where = element("div", "where", { "aria-hidden": "true" });
  const number = words("span", "number", `#${item.number}`);
  if (gone) {
    top.append(words("span", "move", `gone, was ${rank}`), number);
    where.append(elided(item.name));
    node.append(top, where);
    return node;
  }
  top.append(words("b", "badge", String(rank)), number);
  if (move !== "") top.append(moved(move));
  // A single list is wide enough for all of it on one line.
  const second = r.data.columns.length > 1 ? where : top;
  second.append(elided(item.name));
  if (item.page !== null) second.append(words("span", "page", `p. ${item.page}`));
  if (item.gold) second.append(words("span", `tag ${item.gold}`, GOLD[item.gold]));
  top.append(words("span", "score", score));
  node.append(top);
  if (second === where) node.append(where);
  if (item.path) node.append(words("div", "path", item.path, { "aria-hidden": "true", title: item.path, dir: "auto" }));
  const snippet = element("div", `snippet${item.before ? " before" : ""}${item.after ? " after" : ""}`, { dir: "auto", translate: "no" });
  snippet.append(marked(item.snippet, [["term", item.marks]]));
  node.append(snippet);
  return node;
}

// The arrow is drawn, not written: not every font has one.
function moved(move) {
  const way = move === "new" ? "new" : move > 0 ? "up" : move < 0 ? "down" : "same";
  return words("span", `move ${way}`, way === "new" ? "new" : way === "same" ? "" : String(Math.abs(move)), { title: movedWords(move) });
}

function movedWords(move) {
  if (move === "new" || move === "gone") return move;
  return move > 0 ? `up ${move}` : move < 0 ? `down ${-move}` : "same rank";
}

function label(item, rank, score, move, column) {
  const parts = [
    move === "gone" ? `Gone, was rank ${rank}` : `${column.title}, rank ${rank}, score ${score}`,
    column.stale ? "stale" : "",
    move === "" || move === "gone" ? "" : movedWords(move),
    `chunk ${item.number}`,
    item.name,
    item.page === null ? "" : `page ${item.page}`,
    item.path,
    item.gold ? GOLD_SENTENCE[item.gold].toLowerCase() : "",
  ];
  return parts.filter(Boolean).join(", ");
}

// Shows which hit is selected; Python says so, and after a click it is shown before Python has answered.
function choose(r, index, at = null) {
  r.chosen = null;
  for (const cell of r.cells.flat()) {
    const chosen = cell.item === index;
    cell.node.setAttribute("aria-selected", String(chosen));
    if (chosen) r.chosen = cell.passage;
    if (chosen && !at && r.selected !== index) at = cell;
  }
  if (index >= 0 && at && r.selected !== index) requestAnimationFrame(() => bring(r, at.node));
  r.selected = index;
}

// Scrolls the lists, and nothing around them, until the card can be seen.
function bring(r, node) {
  const view = r.lists.getBoundingClientRect();
  const card = node.getBoundingClientRect();
  const top = view.top + r.heads.offsetHeight + 4;
  if (card.top < top) r.lists.scrollTop -= top - card.top;
  else if (card.bottom > view.bottom - 6) r.lists.scrollTop += card.bottom - view.bottom + 6;
}

function select(r, cell) {
  const item = r.data.items[cell.item];
  choose(r, cell.item, cell);
  light(r);
  r.send([cell.column, cell.rank, ...item.span]);
}

function closeDetail(r) {
  if (!r.root.classList.contains("open")) return;
  const inside = r.detail.contains(r.root.getRootNode().activeElement);
  r.root.classList.remove("open");
  choose(r, -1);
  light(r);
  if (inside) r.current?.node.focus({ preventScroll: true });
  r.send("close");
}

// One card at a time is in the order of the Tab key.
function rove(r, cell) {
  if (r.current) r.current.node.tabIndex = -1;
  r.current = cell ?? null;
  if (cell) cell.node.tabIndex = 0;
}

function listen(r) {
  const cellOf = (event) => event.target.closest?.(".card")?.hit;
  r.cards.onclick = (event) => {
    const cell = cellOf(event);
    // Whoever drags over a snippet wants its words.
    const picked = r.root.getRootNode().getSelection?.() ?? document.getSelection();
    if (!cell || (picked && !picked.isCollapsed && event.detail)) return;
    guarded(r, () => {
      rove(r, cell);
      select(r, cell);
    });
  };
  const over = (passage) => {
    if (r.over === passage) return;
    r.over = passage;
    light(r);
  };
  r.cards.onpointerover = (event) => over(cellOf(event)?.passage ?? null);
  r.cards.onpointerleave = () => over(null);
  r.cards.addEventListener("focusin", (event) => event.target.matches(":focus-visible") && over(cellOf(event)?.passage ?? null));
  r.cards.addEventListener("focusout", () => over(null));
  // Streamlit takes "r" and "c" pressed anywhere for its own.
  r.root.onkeydown = (event) => {
    event.stopPropagation();
    guarded(r, () => key(r, event));
  };
  r.watch = new ResizeObserver(() => r.cells.length && guarded(r, () => drawLines(r)));
  r.watch.observe(r.cards);
}

function key(r, event) {
  if (event.key === "Escape") return closeDetail(r);
  const cell = event.target.hit;
  if (!cell || event.altKey || event.ctrlKey || event.metaKey) return;
  if (event.key === "Enter" || event.key === " ") {
    event.preventDefault();
    return select(r, cell);
  }
  const to = neighbour(r, cell, event.key);
  if (to === undefined) return;
  event.preventDefault();
  if (!to) return;
  rove(r, to);
  to.node.focus({ preventScroll: true });
  bring(r, to.node);
}

// The card that a key leads to; null where there is none, undefined for other keys. Sideways the same passage comes
// first, for the eye follows the line; where there is none, the same place in the next column that has hits.
function neighbour(r, cell, name) {
  const list = r.cells[cell.shownIn];
  const i = list.indexOf(cell);
  const page = Math.max(1, Math.floor(r.lists.clientHeight / cell.node.offsetHeight) - 1);
  const steps = { ArrowDown: 1, ArrowUp: -1, PageDown: page, PageUp: -page, Home: -list.length, End: list.length };
  if (name in steps) return list[Math.max(0, Math.min(list.length - 1, i + steps[name]))];
  if (name !== "ArrowLeft" && name !== "ArrowRight") return undefined;
  const way = name === "ArrowRight" ? 1 : -1;
  for (let c = cell.shownIn + way; c >= 0 && c < r.cells.length; c += way) {
    const other = r.cells[c];
    if (other.length) return other.find(({ passage }) => passage === cell.passage) ?? other[Math.min(i, other.length - 1)];
  }
  return null;
}
