// The keyboard. Nothing here takes a key away from a field that is being written in.
const writing = (element) => element.matches("input:not([type=button]), select, textarea");

const KEYS = {
  j: () => neighbour(1),
  k: () => neighbour(-1),
  ArrowDown: () => neighbour(1),
  ArrowUp: () => neighbour(-1),
  ArrowRight: () => sibling(1),
  ArrowLeft: () => sibling(-1),
  g: () => setView(state.view === "group" ? "episode" : "group"),
  1: () => setColour("credit"),
  2: () => setColour("logprob"),
  3: () => setColour("provenance"),
  "/": () => { showPane("list"); byId("search").focus(); byId("search").select(); },
  f: () => { showPane("list"); byId("filters").open = true; byId("filters").querySelector("button")?.focus(); },
  "?": () => byId("help").showModal(),
  Escape: () => { showPane("list"); byId("list").focus(); },
};

function pressed(event) {
  if (event.ctrlKey || event.metaKey || event.altKey || document.querySelector("dialog[open]")) return;
  const target = event.target;
  if (writing(target)) {
    if (event.key === "Escape" || (event.key === "Enter" && target.id === "search")) { byId("list").focus(); event.preventDefault(); }
    return;
  }
  if (event.key === "Enter" && target.id === "list") { showPane("detail"); byId("detail").focus(); return; }
  if (radioMoved(event)) return;
  if (insideText(event)) return;
  const act = Object.hasOwn(KEYS, event.key) ? KEYS[event.key] : null;
  if (!act || scrollsItself(event)) return;
  event.preventDefault();
  act();
}

// Arrows walk token by token where a text has the focus.
function insideText(event) {
  const text = event.target.closest(".tokens");
  const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
  if (!text || !step) return false;
  event.preventDefault();
  walk(text, step);
  return true;
}

function radioMoved(event) {
  const radios = event.target.getAttribute("role") === "radio" ? [...event.target.parentElement.children] : [];
  const step = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[event.key];
  if (!radios.length || !step) return false;
  event.preventDefault();
  const next = radios[(radios.indexOf(event.target) + step + radios.length) % radios.length];
  next.focus();
  next.click();
  return true;
}

// Up and down scroll what is being read, and sideways what is wider than the window.
function scrollsItself(event) {
  if (event.key === "ArrowUp" || event.key === "ArrowDown") return Boolean(event.target.closest("#detail"));
  return event.key.startsWith("Arrow") && Boolean(event.target.closest(".group-scroll"));
}
