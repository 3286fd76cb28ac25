// The page /sql: sends queries to /api/v1/sql and shows the result as a table and a chart, or saves it as a file.
"use strict";

(() => {
  const find = (id) => document.getElementById(id);
  const form = find("query-form");
  const editor = find("sql");
  // The texts of the page are in its language; places of values are written {name}.
  const words = find("words").dataset;
  const language = document.documentElement.lang;
  const plurals = new Intl.PluralRules(language);
  const fillIn = (text, values) => text.replace(/\{(\w+)\}/g, (_, name) => values[name]);
  const NUMBER = /^(U?(TINY|SMALL|BIG|HUGE)?INT(EGER)?|FLOAT|DOUBLE|DECIMAL)/;
  // Numbers that JSON cannot represent exactly arrive as text.
  const readNumber = (value) => (value === null || value === "" ? null : Number(value));
  const COLORS = ["#17527d", "#c46a1b", "#1d6a45", "#9c2f22", "#6a4c93", "#7a6a2b", "#2b7a78", "#515e6a"];
  const MAX_LINES = COLORS.length;
  const RECENT = "a4p-recent-queries";
  const MAX_RECENT = 10;
  let result = null;
  let chart = null;
  let isRunning = false;

  // The text field holds the query. Without the bundle of CodeMirror, such as in an old browser, it is also the editor.
  let view = null;
  const focus = () => (view || editor).focus();
  const setText = (sql) => {
    editor.value = sql;
    if (view) view.dispatch({ changes: { from: 0, to: view.state.doc.length, insert: sql } });
  };

  // Return the columns of each view, from the list on the page.
  const readSchema = () => {
    const schema = {};
    for (const entry of document.querySelectorAll(".query-views details")) {
      const name = entry.querySelector("summary code").textContent.split("(")[0];
      schema[name] = [...entry.querySelectorAll("dt code")].map((column) => column.textContent);
    }
    return schema;
  };

  const showEditor = () => {
    if (typeof A4PEditor === "undefined") return;
    const parent = document.createElement("div");
    parent.className = "query-editor";
    editor.before(parent);
    view = A4PEditor.makeEditor({
      parent,
      text: editor.value,
      schema: readSchema(),
      label: words.query,
      onChange: (text) => { editor.value = text; },
      onRun: () => run(),
    });
    // A hidden field cannot be required: the browser could not show its message.
    editor.required = false;
    editor.hidden = true;
    document.querySelector('label[for="sql"]').addEventListener("click", focus);
  };

  const showStatus = (text) => { find("query-status").textContent = text; };

  const showError = (text) => {
    find("query-error").textContent = text;
    find("query-error").hidden = text === "";
  };

  // Return the form as the body of a request. Hidden fields hold as_of and known_at of the page.
  const readQuery = () => {
    const query = { sql: editor.value };
    for (const field of form.querySelectorAll("input[type=hidden]")) query[field.name] = field.value;
    return query;
  };

  const send = async (query, accepted) => {
    const headers = { "Content-Type": "application/json", Accept: `${accepted}, application/problem+json` };
    if (find("token").value) headers.Authorization = `Bearer ${find("token").value}`;
    const response = await fetch("/api/v1/sql", { method: "POST", headers, body: JSON.stringify(query) });
    if (response.ok) return response;
    const problem = await response.json().catch(() => ({ detail: `${response.status} ${response.statusText}` }));
    if (response.status === 401) {
      find("token-box").hidden = false;
      find("token").focus();
    }
    throw Object.assign(new Error(problem.detail), { problem });
  };

  // Move the cursor to the position of the error.
  const moveCursor = ({ line, column }) => {
    if (!line) return;
    const lines = editor.value.split("\n");
    const start = lines.slice(0, line - 1).reduce((sum, text) => sum + text.length + 1, 0) + Math.max(0, (column || 1) - 1);
    focus();
    if (view) view.dispatch({ selection: { anchor: Math.min(start, view.state.doc.length) }, scrollIntoView: true });
    else editor.setSelectionRange(start, start);
  };

  const runOnce = async (button, work) => {
    if (isRunning || !form.reportValidity()) return;
    isRunning = true;
    button.setAttribute("aria-busy", "true");
    showError("");
    showStatus(words.running);
    try {
      await work();
    } catch (error) {
      showStatus("");
      showError(error.problem ? error.message : fillIn(words.silent, { error: error.message }));
      moveCursor(error.problem || {});
    } finally {
      isRunning = false;
      button.removeAttribute("aria-busy");
    }
  };

  const run = () => runOnce(find("run"), async () => {
    // Hide the result of the previous query.
    find("result").hidden = true;
    const start = performance.now();
    const response = await send({ ...readQuery(), max_rows: Number(find("max-rows").value) }, "application/json");
    result = await response.json();
    const one = plurals.select(result.rows.length) === "one";
    const text = result.truncated ? words.truncated : one ? words.row : words.rows;
    const seconds = ((performance.now() - start) / 1000).toLocaleString(language, { minimumFractionDigits: 2, maximumFractionDigits: 2 });
    showStatus(fillIn(text, { count: result.rows.length.toLocaleString(language), snapshot: result.snapshot, seconds }));
    // Show the section first: the chart measures its space.
    find("result").hidden = false;
    showTable();
    offerChart();
    remember(editor.value.trim());
  });

  // Queries that returned a result, the latest first, in this browser only.
  const readRecent = () => {
    try {
      const stored = JSON.parse(localStorage.getItem(RECENT) || "[]");
      return Array.isArray(stored) ? stored.filter((sql) => typeof sql === "string") : [];
    } catch {
      return [];
    }
  };

  const writeRecent = (queries) => {
    try {
      localStorage.setItem(RECENT, JSON.stringify(queries));
    } catch {
      // The browser does not store anything for this site.
    }
    showRecent();
  };

  const remember = (sql) => writeRecent([sql, ...readRecent().filter((other) => other !== sql)].slice(0, MAX_RECENT));

  const showRecent = () => {
    const items = readRecent().map((sql) => {
      const button = Object.assign(document.createElement("button"), { type: "button", className: "recent-query" });
      button.textContent = sql.replace(/\s+/g, " ");
      button.title = sql;
      button.addEventListener("click", () => {
        setText(sql);
        focus();
        run();
      });
      const item = document.createElement("li");
      item.append(button);
      return item;
    });
    find("recent-list").replaceChildren(...items);
    find("recent").hidden = items.length === 0;
  };

  const save = (button) => runOnce(button, async () => {
    const response = await send({ ...readQuery(), format: button.value }, button.value === "csv" ? "text/csv" : "*/*");
    const name = /filename="([^"]+)"/.exec(response.headers.get("Content-Disposition") || "");
    const link = document.createElement("a");
    link.href = URL.createObjectURL(await response.blob());
    link.download = name ? name[1] : `a4p.${button.value}`;
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 60000);
    const text = response.headers.get("A4P-Truncated") === "true" ? words.savedTruncated : words.saved;
    showStatus(fillIn(text, { file: link.download }));
  });

  const isNumber = (column) => NUMBER.test(column.type);
  const isTime = (column) => /^(DATE|TIMESTAMP)/.test(column.type);

  const showTable = () => {
    const head = result.columns.map((column) => {
      const cell = document.createElement("th");
      cell.scope = "col";
      if (isNumber(column)) cell.className = "number";
      const kind = document.createElement("span");
      kind.className = "note";
      kind.textContent = column.type.toLowerCase();
      cell.append(column.name, kind);
      return cell;
    });
    find("result-columns").replaceChildren(...head);
    const rows = document.createDocumentFragment();
    for (const values of result.rows) {
      const row = document.createElement("tr");
      values.forEach((value, place) => {
        const cell = row.insertCell();
        const column = result.columns[place];
        cell.className = isNumber(column) ? "number" : isTime(column) ? "nowrap" : "";
        // Mark null, which is neither 0 nor empty text.
        if (value === null) cell.classList.add("null");
        cell.textContent = write(value);
      });
      rows.append(row);
    }
    find("result-rows").replaceChildren(rows);
  };

  const write = (value) => {
    if (value === null) return "null";
    return typeof value === "object" ? JSON.stringify(value) : String(value);
  };

  const fill = (select, columns, first) => {
    const options = columns.map(({ name, place }) => new Option(name, place));
    select.replaceChildren(...(first ? [new Option(first, "")] : []), ...options);
  };

  // Offer a chart when a numeric column can be drawn along another column.
  const offerChart = () => {
    const columns = result.columns.map((column, place) => ({ ...column, place }));
    const numbers = columns.filter(isNumber);
    const others = columns.filter((column) => !isNumber(column));
    const isOffered = numbers.length > 0 && columns.length > 1 && result.rows.length > 1;
    find("chart-choice").hidden = !isOffered;
    if (!isOffered) {
      find("chart-kind").value = "";
      drawChart();
      return;
    }
    fill(find("chart-value"), numbers);
    fill(find("chart-along"), columns);
    fill(find("chart-each"), columns, words.ungrouped);
    const dated = others.find((column) => isTime(column) && new Set(result.rows.map((row) => row[column.place])).size > 1);
    const along = dated || others.find((column) => !isTime(column)) || others[0] || columns[0];
    find("chart-along").value = along.place;
    // Usually the first columns name a row and the last one is its value.
    const counted = numbers.filter((column) => column !== along);
    const value = counted.find((column) => column.name === "value") || counted.at(-1);
    find("chart-value").value = value.place;
    // When a position occurs twice, group by the column that distinguishes the rows.
    const isRepeated = new Set(result.rows.map((row) => row[along.place])).size < result.rows.length;
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
    const places = [...new Set(result.rows.map((row) => write(row[along])))];
    if (isTime(result.columns[along])) places.sort();
    const groups = new Map();
    for (const row of result.rows) {
      const group = each === "" ? result.columns[value].name : write(row[Number(each)]);
      if (!groups.has(group)) groups.set(group, new Map());
      // Null is a gap. Of several values at one position, the last one is shown, not their sum.
      groups.get(group).set(write(row[along]), readNumber(row[value]));
    }
    const datasets = [...groups].slice(0, MAX_LINES).map(([label, values], number) => ({
      label,
      data: places.map((place) => values.get(place) ?? null),
      borderColor: COLORS[number],
      backgroundColor: COLORS[number],
      borderWidth: kind === "line" ? 2 : 0,
      pointRadius: 3,
    }));
    if (groups.size > MAX_LINES) showStatus(`${find("query-status").textContent} ${fillIn(words.groups, { shown: MAX_LINES, count: groups.size })}`);
    chart = new Chart(find("chart"), {
      type: kind,
      data: { labels: places, datasets },
      options: {
        animation: false,
        maintainAspectRatio: false,
        plugins: { legend: { display: each !== "" } },
        scales: {
          x: { title: { display: true, text: result.columns[along].name } },
          y: { title: { display: true, text: result.columns[value].name }, beginAtZero: kind === "bar" },
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
  // The form that saves holds its own text, for browsers without scripts.
  const saveForm = find("save-form");
  if (saveForm) saveForm.addEventListener("submit", () => { find("save-text").value = editor.value; });
  // Another date loads another page. Keep the query.
  document.querySelector(".date-bar form").addEventListener("submit", (event) => {
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
    for (const name of ["example", "saved", "text", "name", "is_shared", "action", "revision"]) here.searchParams.delete(name);
    here.searchParams.set("sql", editor.value);
    window.history.replaceState(null, "", here);
    try {
      await navigator.clipboard.writeText(here.href);
      showStatus(words.copied);
    } catch {
      showStatus(words.address);
    }
  });
  find("forget").addEventListener("click", () => writeRecent([]));
  showRecent();
  showEditor();
  // A link to a query opens with its result.
  const opened = new URL(window.location.href).searchParams;
  if (editor.value && ["sql", "example", "saved"].some((name) => opened.has(name))) run();
  for (const id of ["chart-kind", "chart-value", "chart-along", "chart-each"]) find(id).addEventListener("change", drawChart);
})();
