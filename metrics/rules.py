"""Prometheus rules, written from the catalogue: an alert for each metric and comparison, and those about the service."""

from __future__ import annotations

import json
from dataclasses import dataclass

from metrics.catalogue import Catalogue
from metrics.families import INDICATOR_CHANGE
from metrics.kpi_file import Kpi
from metrics.thresholds import COMPARISONS, Comparison

OPERATORS: dict[Comparison, str] = {"above": ">", "below": "<"}
# What a page is linked by unless `a4p rules --url` names another address: the one that Prometheus scrapes.
SCRAPED_URL = "http://{{ $labels.instance }}"
HEAD = "# Written by `a4p rules`; change metrics/rules.py, the catalogue in metrics/ or sql/kpis/, not this file.\n"


@dataclass(frozen=True)
class Compared:
    """A metric that can have thresholds: `labels` are its own but mission, `page` the path of its page."""

    name: str
    metric: str
    title: str
    priority: str
    labels: tuple[str, ...]
    page: str


def list_compared(catalogue: Catalogue, kpis: tuple[Kpi, ...]) -> list[Compared]:
    """Return every metric that can have thresholds."""
    dimensions = sorted({name for _, indicator in catalogue.indicators for name in indicator.dimensions})
    compared = [
        Compared(
            indicator.indicator,
            indicator.metric,
            indicator.title,
            priority,
            tuple(indicator.dimensions),
            f"/indicators/{indicator.indicator}",
        )
        for priority, indicator in catalogue.indicators
    ]
    compared += [
        Compared(
            kpi.kpi,
            kpi.metric,
            kpi.title,
            kpi.priority,
            tuple(label for label in kpi.labels if label != "mission"),
            f"/indicators/{kpi.kpi}",
        )
        for kpi in kpis
    ]
    change = Compared(
        "indicator_change",
        INDICATOR_CHANGE,
        "Change of {{ $labels.indicator }} against the period before",
        "all",
        ("indicator", *dimensions),
        "/indicators/{{ $labels.indicator }}",
    )
    return [*compared, change]


def render_rules(catalogue: Catalogue, kpis: tuple[Kpi, ...], url: str = SCRAPED_URL) -> dict[str, str]:
    """Return the text of each rule file by its name: one for each priority, and one about the service."""
    compared = list_compared(catalogue, kpis)
    files = {}
    for priority in [*(entry.priority for entry in catalogue.priorities), "all"]:
        lines = [HEAD + "groups:", f"  - name: a4p_{priority}", "    rules:"]
        for one in compared:
            if one.priority == priority:
                for comparison in COMPARISONS:
                    lines += _render_threshold_alert(one, comparison, url)
        if lines[-1] != "    rules:":
            files[f"{priority}.yml"] = "\n".join([*lines, ""])
    files["service.yml"] = _render_service_alerts(url)
    return files


def name_alert(name: str, comparison: Comparison) -> str:
    """Return the name of the alert of an indicator or KPI, such as A4pSofaIncidentsNewAbove."""
    return "A4p" + "".join(word.capitalize() for word in name.split("_")) + comparison.capitalize()


def write_expression(metric: str, comparison: Comparison, alert: str) -> str:
    """Return the expression of a threshold's alert.

    The labels of an alert are those of its `a4p_threshold`. An unreported value is replaced by the previous one; while
    the service cannot be scraped the state is unknown, so firing alerts continue.
    """
    return f"""(
  {metric}
  or ignoring (metric) a4p_unreported_last_value{{metric="{metric}"}}
)
{OPERATORS[comparison]} ignoring (metric, comparison, severity) group_right ()
a4p_threshold{{metric="{metric}",comparison="{comparison}"}}
or
sum without (alertname, alertstate, priority) (ALERTS{{alertname="{alert}",alertstate="firing"}})
and on (job, instance) up == 0
"""


