"""The page `/jobs`: current runs of jobs, newest first."""

from __future__ import annotations

from flask import Blueprint, abort, request

from service.application import Application
from service.warehouse.database import read_rows, run_sql
from service.web.pages.layout import open_page

MAX_RUNS = 100
# Larger than any run id.
LAST_RUN = 2**31 - 1


def add_routes(routes: Blueprint, application: Application) -> None:
    """Add the page to the routes. It reads the warehouse itself, because a read copy would show failures late."""

    @routes.get("/jobs")
    def show_jobs() -> str:
        before = _read_before()
        job = request.args.get("job", "").strip() or None
        only_failed = request.args.get("only") == "failed"
        with open_page(application) as page, application.open_live_session() as session:
            summary = read_rows(run_sql(session, "jobs/summarize"))
            if job is not None and job not in {row["job"] for row in summary}:
                abort(404, f"Unknown job {job!r}. Jobs: {', '.join(row['job'] for row in summary)}.")
            runs = read_rows(
                run_sql(session, "jobs/list_page", before=before, job=job, only_failed=only_failed, max_rows=MAX_RUNS + 1)
            )
            return page.render(
                "jobs.html",
                summary=summary,
                runs=runs[:MAX_RUNS],
                older=str(runs[MAX_RUNS - 1]["run_id"]) if len(runs) > MAX_RUNS else None,
                job=job,
                only="failed" if only_failed else None,
                before=before,
                schedules={entry.name: entry.cron for entry in application.jobs},
                timezone=application.settings.timezone,
                hide_moment=True,
            )


def _read_before() -> int | None:
    value = request.args.get("before", "")
    if not value:
        return None
    if not (value.isascii() and value.isdigit() and int(value[:12]) <= LAST_RUN):
        abort(400, f"before: {value!r} is not the number of a run.")
    return int(value)
