"use strict";
// Draws the page from the figures that stand in it: those of `ringsend bench --json`, or those of
// `ringsend compare`. Texts from outside (URLs, names of errors) only ever become text nodes.

const SVG = "http://www.w3.org/2000/svg";
const QUANTILES = [["p50", "p50"], ["p90", "p90"], ["p99", "p99"], ["p999", "p99.9"], ["p9999", "p99.99"], ["max", "max"]];

function fill(node, attributes, children) {
  for (const [name, value] of Object.entries(attributes || {}))
    if (value !== null && value !== undefined) node.setAttribute(name, value);
  node.append(...children.flat().filter((child) => child !== null && child !== undefined));
  return node;
}
const el = (tag, attributes, ...children) => fill(document.createElement(tag), attributes, children);
const draw = (tag, attributes, ...children) => fill(document.createElementNS(SVG, tag), attributes, children);

// ---- numbers, as the terminal report writes them

function digits(number) {
  const decimals = number >= 100 || Number.isInteger(number) ? 0 : number >= 10 ? 1 : 2;
  return number.toFixed(decimals);
}
function timeText(us) {
  const units = [[3600e6, "h"], [60e6, "min"], [1e6, "s"], [1e3, "ms"], [1, "us"], [1e-3, "ns"]];
  const [size, name] = units.find(([size]) => us >= size * 0.9995) || [1e-3, "ns"];
  return digits(us / size) + "\u00a0" + name;
}
const countText = (count) => Math.round(count).toLocaleString("en");
const rateText = (rate) => (rate >= 1000 ? countText(rate) : digits(rate)) + "/s";
const shareText = (share) => digits(share * 100) + "\u00a0%";
const bytesText = (bytes) => {
  const [size, name] = [[1e12, "TB"], [1e9, "GB"], [1e6, "MB"], [1e3, "kB"], [1, "bytes"]].find(([size]) => bytes >= size * 0.9995) || [1, "bytes"];
  return digits(bytes / size) + "\u00a0" + name;
};
// A figure that programs can read, too.
const data = (value, text) => el("data", { value }, text);
const time = (us, atLeast) => data(us, (atLeast ? "\u2265\u00a0" : "") + timeText(us));
// A percentile of a run's times; some rest on times that are lower bounds.
const quantile = (run, times, key) => time(run[times][key], run.lower_bounds[times].at_least.includes(key));

// ---- tables

function table(head, rows, attributes) {
  const row = (cells) => el("tr", {}, cells.map((cell, i) =>
    i === 0 ? el("th", { scope: "row" }, cell) : cell instanceof HTMLTableCellElement ? cell : el("td", {}, cell)));
  return el("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": attributes.label },
    el("table", { class: attributes.class, id: attributes.id },
      head ? el("thead", {}, el("tr", {}, head.map((text) => el("th", { scope: "col" }, text)))) : null,
      el("tbody", {}, rows.map(row))));
}
function pairs(label, entries) {
  const words = ([key, value]) => [key, el("td", { class: "words" }, value)];
  return table(null, entries.filter(([, value]) => value !== null && value !== "").map(words), { label, class: "pairs" });
}

// ---- scales and ticks

function niceStep(span, wanted) {
  const raw = span / wanted, power = 10 ** Math.floor(Math.log10(raw));
  return [1, 2, 5, 10].map((factor) => factor * power).find((step) => step >= raw) || raw;
}
function linearScale(low, high, wanted) {
  const step = niceStep(high - Math.min(0, low) || 1, wanted), top = Math.ceil(high / step) * step || 1;
  const ticks = [];
  for (let i = 0; i * step <= top * 1.0001; i++) ticks.push(i * step);
  return { place: (value) => value / top, ticks };
}
function logScale(low, high) {
  const all = [];
  for (let exponent = Math.floor(Math.log10(low)); exponent <= Math.ceil(Math.log10(high)); exponent++)
    for (const factor of [1, 2, 5]) all.push(factor * 10 ** exponent);
  const bottom = all.filter((value) => value <= low * 1.0001).pop() || low;
  const top = all.find((value) => value >= high * 0.9999 && value > bottom) || high;
  let ticks = all.filter((value) => value >= bottom * 0.9999 && value <= top * 1.0001);
  if (ticks.length > 8) ticks = ticks.filter((value) => Math.abs(Math.log10(value) % 1) < 1e-6);
  return { place: (value) => Math.log(Math.max(value, bottom) / bottom) / Math.log(top / bottom), ticks };
}

