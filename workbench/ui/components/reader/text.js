// Texts by document id, and the one place where code points (Python) and UTF-16 units (the browser) meet.

const KEPT = 6;
const BLOCK = 2000;
const TEXTS = new Map();

function keepText(id, text) {
  TEXTS.delete(id);
  TEXTS.set(id, { text, astral: astralUnits(text), cuts: blockCuts(text) });
  while (TEXTS.size > KEPT) TEXTS.delete(TEXTS.keys().next().value);
}

function keptText(id) {
  const kept = TEXTS.get(id);
  if (kept) {
    // The newest is last: a document that is read again is not the next to go.
    TEXTS.delete(id);
    TEXTS.set(id, kept);
  }
  return kept;
}

// Where each character of two units begins. Everything else about the conversion follows from this list.
function astralUnits(text) {
  const found = [];
  for (let i = 0; i < text.length; i++) {
    const unit = text.charCodeAt(i);
    if (unit >= 0xd800 && unit < 0xdc00) {
      const low = text.charCodeAt(i + 1);
      if (low >= 0xdc00 && low < 0xe000) found.push(i++);
    }
  }
  return Int32Array.from(found);
}

// The number of k in 0..n for which holds(k), where it holds for a first part of them.
function countWhile(n, holds) {
  let low = 0;
  let high = n;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (holds(middle)) low = middle + 1;
    else high = middle;
  }
  return low;
}

function toPoint(astral, unit) {
  return unit - countWhile(astral.length, (k) => astral[k] < unit);
}

function toUnit(astral, point) {
  return point + countWhile(astral.length, (k) => astral[k] - k < point);
}

// Starts of the blocks that are drawn as one element each, and the text's end. After a line where there is one,
// else after a space, else anywhere but inside a character.
function blockCuts(text) {
  const cuts = [0];
  let start = 0;
  while (text.length - start > BLOCK) {
    const half = start + BLOCK / 2;
    // Slices: lastIndexOf on the whole text would walk back to its beginning where a line is very long.
    const tail = text.slice(half, start + BLOCK);
    let cut = tail.lastIndexOf("\n");
    if (cut < 0) cut = tail.lastIndexOf(" ");
    let at = cut < 0 ? start + BLOCK : half + cut + 1;
    if (cut < 0) while (at > half && /^[\p{M}\u200d\ufe0f\udc00-\udfff]/u.test(text.slice(at, at + 2))) at--;
    cuts.push(at);
    start = at;
  }
  cuts.push(text.length);
  return Int32Array.from(cuts);
}

// The block that holds a unit.
function blockOf(cuts, unit) {
  const i = countWhile(cuts.length - 1, (k) => cuts[k] <= unit) - 1;
  return Math.max(0, i);
}

// Little-endian int32 from base64, as Python packs spans and numbers.
function unpack(packed) {
  if (!packed) return new Int32Array(0);
  const bytes = Uint8Array.from(atob(packed), (c) => c.charCodeAt(0));
  return new Int32Array(bytes.buffer);
}
