"""Addresses of the servers in the configuration files of Prometheus, Alertmanager and nginx."""

from __future__ import annotations

from dataclasses import dataclass, replace

from metrics.catalogue import CatalogueError


@dataclass(frozen=True)
class Addresses:
    """Addresses as host:port. `instance` is the public address of the service, used in links of alerts.

    Paths are those seen by the servers: `rules` is a pattern, `token_file` the token that Alertmanager sends.
    """

    service: str
    instance: str
    alertmanager: str
    rules: str
    token_file: str


# The addresses in the shipped files.
SHIPPED = Addresses("127.0.0.1:8000", "127.0.0.1:8000", "127.0.0.1:9093", "rules/*.yml", "../data/alerts-token")
# docker-compose.yml: names of services, and the mounts of their containers.
CONTAINERS = Addresses("a4p:8000", "127.0.0.1:8000", "alertmanager:9093", "../rules/*.yml", "/run/a4p/alerts-token")
# Replicas of a lake and nginx in front of them: the shipped addresses, and those of docker-compose.lake.yml.
SHIPPED_REPLICAS, SHIPPED_NGINX = ("127.0.0.1:8000", "127.0.0.1:8001"), "127.0.0.1:8080"
CONTAINER_REPLICAS, CONTAINER_NGINX = ("a4p:8000", "a4p-b:8000"), "8080"
LAKE = "docker-compose.lake.yml"
LAKE_CONTAINERS = replace(CONTAINERS, service="nginx:8080")
# The families of a snapshot are the same on both replicas, so they are scraped once, through nginx.
REPLICAS_JOB = """
  # Whether each replica answers and follows the lake, its snapshot and process. All other families are those of nginx.
  - job_name: a4p-replicas
    static_configs:
      - targets: ["{}", "{}"]
    metric_relabel_configs:
      - source_labels: [__name__]
        regex: "process_.+|a4p_build_info|a4p_snapshot_info|a4p_lake_.+|a4p_replica_.+"
        action: keep
"""
HEAD = "# Written by `a4p generate` for {compose} from ../{name}; change that file, not this one.\n"


def place_prometheus(text: str, addresses: Addresses) -> str:
    """Return the text of prometheus.yml for other addresses, including its comments.

    Raises CatalogueError if it does not contain the shipped addresses.
    """
    return _replace(
        "prometheus.yml",
        text,
        [
            (f'instance: "{SHIPPED.instance}"', f'instance: "{addresses.instance}"'),
            (f'targets: ["{SHIPPED.service}"]', f'targets: ["{addresses.service}"]'),
            (f"http://{SHIPPED.service}/", f"http://{addresses.service}/"),
            (f'targets: ["{SHIPPED.alertmanager}"]', f'targets: ["{addresses.alertmanager}"]'),
            (f"- {SHIPPED.rules}", f"- {addresses.rules}"),
        ],
    )


def place_alertmanager(text: str, addresses: Addresses) -> str:
    """Return the text of alertmanager.yml for other addresses; raises as `place_prometheus` does."""
    return _replace(
        "alertmanager.yml",
        text,
        [
            (f"http://{SHIPPED.service}/", f"http://{addresses.service}/"),
            (f"credentials_file: {SHIPPED.token_file}", f"credentials_file: {addresses.token_file}"),
        ],
    )


def place_nginx(text: str, replicas: tuple[str, str], listen: str) -> str:
    """Return the text of nginx/a4p.conf for two other replicas and another address; raises as `place_prometheus` does."""
    servers = [
        (f"server {shipped} ", f"server {replica} ") for shipped, replica in zip(SHIPPED_REPLICAS, replicas, strict=True)
    ]
    return _replace("a4p.conf", text, [*servers, (f"listen {SHIPPED_NGINX};", f"listen {listen};")])


def render_container_files(prometheus: str) -> dict[str, str]:
    """Return the text of the files of prometheus/compose by name, derived from the shipped files."""
    return {
        "prometheus.yml": _begin("prometheus.yml", place_prometheus(prometheus, CONTAINERS)),
        "prometheus-lake.yml": _begin("prometheus.yml", _add_replicas(place_prometheus(prometheus, LAKE_CONTAINERS)), LAKE),
    }


def render_container_nginx(text: str) -> str:
    """Return the text of nginx/compose/a4p.conf, derived from the shipped file."""
    return _begin("a4p.conf", place_nginx(text, CONTAINER_REPLICAS, CONTAINER_NGINX), LAKE)


def _add_replicas(prometheus: str) -> str:
    after = "\n# {job="
    return _replace("prometheus.yml", prometheus, [(after, REPLICAS_JOB.format(*CONTAINER_REPLICAS) + after)])


def _begin(name: str, text: str, compose: str = "docker-compose.yml") -> str:
    # The comment on top describes the shipped file.
    lines = text.splitlines(keepends=True)
    while lines and lines[0].startswith("#"):
        lines.pop(0)
    return HEAD.format(name=name, compose=compose) + "".join(lines)


def _replace(name: str, text: str, changes: list[tuple[str, str]]) -> str:
    for shipped, replacement in changes:
        if shipped not in text:
            raise CatalogueError(f"{name}: {shipped!r} not found, so the file cannot be written for other addresses")
        text = text.replace(shipped, replacement)
    return text
