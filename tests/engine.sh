#!/usr/bin/env bash
# A Docker engine for the tests of images, as root on Debian: engine.sh FOLDER
# It answers at FOLDER/docker.sock and has the images that ours are built from: the real ones, or,
# where no registry can be reached, stand-ins of Debian's packages under their names. Everything it
# keeps is in FOLDER; it runs until the process in FOLDER/pid is ended. The last line says why there
# can be none.
set -euo pipefail
mkdir -p "${1:?"usage: $0 FOLDER"}"
folder=$(realpath "$1")
cd "$(dirname "$0")/.."
export DEBIAN_FRONTEND=noninteractive DOCKER_HOST=unix://$folder/docker.sock

refuse() {
  echo "no Docker engine: $*" >&2
  exit 3
}

# Runs quietly; its last line is the reason when it fails.
quietly() {
  "$@" >"$folder/log" 2>&1 || refuse "$1: $(tail -n 1 "$folder/log")"
}

packages() {
  # The package comes with a service for the whole machine; we run an engine of our own.
  local policy=/usr/sbin/policy-rc.d
  if [ ! -e "$policy" ]; then
    printf '#!/bin/sh\nexit 101\n' >"$policy"
    chmod +x "$policy"
    trap 'rm -f "$policy"' EXIT
  fi
  quietly apt-get install -y --no-install-recommends \
    docker.io mmdebstrap ca-certificates debian-archive-keyring
}

engine() {
  dockerd --host "$DOCKER_HOST" --data-root "$folder/images" --exec-root "$folder/run" \
    --pidfile "$folder/pid" </dev/null >"$folder/dockerd.log" 2>&1 &
  local dockerd=$!
  for _ in {1..120}; do
    docker version >"$folder/log" 2>&1 && return
    kill -0 "$dockerd" 2>/dev/null || break
    sleep 0.25
  done
  kill "$dockerd" 2>/dev/null || true
  # What it dies of stands below its log, on as many lines as it likes.
  local last
  last=$(grep -v level= "$folder/dockerd.log" | tail -n 3 | tr '\n' ' ') || true
  refuse "dockerd: ${last:-it does not answer}"
}

# Debian's Python, and how this machine reaches the Python package index.
stand_in() { # name of the image
  local certificates=/etc/ssl/certs/ca-certificates.crt codename configuration=()
  codename=$(sed -n 's/^VERSION_CODENAME=//p' /etc/os-release)
  [ ! -e /etc/pip.conf ] || configuration=("--customize-hook=copy-in /etc/pip.conf /etc")
  apt-get indextargets --format 'deb $(REPO_URI) $(RELEASE) $(COMPONENT)' \
    'Created-By: Packages' 'Origin: Debian' | sort -u >"$folder/sources.list"
  quietly mmdebstrap --variant=minbase --include=python3-venv,ca-certificates \
    --dpkgopt='path-exclude=/usr/share/doc/*' --dpkgopt='path-exclude=/usr/share/locale/*' \
    --dpkgopt='path-exclude=/usr/share/man/*' --dpkgopt=force-unsafe-io \
    --customize-hook='ln -s ../../bin/python3 "$1/usr/local/bin/python"' \
    --customize-hook="copy-in $certificates /etc/ssl/certs" "${configuration[@]}" \
    "$codename" "$folder/base.tar" "$folder/sources.list"
  quietly docker import --change "ENV PIP_CERT=$certificates" --change 'LABEL stand-in=true' \
    "$folder/base.tar" "$1"
  rm "$folder/base.tar"
}

[ "$(id -u)" -eq 0 ] || refuse "only root can start one"
command -v apt-get >/dev/null || refuse "this starts one on Debian only"
packages
engine
sed -n 's/^FROM \([^ ]*\).*/\1/p' compose/exporter.Dockerfile | sort -u | while read -r image; do
  if timeout 60 docker pull --quiet "$image" </dev/null >"$folder/log" 2>&1; then
    echo "$image is the real one"
  else
    stand_in "$image"
    echo "$image is a stand-in of Debian's packages: $(tail -n 1 "$folder/log")"
  fi
done
