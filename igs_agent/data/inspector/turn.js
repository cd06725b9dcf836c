// One turn: what the policy wrote, what came back, and what the search was worth.
const ACTIONS = { search: "Search", answer: "Answer", invalid: "No valid action" };

function creditWords(step) {
  const parts = [h("span", { class: "credit-of" }, "credit ", creditNumber(step.credit))];
  if (step.query_credit) parts.push(h("span", { class: "credit-of" }, "on the query ", creditNumber(step.credit + step.query_credit)));
  return h("span", { class: "credits" }, parts);
}

function creditNumber(value) {
  return h("span", { class: value < 0 ? "mono minus" : value > 0 ? "mono plus" : "mono" }, signed(value, 3));
}

function turnHead(step, place) {
  return h("header", { class: "turn-head" },
    h("h3", {}, h("span", { class: "turn-number" }, `Turn ${place + 1}`), h("span", { class: `action action-${ACTIONS[step.action] ? step.action : "other"}` }, ACTIONS[step.action] ?? visible(step.action.slice(0, 40)))),
    clipped(step.text, { limit: 300, className: "quoted action-text" }), creditWords(step));
}

function turnCard(row, tokens, place, axis, scale) {
  const step = row.steps[place];
  const aside = [gainPanel(step, axis), foundPanel(step, row), drawsPanel(step, row)].filter(Boolean);
  return h("section", { class: "turn", "aria-label": `Turn ${place + 1}` }, turnHead(step, place),
    h("div", { class: aside.length ? "turn-body with-aside" : "turn-body" },
      h("div", { class: "turn-text" }, ...stretches(row, tokens, place, scale)),
      aside.length ? h("aside", { class: "turn-aside" }, aside) : null));
}

function stretches(row, tokens, place, scale) {
  const step = row.steps[place];
  if (tokens === null) return [labelled("wrote", clipped(step.output, { tag: "div" })), step.observation ? labelled("read", clipped(step.observation, { tag: "div" })) : null];
  const [start, end, observationEnd] = row.turns[place];
  return [
    labelled("wrote", end > start ? stretch(tokens.slice(start, end), `Turn ${place + 1}, the policy wrote`, scale) : h("p", { class: "words" }, "nothing")),
    observationEnd > end ? labelled("read", stretch(tokens.slice(end, observationEnd), `Turn ${place + 1}, the policy read`, scale)) : null,
  ];
}

function labelled(label, element) {
  return h("div", { class: `stretch stretch-${label}` }, h("span", { class: "stretch-label" }, label), element);
}
