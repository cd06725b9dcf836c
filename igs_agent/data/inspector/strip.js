// How the episodes that match are spread over training: a bar per update, its share of right
// answers filled. Pressing a bar keeps its updates; pressing it again lets all back in.
const BARS = 60;
const TALL = 30;

function spread() {
  let first = Infinity, last = -Infinity;
  for (const each of store.update) { first = Math.min(first, each); last = Math.max(last, each); }
  const per = Math.max(1, Math.ceil((last - first + 1) / BARS));
  const bars = Array.from({ length: Math.floor((last - first) / per) + 1 }, (_, at) =>
    ({ from: first + at * per, to: Math.min(last, first + (at + 1) * per - 1), many: 0, right: 0 }));
  for (const index of shown) {
    const bar = bars[Math.floor((store.update[index] - first) / per)];
    bar.many++;
    if (store.exact_match[index] === 1) bar.right++;
  }
  return bars;
}

function showStrip() {
  const place = byId("strip"), bars = size() ? spread() : [];
  place.hidden = bars.length < 2;
  if (place.hidden) return;
  const most = Math.max(1, ...bars.map((bar) => bar.many)), wide = 100 / bars.length;
  const figure = svg("svg", { viewBox: `0 0 100 ${TALL}`, preserveAspectRatio: "none", role: "img", "aria-label": stripWords(bars) });
  bars.forEach((bar, at) => figure.append(stripBar(bar, at * wide, wide, most)));
  replace(place, figure);
}

function stripBar(bar, left, wide, most) {
  const box = (className, share) => svg("rect", { class: className, x: left + wide * 0.1, width: wide * 0.8, y: TALL * (1 - share), height: TALL * share });
  const words = `${barName(bar)}: ${plural(bar.many, "episode")}, ${bar.right} correct`;
  const group = svg("g", { class: "strip-bar" }, svg("title", {}, words), svg("rect", { class: "strip-hit", x: left, width: wide, y: 0, height: TALL }), box("strip-many", bar.many / most), box("strip-right", bar.right / most));
  group.addEventListener("click", () => {
    const same = state.from === bar.from && state.to === bar.to;
    state.from = same ? null : bar.from;
    state.to = same ? null : bar.to;
    searchChanged();
  });
  return group;
}

const barName = (bar) => bar.from === bar.to ? `update ${bar.from}` : `updates ${bar.from} to ${bar.to}`;

function stripWords(bars) {
  const held = bars.filter((bar) => bar.many);
  if (!held.length) return "No episode matches.";
  const share = (bar) => `${Math.round((100 * bar.right) / bar.many)} % of ${bar.many} correct`;
  return `Matching episodes per update. First, ${barName(held[0])}: ${share(held[0])}. Last, ${barName(held.at(-1))}: ${share(held.at(-1))}.`;
}
