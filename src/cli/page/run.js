// ---- one run

const QUANTILES = [["p50", "p50", 0.5], ["p75", "p75", 0.75], ["p90", "p90", 0.9],
  ["p95", "p95", 0.95], ["p99", "p99", 0.99], ["p999", "p99.9", 0.999],
  ["p9999", "p99.99", 0.9999], ["max", "max", 1]];
const FEW = 20; // as many must lie above a percentile for it to be worth a verdict

const failedOf = (run) => run.errors + run.not_ok;
const failedShare = (run) => failedOf(run) / Math.max(1, run.errors + run.requests);
const isFailure = (run) => run.requests === run.not_ok;
const isTimed = (run) => run.response_us.count > 0;
const isShort = (run) => run.rate_target && run.scheduled - run.in_time > run.scheduled / 100 &&
  run.scheduled - run.in_time > 1;

// A time; one that is a lower bound has a sign, and so has one that rests on few.
const SIGNS = { bound: "\u2265" + NBSP, few: "~" };
const time = (us, sign) => data(us, (SIGNS[sign] || "") + timeText(us));
function signOf(times, bounds, key) {
  const share = QUANTILES.find(([name]) => name === key)[2];
  if (bounds.at_least.includes(key)) return "bound";
  return share < 1 && times.count > 0 && times.count * (1 - share) < FEW ? "few" : null;
}
const quantile = (run, times, key) =>
  time(run[times][key], signOf(run[times], run.lower_bounds[times], key));
function signsNote(all) {
  const has = (sign) => all.some(([times, bounds]) =>
    QUANTILES.some(([key]) => signOf(times, bounds, key) === sign));
  const said = [has("few") ? `~ rests on few: less than ${FEW} lie above it.` : null,
    has("bound") ? "\u2265 is a lower bound: what was given up would have taken longer." : null];
  return said.some(Boolean) ? el("p", { class: "soft" }, said.filter(Boolean).join(" ")) : null;
}

// ---- what a run is not to be trusted for, or told with: { at, name, text, bad }. `at` says which
// figures it spoils: all, times, bounds (of these, the lower bounds), few (those that rest on few),
// rate, failed, or none.

function troubles(run) {
  const all = [], say = (at, name, text, bad) => all.push({ at, name, text, bad });
  const counted = (count) => plural(count, "request", "requests");
  if (isFailure(run)) say("times", "no request was ok", "No request was ok: " + (run.requests
    ? "what was measured are failures." : run.errors ? "no response came at all."
      : "none was begun in the measured part."), true);
  else if (failedOf(run)) say("failed", `${shareText(failedShare(run))} failed`,
    `${counted(failedOf(run))} failed; their causes are among the outcomes below.`);
  if (run.generator_is_slow) say("times", "measuring side slow", "The machine that measured " +
    "was too slow for this rate: what it added to the response times, as send lag, is not the " +
    "server's fault.");
  if (run.never_started) say("bounds", `${countText(run.never_started)} never started`,
    `${counted(run.never_started)} should have started and never did, as no connection became ` +
    `free; the longest had waited ${timeText(run.never_started_wait_us)}. They count with their ` +
    "waits, which are lower bounds.");
  if (isShort(run)) say("rate", "rate not reached", `${rateText(run.rate_achieved)} were reached ` +
    `of ${rateText(run.rate_target)}` + (run.server_is_swamped ? ": " +
    `${countText(run.requests - run.in_time)} responses came only when the starts had ended, and ` +
    "are not in the rate. The server takes in more than it answers." : "."));
  if (run.timed_out) say("bounds", `${countText(run.timed_out)} timed out`,
    `${counted(run.timed_out)} timed out; they count with the time that they had taken by then, ` +
    "a lower bound.");
  if (run.cut) say("bounds", `${countText(run.cut)} cut off`, `${counted(run.cut)} cut off by ` +
    "the second signal; they count with the time that they had taken by then, a lower bound.");
  if (run.rests) say("rate", "connections rested", "Nothing but failures came for a while: " +
    `connections rested ${plural(run.rests, "time", "times")}, up to ${timeText(run.rest_max_us)}` +
    ", before their next request.");
  if (run.stopped_early) say("all", "stopped early",
    "Stopped by a signal: these are the figures up to then.");
  if (run.late_loop && !run.generator_is_slow) say("times", null,
    plural(run.late_loop, "start was", "starts were") +
    " noticed more than 1 ms late by the measuring side (loop lag).");
  if (run.late_waits) say("times", null, plural(run.late_waits, "start was", "starts were") +
    " late by more than 1 ms, as no connection was free.");
  const few = QUANTILES.slice(0, -1).filter(([, , share]) =>
    isTimed(run) && run.response_us.count * (1 - share) < FEW);
  if (few.some(([key]) => key === "p99")) say("few", "few responses", "Of only " +
    `${plural(run.response_us.count, "response time", "response times")}, ${few[0][1]} and ` +
    `above rest on less than ${FEW} slower ones: another run may differ much.`);
  if (run.settings.insecure) say("none", null, "Servers were not verified (--insecure).");
  return all;
}
const marks = (run) => troubles(run).filter((trouble) => trouble.name);
const markOf = ({ name, text, bad }) =>
  el("span", { class: bad ? "mark bad" : "mark", title: text }, name);
