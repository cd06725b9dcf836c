// One episode, top to bottom.
function metric(label, value, title) {
  return h("div", { title }, h("dt", {}, label), h("dd", {}, value));
}

function metrics(row) {
  const summary = row.index;
  return h("dl", { class: "metrics" },
    metric("reward", number(row.reward)),
    metric("EM", number(row.exact_match, 0)),
    metric("F1", number(row.f1)),
    metric("recall", number(row.recall), "share of hops whose gold document was found"),
    metric("gain", signed(store.gain[summary]), "sum over the searches, nats per answer token"),
    metric("searches", store.searches[summary]),
    metric("tokens", whole(row.tokens.length)),
    metric("update", row.update));
}

function verdict(row) {
  const name = outcome(row.index), given = row.steps.findLast((step) => step.action === "answer");
  const gold = row.answers.slice(0, 12).map((answer) => h("li", {}, clipped(answer, { limit: 200 })));
  if (row.answers.length > 12) gold.push(h("li", { class: "unit" }, `and ${row.answers.length - 12} more`));
  return h("div", { class: "verdict" },
    h("p", { class: "given-answer" }, badge(name), h("span", { class: `outcome outcome-${name}` }, OUTCOMES[name].word), given ? h("span", { class: "unit" }, "answered") : null, given ? clipped(given.text, { limit: 300, className: "quoted answer" }) : null),
    h("div", { class: "gold-answers" }, h("span", { class: "unit" }, "gold"), h("ul", {}, gold)),
    row.overflowed ? h("p", { class: "words caution" }, "The context was full.") : null);
}

function place(row) {
  const members = groupOf(row.index), at = members.indexOf(row.index);
  const facts = [`rollout ${at + 1} of ${members.length}`, row.hops === null ? null : plural(row.hops, "hop"), row.kind || null].filter(Boolean);
  return h("p", { class: "place" }, stepButton("←", "Previous rollout of this question", () => sibling(-1)), h("span", {}, visible(facts.join(" · ").slice(0, 200))),
    stepButton("→", "Next rollout of this question", () => sibling(1)), h("bdi", { class: "mono id" }, visible(row.id.slice(0, 200))));
}

function stepButton(sign, label, act) {
  const button = h("button", { type: "button", class: "step", "aria-label": label, title: label }, sign);
  button.addEventListener("click", act);
  return button;
}

function heading(row) {
  const long = row.question.length > 600;
  return h("h2", { class: row.question.length > 160 ? "question long" : "question", dir: "auto" }, long ? clipped(row.question, { limit: 600 }) : visible(row.question));
}

function tokenNote(row) {
  if (row.texts !== null || !row.tokens.length) return null;
  return h("p", { class: "words caution" }, "The tokenizer of this episode is not at hand, or does not fit its tokens: outputs are shown as recorded text, without colours of single tokens.");
}

function episodeView(row) {
  const tokens = tokensOf(row), scale = creditScale(row.index), axis = axisOf(row.steps);
  const prompt = tokens ? stretch(tokens.slice(0, row.turns[0]?.[0] ?? tokens.length), "Prompt", scale) : clipped(row.prompt, { tag: "div" });
  return h("article", { class: "episode", "aria-label": "Episode" },
    h("header", { class: "episode-head" }, place(row), heading(row), verdict(row), metrics(row), goldPanel(row)),
    tokenNote(row),
    h("details", { class: "prompt", open: row.prompt.length < 400 }, h("summary", {}, "Prompt"), prompt),
    row.steps.map((step, turn) => turnCard(row, tokens, turn, axis, scale)),
    row.steps.length ? null : h("p", { class: "empty" }, "This episode has no turns."));
}
