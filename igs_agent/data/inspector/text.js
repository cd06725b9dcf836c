// Text that somebody else wrote, made harmless to the eye: what would be invisible, or would turn
// the text around it, is shown as a sign. Everything is put on the page by textContent.
const UNSEEN =
  /[\p{Cs}\u0000-\u0008\u000b-\u001f\u007f-\u009f\u061c\u200b\u200e\u200f\u2028-\u202e\u2060-\u2069\ufeff\ufff9-\ufffb\u{e0000}-\u{e007f}]/gu;
const CLIP = 1500;

function visible(text) {
  return text.replace(UNSEEN, (sign) => {
    const code = sign.codePointAt(0);
    if (code < 0x20) return String.fromCodePoint(0x2400 + code);
    if (code === 0x7f) return "␡";
    return `⟨U+${code.toString(16).toUpperCase().padStart(4, "0")}⟩`;
  });
}

function visibleToken(text) {
  return visible(text).replace(/\n/g, "↵\n").replace(/\t/g, "⇥\t");
}

function number(value, digits = 2) {
  if (value === null || value === undefined) return "–";
  const shown = Math.abs(value).toFixed(digits);
  return value < 0 && Number(shown) !== 0 ? `−${shown}` : shown;
}

function signed(value, digits = 2) {
  if (value === null || value === undefined) return "–";
  const shown = number(value, digits);
  return value > 0 && Number(shown) !== 0 ? `+${shown}` : shown;
}

function percent(share) {
  if (share > 0.995) return "≈ 100 %";
  return share < 1e-4 ? "< 0.01 %" : `${Number((100 * share).toPrecision(2))} %`;
}

function whole(value) {
  return value.toLocaleString("en");
}

function plural(count, one, many = `${one}s`) {
  return `${whole(count)} ${count === 1 ? one : many}`;
}

// A stretch of text, cut where it is long; the rest is one press away.
function clipped(text, { limit = CLIP, tag = "span", className = "quoted" } = {}) {
  const element = h(tag, { class: className, dir: "auto" });
  if (text.length <= limit) {
    element.textContent = visible(text);
    return element;
  }
  element.textContent = `${visible(text.slice(0, limit))}…`;
  const more = h("button", { type: "button", class: "more" }, `show all ${whole(text.length)} characters`);
  more.addEventListener("click", () => {
    element.textContent = visible(text);
    more.remove();
  });
  return h(tag === "span" ? "span" : "div", {}, element, " ", more);
}
