# The bundled exporters, without root, for a file system that is read-only:
#
#   docker build -f compose/exporter.Dockerfile -t modelwatch-exporter .
#   docker run --read-only --cap-drop ALL --security-opt no-new-privileges \
#     -p 127.0.0.1:9468:9468 -v "$PWD/models.yaml:/etc/modelwatch/models.yaml:ro" \
#     -v modelwatch-state:/var/lib/modelwatch modelwatch-exporter \
#     inventory --inventory /etc/modelwatch/models.yaml --listen :9468
#
# Doors that accept data want a token or users where everybody can connect: --token-file, --web-config.
FROM python:3.12-slim AS build
# drift for embeddings and faster counting (numpy), kafka for topics: --build-arg EXTRAS=drift,kafka
ARG EXTRAS=
WORKDIR /src
COPY pyproject.toml README.md LICENSE ./
COPY modelwatch modelwatch
COPY exporters exporters
COPY alerts alerts
COPY dashboards dashboards
COPY generator generator
COPY compose compose
# Bytecode that is trusted without looking at times: nobody can change it here, and the same
# sources give the same bytes. What installs packages is of no use in an image that is read-only.
RUN python -m venv /opt/modelwatch \
 && export PATH=/opt/modelwatch/bin:$PATH \
 && pip install --no-cache-dir --no-compile --disable-pip-version-check ".${EXTRAS:+[$EXTRAS]}" \
 && pip uninstall --quiet --yes setuptools pip \
 && rm -rf /opt/modelwatch/lib/python*/site-packages/tornado/test \
 && find /opt/modelwatch -name __pycache__ -prune -exec rm -rf {} + \
 && python -m compileall -q --invalidation-mode unchecked-hash /opt/modelwatch/lib

FROM python:3.12-slim
# Whatever user it runs as may write here; each exporter closes its own folder to all others.
RUN install --directory --mode 1777 /var/lib/modelwatch
COPY --from=build /opt/modelwatch /opt/modelwatch
# The driver's container runtime adds NVML for `utility`, and no card unless it is told to.
ENV PATH=/opt/modelwatch/bin:$PATH \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    HOME=/var/lib/modelwatch \
    XDG_STATE_HOME=/var/lib \
    NVIDIA_DRIVER_CAPABILITIES=utility
ARG VERSION=unreleased
ARG REVISION=unknown
LABEL org.opencontainers.image.title="modelwatch exporter" \
      org.opencontainers.image.description="GPU, probe, quality, drift and inventory exporters for Prometheus" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.base.name="docker.io/library/python:3.12-slim" \
      org.opencontainers.image.version="$VERSION" \
      org.opencontainers.image.revision="$REVISION"
# Numbers instead of a name: Kubernetes checks `runAsNonRoot` by them.
USER 65532:65532
WORKDIR /
# What must outlive a restart; a volume stays writable where the rest is read-only.
VOLUME /var/lib/modelwatch
EXPOSE 9465 9466 9467 9468 9469
# Finds the exporter and its port by itself, with TLS and without.
HEALTHCHECK --interval=15s --timeout=5s --start-period=10s --retries=3 \
  CMD ["python", "-m", "exporters.base.healthy"]
ENTRYPOINT ["modelwatch", "exporter"]
CMD ["--help"]
