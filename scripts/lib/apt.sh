# SPDX-License-Identifier: MIT
#
# A private apt folder: package lists, settings and downloads of another suite
# or architecture live in the cache folder, so the machine's own sources, lists
# and package database stay as they are, and no root is needed. Sourced by bash
# after common.sh. Signatures are always checked, against Debian's own keyring.
#
#       apt_open guest riscv64 trixie
#       apt_fetch busybox-static            -> $apt_dir/debs/*.deb
#       apt_unpack some/folder

# The machine's Debian mirrors, best guess first. apt itself reads its
# configuration for us, so deb822 and one-line sources are the same. Another
# archive may use Debian's suite names too, so these are only candidates:
# apt_open takes the first whose signature Debian's keyring accepts.
apt_mirrors()
{
        local empty codename
        codename=$(. /etc/os-release && printf '%s' "${VERSION_CODENAME:-}")
        empty=$(mktemp -d)
        mkdir "$empty/partial"
        apt-get -o Dir::State::lists="$empty" indextargets --no-release-info \
                        --format '$(REPO_URI) $(RELEASE) $(COMPONENT)' 'Created-By: Packages' 2>/dev/null |
                awk -v codename="$codename" '
                        $3 == "main" && ($2 == codename || $2 ~ /^(old)*stable$/) && $1 !~ /^cdrom:/ && !seen[$1]++ {
                                if ($1 ~ /\/debian\/?$/) print; else other = other $0 "\n"
                        }
                        END { printf "%s", other }' | cut -d' ' -f1
        rm -rf "$empty"
}

apt_options()   # arch status-file
{
        local o
        apt_opts=()
        for o in "APT::Architecture=$1" "APT::Architectures::=$1" "Dir::State::status=$2" \
                 "Dir::State::lists=$apt_dir/lists" "Dir::Cache=$apt_dir/cache" \
                 "Dir::Etc::sourcelist=/dev/null" "Dir::Etc::sourceparts=$apt_dir/sources" \
                 "Dir::Etc::preferences=/dev/null" "Dir::Etc::preferencesparts=$apt_dir/none" \
                 "APT::Install-Recommends=false" "APT::Sandbox::User=" "APT::Get::List-Cleanup=true" \
                 "Acquire::Languages=none" "Acquire::Retries=3" "Debug::NoLocking=true"; do
                apt_opts+=(-o "$o")
        done
}

# Writes the sources and fetches the lists; true when the mirror has the suites and is Debian's.
apt_try()       # mirror arch keyring suite...
{
        local mirror=$1 arch=$2 keyring=$3
        shift 3
        printf '%s\n' "Types: deb" "URIs: $mirror" "Suites: $*" "Components: main" \
                "Architectures: $arch" "Signed-By: $keyring" >"$apt_dir/sources/rhea.sources"
        # Without Error-Mode a list that could not be fetched is only a warning.
        run_logged "$apt_dir/update.log" apt-get "${apt_opts[@]}" -o APT::Update::Error-Mode=any \
                -o APT::Update::Post-Invoke-Success::= update 2>/dev/null
}

# Opens the private folder `name`. With status-file, packages that this machine has installed count as there.
apt_open()      # name arch "suite..." [status-file]
{
        local name=$1 arch=$2 suites=$3 mirror keyring keyrings=()
        apt_dir=$rhea_cache/apt/$name
        mkdir -p "$apt_dir"/{lists/partial,cache/archives/partial,sources,none,debs}
        : >"$apt_dir/status"
        apt_options "$arch" "${4:-$apt_dir/status}"

        for keyring in "$rhea_cache"/apt/keyring/debian-archive-keyring.{pgp,gpg} \
                       /usr/share/keyrings/debian-archive-keyring.{pgp,gpg}; do
                [ ! -e "$keyring" ] || keyrings+=("$keyring")
        done
        [ ${#keyrings[@]} -gt 0 ] ||
                die "Debian's keyring is not installed; run: apt-get install debian-archive-keyring"

        apt_mirrors >"$apt_dir/mirrors"
        [ -s "$apt_dir/mirrors" ] ||
                die "apt on this machine names no Debian archive (suite $(. /etc/os-release && echo "$VERSION_CODENAME"), component main)"
        for keyring in "${keyrings[@]}"; do
                while read -r mirror; do
                        # shellcheck disable=SC2086  # suites are words
                        apt_try "$mirror" "$arch" "$keyring" $suites && return 0
                done <"$apt_dir/mirrors"
        done
        return 1
}

apt_explain()
{
        grep -E '^(E|W|Err)' "$apt_dir/update.log" >&2 || tail -n 5 "$apt_dir/update.log" >&2
}

# An old keyring does not know a newer suite's key. The newer keyring is itself
# a package of this machine's own suite, signed by a key the old one does know.
apt_fetch_keyring()
{
        local codename keep=$rhea_cache/apt/keyring
        codename=$(. /etc/os-release && printf '%s' "$VERSION_CODENAME")
        say "this machine's Debian keyring may be too old; fetching the current one from $codename"
        apt_open keyring-source "$(dpkg --print-architecture)" "$codename" || return 1
        apt_fetch debian-archive-keyring && apt_unpack "$apt_dir/root" || return 1
        mkdir -p "$keep"
        cp -L "$apt_dir"/root/usr/share/keyrings/debian-archive-keyring.* "$keep/"
}

# apt_open, and if the suite's signature is not accepted, once more with the newest keyring.
apt_open_suite() # name arch "suite..." [status-file]
{
        apt_open "$@" && return 0
        if grep -q 'NO_PUBKEY\|not signed\|EXPKEYSIG' "$apt_dir/update.log"; then
                local log=$apt_dir/update.log
                apt_fetch_keyring && apt_open "$@" && return 0
                [ -s "$apt_dir/update.log" ] || apt_dir=$(dirname "$log")
        fi
        apt_explain
        die "cannot read the package lists of Debian $3 ($2) from this machine's mirror"
}

# The packages an installation of the named ones would bring, as name=version words.
apt_closure()   # package...
{
        apt-get "${apt_opts[@]}" -s install "$@" 2>"$apt_dir/resolve.log" |
                sed -n 's/^Inst \([^ ]*\) \(\[[^]]*\] \)\?(\([^ ]*\) .*/\1=\3/p'
}

# Downloads exactly the named packages, not what they depend on.
apt_fetch()     # package...
{
        rm -rf "$apt_dir/debs" && mkdir -p "$apt_dir/debs" || return 1
        (cd "$apt_dir/debs" && run_logged "$apt_dir/download.log" apt-get -q=0 "${apt_opts[@]}" download "$@")
}

# Unpacks what apt_fetch brought into an empty folder, then drops the archives.
apt_unpack()    # folder
{
        local deb
        rm -rf "$1" && mkdir -p "$1" || return 1
        for deb in "$apt_dir"/debs/*.deb; do
                dpkg-deb -x "$deb" "$1" || return 1
        done
        rm -f "$apt_dir"/debs/*.deb
}
