# The service in an image: `docker build --tag a4p-service .`; docker-compose.yml runs it with Prometheus, Alertmanager and Grafana.
# docs/decisions/containers.md says where the digest is from, and what of this was tried without an engine.
ARG PYTHON=python:3.13.14-slim-trixie@sha256:6771159cd4fa5d9bba1258caf0b82e6b73458c694d178ad97c5e925c2d0e1a91

FROM ${PYTHON} AS build
# With SOURCE_DATE_EPOCH what is compiled holds no time, so that the same tree gives the same files.
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1 PIP_ROOT_USER_ACTION=ignore SOURCE_DATE_EPOCH=1
WORKDIR /opt/a4p
# Every package is pinned and listed, so none is chosen here; none is compiled.
COPY requirements.txt requirements-lake.txt ./
RUN python -m venv --without-pip /opt/venv \
    && pip --python /opt/venv/bin/python install --no-deps --only-binary :all: --requirement requirements.txt
# Packages of the lake group: --build-arg LAKE=yes, as in docker-compose.lake.yml.
ARG LAKE=
RUN test -z "${LAKE}" \
    || pip --python /opt/venv/bin/python install --no-deps --only-binary :all: --requirement requirements-lake.txt
COPY pyproject.toml README.md ./
COPY metrics metrics
COPY service service
COPY sql sql
COPY prometheus/alertmanager.yml prometheus/alertmanager.yml
RUN pip --python /opt/venv/bin/python install setuptools==83.0.0 \
    && pip --python /opt/venv/bin/python install --no-deps --no-build-isolation --editable . \
    && pip --python /opt/venv/bin/python uninstall --yes setuptools \
    && /opt/venv/bin/python -m compileall -q metrics service \
    && /opt/venv/bin/a4p check

FROM ${PYTHON}
RUN groupadd --system --gid 10001 a4p \
    && useradd --system --uid 10001 --gid a4p --no-create-home --home-dir /var/lib/a4p --shell /usr/sbin/nologin a4p \
    && install --directory --mode 0700 --owner a4p --group a4p /var/lib/a4p \
    && install --directory --mode 0750 --owner a4p --group a4p /run/a4p
COPY --from=build /opt/venv /opt/venv
COPY --from=build /opt/a4p /opt/a4p
ENV PATH=/opt/venv/bin:$PATH PYTHONDONTWRITEBYTECODE=1 PYTHONUNBUFFERED=1 \
    A4P_HOST=0.0.0.0 A4P_PORT=8000 A4P_DATA_DIR=/var/lib/a4p
WORKDIR /var/lib/a4p
USER 10001:10001
VOLUME /var/lib/a4p
EXPOSE 8000
HEALTHCHECK --interval=15s --timeout=5s --start-period=2m --retries=4 \
    CMD ["python", "-c", "import urllib.request; urllib.request.urlopen('http://127.0.0.1:8000/-/ready', timeout=4)"]
STOPSIGNAL SIGTERM
ENTRYPOINT ["a4p"]
CMD ["serve"]
