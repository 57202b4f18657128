// A page of a PDF with rectangles over it. Python sends points of the page; the browser scales them with the picture.
// Texts go into text nodes and attributes only.

const KEPT = 12;
const PICTURES = (globalThis[Symbol.for("workbench.pages")] ??= new Map());
const MOUNTED = new WeakMap();
const SVG = "http://www.w3.org/2000/svg";
const ZOOMS = [0.5, 0.75, 1, 1.5, 2, 3];

export default function (component) {
  const { parentElement, data, setTriggerValue } = component;
  const r = MOUNTED.get(parentElement) ?? build(parentElement);
  r.send = setTriggerValue;
  try {
    update(r, data);
  } catch (error) {
    // An exception would make Streamlit replace the component for good.
    console.error(error);
    r.note.textContent = `The page cannot be drawn: ${error.message}`;
  }
  return () => {
    MOUNTED.delete(parentElement);
    r.root.remove();
  };
}

function element(kind, name, attributes = {}, text = "") {
  const made = document.createElement(kind);
  made.className = name;
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  if (text) made.textContent = text;
  return made;
}

function drawn(kind, name, attributes, text = "") {
  const made = document.createElementNS(SVG, kind);
  made.setAttribute("class", name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  if (text) made.textContent = text;
  return made;
}

function build(parentElement) {
  const r = { zoom: 0, data: null };
  r.root = element("div", "pv");
  const bar = element("div", "bar", { role: "toolbar", "aria-label": "Page" });
  r.back = element("button", "turn", { type: "button", "aria-label": "Previous page" }, "‹");
  r.number = element("input", "number", { type: "text", inputmode: "numeric", "aria-label": "Page number" });
  r.of = element("span", "of");
  r.next = element("button", "turn", { type: "button", "aria-label": "Next page" }, "›");
  r.less = element("button", "turn", { type: "button", "aria-label": "Smaller" }, "−");
  r.fit = element("button", "fit", { type: "button", "aria-pressed": "true" }, "Fit width");
  r.more = element("button", "turn", { type: "button", "aria-label": "Larger" }, "+");
  r.legend = element("span", "legend");
  bar.append(r.back, r.number, r.of, r.next, element("span", "gap"), r.legend, r.less, r.fit, r.more);
  r.view = element("div", "sheetview", { tabindex: "0", role: "region" });
  r.sheet = element("div", "sheet");
  r.picture = element("img", "picture", { alt: "", draggable: "false" });
  r.svg = drawn("svg", "marks", { "aria-hidden": "true", preserveAspectRatio: "none" });
  r.sheet.append(r.picture, r.svg);
  r.view.append(r.sheet);
  r.note = element("div", "note", { role: "status" });
  r.root.append(bar, r.view, r.note);
  parentElement.append(r.root);
  listen(r);
  MOUNTED.set(parentElement, r);
  return r;
}

function listen(r) {
  // Streamlit takes "r" and "c" pressed anywhere for its own.
  r.root.onkeydown = (event) => event.stopPropagation();
  r.back.onclick = () => turn(r, -1);
  r.next.onclick = () => turn(r, 1);
  r.number.onchange = () => goTo(r, Number.parseInt(r.number.value, 10));
  r.view.onkeydown = (event) => {
    if (event.key === "PageDown" || event.key === "PageUp") {
      event.preventDefault();
      turn(r, event.key === "PageDown" ? 1 : -1);
    }
  };
  r.fit.onclick = () => zoom(r, 0);
  r.more.onclick = () => zoom(r, ZOOMS.find((z) => z > scale(r) + 0.01) ?? ZOOMS.at(-1));
  r.less.onclick = () => zoom(r, ZOOMS.findLast((z) => z < scale(r) - 0.01) ?? ZOOMS[0]);
  r.sheet.onclick = (event) => {
    if (!r.data) return;
    const box = r.sheet.getBoundingClientRect();
    const [width, height] = r.data.size;
    const x = ((event.clientX - box.left) / box.width) * width;
    const y = ((event.clientY - box.top) / box.height) * height;
    r.send("click", [r.data.page, Math.round(x * 10) / 10, Math.round(y * 10) / 10]);
  };
}

function turn(r, by) {
  const { numbers, page } = r.data;
  goTo(r, numbers[numbers.indexOf(page) + by]);
}

function goTo(r, number) {
  if (r.data.numbers.includes(number) && number !== r.data.page) r.send("turn", number);
  else r.number.value = String(r.data.page);
}

// CSS pixels a point now.
function scale(r) {
  return r.zoom || r.sheet.clientWidth / r.data.size[0] || 1;
}

function zoom(r, to) {
  r.zoom = to;
  resize(r);
}

function resize(r) {
  r.sheet.style.width = r.zoom ? `${r.data.size[0] * r.zoom}px` : "100%";
  r.fit.setAttribute("aria-pressed", String(!r.zoom));
}

function update(r, data) {
  const turned = r.data?.id !== data.id;
  r.data = data;
  r.root.style.height = `${data.height}px`;
  r.number.value = String(data.page);
  r.of.textContent = `of ${data.numbers.at(-1)}`;
  r.back.disabled = data.page === data.numbers[0];
  r.next.disabled = data.page === data.numbers.at(-1);
  r.view.setAttribute("aria-label", `Page ${data.page} of ${data.name}`);
  r.picture.alt = `Page ${data.page} of ${data.name}, as on paper`;
  r.note.textContent = "";
  if (data.png) keep(data.id, data.png);
  const kept = PICTURES.get(data.id);
  if (!kept) r.send("need", data.id);
  if (r.shown !== data.id) {
    r.picture.src = kept ?? "";
    r.shown = kept ? data.id : "";
  }
  r.sheet.style.aspectRatio = `${data.size[0]} / ${data.size[1]}`;
  resize(r);
  drawMarks(r);
  const focused = r.svg.querySelector(".focus");
  if (focused && JSON.stringify(focusOf(data)) !== r.focused) center(r, focused);
  else if (turned) r.view.scrollTop = 0;
  r.focused = JSON.stringify(focusOf(data));
}

function keep(id, png) {
  PICTURES.delete(id);
  PICTURES.set(id, `data:image/png;base64,${png}`);
  while (PICTURES.size > KEPT) PICTURES.delete(PICTURES.keys().next().value);
}

function focusOf(data) {
  return [data.id, ...["chunks", "gold", "hits"].map((layer) => data[layer].findIndex((one) => one.at(-2)))];
}

function center(r, mark) {
  const box = mark.getBoundingClientRect();
  const view = r.view.getBoundingClientRect();
  r.view.scrollTop += box.top - view.top - view.height / 3;
}

function drawMarks(r) {
  const { size, chunks, gold, hits } = r.data;
  r.svg.setAttribute("viewBox", `0 0 ${size[0]} ${size[1]}`);
  r.svg.replaceChildren();
  for (const [number, focused, boxes] of chunks) {
    const parity = number % 2 ? "odd" : "even";
    for (const box of boxes) rectangle(r, `chunk ${parity}${focused ? " focus" : ""}`, box);
    label(r, `chunk-number ${parity}`, boxes[0], String(number), false);
  }
  for (const [focused, boxes] of gold) {
    for (const box of boxes) rectangle(r, `gold${focused ? " focus" : ""}`, box, 1);
    label(r, "gold-name", boxes[0], "gold", true);
  }
  for (const [rank, focused, boxes] of hits) {
    for (const box of boxes) rectangle(r, `hit${focused ? " focus" : ""}`, box, 2);
    label(r, "hit-rank", boxes[0], `hit ${rank}`, true);
  }
  const told = [[chunks, "chunks"], [gold, "gold"], [hits, "hits"]].filter(([layer]) => layer.length);
  r.legend.replaceChildren(...told.map(([layer, name]) => element("span", `key ${name}`, {}, `${layer.length} ${layer.length === 1 && name !== "gold" ? name.slice(0, -1) : name}`)));
}

function rectangle(r, name, [left, top, right, bottom], out = 0) {
  const at = { x: left - out, y: top - out, width: right - left + 2 * out, height: bottom - top + 2 * out };
  r.svg.append(drawn("rect", name, at));
}

// At the left edge of the first line or, above its end, at the right.
function label(r, name, [left, top, right], text, end) {
  r.svg.append(drawn("text", name, { x: end ? right + 2 : Math.max(2, left - 3), y: top + 7, "text-anchor": end ? "start" : "end" }, text));
}