// ---- charts: lines over x, redrawn when the width changes; a cursor for pointer and arrow keys
// A line has a name, points [x, y], and perhaps a style of its own, a text for its values, and a name in the legend,
// which many may share. Points right of x.high are in the table alone.

let charts = 0;
const styleOf = (line, i) => `s${(line.style ?? i) % 8}${(line.style ?? i) % 16 >= 8 ? " thick" : ""}`;
function chart(options) {
  const { title, lines, x, y, logarithmic } = options;
  const id = "chart" + ++charts;
  const svg = draw("svg", { class: "chart", role: "img", tabindex: "0", "aria-labelledby": id, "aria-describedby": id + "-readout" });
  const readout = el("p", { class: "readout soft", id: id + "-readout", role: "status" }, options.hint);
  const button = logarithmic === undefined ? null : el("button", { type: "button", "aria-pressed": String(logarithmic) }, "log scale");
  const state = { log: logarithmic || false, at: -1 };
  const all = [...new Set(lines.flatMap((line) => line.points.map((point) => point[0])))].sort((a, b) => a - b);
  const xs = all.filter((value) => value <= x.high);
  const drawn = lines.map((line) => line.points.filter((point) => point[0] <= x.high));
  const values = drawn.flat().map((point) => point[1]).filter((value) => value > 0);
  const low = Math.min(...values), high = Math.max(...values);
  let place = null;

  function paint() {
    const width = svg.clientWidth || 640, height = svg.clientHeight || 304;
    const box = { left: 62, right: width - 14, top: 10, bottom: height - 26 };
    const scale = values.length && state.log ? logScale(low, high) : linearScale(0, values.length ? high : 1, 5);
    place = {
      x: (value) => box.left + (box.right - box.left) * (value - x.low) / (x.high - x.low || 1),
      y: (value) => box.bottom - (box.bottom - box.top) * scale.place(value), box,
    };
    svg.setAttribute("viewBox", `0 0 ${width} ${height}`);
    svg.replaceChildren();
    for (const tick of scale.ticks) {
      const at = place.y(tick);
      svg.append(draw("line", { class: "grid", x1: box.left, x2: box.right, y1: at, y2: at }),
        draw("text", { x: box.left - 8, y: at + 4, "text-anchor": "end" }, y.text(tick)));
    }
    let free = -1;
    for (const [tick, text] of x.ticks(width)) {
      const at = place.x(tick), half = text.length * 3.6;
      svg.append(draw("line", { class: "grid", x1: at, x2: at, y1: box.top, y2: box.bottom }));
      const middle = Math.min(at, width - half - 2);
      if (middle - half > free) {
        svg.append(draw("text", { x: middle, y: height - 8, "text-anchor": "middle" }, text));
        free = middle + half + 6;
      }
    }
    svg.append(draw("line", { class: "axis", x1: box.left, x2: box.right, y1: box.bottom, y2: box.bottom }));
    lines.forEach((line, i) => svg.append(drawn[i].length === 1
      ? draw("circle", { class: "dot " + styleOf(line, i), cx: place.x(drawn[i][0][0]), cy: place.y(drawn[i][0][1]), r: 3 })
      : draw("polyline", { class: "curve " + styleOf(line, i),
        points: drawn[i].map((point) => `${place.x(point[0]).toFixed(1)},${place.y(point[1]).toFixed(1)}`).join(" ") })));
    if (state.at >= 0) mark();
  }
  function mark() {
    svg.querySelectorAll(".cursor, .at").forEach((node) => node.remove());
    const value = xs[state.at], at = place.x(value), said = [];
    svg.append(draw("line", { class: "cursor", x1: at, x2: at, y1: place.box.top, y2: place.box.bottom }));
    lines.forEach((line, i) => {
      const point = line.points.find((candidate) => candidate[0] === value);
      if (!point) return;
      svg.append(draw("circle", { class: "dot at " + styleOf(line, i), cx: at, cy: place.y(point[1]), r: 4 }));
      said.push(`${line.name} ${(line.text || y.text)(point[1])}`);
    });
    readout.textContent = `${x.text(value)}: ${said.join(", ")}`;
  }
  function moveTo(index) {
    state.at = Math.max(0, Math.min(xs.length - 1, index));
    if (xs.length && place) mark();
  }
  svg.addEventListener("keydown", (event) => {
    const moves = { ArrowRight: state.at + 1, ArrowLeft: state.at - 1, Home: 0, End: xs.length - 1 };
    if (!(event.key in moves)) return;
    event.preventDefault();
    moveTo(moves[event.key]);
  });
  svg.addEventListener("pointermove", (event) => {
    if (!place || !xs.length) return;
    const at = event.clientX - svg.getBoundingClientRect().left;
    let best = 0;
    xs.forEach((value, i) => { if (Math.abs(place.x(value) - at) < Math.abs(place.x(xs[best]) - at)) best = i; });
    moveTo(best);
  });
  if (button) button.addEventListener("click", () => {
    state.log = !state.log;
    button.setAttribute("aria-pressed", String(state.log));
    paint();
  });
  new ResizeObserver(paint).observe(svg);

  const entries = new Map(lines.map((line, i) => [line.legend ?? line.name, styleOf(line, i)]));
  const legend = el("ul", { class: "legend" }, [...entries].map(([name, style]) => el("li", {},
    draw("svg", { "aria-hidden": "true", viewBox: "0 0 28 10" }, draw("line", { class: "curve " + style, x1: 0, x2: 28, y1: 5, y2: 5 })), name)));
  const rows = all.map((value) => [x.text(value), ...lines.map((line) => {
    const point = line.points.find((candidate) => candidate[0] === value);
    return point ? data(point[1], (line.text || y.text)(point[1])) : "";
  })]);
  return el("figure", {},
    el("figcaption", {}, el("strong", { id }, title), legend, el("span", { class: "spacer" }), button),
    svg, readout,
    el("details", {}, el("summary", {}, "As a table"), table([x.name, ...lines.map((line) => line.name)], rows, { label: title })));
}

