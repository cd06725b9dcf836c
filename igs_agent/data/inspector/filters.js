// The filters as buttons that stay pressed, with how many of the matching episodes each holds for.
const filterButtons = new Map();

function buildFilters() {
  const families = new Map();
  for (const each of run.filters) {
    if (!families.has(each.family)) families.set(each.family, []);
    families.get(each.family).push(filterButton(each));
  }
  const groups = [...families].map(([family, buttons]) =>
    h("div", { class: "family", role: "group", "aria-label": family }, h("span", { class: "family-name" }, family), ...buttons));
  replace(byId("filter-families"), groups, emptyButton());
  for (const [name, { label }] of Object.entries(SORTS)) byId("sort").append(h("option", { value: name }, label));
}

// Filters that hold for no episode of the run are a press away.
function emptyButton() {
  const button = h("button", { type: "button", class: "more", id: "empty-filters", "aria-expanded": "false" });
  button.addEventListener("click", () => {
    const open = byId("filter-families").classList.toggle("all");
    button.setAttribute("aria-expanded", String(open));
    showFilters();
  });
  return button;
}

function filterButton(each) {
  const amount = h("span", { class: "amount" });
  const button = h("button", { type: "button", class: "chip", "data-filter": each.name, title: each.meaning }, each.label, " ", amount);
  button.addEventListener("click", () => {
    if (!state.filters.delete(each.name)) state.filters.add(each.name);
    searchChanged();
  });
  filterButtons.set(each.name, { button, amount });
  return button;
}

function showFilters() {
  run.filters.forEach((each, bit) => {
    const { button, amount } = filterButtons.get(each.name);
    const pressed = state.filters.has(each.name);
    button.setAttribute("aria-pressed", String(pressed));
    button.classList.toggle("none", totals.bits[bit] === 0);
    button.classList.toggle("never", !pressed && !((store.held >> bit) & 1));
    amount.textContent = whole(totals.bits[bit]);
  });
  const never = byId("filter-families").querySelectorAll(".never").length, all = byId("filter-families").classList.contains("all");
  byId("empty-filters").hidden = !never;
  byId("empty-filters").textContent = all ? "hide those that hold for no episode" : `${never} more that hold for no episode`;
  const active = state.filters.size;
  replace(byId("filter-note"), active ? h("span", { class: "active" }, `${active} on`) : null, active ? clearButton() : null);
  byId("count").textContent = selectionText();
  showOrder();
}

function clearButton() {
  const button = h("button", { type: "button", class: "more", id: "clear" }, "clear");
  button.addEventListener("click", (event) => {
    event.preventDefault();
    state.filters.clear();
    searchChanged();
  });
  return button;
}

function showOrder() {
  const way = state.turned ? -SORTS[state.sort].first : SORTS[state.sort].first;
  byId("sort").value = state.sort;
  byId("direction").textContent = way > 0 ? "↑" : "↓";
  byId("direction").setAttribute("aria-label", way > 0 ? "Smallest first; turn round" : "Greatest first; turn round");
  for (const [id, value] of [["search", state.query], ["from", state.from ?? ""], ["to", state.to ?? ""]]) {
    if (byId(id).value !== String(value) && document.activeElement !== byId(id)) byId(id).value = value;
  }
}

function listenToFilters() {
  byId("search").addEventListener("input", (event) => { state.query = event.target.value; searchChanged(); });
  byId("sort").addEventListener("change", (event) => { state.sort = event.target.value; state.turned = false; searchChanged(); });
  byId("direction").addEventListener("click", () => { state.turned = !state.turned; searchChanged(); });
  for (const name of ["from", "to"]) {
    byId(name).addEventListener("input", (event) => { state[name] = update(event.target.value); searchChanged(); });
  }
}
