// The list of runs: a hundred at a time from the columns in DATA.runs, and one run in full.

const RUNS_A_PAGE = 100;

const percent = (value) => (value === null ? "-" : (100 * value).toFixed(2));
const count = (value) => (value === null ? "-" : value.toLocaleString("en-US", { maximumFractionDigits: 1 }));

class Runs {
  constructor(table, tools) {
    this.table = table;
    this.columns = DATA.runs.columns;
    this.every = this.columns.key.map((_, place) => place);
    this.addresses = addresses(this.columns.key);
    this.shown = this.every;
    this.page = 0;
    this.words = "";
    this.status = "";
    this.sorted = null;
    this.addTools(tools);
    sortButtons(table, (column, up) => { this.sorted = [column, up]; this.update(); });
    this.update();
  }

  addTools(tools) {
    const filter = element("input", { type: "search", placeholder: "Filter runs", "aria-label": "Filter runs" });
    filter.addEventListener("input", () => { this.words = filter.value; this.page = 0; this.update(); });
    const status = element("select", { "aria-label": "Status" }, element("option", { value: "" }, "any status"));
    for (const name of [...new Set(this.columns.status)].sort()) status.append(element("option", { value: name }, name));
    status.addEventListener("change", () => { this.status = status.value; this.page = 0; this.update(); });
    this.count = element("span", { class: "count", role: "status" });
    this.back = element("button", { type: "button" }, "Previous");
    this.next = element("button", { type: "button" }, "Next");
    this.back.addEventListener("click", () => { this.page -= 1; this.update(); });
    this.next.addEventListener("click", () => { this.page += 1; this.update(); });
    tools.append(filter, status, this.count, this.back, this.next);
    tools.hidden = false;
  }

  problem(run) { return DATA.runs.problems[this.columns.problem[run]]; }
  optimizer(run) { return DATA.optimizers[this.columns.optimizer[run]][0]; }

  outcome(run) {
    const reason = DATA.runs.reasons[this.columns.reason[run]];
    return reason ? `${this.columns.status[run]}: ${reason}` : this.columns.status[run];
  }

  key(run, column) {
    const { seed, final, best, seconds, evaluations, key } = this.columns;
    return [this.problem(run), this.optimizer(run), seed[run], this.columns.status[run], final[run], best[run], seconds[run], evaluations[run], key[run]][column];
  }

  update() {
    this.shown = this.every.filter((run) =>
      (!this.status || this.columns.status[run] === this.status) &&
      (!this.words || holds(`${this.problem(run)} ${this.optimizer(run)} seed ${this.columns.seed[run]} ${this.outcome(run)} ${this.columns.key[run]}`, this.words)));
    if (this.sorted) {
      const [column, up] = this.sorted;
      this.shown.sort((one, other) => ordered(this.key(one, column), this.key(other, column), up) || one - other);
    }
    this.render();
  }

  render() {
    const first = this.page * RUNS_A_PAGE;
    const runs = this.shown.slice(first, first + RUNS_A_PAGE);
    this.table.tBodies[0].replaceChildren(...runs.map((run) => this.row(run)));
    const last = first + runs.length;
    this.count.textContent = runs.length ? `${first + 1} to ${last} of ${this.shown.length.toLocaleString("en-US")}` : "none";
    this.back.disabled = this.page === 0;
    this.next.disabled = last >= this.shown.length;
    this.back.hidden = this.next.hidden = this.every.length <= RUNS_A_PAGE;
  }

  row(run) {
    const { seed, final, best, seconds, evaluations, key } = this.columns;
    const words = [this.problem(run), this.optimizer(run), String(seed[run]), this.outcome(run), percent(final[run]), percent(best[run]), count(seconds[run]), count(evaluations[run])];
    const cells = words.map((text, place) => element("td", place < 2 ? { class: "text" } : {}, text));
    const link = element("a", { href: `#run-${this.addresses[run]}` }, key[run]);
    return element("tr", {}, ...cells, element("td", { class: "text" }, link));
  }

  // A run in full, from its address; false where the address names none.
  open(address) {
    const run = this.addresses.indexOf(address);
    if (run < 0) return false;
    const { job, place, seed, started, ended } = this.columns;
    const outcome = { outcome: this.outcome(run), seed: seed[run], started: started[run], ended: ended[run], "final test %": percent(this.columns.final[run]), "best test %": percent(this.columns.best[run]), "final distance": this.columns.distance[run], seconds: this.columns.seconds[run], steps: this.columns.steps[run], "gradient evaluations": this.columns.evaluations[run] };
    const parts = { Outcome: outcome, Job: DATA.runs.jobs[job[run]], Environment: DATA.runs.places[place[run]] ?? {} };
    document.getElementById("details-title").textContent = `${this.optimizer(run)} on ${this.problem(run)}, seed ${seed[run]}`;
    document.getElementById("details-body").replaceChildren(...Object.entries(parts).flatMap(([title, facts]) => [element("h3", {}, title), factsTable(facts)]));
    return true;
  }
}

// A job's key is its run's address; a job that ran again has a number after it.
function addresses(keys) {
  const times = new Map();
  return keys.map((key) => {
    times.set(key, (times.get(key) ?? 0) + 1);
    return times.get(key) === 1 ? key : `${key}-${times.get(key)}`;
  });
}

function factsTable(facts, prefix = "") {
  const rows = (value, name) => {
    if (value === null || value === undefined) return [];
    if (typeof value === "object" && !Array.isArray(value)) return Object.entries(value).flatMap(([key, inner]) => rows(inner, name ? `${name} ${key}` : key));
    return [element("tr", {}, element("th", { scope: "row" }, name), element("td", {}, Array.isArray(value) ? value.join(name.endsWith("command") ? " " : ", ") : String(value)))];
  };
  return element("table", {}, element("tbody", {}, ...rows(facts, prefix)));
}