const marksAt = (run, ...places) =>
  marks(run).filter(({ at }) => at === "all" || places.includes(at)).map(markOf);
// In sight where the words are not, on a narrow screen.
const withSign = (text, all) => all.length === 0 ? text : el("span", { class: "together" },
  text + " ", el("span", { class: "mark", "aria-hidden": "true" }));
const notices = (run) => [...troubles(run).map(({ text, bad }) =>
  el("p", { class: bad ? "notice bad" : "notice" }, text)),
run.settings.loop === "closed" ? el("p", { class: "soft" }, "Closed loop: a slow server is asked " +
  "less often, which hides what a steady flow of requests would have waited.") : null];

const notesHead = () => el("th", { scope: "col", class: "words" }, "notes");

// ---- sections

function cards(run) {
  const card = (name, value, more, signs, style) => el("div",
    { class: signs.length ? "doubtful" : null }, el("dt", {}, name),
    el("dd", { class: style }, value, more ? el("small", {}, more) : null, signs));
  const timeCard = ([key, name]) => {
    const sign = signOf(run.response_us, run.lower_bounds.response_us, key);
    return card(name + " response", isTimed(run) ? quantile(run, "response_us", key) : NONE, null,
      marksAt(run, "times", { bound: "bounds", few: "few" }[sign]));
  };
  const failed = failedOf(run), all = run.errors + run.requests;
  return el("dl", { class: "cards" },
    [["p50", "p50"], ["p99", "p99"], ["p999", "p99.9"], ["max", "max"]].map(timeCard),
    card("Rate", data(run.rate_achieved, rateText(run.rate_achieved)),
      run.rate_target ? "of " + rateText(run.rate_target) + " asked for" : "closed loop",
      marksAt(run, "rate")),
    card("Failed", data(failed, countText(failed)),
      (failed ? shareText(failedShare(run)) + " of " : "of ") + countText(all), [],
      failed ? "bad" : null));
}
// What was found against what was asked, in the words of the report.
function thresholds(run) {
  if (!run.thresholds.length) return [];
  return [el("h2", {}, "Thresholds"), table(["found", "outcome", "condition"],
    run.thresholds.map((t) => [t.verdict.slice(0, t.verdict.lastIndexOf(": ")),
      el("td", { class: t.failed ? "bad" : "good" }, t.failed ? "failed" : "passed"),
      t.condition]), { label: "Thresholds" })];
}
const KINDS = [["response", "response_us", "response"], ["service", "service_us", "service"],
  ["send lag", "send_lag_us", "send_lag"]];