// Percentiles on a scale where each further nine is as wide as the one before.
const nines = (share) => -Math.log10(1 - share);
function percentileText(position, lastPositions) {
  if (lastPositions.has(position)) return "max";
  const percent = 100 * (1 - 10 ** -position);
  return "p" + Number(percent.toPrecision(Math.max(3, Math.ceil(position) + 2)));
}
function curveChart(title, curves) {
  const last = new Set();
  const lines = curves.filter((curve) => curve.points.length > 0).map((curve) => {
    // What lies above 1 - 1/count is the maximum, at the end of the line.
    const end = Math.log10(Math.max(2, curve.count));
    last.add(end);
    return { name: curve.name, style: curve.style, legend: curve.legend,
      points: curve.points.map(([share, us]) => [share < 1 ? nines(share) : end, us]).filter(([at], i, all) => i === all.length - 1 || at < end) };
  });
  const high = Math.max(1, ...last);
  const ticks = () => {
    const all = [[0, "0"], [nines(0.5), "p50"]];
    for (let i = 1; i < high - 0.2; i++) all.push([i, "p" + Number((100 * (1 - 10 ** -i)).toPrecision(i + 1))]);
    if (last.size === 1) all.push([high, "max"]);
    return all;
  };
  return chart({ title, lines, logarithmic: true, hint: "Arrow keys or pointer: values at a percentile.",
    x: { name: "percentile", low: 0, high, ticks, text: (position) => percentileText(position, last) }, y: { text: timeText } });
}
// A second that begins when the last start was made has the answers to what was in flight then, and no rate.
const isAfter = (run, second) => second > 1 && second - 1 >= run.duration_s;
function seriesChart(title, run, lines, y, logarithmic) {
  const series = run.series, high = Math.max(1, ...series.map((entry) => entry.second).filter((second) => !isAfter(run, second)));
  const ticks = (width) => {
    const step = Math.max(1, niceStep(high, Math.max(2, Math.floor(width / 90)))), all = [];
    for (let i = 0; i <= high; i += step) all.push([i, i + " s"]);
    return all;
  };
  return chart({ title, logarithmic, hint: "Arrow keys or pointer: values of a second.",
    lines: lines.map(([name, key, text], i) => ({ name, text, style: i, points: series.map((entry) => [entry.second, entry[key]]) })),
    x: { name: "second", low: 0, high, ticks, text: (second) => "second " + second + (isAfter(run, second) ? ", after the last start" : "") }, y });
}