def _render_threshold_alert(compared: Compared, comparison: Comparison, url: str) -> list[str]:
    alert = name_alert(compared.name, comparison)
    names = ["job", "instance", "mission", *compared.labels, "severity"]
    values = " ".join(f"$labels.{name}" for name in names)
    # Go's %[n]q writes the value of a label as PromQL reads it.
    *matched, severity = [f"{name}=%[{position}]q" for position, name in enumerate(names, 1)]
    series = ",".join(matched)

    def ask(query: str, answer: str) -> str:
        return f"{{{{ with printf {_quote(query)} {values} | query }}}}{answer}{{{{ end }}}}"

    metric = compared.metric
    selector = f"{metric}{{{series}}}"
    unreported = f'a4p_unreported_last_value{{metric="{metric}",{series}}}'
    info = f'a4p_threshold_source_info{{metric="{metric}",{series}}}'
    threshold = f'a4p_threshold{{metric="{metric}",comparison="{comparison}",{severity},{series}}}'
    number = '{{ . | first | value | printf "%.6g" }}'
    # What is exposed now, or else, while the service is not scraped, what was within a day.
    value = ask(
        f"{selector} or on () {unreported} or on () last_over_time({unreported}[1d]) or on () last_over_time({selector}[1d])",
        number,
    )
    limit = ask(f"last_over_time({threshold}[1d])", number)

    def source(answer: str) -> str:
        return ask(f"{info} or on () last_over_time({info}[1d])", answer)

    further = "".join(f"{{{{ with $labels.{name} }}}}, {name} {{{{ . }}}}{{{{ end }}}}" for name in compared.labels)
    note = source(
        '{{ with . | first | label "unreported_period_end" }}The period up to {{ . }} has no value; '
        "the previous value is still compared.{{ end }}"
    )
    annotations = {
        "summary": f"{compared.title}: {{{{ $labels.mission }}}}{further} is {comparison} its limit",
        "description": f"The value is {value}; the limit of severity {{{{ $labels.severity }}}} is {comparison} {limit}.",
        "value": value,
        "limit": limit,
        "period_end": source('{{ . | first | label "period_end" }}'),
        "source": source('{{ . | first | label "source" }}{{ with . | first | label "page" }}, page {{ . }}{{ end }}'),
        "note": note,
        "link": f"{url}{compared.page}?mission={{{{ $labels.mission }}}}",
    }
    expression = write_expression(metric, comparison, alert)
    return _render_alert(alert, expression, {"priority": compared.priority}, annotations)


def _quote(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)


def _render_alert(
    alert: str, expression: str, labels: dict[str, str], annotations: dict[str, str], wait: str | None = None
) -> list[str]:
    lines = [f"      - alert: {alert}", "        expr: |"]
    lines += [f"          {line}" for line in expression.strip().splitlines()]
    if wait:
        lines.append(f"        for: {wait}")
    # A string of JSON is one of YAML.
    lines += ["        labels:", *(f"          {name}: {_quote(text)}" for name, text in labels.items())]
    lines += ["        annotations:", *(f"          {name}: {_quote(text)}" for name, text in annotations.items())]
    return lines