function percentiles(run) {
  // In a closed loop all are one.
  const kinds = KINDS.slice(0, run.settings.loop === "open" ? 3 : 1)
    .filter(([, times]) => run[times].count > 0);
  return [table(["", ...QUANTILES.map(([, name]) => name)], kinds.map(([name, times]) =>
    [name, ...QUANTILES.map(([key]) => quantile(run, times, key))]), { label: "Percentiles" }),
  signsNote(kinds.map(([, times]) => [run[times], run.lower_bounds[times]])),
  curveChart("Latency by percentile", kinds.map(([name, times, key]) =>
    ({ name, points: run.curves[key], count: run[times].count })))];
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
    return { ...curve, points: curve.points
      .map(([share, us]) => [share < 1 ? nines(share) : end, us])
      .filter(([at], i, all) => i === all.length - 1 || at < end) };
  });
  const high = Math.max(...last);
  const ticks = () => {
    const all = [[0, "p0"]];
    if (nines(0.5) < high - 0.2) all.push([nines(0.5), "p50"]);
    for (let i = 1; i < high - 0.2; i++)
      all.push([i, "p" + Number((100 * (1 - 10 ** -i)).toPrecision(i + 1))]);
    if (last.size === 1) all.push([high, "max"]);
    return all;
  };
  return lines.length === 0 ? null : lineChart({ title, lines, logarithmic: true,
    hint: "Arrow keys or pointer: values at a percentile.", y: { text: timeText },
    x: { name: "percentile", high, ticks, text: (at) => percentileText(at, last) } });
}

// ---- over time

// A second that begins when the last start was made has the answers to what was in flight then, and
// neither a rate nor times that are like the others'.
const isAfter = (run, second) => second > 1 && second - 1 >= run.duration_s;
// All charts over time have one axis. What came long after the last start would leave no room.
function timeAxis(run) {
  const ended = run.duration_s || 1, { columns, column_s: wide } = run.heat;
  const isLong = (columns.length - 1) * wide > ended * 0.999;
  const high = isLong ? Math.min(columns.length * wide, 2 * ended) : ended;
  return { high, ticks: secondsTicks(high), note: isLong ? [ended, "last start"] : null };
}
function seriesChart(title, run, lines, y, logarithmic) {
  const series = run.series, axis = timeAxis(run), last = run.duration_s || 1;
  const text = (second) =>
    "second " + second + (isAfter(run, second) ? ", after the last start" : "");
  const points = (key) => series.filter((s) => key.endsWith("_us") ? s.max_us > 0 : true)
    .map((s) => [s.second, s[key]]);
  return lineChart({ title, logarithmic, hint: "Arrow keys or pointer: values of a second.", y,
    lines: lines.filter(([, key], i) => i === 0 || series.some((s) => s[key] > 0))
      .map(([name, key], i) => ({ name, style: i, points: points(key) })),
    x: { ...axis, name: "second", width: 1, text,
      last } });
}
function overTime(run) {
  if (!run.series.length) return [];
  const { high } = timeAxis(run), { columns, column_s: wide } = run.heat;
  const later = columns.flatMap((cells, i) => i * wide < high ? []
    : cells.filter((_, k) => k % 2)).reduce((a, b) => a + b, 0);
  return [el("h2", {}, "Over time"), isTimed(run) ? heatMap(run) : null,
    later ? el("p", { class: "soft" }, `${plural(later, "time", "times")} more ended after that, ` +
      `up to ${timeText(columns.length * wide * 1e6)} after the begin.`) : null,
    isTimed(run) ? seriesChart("Response time by second", run,
      [["p50", "p50_us"], ["p99", "p99_us"], ["max", "max_us"]], { text: timeText }, true) : null,
    seriesChart("Responses by second", run, [["responses", "requests"], ["not ok", "not_ok"],
      ["errors", "errors"], ["waiting for a connection", "waiting"]],
    { text: countText, least: 1 })];
}

// ---- the rest

