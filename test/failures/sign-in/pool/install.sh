#!/usr/bin/env bash
# Creates the virtual environment of pool.py and client.py, unless it exists already.
# usage: install.sh [FOLDER]
set -eu -o pipefail
requirements=$(cd "$(dirname "$0")" && pwd)/requirements.txt
folder=${1:-${SIGN_IN_FOLDER:-/tmp/ucwa-batch-proxy-sign-in}}

# The copy is written last. Without the copy the installation is incomplete.
installed=$folder/installed-requirements.txt
if cmp -s "$requirements" "$installed"; then exit 0; fi
python3 -m venv "$folder"
"$folder/bin/python" -m pip install --quiet --disable-pip-version-check \
  --only-binary=:all: --require-hashes --requirement "$requirements"
cp "$requirements" "$installed"
