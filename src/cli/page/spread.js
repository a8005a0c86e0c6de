// How response times are spread: over all, and over time. They come in rows of 3 %; here they are
// put into bins of equal width on a logarithmic scale, whose edges are those of E series.

const BINS_OF_DECADE = [1, 3, 6, 12, 24];
const LEAST_BINS = 10; // at this width there is a tick among them
const LEVELS = 8;

// { edges: [lower edge of each bin, end of the last], of(cells): counts by bin }, in microseconds.
function binsOf(rowEdges, most) {
  const low = Math.max(rowEdges[0], 0.001), high = rowEdges.at(-1);
  const choose = (n) => ({ n, first: Math.floor(Math.log10(low) * n + 1e-9),
    last: Math.ceil(Math.log10(high) * n - 1e-9) });
  const { n, first, last } = BINS_OF_DECADE.map(choose)
    .filter((bins) => bins.last - bins.first <= most).pop() || choose(1);
  const spare = Math.max(0, Math.ceil((LEAST_BINS - (last - first)) / 2)), from = first - spare;
  const edges = Array.from({ length: last + spare - from + 1 }, (_, i) => 10 ** ((from + i) / n));
  const position = (us) => Math.log10(Math.max(us, low)) * n - from;
  // A row that an edge cuts belongs to both sides, by its parts.
  const of = (cells) => {
    const counts = new Array(edges.length - 1).fill(0);
    for (let i = 0; i < cells.length; i += 2) {
      const begin = position(rowEdges[cells[i]]), end = position(rowEdges[cells[i] + 1]);
      for (let bin = Math.floor(begin); bin < Math.min(counts.length, end - 1e-9); bin++) {
        const part = Math.min(end, bin + 1) - Math.max(begin, bin);
        counts[bin] += cells[i + 1] * (end > begin ? part / (end - begin) : 1);
      }
    }
    return counts;
  };
  return { edges, of };
}
const rangeText = (from, to) => `${timeText(from)} to ${timeText(to)}`;

// ---- over all

function histogram(run) {
  const { edges_us: rows, columns } = run.heat, bins = binsOf(rows, 40);
  const counts = bins.of(columns.flat()), all = counts.reduce((a, b) => a + b, 0);
  const shares = counts.map((count) => count / all), { edges } = bins;
  const low = edges[0], high = edges.at(-1), least = Math.min(...shares.filter((s) => s > 0));
  const marks = [["p50", run.response_us.p50], ["p99", run.response_us.p99]];
  return plot({
    title: "Responses by response time", hint: "Arrow keys or pointer: values of a bar.",
    legend: null, logarithmic: false,
    stops: shares.map((_, i) => Math.sqrt(edges[i] * edges[i + 1])),
    x: { place: logPlace(low, high),
      ticks: () => logTicks(low, high).map((tick) => [tick, timeText(tick)]) },
    y: { text: shareText, scale: (log) => log ? logScale(least, Math.max(...shares))
      : linearScale(Math.max(...shares)) },
    paint: (svg, at) => {
      shares.forEach((share, i) => {
        if (share === 0) return;
        const left = at.x(edges[i]), top = Math.min(at.y(share), at.box.bottom - 1);
        svg.append(draw("rect", { class: "bar", x: left + 0.5, y: top,
          width: Math.max(0.5, at.x(edges[i + 1]) - left - 1), height: at.box.bottom - top }));
      });
      marks.forEach(([name, us], i) => svg.append(...noteAt({ ...at,
        box: { ...at.box, top: at.box.top + 16 * i } }, us, name)));
    },
    mark: (svg, at, i) => `${rangeText(edges[i], edges[i + 1])}: ` +
      `${plural(counts[i], "response", "responses")}, ${shareText(shares[i])}`,
    table: () => ({ rows: counts.length, build: () => table(["response time", "responses", "share"],
      counts.map((count, i) => [rangeText(edges[i], edges[i + 1]),
        data(count, countText(count)), data(shares[i], shareText(shares[i]))]),
      { label: "Responses by response time" }) }),
  });
}

// ---- over time

// By the cube root: the few are to be seen, and the most to be told apart.
const levelOf = (count, most) =>
  Math.min(LEVELS - 1, Math.floor(Math.cbrt(count / most) * LEVELS));
function heatLegend(most) {
  const swatch = (level) => draw("svg", { class: "swatch", "aria-hidden": "true",
    viewBox: "0 0 10 10" }, draw("rect", { class: "h" + level, width: 10, height: 10 }));
  return el("span", { class: "legend" }, el("span", {}, "responses in a cell: 1 ",
    Array.from({ length: LEVELS }, (_, i) => swatch(i)), " " + countText(most)));
}
function heatMap(run) {
  const { edges_us: rows, columns, column_s: wide } = run.heat, bins = binsOf(rows, 32);
  const cells = columns.map(bins.of), { edges } = bins, axis = timeAxis(run);
  const seen = columns.flatMap((column, i) => column.length && i * wide < axis.high ? [i] : []);
  const most = Math.max(1, ...seen.map((i) => Math.round(Math.max(...cells[i]))));
  const span = (i) => `${Number((i * wide).toFixed(1))} to ${Number(((i + 1) * wide).toFixed(1))}`;
  const ofColumn = (i) => {
    const column = columns[i], count = column.reduce((sum, v, k) => sum + (k % 2 ? v : 0), 0);
    const best = cells[i].indexOf(Math.max(...cells[i]));
    return { count, low: rows[column[0]], high: rows[column.at(-2) + 1],
      most: [edges[best], edges[best + 1]] };
  };
  const title = "Response times over time";
  return plot({
    title, hint: "Arrow keys or pointer: values of a column.", legend: heatLegend(most),
    stops: seen.map((i) => (i + 0.5) * wide),
    x: { place: (value) => value / axis.high, ticks: axis.ticks },
    y: { text: timeText, scale: () => ({ place: logPlace(edges[0], edges.at(-1)),
      ticks: logTicks(edges[0], edges.at(-1)) }) },
    paint: (svg, at) => {
      const paths = Array.from({ length: LEVELS }, () => []);
      for (const i of seen) {
        const left = at.x(i * wide), width = at.x(Math.min((i + 1) * wide, axis.high)) - left;
        cells[i].forEach((count, row) => {
          if (count < 0.25) return;
          const top = at.y(edges[row + 1]);
          paths[levelOf(count, most)].push(`M${left.toFixed(1)} ${top.toFixed(1)}` +
            `h${width.toFixed(2)}V${at.y(edges[row]).toFixed(1)}h${(-width).toFixed(2)}z`);
        });
      }
      paths.forEach((path, level) => path.length &&
        svg.append(draw("path", { class: "h" + level, d: path.join("") })));
      if (axis.note) svg.append(...noteAt(at, ...axis.note));
    },
    mark: (svg, at, stop) => {
      const i = seen[stop], { count, low, high, most: best } = ofColumn(i);
      return `${span(i)} s: ${plural(count, "response", "responses")}, ` +
        `${rangeText(low, high)}, most of them ${rangeText(...best)}`;
    },
    table: () => ({ rows: seen.length, build: () => table(
      ["seconds", "responses", "from", "to", "most of them"],
      seen.map((i) => {
        const { count, low, high, most: best } = ofColumn(i);
        return [span(i), data(count, countText(count)), data(low, timeText(low)),
          data(high, timeText(high)), rangeText(...best)];
      }), { label: title }) }),
  });
}
