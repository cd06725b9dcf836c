// Colours of tokens. Blue and orange, and purple for one-sided numbers, are told apart by every
// kind of colour vision; strength is a share of a CSS colour, so that light and dark follow.
const SURPRISING = 6;

const COLOURINGS = {
  credit: {
    label: "credit",
    style: (token, scale) => token.credit === null ? "" : mix(token.credit < 0 ? "negative" : "positive", token.credit / scale),
    legend: (scale) => [
      h("span", { class: "ends" }, `−${upTo(scale)} discouraged`),
      h("span", { class: "ramp ramp-credit", role: "img", "aria-label": "orange through nothing to blue" }),
      h("span", { class: "ends" }, `+${upTo(scale)} reinforced`),
      queryKey(),
    ],
  },
  logprob: {
    label: "log-probability",
    style: (token) => token.logProb === null ? "" : mix("surprise", token.logProb / SURPRISING),
    legend: () => [
      h("span", { class: "ends" }, "0 certain"),
      h("span", { class: "ramp ramp-logprob", role: "img", "aria-label": "nothing to purple" }),
      h("span", { class: "ends" }, `−${SURPRISING} nats and less: surprising`),
      queryKey(),
    ],
  },
  provenance: {
    label: "provenance",
    style: (token) => `var(--by-${token.by})`,
    legend: () => [
      h("span", { class: "key by-prompt" }, "prompt"),
      h("span", { class: "key by-policy" }, "policy"),
      h("span", { class: "key by-query token-query" }, "policy, query"),
      h("span", { class: "key by-environment" }, "environment"),
    ],
  },
};

function mix(name, share) {
  const strength = Math.min(1, Math.abs(share));
  if (!(strength > 0.001)) return "";
  return `color-mix(in oklab, var(--${name}) ${Math.round(8 + 68 * strength)}%, transparent)`;
}

// A scale of 0.004 is not 0.00.
function upTo(scale) {
  return scale < 0.1 ? String(Number(scale.toPrecision(2))) : scale.toFixed(2);
}

function queryKey() {
  return h("span", { class: "key query-key token-query" }, "query");
}

function showLegend(scale) {
  replace(byId("legend"), COLOURINGS[state.colour].legend(scale));
}
