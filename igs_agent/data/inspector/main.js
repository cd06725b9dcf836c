// Putting it together: choosing, showing, following.
let showing = 0;

function chosenIndex() {
  return state.id === null ? -1 : store.id.indexOf(state.id);
}

function choose(index, { view = state.view, pane = null } = {}) {
  if (index === undefined || index < 0) return;
  state.id = store.id[index];
  state.view = view;
  if (pane) showPane(pane);
  remember();
  scrollToChosen();
  showRows();
  showDetail();
}

function neighbour(step) {
  const at = shown.indexOf(chosenIndex());
  choose(shown[Math.min(shown.length - 1, Math.max(0, at < 0 ? 0 : at + step))]);
}

function sibling(step) {
  const index = chosenIndex();
  if (index < 0) return;
  const members = groupOf(index);
  choose(members[(members.indexOf(index) + step + members.length) % members.length]);
}

function setView(view) {
  state.view = view;
  remember();
  showDetail();
}

function setColour(colour) {
  state.colour = colour;
  remember();
  showSwitches();
  repaint();
  const index = chosenIndex();
  showLegend(index < 0 ? 1 : creditScale(index));
  say(`Tokens coloured by ${COLOURINGS[colour].label}`);
}

function showPane(pane) {
  document.body.dataset.pane = pane;
  if (pane === "list") showRows();
}

function showSwitches() {
  document.body.dataset.paint = state.colour;
  for (const button of document.querySelectorAll("[role=radio]")) {
    const on = button.dataset.view === state.view || button.dataset.colour === state.colour;
    button.setAttribute("aria-checked", String(on));
    button.tabIndex = on ? 0 : -1;
  }
}

async function showDetail() {
  const turn = ++showing, index = chosenIndex(), content = byId("content");
  showSwitches();
  hideTip();
  if (index < 0) {
    replace(content, h("p", { class: "empty" }, state.id !== null && !store.more ? "The link names an episode that this run does not have." : size() ? "Choose an episode." : selectionText()));
    return;
  }
  showLegend(creditScale(index));
  try {
    const wanted = state.view === "group" ? groupOf(index) : [index];
    const found = await Promise.all(wanted.map(episode));
    if (turn !== showing) return; // somebody was quicker
    const current = found.find((row) => row.index === index);
    replace(content, state.view === "group" ? groupView(found, current) : episodeView(current));
    byId("detail").scrollTop = 0;
    centreRollout();
    document.title = `${visible(current.question.slice(0, 80))} – ${run.name}`;
  } catch (error) {
    if (turn === showing) replace(content, h("p", { class: "empty caution", role: "alert" }, `This episode cannot be shown: ${error.message}`));
  }
}

// Sideways, and nothing but the table: scrollIntoView would move the page as well.
function centreRollout() {
  const head = document.querySelector(".rollout.current"), scroll = head?.closest(".group-scroll");
  if (scroll) scroll.scrollLeft = head.offsetLeft - (scroll.clientWidth - head.offsetWidth) / 2;
}

function searchChanged() {
  byId("list").scrollTop = 0;
  refresh();
  remember();
}

function refresh() {
  select();
  showFilters();
  showStrip();
  showList();
  showNotes();
}

function showNotes() {
  const button = byId("notes-button"), many = store.problems.length;
  button.hidden = !many;
  button.textContent = `⚠ ${plural(many, "note")}`;
  replace(byId("notes-list"), store.problems.map((problem) => h("li", { dir: "auto" }, visible(problem))));
}

function applyLink() {
  readLink();
  refresh();
  if (state.id === null && shown.length) state.id = store.id[shown[0]];
  scrollToChosen();
  showRows();
  showDetail();
}

// On and on while there is more; then every other second if the run is followed.
async function follow() {
  try {
    const page = await nextPage();
    const reset = page.generation !== store.generation, before = size();
    const added = take(page);
    byId("live").classList.remove("lost");
    if (added || reset || !page.more) arrived(before, added, reset);
  } catch (error) {
    byId("live").classList.add("lost");
    say(`The server does not answer: ${error.message}`);
    if (!run.follow && !size()) replace(byId("content"), h("p", { class: "empty caution", role: "alert" }, `The server does not answer: ${error.message}`));
  }
  if (store.more) setTimeout(follow, 0);
  else if (run.follow) setTimeout(follow, EVERY);
}

function arrived(before, added, reset) {
  if (before && added && size() === before && !reset) return; // a group told again, nothing new
  refresh();
  const unshown = !byId("content").querySelector("article");
  if (unshown && state.id === null && shown.length) state.id = store.id[shown[0]];
  if (unshown || reset) showDetail();
  if (before && size() > before) say(`${plural(size() - before, "new episode")}`);
}

function listen() {
  listenToFilters();
  listenToTokens();
  byId("list").addEventListener("scroll", showRows, { passive: true });
  addEventListener("resize", showRows);
  addEventListener("keydown", pressed);
  addEventListener("hashchange", applyLink);
  byId("back").addEventListener("click", () => showPane("list"));
  for (const name of ["help", "about", "notes"]) byId(`${name}-button`).addEventListener("click", () => byId(name).showModal());
  for (const button of document.querySelectorAll("[data-view]")) button.addEventListener("click", () => setView(button.dataset.view));
  for (const button of document.querySelectorAll("[data-colour]")) button.addEventListener("click", () => setColour(button.dataset.colour));
  const themes = ["auto", "light", "dark"];
  byId("theme-button").addEventListener("click", (event) => {
    const next = themes[(themes.indexOf(document.documentElement.dataset.theme ?? "auto") + 1) % 3];
    document.documentElement.dataset.theme = next;
    event.target.textContent = `Theme: ${next}`;
  });
}

async function start() {
  run = await unpacked("run");
  document.title = `${visible(run.name)} – episodes`;
  byId("run-name").textContent = visible(run.name);
  replace(byId("facts"), run.facts.map(([name, value]) => h("div", {}, h("dt", {}, name), h("dd", {}, clipped(value, { limit: 200 })))));
  byId("live").hidden = !run.follow;
  if (innerWidth < 800) byId("filters").open = false;
  buildFilters();
  listen();
  showLegend(1);
  if (run.served) { store.more = true; readLink(); refresh(); showDetail(); await follow(); return; }
  take(await unpacked("index"));
  applyLink();
}

start().catch((error) => replace(byId("content"), h("p", { class: "empty caution", role: "alert" }, `The page cannot be read: ${error.message}. A browser of 2023 or later is needed.`)));
