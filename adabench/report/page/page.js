// The page wakes up: charts, tables, runs, addresses, and the reload of a page that is being written.

const DATA = JSON.parse(document.getElementById("data").textContent);
document.documentElement.classList.add("scripted");

const charts = [...document.querySelectorAll("section")].flatMap((section) => {
  const figures = [...section.querySelectorAll("figure[data-chart]")];
  if (!figures.length) return [];
  const hidden = new Set();
  const own = figures.map((figure) => new Chart(figure, hidden));
  addLegend(section.querySelector(".legend"), own, hidden);
  return own;
});

// One box for each optimizer of a section: it shows or hides its lines in all of the section's charts.
function addLegend(legend, own, hidden) {
  const optimizers = new Set(own.flatMap((chart) => chart.panels.flatMap((panel) => panel.series.map(([optimizer]) => optimizer))));
  for (const optimizer of [...optimizers].sort((one, other) => one - other)) {
    const box = element("input", { type: "checkbox", checked: true });
    box.addEventListener("change", () => {
      if (box.checked) hidden.delete(optimizer); else hidden.add(optimizer);
      own.forEach((chart) => chart.redraw());
    });
    legend.append(element("label", {}, box, swatch(optimizer), DATA.optimizers[optimizer][0]));
  }
  legend.hidden = false;
}

// A short stroke in the optimizer's colour and dashes.
function swatch(optimizer) {
  const space = "http://www.w3.org/2000/svg";
  const dashes = { solid: "", dash: "6 3", dot: "2 2.5", dashdot: "6 2.5 2 2.5", longdashdot: "9 2.5 2 2.5" };
  const drawing = document.createElementNS(space, "svg");
  const line = document.createElementNS(space, "line");
  for (const [name, value] of Object.entries({ width: 26, height: 10, "aria-hidden": "true" })) drawing.setAttribute(name, value);
  const stroke = { x1: 0, x2: 26, y1: 5, y2: 5, stroke: colour(optimizer), "stroke-width": 3, "stroke-dasharray": dashes[DATA.optimizers[optimizer][2]] };
  for (const [name, value] of Object.entries(stroke)) line.setAttribute(name, value);
  drawing.append(line);
  return drawing;
}

// A chart is drawn when it comes near the screen, and all of them before the page is printed.
const watcher = new IntersectionObserver((entries) => {
  for (const { isIntersecting, target } of entries) {
    const chart = charts.find((each) => each.figure === target);
    if (isIntersecting && !chart.drawn) chart.draw();
  }
}, { rootMargin: "400px" });
charts.forEach((chart) => watcher.observe(chart.figure));
window.addEventListener("beforeprint", () => charts.filter((chart) => !chart.drawn).forEach((chart) => chart.draw()));
dark.addEventListener("change", () => charts.forEach((chart) => chart.redraw()));

for (const dot of document.querySelectorAll(".swatch")) {
  const place = DATA.optimizers.findIndex(([label]) => label === dot.dataset.optimizer);
  if (place >= 0) Object.assign(dot.style, { display: "inline-block", background: colour(place) });
}

document.querySelectorAll("table.sortable").forEach(makeSortable);
const runs = new Runs(document.getElementById("runs-table"), document.querySelector("#runs .tools"));

// The address #run-KEY opens a run; closing it goes back to the list.
const details = document.getElementById("details");
function follow() {
  const run = location.hash.match(/^#run-([0-9a-f]+(?:-[0-9]+)?)$/);
  if (run && runs.open(run[1]) && !details.open) details.showModal();
}
details.addEventListener("close", () => history.replaceState(null, "", "#runs"));
window.addEventListener("hashchange", follow);
follow();

// While a sweep runs the page loads itself again, unless its reader is busy with it.
const live = document.querySelector('meta[name="adabench-live"]');
if (live) {
  let touched = 0;
  for (const kind of ["pointerdown", "keydown", "input"]) window.addEventListener(kind, () => { touched = Date.now(); });
  const seconds = Number(live.content);
  setInterval(() => {
    if (!document.hidden && !details.open && Date.now() - touched > 3000 * seconds) location.reload();
  }, 1000 * seconds);
}
