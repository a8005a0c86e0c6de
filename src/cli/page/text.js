"use strict";
// Elements, and numbers as people write them. Texts from outside (URLs, names of errors) only ever
// become text nodes.

const SVG = "http://www.w3.org/2000/svg";
const NBSP = "\u00a0", MINUS = "\u2212", NONE = "\u2013";

function fill(node, attributes, children) {
  for (const [name, value] of Object.entries(attributes || {}))
    if (value !== null && value !== undefined) node.setAttribute(name, value);
  node.append(...children.flat(Infinity).filter((child) => child !== null && child !== undefined));
  return node;
}
const el = (tag, attributes, ...children) =>
  fill(document.createElement(tag), attributes, children);
const draw = (tag, attributes, ...children) =>
  fill(document.createElementNS(SVG, tag), attributes, children);

// ---- numbers

function digits(number) {
  const decimals = number >= 100 || Number.isInteger(number) ? 0 : number >= 10 ? 1 : 2;
  return number.toFixed(decimals);
}
// With the largest of the units [size, name], from large to small, that it has one of.
function inUnits(number, units) {
  const [size, name] = units.find(([least]) => number >= least * 0.9995) || units.at(-1);
  return digits(number / size) + NBSP + name;
}
const TIMES = [[3600e6, "h"], [60e6, "min"], [1e6, "s"], [1e3, "ms"], [1, "\u00b5s"], [1e-3, "ns"]];
const SIZES = [[1e12, "TB"], [1e9, "GB"], [1e6, "MB"], [1e3, "kB"], [1, "bytes"]];
const timeText = (us) => inUnits(us, TIMES);
const bytesText = (bytes) => inUnits(bytes, SIZES);
const countText = (count) => Math.round(count).toLocaleString("en");
const rateText = (rate) => (rate >= 1000 ? countText(rate) : digits(rate)) + "/s";
const percentText = (share) => digits(share * 100) + NBSP + "%";
const shareText = (share) =>
  share > 0 && share < 0.0001 ? "<" + NBSP + "0.01" + NBSP + "%" : percentText(share);
const plural = (count, one, many) => `${countText(count)} ${count === 1 ? one : many}`;
const dateText = (unix_s) => unix_s > 0 && unix_s < 8e12
  ? new Date(unix_s * 1000).toISOString().replace("T", " ").replace(".000Z", " UTC") : "";

// A figure that programs can read, too.
const data = (value, text) => el("data", { value }, text);

// ---- tables

// A row is an array of cells, the first of them its header; a cell that is no <td> becomes one.
function table(head, rows, attributes) {
  const cell = (content) =>
    content instanceof HTMLTableCellElement ? content : el("td", {}, content);
  const row = ([first, ...others]) => el("tr", {},
    el("th", { scope: "row" }, ...[first].flat()), others.map(cell));
  const columnHead = (content) =>
    content instanceof HTMLTableCellElement ? content : el("th", { scope: "col" }, content);
  return el("div",
    { class: "scroll", tabindex: "0", role: "region", "aria-label": attributes.label },
    el("table", { class: attributes.class },
      head ? el("thead", {}, el("tr", {}, head.map(columnHead))) : null,
      el("tbody", {}, rows.map(row))));
}
const words = (content, style) => el("td", { class: style ? "words " + style : "words" }, content);
function pairs(label, entries) {
  const rows = entries.filter(([, value]) => value !== null && value !== "");
  return table(null, rows.map(([key, value]) => [key, words(value)]), { label, class: "pairs" });
}
