#!/bin/sh
# Secrets of the stack, made once: secrets.sh [FOLDER]
# A container sees a secret with the owner and mode that the file has here, and runs as another user
# than yours. So the files are readable by all and the folder around them is closed to all but you.
set -eu
folder=${1:-$(dirname "$0")/../.modelwatch/secrets}
umask 022
mkdir -p "$folder/alertmanager" "$folder/probe" "$folder/prometheus"
chmod 700 "$folder"
chmod -R a+rX "$folder/alertmanager" "$folder/probe" "$folder/prometheus"
for name in grafana-admin-password quality-token drift-token victoriametrics-key; do
  if [ ! -s "$folder/$name" ]; then
    head -c 24 /dev/urandom | base64 | tr '+/' '-_' | tr -d '\n' >"$folder/$name"
    echo "made $folder/$name"
  fi
  chmod 644 "$folder/$name"
done
