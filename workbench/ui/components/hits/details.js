// Pieces of a hit: its text with marks, its name, and the selected hit in full.

function element(tag, className, attributes = {}) {
  const made = document.createElement(tag);
  if (className) made.className = className;
  for (const name in attributes) made.setAttribute(name, attributes[name]);
  return made;
}

function words(tag, className, text, attributes = {}) {
  const made = element(tag, className, attributes);
  made.textContent = text;
  return made;
}

const counted = (n) => n.toLocaleString("en");

// The text in runs of text nodes. Each layer is [class, flat code points]; a layer's own spans do not overlap.
function marked(text, layers) {
  const astral = astralUnits(text);
  const spans = layers.map(([name, flat]) => [name, flat.map((point) => Math.min(text.length, toUnit(astral, point)))]);
  const cuts = [...new Set([0, text.length, ...spans.flatMap(([, flat]) => flat)])].sort((a, b) => a - b);
  const at = spans.map(() => 0);
  const made = document.createDocumentFragment();
  for (let i = 0; i + 1 < cuts.length; i++) {
    const [from, to] = [cuts[i], cuts[i + 1]];
    const classes = [];
    spans.forEach(([name, flat], k) => {
      while (at[k] < flat.length && flat[at[k] + 1] <= from) at[k] += 2;
      if (at[k] >= flat.length || flat[at[k]] > from) return;
      classes.push(name);
      if (flat[at[k]] === from) classes.push(`${name}-first`);
      if (flat[at[k] + 1] === to) classes.push(`${name}-last`);
    });
    const piece = text.slice(from, to);
    made.append(classes.length ? words(classes.includes("term") ? "mark" : "span", classes.join(" "), piece) : piece);
  }
  return made;
}

// A name that gives way in its middle: what tells versions and formats apart stands at its end.
function elided(name) {
  let cut = name.length - 10;
  // Never inside a character, and not where the script runs from right to left.
  while (cut > 0 && /^[\p{M}\u200d\ufe0f\udc00-\udfff]/u.test(name.slice(cut, cut + 2))) cut--;
  const split = cut >= 5 && !/[\u0590-\u08ff]/.test(name);
  const box = element("span", split ? "name split" : "name", { title: name, dir: "auto" });
  box.append(words("span", "start", split ? name.slice(0, cut) : name));
  if (split) box.append(words("span", "end", name.slice(cut)));
  return box;
}

const GOLD = { whole: "gold", cut: "gold, cut" };
const GOLD_SENTENCE = { whole: "Holds a gold passage whole", cut: "Cuts a gold passage", none: "Holds no gold passage" };

function drawDetail(r) {
  const { detail, items, selected } = r.data;
  r.root.classList.toggle("open", Boolean(detail));
  const content = detail ? JSON.stringify([detail, items[selected]]) : "";
  if (content === r.detailed) return;
  r.detailed = content;
  r.detail.replaceChildren();
  if (!detail) return;
  const item = items[selected];
  const top = element("div", "where");
  const name = elided(item.name);
  const close = element("button", "close", { type: "button", "aria-label": "Close this hit", title: "Close (Esc)" });
  close.onclick = () => closeDetail(r);
  top.append(words("b", "number", `#${item.number}`), name);
  if (item.page !== null) top.append(words("span", "page", `page ${item.page}`));
  top.append(close);
  const made = [top];
  if (item.path) made.push(words("div", "path", item.path, { dir: "auto" }));
  const [, start, end] = item.span;
  const facts = [`${counted(end - start)} characters`];
  if (detail.tokens !== null) facts.push(`${counted(detail.tokens)} tokens`);
  facts.push(`at ${counted(start)}\u2013${counted(end)}`);
  const ranks = element("dl", "ranks");
  for (const [title, rank, score] of detail.ranks) {
    const pair = element("div", rank ? "" : "missing");
    pair.append(words("dt", "", title, { dir: "auto" }));
    const value = element("dd");
    if (rank) value.append(words("b", "badge", rank, { "aria-label": `rank ${rank}` }), words("span", "score", score, { title: "score" }));
    else value.append("not in list");
    pair.append(value);
    ranks.append(pair);
  }
  made.push(ranks);
  const line = words("div", "facts", facts.join(" · "));
  if (detail.found) line.append(words("span", detail.found === "none" ? "" : `tag ${detail.found}`, GOLD_SENTENCE[detail.found]));
  made.push(line);
  if (detail.header) {
    const header = element("div", "header");
    header.append(words("span", "caption", "header, embedded before the text"), words("div", "header-text", detail.header, { dir: "auto" }));
    made.push(header);
  }
  const text = element("div", "text", { dir: "auto", translate: "no" });
  text.append(marked(detail.text, [["term", detail.marks], ["gold", merged(detail.gold)]]));
  made.push(text);
  r.detail.append(...made);
  r.detail.scrollTop = 0;
}

// Gold passages may overlap; as one outline they are drawn joined.
function merged(flat) {
  const spans = [];
  for (let i = 0; i < flat.length; i += 2) spans.push([flat[i], flat[i + 1]]);
  spans.sort((a, b) => a[0] - b[0]);
  const out = [];
  for (const [from, to] of spans) {
    if (out.length && from <= out[out.length - 1]) out[out.length - 1] = Math.max(to, out[out.length - 1]);
    else out.push(from, to);
  }
  return out;
}
