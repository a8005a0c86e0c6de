// Charts: axes, a cursor for pointer and arrow keys, the same figures as a table. Redrawn when the
// width changes.

// ---- scales: where a value lies between 0 and 1, and the ticks

function niceStep(span, wanted) {
  const raw = span / wanted, power = 10 ** Math.floor(Math.log10(raw));
  return [1, 2, 5, 10].map((factor) => factor * power).find((step) => step >= raw) || raw;
}
function linearScale(high, least) {
  const step = Math.max(least || 0, niceStep(high || 1, 5));
  const top = Math.ceil((high / step) * 0.9999) * step || 1;
  const ticks = [];
  for (let i = 0; i * step <= top * 1.0001; i++) ticks.push(Number((i * step).toPrecision(9)));
  return { place: (value) => value / top, ticks };
}
function logScale(low, high) {
  const all = [];
  for (let e = Math.floor(Math.log10(low)); e <= Math.ceil(Math.log10(high)); e++)
    for (const factor of [1, 2, 5]) all.push(factor * 10 ** e);
  const bottom = all.filter((value) => value <= low * 1.0001).pop() || low;
  const top = all.find((value) => value >= high * 0.9999 && value > bottom) || high;
  return { place: logPlace(bottom, top), ticks: logTicks(bottom, top) };
}
const logPlace = (bottom, top) => (value) =>
  Math.log(Math.max(value, bottom) / bottom) / Math.log(top / bottom);
// 1, 2, 5, 10 ..., and of many only the powers of ten.
function logTicks(bottom, top) {
  const all = [];
  for (let e = Math.floor(Math.log10(bottom)); e <= Math.ceil(Math.log10(top)); e++)
    for (const factor of [1, 2, 5]) all.push(factor * 10 ** e);
  const ticks = all.filter((value) => value >= bottom * 0.9999 && value <= top * 1.0001);
  return ticks.length <= 10 ? ticks
    : ticks.filter((value) => Math.abs(Math.log10(value) - Math.round(Math.log10(value))) < 1e-6);
}

// Seconds, in steps that people count in.
const STEPS_S = [0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 30, 60, 120, 300, 600, 1200, 1800, 3600, 7200,
  14400, 28800];
function secondsTicks(high) {
  return (width) => {
    const wanted = Math.max(2, Math.floor(width / 90)), ticks = [[0, "0"]];
    const step = high < 0.2 ? niceStep(high, wanted)
      : STEPS_S.find((size) => high / size <= wanted) || 86400;
    const [size, unit] = step >= 3600 ? [3600, "h"] : step >= 60 ? [60, "min"]
      : step >= 0.1 ? [1, "s"] : [0.001, "ms"];
    for (let i = 1; i * step <= high * 1.0001; i++)
      ticks.push([i * step, Number((i * step / size).toPrecision(6)) + NBSP + unit]);
    return ticks;
  };
}

// ---- the plot
//
//   title, hint      of the figure, and of how to read single values
//   legend           elements
//   x                { place, ticks(width): [[value, text]] }
//   y                { scale(log), text }
//   logarithmic      how y begins; undefined: there is no choice
//   stops            values of x that the cursor stops at
//   paint(svg, at)   draws with at.x, at.y and at.box
//   mark(svg, at, i) draws the cursor's place and returns what to say of stop i
//   table()

function gridLevels({ box, y }, ticks, text) {
  return ticks.flatMap((tick) => [
    draw("line", { class: "grid", x1: box.left, x2: box.right, y1: y(tick), y2: y(tick) }),
    draw("text", { x: box.left - 8, y: y(tick) + 4, "text-anchor": "end" }, text(tick))]);
}
// A text for which there is no room is left out.
function gridColumns({ box, x }, ticks, width) {
  let free = -1;
  return ticks.flatMap(([tick, text]) => {
    const place = x(tick), half = text.length * 3.6, middle = Math.min(place, width - half - 2);
    const line = draw("line", { class: "grid", x1: place, x2: place, y1: box.top, y2: box.bottom });
    if (middle - half <= free) return [line];
    free = middle + half + 6;
    return [line, draw("text", { x: middle, y: box.bottom + 18, "text-anchor": "middle" }, text)];
  });
}

