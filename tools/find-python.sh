#!/bin/sh
# Prints the first Python that is new enough; a shim of pyenv that leads nowhere does not count.
for python in python3 python3.13 python3.12 python3.14 python3.11 python3.10 \
  "${PYENV_ROOT:-$HOME/.pyenv}"/versions/3.1[0-9].*/bin/python3 /opt/hostedtoolcache/Python/3.1[0-9].*/*/bin/python3
do
  command -v "$python" >/dev/null 2>&1 || continue
  if "$python" -E -S -c 'import sys; sys.exit(sys.version_info < (3, 10))' >/dev/null 2>&1; then
    command -v "$python"
    exit 0
  fi
done
echo "Python 3.10 or newer is needed; found none. On Debian: apt-get install python3 python3-venv python3-pip" >&2
exit 1