def _render_service_alerts(url: str) -> str:
    series = "a4p_indicator_overdue{job=%[1]q,instance=%[2]q,mission=%[3]q,cycle=%[4]q}"
    titles = (
        f'{{{{ with printf "{series} or on () last_over_time({series}[1d])" '
        "$labels.job $labels.instance $labels.mission $labels.cycle | query }}"
        '{{ range $number, $report := sortByLabel "title" . }}{{ if $number }}; {{ end }}{{ $report.Labels.title }}'
        "{{ end }}{{ end }}"
    )
    alerts = [
        (
            "A4pScrapeFailing",
            'up{job="a4p"} == 0',
            "5m",
            "critical",
            "The indicator service cannot be scraped",
            "{{ $labels.instance }} has not answered for 5 minutes. Firing alerts continue, and no alert can start.",
            "/-/healthy",
        ),
        (
            "A4pSnapshotOld",
            "time() - a4p_snapshot_timestamp_seconds > 3 * 3600",
            "5m",
            "warning",
            "The snapshot is old",
            "The snapshot being served was made {{ $value | humanizeDuration }} ago; one is due each hour. "
            "`a4p jobs` lists the runs.",
            "/jobs",
        ),
        (
            "A4pSnapshotFailed",
            "a4p_snapshot_success == 0",
            "5m",
            "warning",
            "The newest snapshot failed",
            "The last good one is served. `a4p jobs --failed` shows the error.",
            "/jobs",
        ),
        (
            "A4pKpiFailed",
            "a4p_kpi_success == 0",
            "5m",
            "warning",
            "The KPI {{ $labels.kpi }} cannot be computed",
            "It is left out of the newest snapshot; its earlier values remain. The log of the service has the error.",
            "/indicators/{{ $labels.kpi }}",
        ),
        (
            "A4pJobFailed",
            "a4p_job_last_run_success == 0",
            "5m",
            "warning",
            "The job {{ $labels.exported_job }} failed",
            "`a4p jobs --failed` shows the error. Until read_copy succeeds, pages and SQL show an earlier state than /metrics.",
            "/jobs",
        ),
        (
            "A4pWarehouseFileMissing",
            "a4p_warehouse_file_present == 0",
            None,
            "critical",
            "The warehouse file was deleted or replaced",
            "Writes fail. Save the content with `a4p backup FILE` before the service stops, then `a4p restore FILE`.",
            "/jobs",
        ),
        (
            "A4pReplicaBehind",
            # Over all replicas, with the labels of the service: behind a proxy, one of them is scraped twice.
            "0 * a4p_snapshot_success\n+ on () group_left () (time() - min(a4p_lake_last_pull_timestamp_seconds)) > 300",
            "1m",
            "warning",
            "A replica does not follow the lake",
            "It was last complete {{ $value | humanizeDuration }} ago, and serves what it had then. Its log has the error.",
            "/jobs",
        ),
        (
            "A4pNoScheduler",
            "0 * a4p_snapshot_success\n+ on () group_left () max(a4p_replica_runs_jobs) == 0",
            "2m",
            "critical",
            "No replica runs the scheduled jobs of the lake",
            "No new snapshot is made until one does, except after changes. The logs have the error.",
            "/jobs",
        ),
        (
            "A4pLoadRefused",
            "increase(a4p_load_refused_total[1h]) > 0",
            None,
            "warning",
            "A load was rejected",
            "A file was rejected within the last hour. The command that loaded it printed the errors.",
            "/quality",
        ),
        (
            "A4pMessagesFailed",
            'a4p_outbox_messages{state="failed"} > 0',
            None,
            "warning",
            "Messages about rounds could not be mailed",
            "{{ $value }} messages were given up. The page and `a4p messages --state failed` show recipients and errors. "
            "Messages are deleted after 30 days.",
            "/admin/messages?state=failed",
        ),
        (
            "A4pReportsOverdue",
            # While the service cannot be scraped, firing alerts continue, with the reports that were overdue within a day.
            "count by (job, instance, mission, cycle) (a4p_indicator_overdue)\n"
            "or\ncount by (job, instance, mission, cycle) (last_over_time(a4p_indicator_overdue[1d]))\n"
            'and on (job, instance, mission, cycle) ALERTS{alertname="A4pReportsOverdue",alertstate="firing"}\n'
            "and on (job, instance) up == 0\n"
            "or\nsum by (job, instance, mission, cycle) "
            '(ALERTS{alertname="A4pReportsOverdue",alertstate="firing"})\n'
            "and on (job, instance) up == 0",
            None,
            "warning",
            '{{ if eq $labels.mission "ALL" }}Departments (ALL){{ else }}{{ $labels.mission }}{{ end }}'
            ": reports overdue for cycle {{ $labels.cycle }}: {{ $value }}",
            f"Not reported by the deadline: {titles}.",
            "/#late",
        ),
        (
            "A4pSubmissionUndecided",
            'max by (job, instance, mission, cycle, state) (a4p_submission_state{state=~"submitted|validated|approved"})',
            "7d",
            "info",
            "{{ $labels.mission }}: the submission for cycle {{ $labels.cycle }} is {{ $labels.state }} for 7 days",
            "An approver has to validate, approve, publish or return it. The page of its round names who acts next.",
            "/rounds",
        ),
        (
            "A4pReconciliationDisagrees",
            "a4p_reconciliation_agrees == 0\nand (\n  max_over_time(a4p_reconciliation_agrees[7d]) == 1\n"
            "  or a4p_reconciliation_agrees == 0 unless a4p_reconciliation_agrees offset 7d\n"
            "  and on (job, instance) up offset 7d == 1\n)",
            None,
            "warning",
            "The comparison {{ $labels.check }} newly disagrees",
            "A printed total no longer agrees with its parts, since a load of the last 7 days. "
            "The view reconciliation shows both.",
            "/quality",
        ),
    ]  # fmt: skip
    lines = [HEAD + "groups:", "  - name: a4p_service", "    rules:"]
    for alert, expression, wait, severity, summary, description, page in alerts:
        labels = {"severity": severity, "priority": "service"}
        annotations = {"summary": summary, "description": description, "link": url + page}
        lines += _render_alert(alert, expression, labels, annotations, wait)
    return "\n".join([*lines, ""])