// ---- one run

const failedOf = (run) => run.errors + run.not_ok;
const failedShare = (run) => failedOf(run) / Math.max(1, run.errors + run.requests);

function cards(run) {
  const card = (name, value, more, style) => el("div", {}, el("dt", {}, name), el("dd", { class: style }, value, more ? el("small", {}, more) : null));
  const none = run.response_us.count === 0;
  return el("dl", { class: "cards" },
    [["p50", "p50"], ["p99", "p99"], ["p999", "p99.9"], ["max", "max"]].map(([key, name]) => card(name + " response", none ? "\u2013" : quantile(run, "response_us", key))),
    card("Rate", data(run.rate_achieved, rateText(run.rate_achieved)), run.rate_target ? "of " + rateText(run.rate_target) + " asked for" : "closed loop"),
    card("Failed", data(failedOf(run), countText(failedOf(run))), failedOf(run) ? shareText(failedShare(run)) : "of " + countText(run.requests), failedOf(run) ? "bad" : null));
}
function notices(run) {
  const all = [];
  const say = (text, more) => all.push(el("p", { class: more ? "notice " + more : "notice" }, text));
  if (run.requests === run.not_ok) say("No request was ok: " + (run.requests ? "what was measured are failures." : run.errors ? "no response came at all." : "none was begun in the measured part."), "bad");
  if (run.generator_is_slow) say("The machine that measured was too slow for this rate: what it added to the response times is not the server's fault.");
  if (run.late_loop) say(`${countText(run.late_loop)} ${run.late_loop === 1 ? "start was" : "starts were"} noticed more than 1 ms late by the measuring side (loop lag).`);
  if (run.never_started) say(`${countText(run.never_started)} requests that should have started never did, because no connection became free; the longest had waited ${timeText(run.never_started_wait_us)}. They count with their waits, which are lower bounds.`);
  if (run.server_is_swamped) say(`${countText(run.requests - run.in_time)} responses came only when the starts had ended, and are not in the rate: the server takes in more than it answers.`);
  if (run.timed_out) say(`${countText(run.timed_out)} requests timed out; they count with the time that they had taken by then, a lower bound.`);
  if (run.rests) say(`Nothing but failures came for a while: connections rested ${countText(run.rests)} times, up to ${timeText(run.rest_max_us)}, before their next request.`);
  if (run.cut) say(`${countText(run.cut)} requests were cut off by the second signal; they count with the time that they had taken by then, a lower bound.`);
  if (run.lower_bounds.response_us.count) say(`${countText(run.lower_bounds.response_us.count)} of ${countText(run.response_us.count)} response times are lower bounds; \u2265 marks what may be more.`);
  if (run.stopped_early) say("Stopped by a signal: these are the figures up to then.");
  if (run.settings.insecure) say("Servers were not verified (--insecure).");
  if (run.settings.loop === "closed") all.push(el("p", { class: "soft" }, "Closed loop: a slow server is asked less often, which hides what a steady flow of requests would have waited."));
  return all;
}
function thresholds(run) {
  if (!run.thresholds.length) return [];
  const text = (threshold, value) => value === null ? "unknown, no response came" : ({ us: timeText, share: shareText, per_second: rateText, count: countText })[threshold.unit](value);
  return [el("h2", {}, "Thresholds"), table(["condition", "outcome", "value"], run.thresholds.map((threshold) =>
    [threshold.condition, el("td", { class: threshold.failed ? "bad" : "good" }, threshold.failed ? "failed" : "passed"), (threshold.at_least ? "\u2265\u00a0" : "") + text(threshold, threshold.value)]), { label: "Thresholds" })];
}
function percentiles(run) {
  const rows = [["response", "response_us"], ["service", "service_us"], ["send lag", "send_lag_us"]].filter(([, times]) => run[times].count > 0);
  return table(["", ...QUANTILES.map(([, name]) => name)], rows.map(([name, times]) => [name, ...QUANTILES.map(([key]) => quantile(run, times, key))]),
    { label: "Percentiles", class: "percentiles" });
}
function phases(run) {
  const all = [["loop lag", run.phases.loop_lag_us], ["dns", run.phases.dns_us], ["connect", run.phases.connect_us], ["tls", run.phases.tls_us],
    ["first byte", run.phases.first_byte_us], ["transfer", run.phases.transfer_us], ["tcp round trip", run.tcp.rtt_us],
    ["kernel: sending", run.timestamps.sending_us], ["network and server", run.timestamps.outside_us], ["kernel: receiving", run.timestamps.receiving_us]]
    .filter(([, times]) => times.max > 0);
  const high = Math.max(...all.map(([, times]) => times.p99)) || 1;
  const bar = (times) => el("td", { class: "wide" }, draw("svg", { viewBox: "0 0 100 10", preserveAspectRatio: "none", "aria-hidden": "true" },
    draw("rect", { class: "tail", x: 0, y: 1, width: 100 * times.p99 / high, height: 8 }), draw("rect", { class: "bar", x: 0, y: 1, width: 100 * times.p50 / high, height: 8 })));
  return [table(["", "p50", "p99", "max", "count", "p50 dark, p99 light"], all.map(([name, times]) =>
    [name, time(times.p50), time(times.p99), time(times.max), countText(times.count), bar(times)]), { label: "Phases" }),
  run.tcp.absent ? el("p", { class: "soft" }, "No TCP figures: " + run.tcp.absent) : null,
  run.timestamps.absent ? el("p", { class: "soft" }, "No kernel timestamps: " + run.timestamps.absent) : null];
}
function outcomes(run) {
  const rows = [...Object.entries(run.statuses).map(([status, count]) => ["status " + status, data(count, countText(count))]),
    ...Object.entries(run.errors_by_name).map(([name, count]) => [name, data(count, countText(count))])];
  return table(["outcome", "count"], rows, { label: "Outcomes" });
}
function settings(run) {
  const s = run.settings, all = run.requests + run.errors + run.warmup_requests;
  return pairs("Settings", [
    ["target", s.target], ["method", s.method], ["load", s.loop === "open" ? `open loop, ${rateText(run.rate_target)}, ${s.arrivals}` : "closed loop"],
    ["connections", `${s.connections}${s.new_connection ? ", a new one for each request" : ""}; ${run.connections_opened} opened${run.connections_opened ? `, ${run.connections_peak} at once` : ""}`],
    ["threads", String(s.threads)], ["duration", timeText(run.duration_s * 1e6)],
    ["warm-up", s.warmup_s + s.ramp_s ? `${s.warmup_s} s, ramp ${s.ramp_s} s, ${countText(run.warmup_requests)} requests` : ""],
    ["TLS handshakes", run.handshakes_full + run.handshakes_resumed ? `${run.handshakes_full} full, ${run.handshakes_resumed} resumed` : ""],
    ["traffic", `${bytesText(run.bytes_sent)} out, ${bytesText(run.bytes_received)} in`],
    ["segments sent again", run.tcp.samples ? String(run.tcp.retransmits) : ""],
    ["cost on this side", all ? `${timeText(run.cpu_us / all)} CPU and ${digits(run.enters / all)} io_uring_enter calls a request${s.spin ? ", busy waiting" : ""}${s.awake ? ", processors kept awake" : ""}` : ""]]);
}
function environment(e) {
  return pairs("Environment", [["ringsend", e.version], ["started", e.started_unix_s ? new Date(e.started_unix_s * 1000).toISOString().replace("T", " ").replace(".000Z", " UTC") : ""],
    ["kernel", e.kernel], ["CPU", e.cpu], ["CPUs", String(e.cpus)], ["governor", e.governor], ["congestion control", e.congestion_control], ["ring", e.ring_features]]);
}
function curvesOf(run) {
  return [["response", "response_us"], ["service", "service_us"], ["send_lag", "send_lag_us"]].map(([key, times]) =>
    ({ name: key.replace("_", " "), points: run.curves[key], count: run[times].count }));
}
function runSections(run, env) {
  const timed = run.response_us.count > 0;
  return [...notices(run), cards(run), ...thresholds(run),
    ...(timed ? [el("h2", {}, "Percentiles"), percentiles(run), curveChart("Latency by percentile", curvesOf(run))] : []),
    run.series.length ? el("h2", {}, "Over time") : null,
    timed && run.series.length ? seriesChart("Response time by second", run, [["p50", "p50_us"], ["p99", "p99_us"], ["max", "max_us"]], { text: timeText }, true) : null,
    run.series.length ? seriesChart("Responses by second", run, [["responses", "requests"], ["not ok", "not_ok"], ["errors", "errors"], ["waiting for a connection", "waiting"]], { text: countText }) : null,
    el("h2", {}, "Phases"), ...phases(run),
    el("div", { class: "two" }, el("section", {}, el("h2", {}, "Settings"), settings(run)),
      el("section", {}, el("h2", {}, "Outcomes"), outcomes(run), env ? el("h2", {}, "Environment") : null, env ? environment(env) : null))];
}