function phases(run) {
  const { phases: p, tcp, timestamps } = run;
  const all = [["loop lag", p.loop_lag_us], ["dns", p.dns_us], ["connect", p.connect_us],
    ["tls", p.tls_us], ["first byte", p.first_byte_us], ["transfer", p.transfer_us],
    ["tcp round trip", tcp.rtt_us], ["kernel: sending", timestamps.sending_us],
    ["network and server", timestamps.outside_us], ["kernel: receiving", timestamps.receiving_us]]
    .filter(([, times]) => times.max > 0);
  const high = Math.max(...all.map(([, times]) => times.p99)) || 1;
  const bar = (style, us) => draw("rect", { class: style, x: 0, y: 1, height: 8,
    width: 100 * us / high });
  const bars = (times) => el("td", { class: "wide" }, draw("svg", { viewBox: "0 0 100 10",
    preserveAspectRatio: "none", "aria-hidden": "true" }, bar("tail", times.p99),
  bar("bar", times.p50)));
  const why = (what, absent) => absent ? el("p", { class: "soft" }, `No ${what}: ${absent}`) : null;
  return [el("h2", {}, "Phases"), all.length === 0 ? el("p", { class: "soft" }, "No response.")
    : table(["", "p50", "p99", "max", "count",
      el("th", { scope: "col", class: "wide" }, "p50 dark, p99 light")], all.map(([name, times]) =>
      [name, time(times.p50), time(times.p99), time(times.max), countText(times.count),
        bars(times)]), { label: "Phases" }),
  why("TCP figures", tcp.absent), why("kernel timestamps", timestamps.absent)];
}
function outcomes(run) {
  const row = ([name, count], style) => [el("span", { class: style }, name),
    data(count, countText(count)),
    data(count / (run.requests + run.errors), shareText(count / (run.requests + run.errors)))];
  const rows = [...Object.entries(run.statuses).map(([status, count]) =>
    row(["status " + status, count])),
  ...Object.entries(run.errors_by_name).map((entry) => row(entry, "bad"))];
  return rows.length ? table(["outcome", "count", "share"], rows, { label: "Outcomes" })
    : el("p", { class: "soft" }, "None.");
}
function settings(run) {
  const s = run.settings, all = run.requests + run.errors + run.warmup_requests;
  const opened = `${plural(run.connections_opened, "was", "were")} opened`;
  return pairs("Settings", [
    ["target", s.target], ["method", s.method],
    ["load", s.loop === "open" ? `open loop, ${rateText(run.rate_target)}, ${s.arrivals}`
      : "closed loop"],
    ["connections", `${s.connections}${s.new_connection ? ", a new one for each request" : ""}; ` +
      opened + (run.connections_opened ? `, ${run.connections_peak} at once` : "")],
    ["threads", String(s.threads)],
    ["asked for", [s.duration_s ? timeText(s.duration_s * 1e6) : null,
      s.requests ? plural(s.requests, "request", "requests") : null].filter(Boolean).join(", ")],
    ["measured", timeText(run.duration_s * 1e6)],
    ["warm-up", s.warmup_s + s.ramp_s ? `${s.warmup_s} s, ramp ${s.ramp_s} s, ` +
      plural(run.warmup_requests, "request", "requests") : ""],
    ["TLS handshakes", run.handshakes_full + run.handshakes_resumed
      ? `${run.handshakes_full} full, ${run.handshakes_resumed} resumed` : ""],
    ["traffic", `${bytesText(run.bytes_sent)} out, ${bytesText(run.bytes_received)} in`],
    ["segments sent again", run.tcp.samples ? String(run.tcp.retransmits) : ""],
    ["cost on this side", all ? `${timeText(run.cpu_us / all)} CPU and ` +
      `${digits(run.enters / all)} system calls of the ring a request` +
      `${s.spin ? ", busy waiting" : ""}${s.awake ? ", processors kept awake" : ""}` : ""]]);
}
function environment(e) {
  return pairs("Environment", [["ringsend", e.version], ["started", dateText(e.started_unix_s)],
    ["kernel", e.kernel], ["CPU", e.cpu], ["CPUs", String(e.cpus)], ["governor", e.governor],
    ["congestion control", e.congestion_control], ["ring", e.ring_features],
    ["TLS", (e.tls || []).join("; ")]]);
}
// The lines behind the first one say what is missing in the command.
const commandBlock = (text) => el("pre", { class: "command" }, text.trimEnd());
const toRepeat = (text) => text ? [el("h2", {}, "To repeat it"), commandBlock(text)] : [];

function runSections(run, env) {
  return [...notices(run), cards(run), ...thresholds(run),
    ...(isTimed(run) ? [el("h2", {}, "Response times"), ...percentiles(run), histogram(run)] : []),
    ...overTime(run), ...phases(run),
    el("div", { class: "two" }, el("section", {}, el("h2", {}, "Settings"), settings(run)),
      el("section", {}, el("h2", {}, "Outcomes"), outcomes(run),
        env ? el("h2", {}, "Environment") : null, env ? environment(env) : null))];
}
