// The list, of which only the rows in sight are elements: 20,000 are as quick as 20.
const ROW = 74;
const BEYOND = 6;
const rows = new Map();
let gainScale = 1;

const OUTCOMES = {
  correct: { sign: "✓", word: "correct" },
  wrong: { sign: "✗", word: "wrong" },
  truncated: { sign: "…", word: "no answer" },
  failed: { sign: "!", word: "retrieval failed" },
};

function outcome(index) {
  const has = (name) => (store.bits[index] >> run.filters.findIndex((each) => each.name === name)) & 1;
  if (has("retrieval_failed")) return "failed";
  if (has("correct")) return "correct";
  return store.answer[index] === null ? "truncated" : "wrong";
}

function badge(name) {
  const { sign, word } = OUTCOMES[name];
  return h("span", { class: `badge badge-${name}` }, h("span", { "aria-hidden": "true" }, sign), unseen(word));
}

function showList() {
  const measured = store.gain.filter((gain) => gain !== null).map(Math.abs).sort((a, b) => a - b);
  gainScale = measured.length ? Math.max(0.1, measured[Math.floor(measured.length * 0.95)]) : 1;
  for (const element of rows.values()) element.remove();
  rows.clear();
  byId("list-space").style.height = `${shown.length * ROW}px`;
  byId("list").classList.toggle("nothing", !shown.length && size() > 0);
  showRows();
}

function showRows() {
  const list = byId("list");
  const first = Math.max(0, Math.floor(list.scrollTop / ROW) - BEYOND);
  const last = Math.min(shown.length, Math.ceil((list.scrollTop + list.clientHeight) / ROW) + BEYOND);
  for (const [place, element] of rows) if (place < first || place >= last) { element.remove(); rows.delete(place); }
  for (let place = first; place < last; place++) {
    if (rows.has(place)) continue;
    const element = listRow(shown[place], place);
    rows.set(place, element);
    byId("list-space").append(element);
  }
  markChosen();
}

function listRow(index, place) {
  const element = h("div", { class: place > 0 && groupKey(index) === groupKey(shown[place - 1]) ? "row again" : "row", role: "option", id: `row-${place}`, "aria-posinset": place + 1, "aria-setsize": shown.length },
    badge(outcome(index)),
    h("div", { class: "row-text" },
      h("div", { class: "row-question", dir: "auto" }, visible(store.question[index])),
      h("div", { class: "row-answer" }, answerLine(index)),
      h("div", { class: "row-facts" }, `update ${store.update[index]} · reward ${number(store.reward[index])} · ${plural(store.searches[index], "search", "searches")}`)),
    gainBar(store.gain[index]));
  element.style.top = `${place * ROW}px`;
  element.addEventListener("click", () => choose(index, { pane: "detail" }));
  return element;
}

function answerLine(index) {
  const given = store.answer[index];
  const gold = h("bdi", { class: "gold" }, visible(store.answers[index][0] ?? "no gold answer"));
  if (outcome(index) === "correct") return [h("bdi", {}, visible(given ?? ""))];
  return [given === null ? h("span", { class: "none-given" }, "no answer") : h("bdi", { class: "given" }, visible(given)), h("span", { class: "rather" }, " gold "), gold];
}

// A bar from the middle: right and blue for a gain, left and orange for a loss.
function gainBar(gain) {
  const element = h("div", { class: "row-gain" }, h("span", { class: gain < 0 ? "minus" : "plus" }, gain === null ? "–" : signed(gain)), unseen(gain === null ? "no gain" : " nats of gain"));
  const bar = h("span", { class: "bar", "aria-hidden": "true" });
  if (gain !== null) {
    const share = Math.min(1, Math.abs(gain) / gainScale) * 50;
    const fill = h("span", { class: gain < 0 ? "fill fill-minus" : "fill fill-plus" });
    fill.style.width = `${share}%`;
    fill.style.left = `${gain < 0 ? 50 - share : 50}%`;
    bar.append(fill);
  }
  element.append(bar);
  return element;
}

function markChosen() {
  const index = chosenIndex();
  let active = null;
  for (const [place, element] of rows) {
    const chosen = shown[place] === index;
    element.setAttribute("aria-selected", String(chosen));
    if (chosen) active = element.id;
  }
  if (active) byId("list").setAttribute("aria-activedescendant", active);
  else byId("list").removeAttribute("aria-activedescendant");
}

function scrollToChosen() {
  const place = shown.indexOf(chosenIndex());
  if (place < 0) return;
  const list = byId("list"), top = place * ROW;
  if (top < list.scrollTop) list.scrollTop = top;
  else if (top + ROW > list.scrollTop + list.clientHeight) list.scrollTop = top + ROW - list.clientHeight;
}
