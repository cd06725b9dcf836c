// All rollouts of a question side by side: one column each, one line per turn.
function groupView(members, current) {
  const scale = creditScale(current.index), axis = axisOf(members.flatMap((row) => row.steps));
  const all = members.map((row) => ({ row, tokens: tokensOf(row) }));
  const turns = Math.max(0, ...members.map((row) => row.steps.length));
  const table = h("table", { class: "group-table" },
    h("caption", { class: "unseen" }, "Rollouts of one question, one column each"),
    h("thead", {}, h("tr", {}, h("th", { class: "corner", scope: "col" }, unseen("Turn")), all.map(({ row }, at) => groupHead(row, at, current)))),
    h("tbody", {}, Array.from({ length: turns }, (_, turn) =>
      h("tr", {}, h("th", { scope: "row" }, unseen("Turn "), `${turn + 1}`), all.map(({ row, tokens }) => groupCell(row, tokens, turn, axis, scale))))));
  return h("article", { class: "group", "aria-label": "Group" },
    h("header", { class: "episode-head" }, h("p", { class: "place" }, groupFacts(members)), heading(current),
      h("div", { class: "gold-answers" }, h("span", { class: "unit" }, "gold"), h("ul", {}, current.answers.slice(0, 6).map((answer) => h("li", {}, clipped(answer, { limit: 200 })))))),
    h("div", { class: "group-scroll", tabindex: "0", role: "region", "aria-label": "Rollouts; scrolls sideways" }, table));
}

function groupFacts(members) {
  const correct = members.filter((row) => row.exact_match === 1).length;
  const rewards = members.map((row) => row.reward).filter((reward) => reward !== null);
  const equal = new Set(rewards).size === 1;
  const kind = !rewards.length ? "" : !equal ? "mixed group" : rewards[0] > 0 ? "all-pass group" : "all-fail group";
  return [`${correct} of ${plural(members.length, "rollout")} correct`, `mean reward ${number(meanOf(rewards))}`, kind, `update ${members[0].update}`].filter(Boolean).join(" · ");
}

function groupHead(row, at, current) {
  const given = row.steps.findLast((step) => step.action === "answer");
  const open = h("button", { type: "button", class: "more" }, `rollout ${at + 1}`);
  open.addEventListener("click", () => choose(row.index, { view: "episode" }));
  return h("th", { scope: "col", class: row.index === current.index ? "rollout current" : "rollout", "aria-current": row.index === current.index ? "true" : null },
    h("div", { class: "rollout-head" }, badge(outcome(row.index)), open, h("span", { class: "unit" }, `reward ${number(row.reward)}`)),
    h("div", { class: "rollout-answer" }, given ? clipped(given.text, { limit: 120, className: "quoted answer" }) : h("span", { class: "none-given" }, "no answer")));
}

function groupCell(row, tokens, turn, axis, scale) {
  const step = row.steps[turn];
  if (step === undefined) return h("td", { class: "none" }, unseen("no such turn"));
  const [start, end] = row.turns[turn] ?? [0, 0];
  return h("td", {},
    tokens ? stretch(tokens.slice(start, end), `Turn ${turn + 1}, the policy wrote`, scale) : clipped(step.output, { tag: "div", limit: 400 }),
    step.gain === null ? null : h("div", { class: "cell-gain" }, h("span", {}, "gain ", h("strong", { class: step.gain < 0 ? "minus" : "plus" }, gainWords(step))), gainFigure(step, axis)),
    step.action === "search" ? (step.searched ? documentList(step.documents, row) : h("p", { class: "words caution" }, step.retrieval_failed ? "retrieval failed" : "not carried out")) : null,
    step.action === "invalid" ? clipped(step.text, { limit: 120, className: "quoted words caution" }) : null,
    creditWords(step));
}
