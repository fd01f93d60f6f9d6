#!/usr/bin/env bash
# Builds the Dockerfile without a registry or a daemon. Needs root, buildah and mmdebstrap.
# usage: build.sh FOLDER     (the image is localhost/ucwa-batch-proxy:test in the storage in FOLDER)
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
folder=$1 base=docker.io/library/node:24-bookworm-slim
# One build at a time. A second build finds every layer in the storage.
mkdir -p "$folder"
exec 9>"$folder/build.lock"
flock --timeout 900 9
"$here/base-image.sh" "$folder" "$base"
buildah --root "$folder/storage" --runroot "$folder/run" --storage-driver overlay \
  bud --quiet --layers --isolation chroot --pull-never --network host --format docker \
  --build-arg NODE_IMAGE="$base" --build-arg REVISION=test \
  --tag localhost/ucwa-batch-proxy:test "$here/../../.." >"$folder/build.log" 2>&1 ||
  { tail -n 30 "$folder/build.log" >&2; exit 1; }