let plots = 0;
function plot(options) {
  const { title, x, y, stops } = options;
  const id = "chart" + ++plots, state = { log: options.logarithmic || false, stop: -1 };
  const svg = draw("svg", { class: "chart", role: "img", tabindex: "0", "aria-labelledby": id,
    "aria-describedby": id + "-readout" });
  const readout = el("p", { class: "readout soft", id: id + "-readout", role: "status" },
    options.hint);
  const button = options.logarithmic === undefined ? null
    : el("button", { type: "button", "aria-pressed": String(state.log) }, "log scale");
  let at = null;

  function paint() {
    const width = svg.clientWidth || 640, height = svg.clientHeight || 304;
    const box = { left: 60, right: width - 14, top: 10, bottom: height - 26 };
    const scale = y.scale(state.log);
    at = { box, x: (value) => box.left + (box.right - box.left) * x.place(value),
      y: (value) => box.bottom - (box.bottom - box.top) * scale.place(value) };
    svg.setAttribute("viewBox", `0 0 ${width} ${height}`);
    svg.replaceChildren(...gridLevels(at, scale.ticks, y.text),
      ...gridColumns(at, x.ticks(width), width));
    options.paint(svg, at);
    svg.append(draw("line", { class: "axis", x1: box.left, x2: box.right, y1: box.bottom,
      y2: box.bottom }));
    if (state.stop >= 0) mark();
  }
  function mark() {
    svg.querySelectorAll(".cursor, .at").forEach((node) => node.remove());
    const place = at.x(stops[state.stop]);
    svg.append(draw("line", { class: "cursor", x1: place, x2: place, y1: at.box.top,
      y2: at.box.bottom }));
    readout.textContent = options.mark(svg, at, state.stop);
  }
  function moveTo(stop) {
    state.stop = Math.max(0, Math.min(stops.length - 1, stop));
    if (stops.length && at) mark();
  }
  svg.addEventListener("keydown", (event) => {
    const moves = { ArrowRight: state.stop + 1, ArrowLeft: state.stop - 1, Home: 0,
      End: stops.length - 1 };
    if (!(event.key in moves)) return;
    event.preventDefault();
    moveTo(moves[event.key]);
  });
  svg.addEventListener("pointermove", (event) => {
    if (!at || !stops.length) return;
    const place = event.clientX - svg.getBoundingClientRect().left;
    const away = (stop) => Math.abs(at.x(stop) - place);
    moveTo(stops.reduce((best, stop, i) => (away(stop) < away(stops[best]) ? i : best), 0));
  });
  if (button) button.addEventListener("click", () => {
    state.log = !state.log;
    button.setAttribute("aria-pressed", String(state.log));
    paint();
  });
  new ResizeObserver(paint).observe(svg);
  return el("figure", {},
    el("figcaption", {}, el("strong", { id }, title), options.legend,
      button),
    svg, readout, asTable(options.table));
}
// A long one is made when it is wanted.
function asTable(make) {
  const details = el("details", {}, el("summary", {}, "As a table"));
  const { rows, build } = make();
  if (rows <= 500) details.append(build());
  else details.addEventListener("toggle", () => details.append(build()), { once: true });
  return details;
}

const legendOf = (entries) => el("ul", { class: "legend" }, entries.map(([name, style]) =>
  el("li", {}, draw("svg", { "aria-hidden": "true", viewBox: "0 0 28 10" },
    draw("line", { class: "curve " + style, x1: 0, x2: 28, y1: 5, y2: 5 })), name)));

// ---- lines
//
// A line has a name, points [x, y], and perhaps a style of its own, a text for its values, and a
// name in the legend, which many may share. With x.width a point tells of so much before it, and is
// drawn as long. Points beyond x.last, if there is one, are in the table alone.