// ---- comparisons

const classOf = (verdict) => ({ worse: "bad", better: "good" })[verdict];
const verdictCell = (verdict) => el("td", { class: classOf(verdict) }, verdict);
const ratioText = (ratio) => (ratio >= 1 ? "+" : "\u2212") + digits(Math.abs(ratio - 1) * 100) + "\u00a0%";
const ratioData = (q) => data(q.ratio.value, ratioText(q.ratio.value));

// One side against another.
function pairSections(sides, comparison) {
  return [
    el("p", { class: "verdict" }, el("span", { class: classOf(comparison.verdict) }, comparison.verdict), ": " + comparison.words + "."),
    el("p", { class: "soft" }, `A: ${sides[comparison.a].name}; B: ${sides[comparison.b].name}`),
    table(["", "A", "B", "difference", "95 % interval", "verdict"], ["p50", "p99"].map((key) => {
      const q = comparison[key];
      const interval = comparison.by_runs ? `${ratioText(q.ratio.low)} to ${q.ratio.high === null ? "any" : ratioText(q.ratio.high)}` : "\u2013";
      return [key, time(q.a_us.value, q.a_at_least), time(q.b_us.value, q.b_at_least), ratioData(q), interval, verdictCell(q.verdict)];
    }), { label: "Comparison" }),
    comparison.failed ? el("p", {}, `Failed: ${shareText(comparison.failed.a_share)} of A's requests, ${shareText(comparison.failed.b_share)} of B's.`) : null,
    el("p", { class: "soft" }, comparison.grounds.trim())];
}
function sidesTable(sides) {
  return table(["", "runs", ...QUANTILES.map(([, name]) => name), "count"], sides.map((side) =>
    [side.rate_target ? `${side.name}, ${rateText(side.rate_target)}` : side.name, String(side.runs),
      ...QUANTILES.map(([key]) => time(side.response_us[key], side.lower_bounds.at_least.includes(key))), countText(side.response_us.count)]), { label: "Sides", class: "percentiles" });
}
const sideCurves = (sides) => sides.map((side) => ({ name: side.name, points: side.curve, count: side.response_us.count }));

