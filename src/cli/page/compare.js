// ---- comparisons

const classOf = (verdict) => ({ worse: "bad", better: "good" })[verdict];
const verdictCell = (verdict) => el("td", { class: classOf(verdict) }, verdict);
const ratioText = (ratio) =>
  (ratio >= 1 ? "+" : MINUS) + percentText(Math.abs(ratio - 1));
// Of a side without a single time there is nothing to tell.
const hasTimes = (q) => q.a_us.value > 0 && q.b_us.value > 0;
const ratioData = (q) => hasTimes(q) ? data(q.ratio.value, ratioText(q.ratio.value)) : NONE;
const boundTime = (interval, atLeast) =>
  interval.value > 0 ? time(interval.value, atLeast ? "bound" : null) : NONE;

function sideMarks(side, before = "") {
  const all = [], runs = (count) => side.runs === 1 ? "" : ` in ${count} of ${side.runs} runs`;
  if (side.slow) all.push("measuring side slow" + runs(side.slow));
  if (side.swamped) all.push("rate not reached" + runs(side.swamped));
  if (side.never_started) all.push(countText(side.never_started) + " never started");
  return all.map((name) => el("span", { class: "mark" }, before + name));
}
const withMarks = (text, all) => all.length ? [text + " ", ...all] : text;
// The letters of a pair, with what their sides are not to be trusted for.
const letters = (...named) => named.map(([letter, name, marks]) =>
  el("p", { class: "soft" }, `${letter}: ${name}`, marks ? [" ", marks] : []));

// One side against another.
function pairSections(sides, comparison) {
  const a = sides[comparison.a], b = sides[comparison.b];
  const interval = (q) => !comparison.by_runs || !hasTimes(q) ? NONE
    : `${ratioText(q.ratio.low)} to ` + (q.ratio.high === null ? "any" : ratioText(q.ratio.high));
  return [
    el("p", { class: "verdict" },
      el("span", { class: classOf(comparison.verdict) }, comparison.verdict),
      ": " + comparison.words + "."),
    ...letters(["A", a.name, sideMarks(a)], ["B", b.name, sideMarks(b)]),
    table(["", "A", "B", "difference", "95 % interval", "verdict"], ["p50", "p99"].map((key) => {
      const q = comparison[key];
      return [key, boundTime(q.a_us, q.a_at_least), boundTime(q.b_us, q.b_at_least),
        ratioData(q), interval(q), verdictCell(q.verdict)];
    }), { label: "Comparison" }),
    comparison.failed ? el("p", {}, `Failed: ${shareText(comparison.failed.a_share)} of A's ` +
      `requests, ${shareText(comparison.failed.b_share)} of B's.`) : null,
    el("p", { class: "soft" }, comparison.grounds.trim())];
}
function sidesTable(sides) {
  return [table(["", "runs", ...QUANTILES.map(([, name]) => name), "count"],
    sides.map((side) => [
      withMarks(side.rate_target ? `${side.name}, ${rateText(side.rate_target)}` : side.name,
        sideMarks(side)),
      String(side.runs), ...QUANTILES.map(([key]) => side.response_us.count === 0 ? NONE
        : time(side.response_us[key], signOf(side.response_us, side.lower_bounds, key))),
      countText(side.response_us.count)]),
    { label: "Sides", class: "named" }),
  signsNote(sides.map((side) => [side.response_us, side.lower_bounds]))];
}
const sideCurves = (sides) => sides.map((side) =>
  ({ name: side.name, points: side.curve, count: side.response_us.count }));

// ---- how they were made

const LABELS = { rate_per_s: "rate", duration_s: "duration", warmup_s: "warm-up", ramp_s: "ramp",
  cpu: "CPU", cpus: "CPUs", version: "ringsend", ring_features: "ring", tls: "TLS",
  started_unix_s: "started" };
