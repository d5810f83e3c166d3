// What notes.go wrote of a line, mark by mark.
const digits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
const value = new Map([...digits].map((c, i) => [c, i]));
function marks(line) {
  let at = 0;
  const number = n => { let v = 0; while (n--) v = v * 64 + value.get(line[at++]); return v; };
  const list = [];
  while (at < line.length) {
    const f = number(1), m = { bits: f / 48, rank: 1, units: 1, guesses: [] };
    if (f >= 48) {
      m.bits = number(2) / 64;
      m.rank = number(f & 8 ? 3 : 1);
      if (f & 1) m.units = number(2);
      for (let g = f >> 1 & 3; g > 0; g--) {
        let name = number(1);
        if (name >= 48) name = (name - 48) * 4096 + number(2);
        m.guesses.push([names[name], number(1) / 63]);
      }
    }
    list.push(m);
  }
  return list;
}
const main = document.querySelector("main"), tip = document.getElementById("tip");
const percent = p => p >= 0.001 ? (100 * p).toPrecision(3) + "%" : "1 in " + Math.round(1 / p).toLocaleString();
// The place in the text under the pointer: a text node and an offset in it.
function under(x, y) {
  if (document.caretPositionFromPoint) {
    const p = document.caretPositionFromPoint(x, y);
    return p && [p.offsetNode, p.offset];
  }
  const r = document.caretRangeFromPoint(x, y);
  return r && [r.startContainer, r.startOffset];
}
// The character whose box holds the pointer: the caret may stand behind it.
function unit(p, x, y) {
  const hit = under(x, y);
  if (!hit || hit[0].nodeType !== Node.TEXT_NODE || !p.contains(hit[0])) return -1;
  let before = 0;
  const walk = document.createTreeWalker(p, NodeFilter.SHOW_TEXT);
  while (walk.nextNode() && walk.currentNode !== hit[0]) before += walk.currentNode.length;
  const range = document.createRange();
  for (const i of [hit[1], hit[1] - 1]) {
    if (i < 0 || i >= hit[0].length) continue;
    range.setStart(hit[0], i);
    range.setEnd(hit[0], i + 1);
    for (const r of range.getClientRects()) {
      if (x >= r.left && x <= r.right && y >= r.top && y <= r.bottom) return before + i;
    }
  }
  return -1;
}
function markUnder(e) {
  const p = e.target.closest("main p"), line = p && lines[p.parentNode.firstChild.textContent - 1];
  if (!line) return;
  let at = unit(p, e.clientX, e.clientY);
  if (at < 0) return;
  for (const m of marks(line)) {
    if ((at -= m.units) < 0) return m;
  }
}
main.addEventListener("mousemove", e => {
  const m = markUnder(e);
  tip.hidden = !m;
  if (!m) return;
  tip.textContent = "";
  const add = text => tip.appendChild(document.createElement("div")).textContent = text;
  add(m.bits.toFixed(2) + " bits, probability " + percent(2 ** -m.bits) + (m.rank ? ", rank " + m.rank.toLocaleString() : ""));
  if (m.guesses.length) add("expected:");
  for (const [name, p] of m.guesses) {
    const row = tip.appendChild(document.createElement("div"));
    row.appendChild(document.createElement("code")).textContent = name;
    row.append(p ? " " + Math.round(100 * p) + "%" : " below 1%");
  }
  const r = tip.getBoundingClientRect();
  tip.style.left = Math.max(4, Math.min(e.clientX + 14, innerWidth - r.width - 8)) + "px";
  tip.style.top = (e.clientY + 18 + r.height > innerHeight ? e.clientY - r.height - 12 : e.clientY + 18) + "px";
});
main.addEventListener("mouseleave", () => tip.hidden = true);