// Times over the rates of steps.
const rateLine = (name, steps, key, style) => ({ name, style, points: steps.filter((step) => step.response_us.count > 0)
  .map((step) => [step.rate_target, step.response_us[key]]).sort((p, q) => p[0] - q[0]) });
function rateChart(title, lines) {
  const rates = [...new Set(lines.flatMap((line) => line.points.map(([rate]) => rate)))].sort((p, q) => p - q);
  return rates.length === 0 ? null : chart({ title, logarithmic: true, hint: "Arrow keys or pointer: values at a rate.", lines,
    x: { name: "rate", low: 0, high: rates[rates.length - 1], ticks: () => [0, ...rates].map((rate) => [rate, rateText(rate)]), text: rateText }, y: { text: timeText } });
}

// The steps of one file against those of another, at rates that both have.
function stepsChart(title, sides, pairs) {
  const line = (letter, side, key, style) => rateLine(`${letter} ${key}`, pairs.map((pair) => sides[pair[side]]), key, style);
  return rateChart(title, [line("A", "a", "p50", 0), line("A", "a", "p99", 4), line("B", "b", "p50", 1), line("B", "b", "p99", 5)]);
}
function stepsSections(figures, file) {
  const sides = figures.sides, comparisons = figures.comparisons.filter((pair) => sides[pair.b].name === file);
  const rateOf = (pair) => rateText(sides[pair.a].rate_target);
  const lone = figures.unpaired.map(({ side, missing_in }) => [sides[side], missing_in]).filter(([side, other]) => side.name === file || other === file);
  return [
    el("p", { class: "soft" }, `A: ${sides[0].name}; B: ${file}`),
    table(["rate", "p50 A", "p50 B", "difference", "p99 A", "p99 B", "difference", "failed A", "failed B", "verdict"], comparisons.map((pair) =>
      [rateOf(pair), ...["p50", "p99"].flatMap((key) => [time(pair[key].a_us.value, pair[key].a_at_least), time(pair[key].b_us.value, pair[key].b_at_least), ratioData(pair[key])]),
        ...["a_share", "b_share"].map((key) => pair.failed ? data(pair.failed[key], shareText(pair.failed[key])) : ""), verdictCell(pair.verdict)]), { label: "Steps" }),
    ...lone.map(([side, other]) => el("p", { class: "soft" }, `${rateText(side.rate_target)}: only in ${side.name}, not in ${other}`)),
    stepsChart("Response time by rate", sides, comparisons),
    ...comparisons.map((pair) => el("details", { class: "run" }, el("summary", {}, rateOf(pair) + ": ", el("span", { class: classOf(pair.verdict) }, pair.verdict), ": " + pair.words),
      ...pairSections(sides, pair), curveChart("Response time by percentile", sideCurves([sides[pair.a], sides[pair.b]]))))];
}
// ---- pages

