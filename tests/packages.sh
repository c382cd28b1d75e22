#!/usr/bin/env bash
# Install the servers, the browser and the font that the tests use, where missing.
set -euo pipefail

missing=()
compgen -G "/usr/lib/postgresql/*/bin/initdb" >/dev/null || missing+=(postgresql)
command -v redis-server >/dev/null || missing+=(redis-server)
command -v chromium >/dev/null || missing+=(chromium)
command -v curl >/dev/null || missing+=(curl)
compgen -G "/usr/share/fonts/opentype/noto/NotoSansCJK*" >/dev/null ||
  missing+=(fonts-noto-cjk)
[[ ${#missing[@]} -eq 0 ]] && exit 0

install="apt-get install -y --no-install-recommends ${missing[*]}"
if [[ $EUID -eq 0 ]]; then
  root=()
elif sudo -n true 2>/dev/null; then
  root=(sudo -n)
else
  echo "The tests need ${missing[*]}. Type this once, then make test again:" >&2
  echo "  sudo sh -c 'apt-get update && $install'" >&2
  exit 1
fi
echo "Installing ${missing[*]}"
# Somebody else may be installing: wait for the lock instead of failing.
options=(-qq -o DPkg::Lock::Timeout=600 -o Dpkg::Use-Pty=0)
"${root[@]}" apt-get "${options[@]}" update
"${root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get "${options[@]}" install -y \
  --no-install-recommends "${missing[@]}"
