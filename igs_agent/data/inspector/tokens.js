// Tokens with a colour each. A stretch is one stop of the tab key; arrows walk inside it.
const STRETCH = 500;
const known = new WeakMap();

// Every token of an episode: its text, who wrote it, log-probability and credit where there are.
function tokensOf(row) {
  if (row.texts === null) return null;
  const tokens = row.texts.map((text, place) => ({ text, place, id: row.tokens[place], by: "prompt", turn: -1, logProb: null, credit: null }));
  let written = 0;
  row.turns.forEach(([start, end, observationEnd, queryStart, queryEnd], turn) => {
    const step = row.steps[turn];
    for (let place = start; place < observationEnd; place++) {
      const token = tokens[place], query = place >= queryStart && place < queryEnd;
      token.turn = turn;
      token.by = place >= end ? "environment" : query ? "query" : "policy";
      if (place >= end) continue;
      token.logProb = row.log_probs[written++];
      token.credit = step.credit + (query ? step.query_credit : 0);
    }
  });
  return tokens;
}

function stretch(tokens, label, scale) {
  const text = h("div", { class: "tokens", tabindex: "0", role: "group", "aria-label": `${label}, ${plural(tokens.length, "token")}; arrow keys read one by one`, dir: "auto" });
  const add = (some) => text.append(...some.map((token) => tokenElement(token, scale)));
  add(tokens.slice(0, STRETCH));
  if (tokens.length <= STRETCH) return text;
  const more = h("button", { type: "button", class: "more" }, `show all ${whole(tokens.length)} tokens`);
  more.addEventListener("click", () => { add(tokens.slice(STRETCH)); more.remove(); });
  return h("div", {}, text, more);
}

function tokenElement(token, scale) {
  const element = h("span", { class: token.by === "query" ? "token token-query" : `token token-${token.by}` });
  // Somebody may write a token of a megabyte; none that a tokenizer has is that long.
  element.textContent = visibleToken(token.text.length > CLIP ? `${token.text.slice(0, CLIP)}…` : token.text);
  known.set(element, { token, scale });
  paint(element);
  return element;
}

function paint(element) {
  const { token, scale } = known.get(element);
  element.style.backgroundColor = COLOURINGS[state.colour].style(token, scale);
}

function repaint() {
  for (const element of byId("content").querySelectorAll(".token")) paint(element);
}

const WRITERS = { prompt: "prompt", policy: "policy", query: "policy, query", environment: "environment" };

function tokenFacts({ token }) {
  const facts = [["token", `${token.id}`], ["by", token.turn < 0 ? WRITERS[token.by] : `${WRITERS[token.by]}, turn ${token.turn + 1}`]];
  if (token.logProb !== null) facts.push(["log-prob", `${number(token.logProb)} (p ${percent(Math.exp(token.logProb))})`]);
  if (token.credit !== null) facts.push(["credit", signed(token.credit, 3)]);
  return facts;
}

function showTip(element) {
  const tip = byId("tip"), facts = known.get(element);
  replace(tip, h("div", { class: "tip-text" }, visibleToken(facts.token.text.slice(0, 60)) || "(part of the character before)"),
    h("dl", {}, tokenFacts(facts).flatMap(([name, value]) => [h("dt", {}, name), h("dd", {}, value)])));
  tip.hidden = false;
  const place = element.getClientRects()[0] ?? element.getBoundingClientRect();
  const left = Math.min(Math.max(8, place.left), innerWidth - tip.offsetWidth - 8);
  const below = place.bottom + 6 + tip.offsetHeight < innerHeight;
  tip.style.left = `${left}px`;
  tip.style.top = `${below ? place.bottom + 6 : place.top - tip.offsetHeight - 6}px`;
}

function hideTip() {
  byId("tip").hidden = true;
}

function walk(text, step) {
  const tokens = [...text.querySelectorAll(".token")];
  if (!tokens.length) return;
  const at = tokens.findIndex((each) => each.classList.contains("here"));
  const next = tokens[Math.min(tokens.length - 1, Math.max(0, at < 0 ? 0 : at + step))];
  tokens[at]?.classList.remove("here");
  next.classList.add("here");
  next.scrollIntoView({ block: "nearest" });
  showTip(next);
  const facts = known.get(next);
  say(`${visible(facts.token.text)}: ${tokenFacts(facts).map((pair) => pair.join(" ")).join(", ")}`);
}

function listenToTokens() {
  const content = byId("content");
  content.addEventListener("pointerover", (event) => {
    const token = event.target.closest(".token");
    if (token) showTip(token);
  });
  content.addEventListener("pointerout", (event) => { if (event.target.closest(".token")) hideTip(); });
  content.addEventListener("focusout", (event) => {
    event.target.closest(".tokens")?.querySelector(".here")?.classList.remove("here");
    hideTip();
  });
  byId("detail").addEventListener("scroll", hideTip, { passive: true });
}
