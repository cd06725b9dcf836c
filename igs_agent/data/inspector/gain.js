// One search's gain as a figure: where the gold answer stood with the documents that were found,
// and where it stood with others, on one axis of log-probability.
const WIDE = 320;
const EDGE = 14;

// The same axis for all searches that are shown together, so that lengths compare.
function axisOf(steps) {
  const values = steps.filter((step) => step.gain !== null).flatMap((step) => [step.log_prob_real, ...step.log_probs_counterfactual]).filter((value) => value !== null);
  if (!values.length) return { low: -1, high: 0 };
  const low = Math.min(...values), high = Math.max(...values);
  const space = Math.max(0.5, (high - low) * 0.08);
  return { low: low - space, high: Math.min(0, high + space) };
}

function meanOf(values) {
  const finite = values.filter((value) => value !== null);
  return finite.length ? finite.reduce((sum, value) => sum + value, 0) / finite.length : null;
}

function gainWords(step) {
  const error = step.gain_stderr === null ? "" : ` ± ${number(step.gain_stderr)}`;
  return `${signed(step.gain)}${error}`;
}

function likelier(gain) {
  const times = Math.exp(Math.abs(gain));
  const factor = times > 1e6 ? "over a million" : whole(Number(times.toPrecision(2)));
  if (times < 1.05) return "These documents left the gold answer about as likely as other documents would.";
  return `These documents made each token of the gold answer ${factor} times ${gain > 0 ? "likelier" : "less likely"} than other documents would.`;
}

function gainFigure(step, axis) {
  const x = (value) => EDGE + ((value - axis.low) / (axis.high - axis.low)) * (WIDE - 2 * EDGE);
  const real = step.log_prob_real, drawn = step.log_probs_counterfactual.filter((value) => value !== null), mean = meanOf(drawn);
  const label = `Gain ${gainWords(step)} nats per answer token: log-probability ${number(real)} with the documents found, ${number(mean)} on average with ${plural(drawn.length, "draw")} of others (${drawn.map((value) => number(value)).join(", ")}).`;
  const figure = svg("svg", { class: "gain-figure", viewBox: `0 0 ${WIDE} 76`, role: "img", "aria-label": label });
  if (real === null || mean === null) return figure;
  const tone = step.gain < 0 ? "minus" : "plus";
  figure.append(...ticks(axis, x));
  figure.append(svg("line", { class: `stem stem-${tone}`, x1: x(mean), x2: x(real), y1: 16, y2: 16 }));
  figure.append(svg("line", { class: "drop", x1: x(mean), x2: x(mean), y1: 16, y2: 40 }));
  if (step.gain_stderr) figure.append(...errorBar(x(mean - step.gain_stderr), x(mean + step.gain_stderr)));
  figure.append(...drawn.map((value) => svg("circle", { class: "drawn", cx: x(value), cy: 40, r: 4.5 })));
  figure.append(svg("circle", { class: `real real-${tone}`, cx: x(real), cy: 16, r: 6 }));
  return figure;
}

function errorBar(left, right) {
  return [
    svg("line", { class: "error", x1: left, x2: right, y1: 28, y2: 28 }),
    ...[left, right].map((end) => svg("line", { class: "error", x1: end, x2: end, y1: 24, y2: 32 })),
  ];
}

function ticks(axis, x) {
  const span = axis.high - axis.low;
  const step = [0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 50, 100].find((each) => span / each <= 6) ?? span;
  const found = [svg("line", { class: "axis", x1: EDGE, x2: WIDE - EDGE, y1: 54, y2: 54 })];
  for (let value = Math.ceil(axis.low / step) * step; value <= axis.high + 1e-9; value += step) {
    found.push(svg("line", { class: "axis", x1: x(value), x2: x(value), y1: 54, y2: 58 }));
    found.push(svg("text", { class: "tick", x: x(value), y: 70, "text-anchor": "middle" }, number(value, step < 1 ? 1 : 0)));
  }
  return found;
}

function gainPanel(step, axis) {
  if (step.gain === null) return null;
  const tone = step.gain < 0 ? "minus" : "plus";
  return h("section", { class: "gain", "aria-label": "Information gain" },
    h("h4", {}, "Gain ", h("strong", { class: tone }, gainWords(step)), h("span", { class: "unit" }, " nats per answer token")),
    gainFigure(step, axis),
    h("p", { class: "gain-key" },
      h("span", {}, h("span", { class: `dot dot-${tone}`, "aria-hidden": "true" }), `found ${number(step.log_prob_real)}`),
      h("span", {}, h("span", { class: "dot dot-drawn", "aria-hidden": "true" }), `others ${number(meanOf(step.log_probs_counterfactual))}, mean of ${plural(step.log_probs_counterfactual.length, "draw")}`)),
    h("p", { class: "words" }, likelier(step.gain)),
    step.answer_in_counterfactual ? h("p", { class: "words caution" }, "A drawn document holds a gold answer: the gain is biased downwards.") : null);
}
