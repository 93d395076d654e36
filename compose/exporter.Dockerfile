# syntax=docker/dockerfile:1
# One of the bundled exporters, without root and with a file system that can be read-only:
#
#   docker build -f compose/exporter.Dockerfile -t modelwatch-exporter .
#   docker run --read-only --cap-drop ALL -p 127.0.0.1:9466:9466 \
#     -v ./models.yaml:/etc/modelwatch/models.yaml:ro modelwatch-exporter \
#     probe --inventory /etc/modelwatch/models.yaml --listen :9466
FROM python:3.12-slim AS build
WORKDIR /src
COPY pyproject.toml README.md LICENSE ./
COPY modelwatch modelwatch
COPY exporters exporters
COPY alerts alerts
COPY dashboards dashboards
COPY generator generator
COPY compose compose
RUN python -m venv /opt/modelwatch \
 && /opt/modelwatch/bin/pip install --no-cache-dir --disable-pip-version-check . \
 && /opt/modelwatch/bin/pip uninstall --yes pip \
 && /opt/modelwatch/bin/python -m compileall -q /opt/modelwatch

FROM python:3.12-slim
# Numbers instead of a name: Kubernetes checks `runAsNonRoot` by them.
RUN install --directory --owner 65532 --group 65532 --mode 0700 /var/lib/modelwatch
COPY --from=build /opt/modelwatch /opt/modelwatch
ENV PATH=/opt/modelwatch/bin:$PATH \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    HOME=/var/lib/modelwatch \
    XDG_STATE_HOME=/var/lib
USER 65532:65532
WORKDIR /
# What must outlive a restart; a volume stays writable where the rest is read-only.
VOLUME /var/lib/modelwatch
EXPOSE 9465 9466 9467 9468
# For another port, or where clients need certificates: --health-cmd with the address behind it.
HEALTHCHECK --interval=15s --timeout=5s --start-period=10s --retries=3 \
  CMD ["python", "-m", "exporters.base.healthy"]
ENTRYPOINT ["modelwatch", "exporter"]
CMD ["--help"]