function overview(runs, isSteps) {
  const target = (run) => isSteps ? [] : [el("td", { class: "words" }, run.settings.target)];
  const text = (run, key) => run.response_us.count ? quantile(run, "response_us", key) : "\u2013";
  return table(["run", ...(isSteps ? [] : ["target"]), "asked", "reached", "p50", "p99", "p99.9", "max", "failed"], runs.map((run, i) =>
    [String(i + 1), ...target(run), run.rate_target ? rateText(run.rate_target) : "\u2013", rateText(run.rate_achieved),
      ...["p50", "p99", "p999", "max"].map((key) => text(run, key)),
      el("td", { class: failedOf(run) ? "bad" : null }, data(failedOf(run), countText(failedOf(run))))]), { label: "Runs" });
}
function runsPage(figures) {
  const isSteps = !figures.runs, runs = figures.steps || figures.runs, comparison = figures.comparison;
  const targets = [...new Set(runs.map((run) => run.settings.target))], missing = figures.runs_wanted - runs.length;
  document.title = `ringsend bench: ${runs.length} ${isSteps ? "steps" : "runs"}, ${targets.join(", ")}`;
  const name = (run, i) => isSteps ? rateText(run.rate_target) : `${i + 1}: ${run.settings.target}`;
  // Of runs that are to be the same, the targets are told apart, not the runs.
  const curve = (run, i) => ({ name: name(run, i), points: run.curves.response, count: run.response_us.count,
    ...(isSteps ? {} : { style: targets.indexOf(run.settings.target), legend: run.settings.target }) });
  return [el("h1", {}, document.title),
    missing > 0 ? el("p", { class: "notice" }, `Only ${runs.length} of ${figures.runs_wanted} runs were made.`) : null,
    ...runs.flatMap((run, i) => run.requests === run.not_ok ? [el("p", { class: "notice bad" }, `Run ${name(run, i)}: no request was ok.`)] : []),
    ...(comparison ? [el("h2", {}, "Verdict"), ...comparison.comparisons.flatMap((pair) => pairSections(comparison.sides, pair))] : []),
    el("h2", {}, "Overview"), overview(runs, isSteps),
    isSteps ? rateChart("Response time by rate", ["p50", "p99", "max"].map((key) => rateLine(key, runs, key))) : null,
    curveChart("Response time by percentile", runs.map(curve)),
    ...runs.map((run, i) => el("details", { class: "run" }, el("summary", {}, `Run ${name(run, i)}`), ...runSections(run, null))),
    el("h2", {}, "Environment"), environment(figures.environment)];
}
function benchPage(figures) {
  if (figures.steps || figures.runs) return runsPage(figures);
  document.title = "ringsend bench: " + figures.settings.target;
  return [el("h1", {}, document.title), ...runSections(figures, figures.environment)];
}
function comparePage(figures) {
  const sides = figures.sides, names = [...new Set(sides.map((side) => side.name))];
  document.title = "ringsend compare: " + names.join(", ");
  const title = (name) => el("h2", {}, figures.comparisons.length > 1 ? `Against ${name}` : "Verdict");
  const overall = figures.comparisons.length === 1 ? null :
    el("p", { class: "verdict" }, el("span", { class: classOf(figures.verdict) }, figures.verdict), `: the worst of ${figures.comparisons.length} comparisons.`);
  if (sides[0].rate_target) {
    const files = [...new Set(figures.comparisons.map((pair) => sides[pair.b].name))];
    return [el("h1", {}, document.title), overall, ...files.flatMap((file) => [title(file), ...stepsSections(figures, file)]),
      el("h2", {}, "Response time"), sidesTable(sides)];
  }
  return [el("h1", {}, document.title), overall,
    ...figures.comparisons.flatMap((pair) => [title(sides[pair.b].name), ...pairSections(sides, pair)]),
    el("h2", {}, "Response time"), curveChart("Response time by percentile", sideCurves(sides)), sidesTable(sides)];
}

const figures = JSON.parse(document.getElementById("figures").textContent);
document.getElementById("page").replaceChildren(...(figures.ringsend === "compare" ? comparePage(figures) : benchPage(figures)).filter(Boolean));
