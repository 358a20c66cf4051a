// Charts: from columns of numbers to plotly. Optimizers are places in DATA.optimizers.

const dark = window.matchMedia("(prefers-color-scheme: dark)");

// The palette's darkest colours would vanish on a dark page.
const LIGHTER = { "#000000": "#dddddd", "#0072B2": "#3d9be0", "#8C6D31": "#b8965a" };

function colour(optimizer) {
  const found = DATA.optimizers[optimizer][1];
  return (dark.matches && LIGHTER[found]) || found;
}

function faint(hex) {
  const [r, g, b] = [1, 3, 5].map((at) => parseInt(hex.slice(at, at + 2), 16));
  return `rgba(${r},${g},${b},0.16)`;
}

// plotly reads a little HTML, and mathematics between dollars, in its texts; a name is shown as it is.
function literal(text) {
  return text.replace(/&/g, "&amp;").replace(/</g, "&lt;").replace(/>/g, "&gt;").replace(/\$/g, "&#36;");
}

function hover(panel, [optimizer, , , low]) {
  const name = `<b>${literal(DATA.optimizers[optimizer][0]).replace(/%\{/g, "%\u200b{")}</b>`;
  const between = DATA.numbers[low].length ? " (%{customdata[0]:.4~g} to %{customdata[1]:.4~g})" : "";
  const value = panel.kind === "rows" ? "%{x:.4~g}" : "%{y:.4~g}";
  const words = panel.kind === "rows" ? panel.x : panel.y;
  const place = panel.kind === "rows" ? "" : `<br>${literal(panel.x)}: %{x:,.4~g}`;
  return `${name}<br>${literal(words)}: ${value}${between}${place}<extra></extra>`;
}

function tracesOf(panel, series, row) {
  const [optimizer, ...places] = series;
  const [x, y, low, high] = places.slice(0, 4).map((place) => DATA.numbers[place]);
  const tint = colour(optimizer);
  const common = {
    customdata: low.map((value, i) => [value, high[i]]),
    hovertemplate: hover(panel, series),
    legendgroup: String(optimizer),
    marker: { color: tint, size: 7 },
  };
  if (panel.kind === "rows") {
    const bars = { type: "data", symmetric: false, array: high.map((v, i) => v - x[i]), arrayminus: low.map((v, i) => x[i] - v) };
    return [{ ...common, x, y: [row], mode: "markers", error_x: low.length ? { ...bars, color: tint } : undefined }];
  }
  if (panel.kind === "points") {
    const bars = { type: "data", symmetric: false, array: high.map((v, i) => v - y[i]), arrayminus: low.map((v, i) => y[i] - v) };
    return [{ ...common, x, y, mode: "markers", error_y: { ...bars, color: tint } }];
  }
  const shape = panel.kind === "steps" ? "hv" : "linear";
  const line = { color: tint, width: 2, dash: DATA.optimizers[optimizer][2], shape };
  if (places[4]) {
    const symbol = x.map((_, i) => (i === x.length - 1 ? "x" : "circle"));
    const size = x.map((_, i) => (i === x.length - 1 ? 9 : 0.1));
    return [{ ...common, x, y, mode: "lines+markers", line: { ...line, width: 1 }, marker: { color: tint, symbol, size } }];
  }
  const band = { x: [...x, ...[...x].reverse()], y: [...low, ...[...high].reverse()], fill: "toself", fillcolor: faint(tint), line: { width: 0 }, mode: "lines", hoverinfo: "skip", legendgroup: String(optimizer) };
  return [...(low.length ? [band] : []), { ...common, x, y, mode: x.length < 13 && panel.log[0] ? "lines+markers" : "lines", line }];
}

function layoutOf(panel, shown, height) {
  const style = getComputedStyle(document.documentElement);
  const [text, soft, grid] = ["--text", "--soft", "--grid"].map((name) => style.getPropertyValue(name).trim());
  const axis = (title, log) => ({
    title: { text: literal(title), font: { size: 12, color: soft }, standoff: 8 },
    type: log ? "log" : "linear", gridcolor: grid, zerolinecolor: grid, linecolor: soft, tickcolor: soft,
    automargin: true, minor: { ticks: log ? "outside" : "" },
    ...(log ? { exponentformat: "power", dtick: 1 } : { exponentformat: "SI", minexponent: 3 }),
  });
  const layout = {
    paper_bgcolor: "rgba(0,0,0,0)", plot_bgcolor: "rgba(0,0,0,0)", showlegend: false, height,
    font: { family: getComputedStyle(document.body).fontFamily, size: 12, color: text },
    margin: { l: 56, r: 12, t: 30, b: 46 }, hovermode: "closest",
    dragmode: window.matchMedia("(pointer: coarse)").matches ? false : "zoom",
    modebar: { bgcolor: "rgba(0,0,0,0)", color: soft, activecolor: text },
    hoverlabel: { bgcolor: style.getPropertyValue("--card").trim(), font: { color: text } },
    xaxis: axis(panel.x, panel.log[0]), yaxis: axis(panel.y, panel.log[1]),
  };
  if (panel.kind === "rows") {
    const names = shown.map(([optimizer]) => literal(DATA.optimizers[optimizer][0].slice(0, 28)));
    Object.assign(layout.yaxis, { tickvals: names.map((_, i) => i), ticktext: names, range: [names.length - 0.4, -0.6], fixedrange: true });
    if (panel.x !== "mean rank") layout.xaxis.rangemode = "tozero";
  }
  return layout;
}

const PLOTLY = { displaylogo: false, responsive: true, doubleClick: "reset", modeBarButtons: [["toImage", "zoom2d", "pan2d", "zoomIn2d", "zoomOut2d", "resetScale2d"]] };

// One figure of the page: its controls, which panel it shows, and its plot.
class Chart {
  constructor(figure, hidden) {
    this.figure = figure;
    this.hidden = hidden;
    this.panels = DATA.charts[Number(figure.dataset.chart)];
    this.plot = figure.querySelector(".plot");
    this.picked = { x: this.panels[0].x, y: this.panels[0].y };
    this.drawn = false;
    for (const [side, words] of [["y", "Quantity"], ["x", "Axis"]]) this.offer(side, words);
    if (this.panels.length > 4) figure.classList.add("whole");
  }

  offer(side, words) {
    const values = [...new Set(this.panels.map((panel) => panel[side]))];
    if (values.length < 2) return;
    const pick = (place) => { this.picked[side] = values[place]; this.draw(); };
    this.figure.querySelector(".controls").append(choice(`${words} of ${this.figure.querySelector("h3").textContent}`, values, pick));
  }

  panel() {
    const wanted = this.panels.find(({ x, y }) => x === this.picked.x && y === this.picked.y);
    return wanted ?? this.panels.find(({ x, y }) => x === this.picked.x || y === this.picked.y);
  }

  draw() {
    const panel = this.panel();
    const shown = panel.series.filter(([optimizer]) => !this.hidden.has(optimizer));
    this.plot.style.height = panel.kind === "rows" ? `${Math.max(170, 96 + 30 * panel.series.length)}px` : "";
    const height = this.plot.clientHeight;
    this.drawn = true;
    Plotly.react(this.plot, shown.flatMap((series, row) => tracesOf(panel, series, row)), layoutOf(panel, shown, height), PLOTLY);
  }

  redraw() {
    if (this.drawn) this.draw();
  }
}
