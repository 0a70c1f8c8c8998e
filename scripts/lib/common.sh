# SPDX-License-Identifier: MIT
#
# What every script here shares: where things are, how progress and errors are
# told, and how missing Debian packages are installed. Sourced by bash, never
# run. A script sets `rhea_me` (its name) before it sources this file.
#
# The cache folder (guest kernel, initramfs, rival emulator, package lists) is
# $RHEA_CACHE, else $XDG_CACHE_HOME/rhea, else ~/.cache/rhea. Nothing outside
# it is written, except by need_packages.

rhea_top=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
rhea_cache=${RHEA_CACHE:-${XDG_CACHE_HOME:-${HOME:-/tmp}/.cache}/rhea}
rhea_start=$SECONDS
export RHEA_CACHE=$rhea_cache           # what we start looks in the same place

# Progress goes to stderr: stdout belongs to what a script is asked to print.
say()
{
        printf '%s: [%3ds] %s\n' "${rhea_me:-rhea}" $((SECONDS - rhea_start)) "$*" >&2
}

die()
{
        printf '%s: error: %s\n' "${rhea_me:-rhea}" "$*" >&2
        exit 1
}

# Runs a command with its output in a log, and shows the end of the log only if
# it fails. On a terminal one line shows what the command says at the moment.
run_logged()    # log command...
{
        local log=$1 status=0 pid
        shift
        if [ -t 2 ]; then
                "$@" >"$log" 2>&1 </dev/null &
                pid=$!
                while kill -0 $pid 2>/dev/null; do
                        printf '\r\033[K      %.70s' "$(tail -c 400 "$log" | tr '\r' '\n' | grep -a . | tail -n 1)" >&2
                        sleep 0.3
                done
                printf '\r\033[K' >&2
                wait $pid || status=$?
        else
                "$@" >"$log" 2>&1 </dev/null || status=$?
        fi
        [ $status = 0 ] || tail -n 40 "$log" | tr '\r' '\n' >&2
        return $status
}

package_installed()
{
        [ "$(dpkg-query -W -f '${db:Status-Status}' "$1" 2>/dev/null)" = installed ]
}

# Installs those of the named packages that are not there. Touches nothing, and
# needs neither root nor the network, when all are.
need_packages() # package...
{
        local missing=() p as_root=()
        for p; do
                package_installed "$p" || missing+=("$p")
        done
        [ ${#missing[@]} -gt 0 ] || return 0

        if [ "$(id -u)" != 0 ]; then
                command -v sudo >/dev/null ||
                        die "these packages are missing and there is no sudo; as root, run: apt-get install ${missing[*]}"
                as_root=(sudo)
                sudo -v || die "installing these packages needs root: ${missing[*]}"
        fi
        say "installing ${#missing[@]} missing packages: ${missing[*]}"
        mkdir -p "$rhea_cache"
        local log=$rhea_cache/install.log
        # A source that cannot be reached is no reason to stop: the package may come from another.
        run_logged "$log" "${as_root[@]}" apt-get update || say "apt-get update had errors; going on"
        run_logged "$log" "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive \
                apt-get -q=0 install -y --no-install-recommends "${missing[@]}" ||
                die "apt-get could not install: ${missing[*]} (the log is $log)"
}

# One script at a time works on a part of the cache; a second waits and then finds the work done.
lock_cache()    # name
{
        mkdir -p "$rhea_cache" || die "cannot create the cache folder $rhea_cache; set RHEA_CACHE to another"
        exec 9>"$rhea_cache/.lock-$1"
        flock -n 9 && return 0
        say "waiting for another run that is filling $rhea_cache"
        flock 9
}

# A recipe's identity: when the named files or words change, what was made from them is stale.
recipe_id()     # file-or-word...
{
        local a
        for a; do
                if [ -f "$a" ]; then cat "$a"; else printf '%s\n' "$a"; fi
        done | sha256sum | cut -c1-16
}

stamp_fresh()   # stamp-file id
{
        [ "$(cat "$1" 2>/dev/null)" = "$2" ]
}
