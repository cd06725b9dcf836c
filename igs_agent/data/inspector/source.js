// Where episodes come from: packed elements of this page, or the server that it came from.
const NAMES = ["id", "group", "update", "question", "answers", "answer", "queries", "documents", "reward", "exact_match", "f1", "gain", "searches", "credit", "bits"];
const EVERY = 2000;

const store = { generation: 0, more: false, problems: [], held: 0, texts: [], groups: new Map() };
for (const name of NAMES) store[name] = [];

const blocks = new Map();
let run = null;

async function unpacked(id) {
  const packed = byId(id).textContent;
  const bytes = Uint8Array.from(atob(packed), (letter) => letter.charCodeAt(0));
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"));
  return JSON.parse(await new Response(stream).text());
}

async function asked(path) {
  const answer = await fetch(path);
  const found = await answer.json();
  if (!answer.ok) throw new Error(found.error);
  return found;
}

function size() {
  return store.id.length;
}

// Put a page of the list behind what is there; a group that has grown is told again.
function take(page) {
  if (page.generation !== store.generation) {
    store.generation = page.generation;
    cutTo(0);
  }
  cutTo(page.start);
  const before = size();
  for (const bits of page.columns.bits) store.held |= bits;
  for (const name of NAMES) for (const value of page.columns[name]) store[name].push(value);
  for (let index = before; index < size(); index++) member(index);
  store.more = page.more;
  store.problems = page.problems;
  return size() - before;
}

function cutTo(start) {
  if (start >= size()) return;
  for (const name of NAMES) store[name].length = start;
  store.texts.length = Math.min(store.texts.length, start);
  for (const number of [...blocks.keys()]) if ((number + 1) * run.block > start) blocks.delete(number);
  store.held = store.bits.reduce((held, bits) => held | bits, 0);
  store.groups.clear();
  for (let index = 0; index < start; index++) member(index);
}

const groupKey = (index) => `${store.update[index]} ${store.group[index]}`;

function member(index) {
  // The last block grows; a copy from before must not be shown.
  blocks.delete(Math.floor(index / run.block));
  const key = groupKey(index);
  if (!store.groups.has(key)) store.groups.set(key, []);
  store.groups.get(key).push(index);
}

function groupOf(index) {
  return store.groups.get(groupKey(index));
}

function creditScale(index) {
  return Math.max(1e-6, ...groupOf(index).map((each) => store.credit[each])) || 1;
}

// What the search box looks through, made when it is first needed.
function searchText(index) {
  if (store.texts[index] === undefined) {
    const parts = [store.question[index], store.answers[index], store.answer[index] ?? "", store.queries[index], store.documents[index], store.id[index]];
    store.texts[index] = parts.flat().join("\n").toLowerCase();
  }
  return store.texts[index];
}

function block(number) {
  if (!blocks.has(number)) {
    if (blocks.size > 24) blocks.delete(blocks.keys().next().value);
    const found = run.served ? asked(`block?number=${number}`) : unpacked(`block-${number}`);
    found.catch(() => blocks.delete(number));
    blocks.set(number, found);
  }
  return blocks.get(number);
}

async function episode(index) {
  const found = await block(Math.floor(index / run.block));
  return { ...found.episodes[index % run.block], texts_of: found.documents, index };
}

const nextPage = () => asked(`index?since=${size()}&generation=${store.generation}`);