const UNSAID = ["started_unix_s", "seed"]; // no difference that is worth a mark
function settingText(key, value) {
  const isNone = value === null || value === undefined || value === "" || value === false;
  if (isNone || (value === 0 && key !== "seed")) return NONE;
  if (key === "started_unix_s") return dateText(value) || NONE;
  if (key === "rate_per_s") return typeof value === "number" ? rateText(value) : String(value);
  if (key.endsWith("_s")) return timeText(value * 1e6);
  if (value === true) return "yes";
  if (Array.isArray(value)) return value.length ? value.join("; ") : NONE;
  return typeof value === "object" ? JSON.stringify(value) : String(value);
}
// A file may hold anything there.
const members = (value) => value && typeof value === "object" ? value : {};
// One column a side, or a file of steps; what is not the same in all has a mark.
function madeTable(sides) {
  const columns = sides.filter((side, i) =>
    sides.findIndex((other) => other.name === side.name) === i);
  const of = columns.map((side) => ({ ...members(side.settings), ...members(side.environment),
    ...(side.rate_target ? { rate_per_s: null } : {}) })); // steps have rates of their own
  const keys = [...new Set(of.flatMap((facts) => Object.keys(facts)))];
  if (keys.length === 0) return [];
  const rows = keys.map((key) => [key, of.map((facts) => settingText(key, facts[key]))])
    .filter(([, texts]) => texts.some((text) => text !== NONE));
  const differs = ([key, texts]) => new Set(texts).size > 1 && !UNSAID.includes(key);
  const label = (key) => Object.hasOwn(LABELS, key) ? LABELS[key]
    : key.replaceAll("_", " ");
  const count = rows.filter(differs).length;
  return [el("h2", {}, "Settings"),
    el("p", { class: "soft" }, count === 0 ? "No setting differs."
      : plural(count, "setting differs", "settings differ") + ", and may be why times do."),
    table(["", ...columns.map((side) => side.name)], rows.map((row) => [
      withMarks(label(row[0]),
        differs(row) ? [el("span", { class: "mark" }, "differs")] : []),
      ...row[1].map((text) => words(text, differs(row) ? "differs" : null))]),
    { label: "Settings", class: "made" }),
    ...columns.filter((side) => typeof side.command === "string").flatMap((side) =>
      [el("h3", {}, "To repeat " + side.name), commandBlock(side.command)])];
}

// ---- steps

// Times over the rates of steps; a rate whose step has a mark has one, too.
const rateLine = (name, steps, key, style) => ({ name, style, points: steps
  .filter((step) => step.response_us.count > 0)
  .map((step) => [step.rate_target, step.response_us[key]]).sort((p, q) => p[0] - q[0]) });
function rateChart(title, lines, isMarked) {
  const rates = [...new Set(lines.flatMap((line) => line.points.map(([rate]) => rate)))]
    .sort((p, q) => p - q);
  const tick = (rate) => rateText(rate) + (rate > 0 && isMarked(rate) ? " !" : "");
  const isWide = rates.at(-1) >= 8 * rates[0];
  return rates.length === 0 ? null : lineChart({ title, lines, logarithmic: true,
    hint: "Arrow keys or pointer: values at a rate." + (rates.some(isMarked)
      ? " ! marks rates whose figures are doubtful, see above." : ""), y: { text: timeText },
    x: { name: "rate", text: rateText, place: isWide ? logPlace(rates[0], rates.at(-1))
      : (rate) => rate / rates.at(-1),
    ticks: () => (isWide ? rates : [0, ...rates]).map((rate) => [rate, tick(rate)]) } });
}
// The steps of one file against those of another, at rates that both have.
function stepsChart(title, sides, both) {
  const line = (letter, side, key, style) =>
    rateLine(`${letter} ${key}`, both.map((pair) => sides[pair[side]]), key, style);
  const isMarked = (rate) => both.some((pair) => [sides[pair.a], sides[pair.b]].some((side) =>
    side.rate_target === rate && sideMarks(side).length > 0));
  return rateChart(title, [line("A", "a", "p50", 0), line("A", "a", "p99", 4),
    line("B", "b", "p50", 1), line("B", "b", "p99", 5)], isMarked);
}
function stepsSections(figures, file) {
  const { sides } = figures, rateOf = (pair) => rateText(sides[pair.a].rate_target);
  const comparisons = figures.comparisons.filter((pair) => sides[pair.b].name === file);
  const lone = figures.unpaired.map(({ side, missing_in: missing }) => [sides[side], missing])
    .filter(([side, missing]) => side.name === file || missing === file);
  const times = (pair) => ["p50", "p99"].flatMap((key) => [
    boundTime(pair[key].a_us, pair[key].a_at_least),
    boundTime(pair[key].b_us, pair[key].b_at_least), ratioData(pair[key])]);
  const failed = (pair) => ["a_share", "b_share"].map((key) =>
    pair.failed ? data(pair.failed[key], shareText(pair.failed[key])) : "");
  const said = (letter, side) => sideMarks(side, letter + ": ");
  return [
    ...letters(["A", sides[0].name], ["B", file]),
    table(["rate", "p50 A", "p50 B", "difference", "p99 A", "p99 B", "difference", "failed A",
      "failed B", "verdict", notesHead()], comparisons.map((pair) => {
      const notes = [...said("A", sides[pair.a]), ...said("B", sides[pair.b])];
      return [withSign(rateOf(pair), notes), ...times(pair), ...failed(pair),
        verdictCell(pair.verdict), words(notes)];
    }), { label: "Steps" }),
    ...lone.map(([side, other]) => el("p", { class: "soft" },
      `${rateText(side.rate_target)}: only in ${side.name}, not in ${other}`)),
    stepsChart("Response time by rate", sides, comparisons),
    ...comparisons.map((pair) => el("details", { class: "run" },
      el("summary", {}, rateOf(pair) + ": ",
        el("span", { class: classOf(pair.verdict) }, pair.verdict), ": " + pair.words),
      ...pairSections(sides, pair), curveChart("Response time by percentile",
        sideCurves([sides[pair.a], sides[pair.b]]))))];
}
