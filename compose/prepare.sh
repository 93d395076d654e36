#!/usr/bin/env bash
# Makes sure that this machine can run the stack: Python with venv, Prometheus, Alertmanager.
# As root on Debian or Ubuntu it installs what is missing; elsewhere it says what to install.
set -euo pipefail

python=${PYTHON:-python3}
missing=""

has() { command -v "$1" >/dev/null 2>&1; }

if ! "$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
  echo "Python 3.11 or newer is needed; name one with: make PYTHON=/path/to/python" >&2
  exit 3
fi
"$python" -c 'import ensurepip, venv' 2>/dev/null || missing="$missing python3-venv"
{ has prometheus && has promtool; } || missing="$missing prometheus"
{ has alertmanager || has prometheus-alertmanager; } || missing="$missing prometheus-alertmanager"
if [ -z "$missing" ]; then
  exit 0
fi

if [ "$(id -u)" -ne 0 ] || ! has apt-get; then
  echo "missing:$missing" >&2
  echo "Debian, Ubuntu: sudo apt-get install$missing" >&2
  echo "macOS: brew install prometheus alertmanager" >&2
  echo "others: unpack https://prometheus.io/download/ into a folder on PATH" >&2
  exit 3
fi

# The packages come with services on the usual ports; we run our own processes and want none.
policy=/usr/sbin/policy-rc.d
if [ ! -e "$policy" ]; then
  printf '#!/bin/sh\nexit 101\n' >"$policy"
  chmod +x "$policy"
  trap 'rm -f "$policy"' EXIT
fi
echo "installing$missing with apt-get"
export DEBIAN_FRONTEND=noninteractive
log=$(mktemp)
# shellcheck disable=SC2086  # a list of words on purpose
if ! { apt-get update && apt-get install -y --no-install-recommends $missing; } >"$log" 2>&1; then
  tail -n 20 "$log" >&2
  exit 3
fi
rm -f "$log"
if has systemctl; then
  systemctl disable --quiet prometheus prometheus-alertmanager 2>/dev/null || true
fi
