// Which episodes match, in which order.
let shown = [];
let totals = { bits: [], correct: 0, judged: 0, gain: 0, gains: 0 };

function wantedBits() {
  let bits = 0;
  run.filters.forEach((each, bit) => { if (state.filters.has(each.name)) bits |= 1 << bit; });
  return bits;
}

function select() {
  const bits = wantedBits();
  const words = state.query.toLowerCase().split(/\s+/).filter(Boolean);
  shown = [];
  for (let index = 0; index < size(); index++) {
    if ((store.bits[index] & bits) !== bits) continue;
    if (state.from !== null && store.update[index] < state.from) continue;
    if (state.to !== null && store.update[index] > state.to) continue;
    if (words.length && !words.every((word) => searchText(index).includes(word))) continue;
    shown.push(index);
  }
  order();
  count();
}

// What was not measured comes last, whichever way round.
function order() {
  const { value, first } = SORTS[state.sort];
  if (state.sort === "recorded" && !state.turned) return;
  const way = state.turned ? -first : first;
  shown.sort((a, b) => {
    const left = value(a), right = value(b);
    if (left === null || right === null) return (left === null) - (right === null) || a - b;
    return way * (left - right) || a - b;
  });
}

function count() {
  totals = { bits: run.filters.map(() => 0), correct: 0, judged: 0, gain: 0, gains: 0 };
  for (const index of shown) {
    for (let left = store.bits[index]; left; left &= left - 1) totals.bits[31 - Math.clz32(left & -left)]++;
    if (store.exact_match[index] !== null) { totals.judged++; totals.correct += store.exact_match[index]; }
    if (store.gain[index] !== null) { totals.gains++; totals.gain += store.gain[index]; }
  }
}

function selectionText() {
  if (!size()) return store.more ? "reading …" : "no episodes";
  const many = shown.length === size() ? plural(size(), "episode") : `${whole(shown.length)} of ${plural(size(), "episode")}`;
  const parts = [many];
  if (totals.judged) parts.push(`EM ${number(totals.correct / totals.judged)}`);
  if (totals.gains) parts.push(`mean gain ${signed(totals.gain / totals.gains)}`);
  if (store.more) parts.push("reading …");
  return parts.join(" · ");
}
