// What is looked at. All of it stands in the address behind #, so that a link leads back here.
const SORTS = {
  recorded: { label: "as recorded", value: (index) => index, first: 1 },
  gain: { label: "gain", value: (index) => store.gain[index], first: -1 },
  reward: { label: "reward", value: (index) => store.reward[index], first: -1 },
  f1: { label: "F1", value: (index) => store.f1[index], first: -1 },
  credit: { label: "greatest credit", value: (index) => store.credit[index], first: -1 },
  searches: { label: "searches", value: (index) => store.searches[index], first: -1 },
  update: { label: "update", value: (index) => store.update[index], first: -1 },
};

const state = { id: null, view: "episode", colour: "credit", filters: new Set(), query: "", sort: "recorded", turned: false, from: null, to: null };

function link() {
  const parts = new URLSearchParams();
  if (state.id !== null) parts.set("e", state.id);
  if (state.view !== "episode") parts.set("view", state.view);
  if (state.colour !== "credit") parts.set("colour", state.colour);
  if (state.filters.size) parts.set("f", [...state.filters].join(","));
  if (state.query) parts.set("q", state.query);
  if (state.sort !== "recorded") parts.set("sort", state.sort);
  if (state.turned) parts.set("turned", "1");
  if (state.from !== null) parts.set("from", state.from);
  if (state.to !== null) parts.set("to", state.to);
  return `#${parts}`;
}

function remember() {
  const wanted = link();
  if (wanted !== location.hash && !(wanted === "#" && !location.hash)) history.replaceState(null, "", wanted);
}

function readLink() {
  const parts = new URLSearchParams(location.hash.slice(1));
  state.id = parts.get("e");
  state.view = parts.get("view") === "group" ? "group" : "episode";
  state.colour = Object.hasOwn(COLOURINGS, parts.get("colour")) ? parts.get("colour") : "credit";
  const known = new Set(run.filters.map((each) => each.name));
  state.filters = new Set((parts.get("f") ?? "").split(",").filter((name) => known.has(name)));
  state.query = parts.get("q") ?? "";
  state.sort = Object.hasOwn(SORTS, parts.get("sort")) ? parts.get("sort") : "recorded";
  state.turned = parts.get("turned") === "1";
  state.from = update(parts.get("from"));
  state.to = update(parts.get("to"));
}

function update(text) {
  return /^\d{1,9}$/.test(text ?? "") ? Number(text) : null;
}
