#!/usr/bin/env bash
# Installs the servers that probes are tested against, each into an environment of its own, because
# they want different versions of the same packages: real_servers.sh FOLDER
# The folder is then named by PROBE_SERVERS_VENV. About a minute and 1.3 GB; nothing the second time.
set -euo pipefail
folder=${1:?"usage: $0 FOLDER"}
python=${PYTHON:-python3}

installed() { # name of the environment, then what pip installs
  local environment=$folder/$1
  shift
  [ "$(cat "$environment/installed" 2>/dev/null)" = "$*" ] && return
  "$python" -m venv --clear "$environment"
  "$environment/bin/pip" install --quiet --disable-pip-version-check --no-cache-dir "$@"
  echo "$*" >"$environment/installed"
}

mkdir -p "$folder"
installed mlserver mlserver==1.7.1 mlserver-sklearn==1.7.1 &
first=$!
installed litellm 'litellm[proxy]==1.106.0' # 1.108 and later want a certifi that is hard to get
wait "$first"
