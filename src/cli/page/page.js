// ---- pages

function heading(title, more, unix_s) {
  const date = dateText(unix_s);
  document.title = [title, date].filter(Boolean).join(", ");
  const all = [date, ...more].filter(Boolean).join(" \u00b7 ");
  return [el("h1", { title }, title), all ? el("p", { class: "soft" }, all) : null];
}
const loadText = (run) => [
  run.rate_target ? `open loop, ${rateText(run.rate_target)}` : "closed loop",
  plural(run.settings.connections, "connection", "connections"),
  timeText(run.duration_s * 1e6) + " measured"];

// Of several targets by turns each has a letter, as in comparisons.
const letterOf = (targets, run) =>
  String.fromCharCode(65 + targets.indexOf(run.settings.target));
function overview(runs, targets) {
  const text = (run, key) => isTimed(run) ? quantile(run, "response_us", key) : NONE;
  const keys = ["p50", "p95", "p99", "p999", "max"];
  const rows = runs.map((run, i) => [withSign(String(i + 1), marks(run)),
    ...(targets.length > 1 ? [letterOf(targets, run)] : []),
    run.rate_target ? rateText(run.rate_target) : NONE, rateText(run.rate_achieved),
    ...keys.map((key) => text(run, key)),
    el("td", { class: failedOf(run) ? "bad" : null },
      data(failedOf(run), countText(failedOf(run)))),
    words(marks(run).map(markOf))]);
  return [table(["run", ...(targets.length > 1 ? ["target"] : []), "asked", "reached", "p50",
    "p95", "p99", "p99.9", "max", "failed", notesHead()], rows, { label: "Runs" }),
  signsNote(runs.map((run) => [run.response_us, run.lower_bounds.response_us]))];
}
function runsPage(figures) {
  const isSteps = !figures.runs, runs = figures.steps || figures.runs;
  const { comparison, environment: env } = figures;
  const targets = [...new Set(runs.map((run) => run.settings.target))];
  const missing = figures.runs_wanted - runs.length;
  const kind = isSteps ? plural(runs.length, "step", "steps") : plural(runs.length, "run", "runs");
  const letter = (run) => targets.length > 1 ? letterOf(targets, run) : "all runs";
  const name = (run, i) => isSteps ? rateText(run.rate_target)
    : targets.length > 1 ? `${i + 1}: ${letter(run)}` : String(i + 1);
  // Of runs that are to be the same, the targets are told apart, not the runs.
  const curve = (run, i) => ({ name: name(run, i), points: run.curves.response,
    count: run.response_us.count, ...(isSteps ? { style: rankStyle(i, runs.length) } : {
      style: targets.indexOf(run.settings.target), legend: letter(run) }) });
  const isMarked = (rate) => runs.some((run) => run.rate_target === rate && marks(run).length);
  return [
    ...heading(`ringsend bench: ${kind}, ${targets.join(", ")}`,
      [plural(runs[0].settings.connections, "connection", "connections")], env.started_unix_s),
    missing > 0 ? el("p", { class: "notice" },
      `Only ${runs.length} of ${figures.runs_wanted} runs were made.`) : null,
    ...runs.flatMap((run, i) => isFailure(run)
      ? [el("p", { class: "notice bad" }, `Run ${name(run, i)}: no request was ok.`)] : []),
    ...(comparison ? [el("h2", {}, "Verdict"), ...comparison.comparisons.flatMap((pair) =>
      pairSections(comparison.sides, pair))] : []),
    el("h2", {}, "Overview"), ...(targets.length > 1 && !comparison
      ? letters(...targets.map((target, i) => [String.fromCharCode(65 + i), target])) : []),
    ...overview(runs, targets),
    isSteps ? rateChart("Response time by rate",
      ["p50", "p99", "max"].map((key) => rateLine(key, runs, key)), isMarked) : null,
    curveChart("Response time by percentile", runs.map(curve)),
    ...runs.map((run, i) => el("details", { class: "run" },
      el("summary", {}, `Run ${name(run, i)} `, marks(run).map(markOf)),
      ...runSections(run, null))),
    ...toRepeat(figures.command), el("h2", {}, "Environment"), environment(env)];
}
function benchPage(figures) {
  if (figures.steps || figures.runs) return runsPage(figures);
  return [...heading("ringsend bench: " + figures.settings.target, loadText(figures),
    figures.environment.started_unix_s), ...runSections(figures, figures.environment),
  ...toRepeat(figures.command)];
}
function comparePage(figures) {
  const { sides, comparisons } = figures;
  const names = [...new Set(sides.map((side) => side.name))];
  const dates = [...new Set(sides.map((side) =>
    dateText(members(side.environment).started_unix_s)))].filter(Boolean);
  const targets = [...new Set(sides.map((side) => members(side.settings).target))]
    .filter((target) => typeof target === "string");
  const title = (name) => el("h2", {}, comparisons.length > 1 ? `Against ${name}` : "Verdict");
  const isSteps = sides[0].rate_target;
  const files = [...new Set(comparisons.map((pair) => sides[pair.b].name))];
  return [
    ...heading("ringsend compare: " + names.join(", "),
      [targets.join(", "), dates.length ? "measured " + dates.join(", ") : ""], 0),
    comparisons.length === 1 ? null : el("p", { class: "verdict" },
      el("span", { class: classOf(figures.verdict) }, figures.verdict),
      `: the worst of ${comparisons.length} comparisons.`),
    ...(isSteps ? files.flatMap((file) => [title(file), ...stepsSections(figures, file)])
      : comparisons.flatMap((pair) =>
        [title(sides[pair.b].name), ...pairSections(sides, pair)])),
    el("h2", {}, "Response time"),
    isSteps ? null : curveChart("Response time by percentile", sideCurves(sides)),
    ...sidesTable(sides), ...madeTable(sides)];
}

const figures = JSON.parse(document.getElementById("figures").textContent);
document.getElementById("page").replaceChildren(
  ...(figures.ringsend === "compare" ? comparePage(figures) : benchPage(figures))
    .filter(Boolean));
