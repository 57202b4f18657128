// Lines between neighbouring columns, each joining two cards of one passage: who moved up, down, came or went.

const SVG = "http://www.w3.org/2000/svg";

// Cards stand where the browser laid them out; read all places first, then write.
function drawLines(r) {
  const made = [];
  const stage = r.cards;
  r.svg.setAttribute("width", stage.clientWidth);
  r.svg.setAttribute("height", stage.offsetHeight);
  for (let c = 0; c + 1 < r.cells.length; c++) {
    const next = new Map(r.cells[c + 1].map((cell) => [cell.passage, cell.node]));
    for (const { passage, node } of r.cells[c]) {
      const other = next.get(passage);
      if (!other) continue;
      const line = document.createElementNS(SVG, "path");
      const from = [node.offsetLeft + node.offsetWidth, node.offsetTop + 16];
      const to = [other.offsetLeft, other.offsetTop + 16];
      const middle = (from[0] + to[0]) / 2;
      line.setAttribute("d", `M${from[0]},${from[1]} C${middle},${from[1]} ${middle},${to[1]} ${to[0]},${to[1]}`);
      line.setAttribute("class", to[1] < from[1] ? "up" : to[1] > from[1] ? "down" : "level");
      line.dataset.passage = passage;
      made.push(line);
    }
  }
  r.svg.replaceChildren(...made);
  light(r);
}

// Marks every card and line of the passage under the pointer or focus, else of the selected one.
function light(r) {
  const passage = r.over ?? r.chosen ?? -1;
  r.root.classList.toggle("lit", passage >= 0);
  const end = [];
  for (const line of r.svg.children) {
    const same = Number(line.dataset.passage) === passage;
    line.classList.toggle("same", same);
    if (same) end.push(line);
  }
  // Drawn last is drawn on top.
  r.svg.append(...end);
  for (const cell of r.cells.flat()) cell.node.classList.toggle("same", cell.passage === passage);
}