const DENSE = 500; // points, more than a screen has room for
const styleOf = (line, i) => typeof line.style === "string" ? line.style
  : `s${(line.style ?? i) % 8}${(line.style ?? i) % 16 >= 8 ? " thick" : ""}`;
// Of lines that have an order, the last one the darkest.
const rankStyle = (i, count) => "q" + Math.round(2 + 5 * (count > 1 ? i / (count - 1) : 1));

function polyline(points, style, at, width) {
  const place = (x, y) =>
    `${Math.min(at.x(x), at.box.right).toFixed(1)} ${at.y(y).toFixed(1)}`;
  if (points.length === 1 && !width)
    return draw("circle", { class: "dot " + style, cx: at.x(points[0][0]),
      cy: at.y(points[0][1]), r: 3 });
  const path = points.map(([x, y], i) => {
    const follows = i > 0 && (!width || x - points[i - 1][0] <= width * 1.001);
    const start = follows ? "L" : "M";
    return width ? `${start}${place(x - width, y)}L${place(x, y)}` : start + place(x, y);
  });
  const density = points.length > DENSE ? " dense" : "";
  return draw("path", { class: "curve " + style + density, d: path.join("") });
}
function lineChart(options) {
  const { lines, x, y } = options, width = x.width || 0;
  const at = lines.map((line) => new Map(line.points));
  const all = [...new Set(lines.flatMap((line) => line.points.map((point) => point[0])))]
    .sort((a, b) => a - b);
  const isDrawn = (value) => x.last === undefined || value - width < x.last;
  const drawn = lines.map((line) => line.points.filter((point) => isDrawn(point[0])));
  const values = drawn.flat().map((point) => point[1]).filter((value) => value > 0);
  const low = values.reduce((a, b) => Math.min(a, b), Infinity);
  const high = values.reduce((a, b) => Math.max(a, b), 0);
  const stops = all.filter(isDrawn);
  const middle = (value) => (value - width + Math.min(value, x.last ?? value)) / 2;
  const text = (line, value) => (line.text || y.text)(value);
  return plot({
    ...options,
    stops: stops.map(middle),
    legend: legendOf([...new Map(lines.map((line, i) =>
      [line.legend ?? line.name, styleOf(line, i)]))]),
    x: { place: x.place || ((value) => value / (x.high || 1)), ticks: x.ticks },
    y: { text: y.text, scale: (log) => values.length && log ? logScale(low, high)
      : linearScale(high || 1, y.least) },
    paint: (svg, place) => {
      lines.forEach((line, i) =>
        svg.append(polyline(drawn[i], styleOf(line, i), place, width)));
      if (x.note) svg.append(...noteAt(place, ...x.note));
    },
    mark: (svg, place, stop) => {
      const said = [];
      lines.forEach((line, i) => {
        const value = at[i].get(stops[stop]);
        if (value === undefined) return;
        svg.append(draw("circle", { class: "dot at " + styleOf(line, i),
          cx: place.x(middle(stops[stop])), cy: place.y(value), r: 4 }));
        said.push(`${line.name} ${text(line, value)}`);
      });
      return `${x.text(stops[stop])}: ${said.join(", ")}`;
    },
    table: () => ({ rows: all.length, build: () => table(
      [x.name, ...lines.map((line) => line.name)],
      all.map((value) => [x.text(value), ...lines.map((line, i) => at[i].has(value)
        ? data(at[i].get(value), text(line, at[i].get(value))) : "")]),
      { label: options.title }) }),
  });
}
// A line down at x, and what it says beside it, on the side where there is room.
function noteAt(place, x, text) {
  const { box } = place, left = place.x(x), isRight = left + text.length * 7 < box.right;
  return [draw("line", { class: "note", x1: left, x2: left, y1: box.top, y2: box.bottom }),
    draw("text", { x: left + (isRight ? 5 : -5), y: box.top + 12,
      "text-anchor": isRight ? "start" : "end" }, text)];
}
