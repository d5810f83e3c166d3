const tip = document.getElementById("tip");
const percent = p => p >= 0.001 ? (100 * p).toPrecision(3) + "%" : "1 in " + Math.round(1 / p).toLocaleString();
document.querySelector("main").addEventListener("mousemove", e => {
  const c = e.target.dataset && costs[e.target.dataset.i];
  tip.hidden = !c;
  if (!c) return;
  tip.textContent = "";
  const add = (text, tag) => tip.appendChild(document.createElement(tag || "div")).textContent = text;
  add(c[0].toFixed(2) + " bits, probability " + percent(2 ** -c[0]) + (c[1] ? ", rank " + c[1] : ""));
  if (c.length > 2) add("expected:");
  for (let i = 2; i < c.length; i += 2) {
    const row = tip.appendChild(document.createElement("div"));
    row.appendChild(document.createElement("code")).textContent = names[c[i]];
    row.append(" " + (c[i + 1] / 10).toFixed(1) + "%");
  }
  const r = tip.getBoundingClientRect();
  tip.style.left = Math.max(4, Math.min(e.clientX + 14, innerWidth - r.width - 8)) + "px";
  tip.style.top = (e.clientY + 18 + r.height > innerHeight ? e.clientY - r.height - 12 : e.clientY + 18) + "px";
});
document.querySelector("main").addEventListener("mouseleave", () => tip.hidden = true);
