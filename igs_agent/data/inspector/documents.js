// Documents by id, with title and text where a corpus was at hand.
function documentItem(id, row) {
  const known = Object.hasOwn(row.texts_of, id) ? row.texts_of[id] : null;
  const gold = row.gold_documents.some((hop) => hop.includes(id));
  const head = [gold ? h("span", { class: "star", title: "gold document" }, "★", unseen(" gold document")) : null,
    known ? h("bdi", { class: "title" }, visible(known[0].slice(0, 200))) : null, " ", h("bdi", { class: "mono id" }, visible(id.slice(0, 200)))];
  if (!known) return h("li", {}, ...head);
  return h("li", {}, h("details", {}, h("summary", {}, ...head), clipped(known[1], { tag: "p", className: "quoted document" })));
}

function documentList(ids, row) {
  return h("ul", { class: "documents" }, ids.map((id) => documentItem(id, row)));
}

function foundPanel(step, row) {
  if (step.action !== "search") return null;
  if (step.retrieval_failed) return h("p", { class: "words caution" }, "The search could not be carried out: the retriever failed.");
  if (!step.searched) return h("p", { class: "words caution" }, "The search was not carried out.");
  return h("section", { class: "found", "aria-label": "Documents found" }, h("h4", {}, "Found"),
    step.documents.length ? documentList(step.documents, row) : h("p", { class: "words" }, "nothing"));
}

function drawsPanel(step, row) {
  if (step.gain === null || !step.counterfactual_ids.length) return null;
  const draws = step.counterfactual_ids.map((ids, place) =>
    h("li", {}, h("span", { class: "draw" }, `draw ${place + 1} `, h("span", { class: "mono" }, number(step.log_probs_counterfactual[place]))), documentList(ids, row)));
  return h("section", { class: "draws", "aria-label": "Counterfactual documents" },
    h("h4", {}, "Counterfactual ", h("span", { class: "unit" }, visible(step.counterfactual_source.slice(0, 60).replace(/_/g, " ")))), h("ol", {}, draws));
}

// Per hop, whether one of its gold documents was found.
function goldPanel(row) {
  if (!row.gold_documents.length) return null;
  const found = new Set(row.steps.flatMap((step) => step.documents));
  const hops = row.gold_documents.map((ids, hop) => {
    const hit = ids.some((id) => found.has(id));
    return h("li", { class: hit ? "hit" : "miss" }, h("span", { class: "hop" }, `hop ${hop + 1}: ${hit ? "✓ found" : "✗ not found"} `), documentList(ids, row));
  });
  return h("section", { class: "gold-documents" }, h("h4", {}, "Gold documents"), h("ul", { class: "hops" }, hops));
}
