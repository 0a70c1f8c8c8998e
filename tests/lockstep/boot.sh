#!/bin/sh
# SPDX-License-Identifier: MIT
# boot.sh SCRIPT BUILD ARGUMENTS...: scripts/lockstep over Debian's kernel; skipped (77) where that is not in the cache.
script=$1 build=$2
shift 2
cache=${RHEA_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/rhea}
if [ ! -e "$cache/guest/Image" ]; then
        echo "there is no guest; scripts/fetch-guest fetches it"
        exit 77
fi
exec "$script" --build "$build" "$@"
