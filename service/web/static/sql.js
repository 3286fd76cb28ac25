// The page /sql: asks /api/v1/sql and shows the answer as table and chart, or saves it as a file.
"use strict";

(() => {
  const find = (id) => document.getElementById(id);
  const form = find("ask");
  const editor = find("sql");
  const NUMBER = /^(U?(TINY|SMALL|BIG|HUGE)?INT(EGER)?|FLOAT|DOUBLE|DECIMAL)/;
  // A figure that JSON cannot carry exactly comes as text.
  const readNumber = (value) => (value === null || value === "" ? null : Number(value));
  const COLORS = ["#17527d", "#c46a1b", "#1d6a45", "#9c2f22", "#6a4c93", "#7a6a2b", "#2b7a78", "#515e6a"];
  const MOST_LINES = COLORS.length;
  let answer = null;
  let chart = null;
  let isAsking = false;

  const tell = (text) => { find("told").textContent = text; };

  const showFault = (text) => {
    find("fault").textContent = text;
    find("fault").hidden = text === "";
  };

  // What the form says, as the body of a request; the moment of the page is in its hidden fields.
  const readQuestion = () => {
    const question = { sql: editor.value };
    for (const field of form.querySelectorAll("input[type=hidden]")) question[field.name] = field.value;
    return question;
  };

  const ask = async (question, accepted) => {
    const headers = { "Content-Type": "application/json", Accept: `${accepted}, application/problem+json` };
    if (find("token").value) headers.Authorization = `Bearer ${find("token").value}`;
    const response = await fetch("/api/v1/sql", { method: "POST", headers, body: JSON.stringify(question) });
    if (response.ok) return response;
    const problem = await response.json().catch(() => ({ detail: `${response.status} ${response.statusText}` }));
    if (response.status === 401) {
      find("token-box").hidden = false;
      find("token").focus();
    }
    throw Object.assign(new Error(problem.detail), { problem });
  };

  // Put the cursor where the fault is.
  const pointAt = ({ line, column }) => {
    if (!line) return;
    const lines = editor.value.split("\n");
    const start = lines.slice(0, line - 1).reduce((sum, text) => sum + text.length + 1, 0) + Math.max(0, (column || 1) - 1);
    editor.focus();
    editor.setSelectionRange(start, start);
  };

  const withoutFault = async (button, work) => {
    if (isAsking || !form.reportValidity()) return;
    isAsking = true;
    button.setAttribute("aria-busy", "true");
    showFault("");
    tell("Asking …");
    try {
      await work();
    } catch (error) {
      tell("");
      showFault(error.problem ? error.message : `The service does not answer (${error.message}).`);
      pointAt(error.problem || {});
    } finally {
      isAsking = false;
      button.removeAttribute("aria-busy");
    }
  };

  const run = () => withoutFault(find("run"), async () => {
    // An answer to another query would be taken for one to this.
    find("answer").hidden = true;
    const began = performance.now();
    const response = await ask({ ...readQuestion(), max_rows: Number(find("max-rows").value) }, "application/json");
    answer = await response.json();
    const count = answer.rows.length.toLocaleString("en");
    const cut = answer.truncated ? " — truncated: there are more than these" : "";
    const seconds = ((performance.now() - began) / 1000).toFixed(2);
    tell(`${count} ${answer.rows.length === 1 ? "row" : "rows"}${cut}. Snapshot ${answer.snapshot}, ${seconds} s.`);
    // Shown first: a chart measures the room that it has.
    find("answer").hidden = false;
    showTable();
    offerChart();
  });

  const save = (button) => withoutFault(button, async () => {
    const response = await ask({ ...readQuestion(), format: button.value }, button.value === "csv" ? "text/csv" : "*/*");
    const name = /filename="([^"]+)"/.exec(response.headers.get("Content-Disposition") || "");
    const link = document.createElement("a");
    link.href = URL.createObjectURL(await response.blob());
    link.download = name ? name[1] : `a4p.${button.value}`;
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 60000);
    const cut = response.headers.get("A4P-Truncated") === "true" ? " — truncated: there are more rows than it has" : "";
    tell(`Saved ${link.download}${cut}.`);
  });

  const isNumber = (column) => NUMBER.test(column.type);
  const isTime = (column) => /^(DATE|TIMESTAMP)/.test(column.type);

  const showTable = () => {
    const head = answer.columns.map((column) => {
      const cell = document.createElement("th");
      cell.scope = "col";
      if (isNumber(column)) cell.className = "number";
      const kind = document.createElement("span");
      kind.className = "note";
      kind.textContent = column.type.toLowerCase();
      cell.append(column.name, kind);
      return cell;
    });
    find("answer-columns").replaceChildren(...head);
    const rows = document.createDocumentFragment();
    for (const values of answer.rows) {
      const row = document.createElement("tr");
      values.forEach((value, place) => {
        const cell = row.insertCell();
        const column = answer.columns[place];
        cell.className = isNumber(column) ? "number" : isTime(column) ? "keep" : "";
        // Nothing is not 0, and not an empty text.
        if (value === null) cell.classList.add("nothing");
        cell.textContent = write(value);
      });
      rows.append(row);
    }
    find("answer-rows").replaceChildren(rows);
  };

  const write = (value) => {
    if (value === null) return "null";
    return typeof value === "object" ? JSON.stringify(value) : String(value);
  };

  const fill = (select, columns, first) => {
    const options = columns.map(({ name, place }) => new Option(name, place));
    select.replaceChildren(...(first ? [new Option(first, "")] : []), ...options);
  };

  // A chart is offered where there is a number to draw along something else.
  const offerChart = () => {
    const columns = answer.columns.map((column, place) => ({ ...column, place }));
    const numbers = columns.filter(isNumber);
    const others = columns.filter((column) => !isNumber(column));
    const isOffered = numbers.length > 0 && columns.length > 1 && answer.rows.length > 1;
    find("chart-choice").hidden = !isOffered;
    if (!isOffered) {
      find("chart-kind").value = "";
      drawChart();
      return;
    }
    fill(find("chart-value"), numbers);
    fill(find("chart-along"), columns);
    fill(find("chart-each"), columns, "all together");
    const dated = others.find((column) => isTime(column) && new Set(answer.rows.map((row) => row[column.place])).size > 1);
    const along = dated || others.find((column) => !isTime(column)) || others[0] || columns[0];
    find("chart-along").value = along.place;
    // What rows are of stands first, as a rule, and what was counted last.
    const counted = numbers.filter((column) => column !== along);
    const value = counted.find((column) => column.name === "value") || counted.at(-1);
    find("chart-value").value = value.place;
    // Where the same place comes twice, what tells the rows apart is a line of its own.
    const isRepeated = new Set(answer.rows.map((row) => row[along.place])).size < answer.rows.length;
    const each = isRepeated && [...others, ...numbers].find((column) => column !== along && column !== value);
    find("chart-each").value = each ? each.place : "";
    drawChart();
  };

  const drawChart = () => {
    if (chart) chart.destroy();
    chart = null;
    const kind = find("chart-kind").value;
    find("chart-box").hidden = kind === "";
    if (kind === "") return;
    const [value, along] = [Number(find("chart-value").value), Number(find("chart-along").value)];
    const each = find("chart-each").value;
    const places = [...new Set(answer.rows.map((row) => write(row[along])))];
    if (isTime(answer.columns[along])) places.sort();
    const groups = new Map();
    for (const row of answer.rows) {
      const group = each === "" ? answer.columns[value].name : write(row[Number(each)]);
      if (!groups.has(group)) groups.set(group, new Map());
      // What has no value is a gap; what comes twice is not added up, the last is shown.
      groups.get(group).set(write(row[along]), readNumber(row[value]));
    }
    const datasets = [...groups].slice(0, MOST_LINES).map(([label, values], number) => ({
      label,
      data: places.map((place) => values.get(place) ?? null),
      borderColor: COLORS[number],
      backgroundColor: COLORS[number],
      borderWidth: kind === "line" ? 2 : 0,
      pointRadius: 3,
    }));
    if (groups.size > MOST_LINES) tell(`${find("told").textContent} The chart has the first ${MOST_LINES} of ${groups.size}.`);
    chart = new Chart(find("chart"), {
      type: kind,
      data: { labels: places, datasets },
      options: {
        animation: false,
        maintainAspectRatio: false,
        plugins: { legend: { display: each !== "" } },
        scales: {
          x: { title: { display: true, text: answer.columns[along].name } },
          y: { title: { display: true, text: answer.columns[value].name }, beginAtZero: kind === "bar" },
        },
      },
    });
  };

  form.addEventListener("submit", (event) => {
    event.preventDefault();
    const button = event.submitter;
    if (button && button.name === "format") save(button);
    else run();
  });
  // Another moment is another page: the query goes along.
  document.querySelector(".moment form").addEventListener("submit", (event) => {
    for (const field of event.target.querySelectorAll("input[type=hidden]")) field.remove();
    const field = Object.assign(document.createElement("input"), { type: "hidden", name: "sql", value: editor.value });
    event.target.append(field);
  });
  editor.addEventListener("keydown", (event) => {
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) {
      event.preventDefault();
      run();
    }
  });
  find("link").addEventListener("click", async () => {
    const here = new URL(window.location.href);
    here.searchParams.delete("example");
    here.searchParams.set("sql", editor.value);
    window.history.replaceState(null, "", here);
    try {
      await navigator.clipboard.writeText(here.href);
      tell("The link is copied.");
    } catch {
      tell("The link is in the address bar.");
    }
  });
  for (const id of ["chart-kind", "chart-value", "chart-along", "chart-each"]) find(id).addEventListener("change", drawChart);
})();
