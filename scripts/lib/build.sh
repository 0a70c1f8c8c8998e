# SPDX-License-Identifier: MIT
#
# Building Rhea: the Debian packages that takes, and the build folders. Sourced
# by bash after common.sh.

# What the program itself needs.
build_packages="gcc libc6-dev meson ninja-build pkg-config python3 libglib2.0-dev libcapstone-dev
        libfdt-dev zlib1g-dev libzstd-dev libjson-glib-dev opensbi"

# What the tests need beyond that: guest compilers, a debugger, disks.
test_packages="gcc-riscv64-linux-gnu libc6-dev-riscv64-cross gcc-riscv64-unknown-elf binutils-riscv64-linux-gnu
        binutils-riscv64-unknown-elf gcc-aarch64-linux-gnu gdb-multiarch device-tree-compiler e2fsprogs"

# What a build for another host needs beyond that; its libraries come from scripts/fetch-sysroot.
cross_packages="gcc-aarch64-linux-gnu libc6-dev-arm64-cross"

# The build folder of a variant ("" is the plain one): build, build-asan and so on, or beside $RHEA_BUILD.
build_folder()  # variant
{
        printf '%s%s' "${RHEA_BUILD:-$rhea_top/build}" "${1:+-$1}"
}

# The program that scripts run; $RHEA may name another.
rhea_program()
{
        printf '%s' "${RHEA:-$(build_folder "")/rhea}"
}

build_options() # variant
{
        case $1 in
        '')     ;;
        asan)   echo -Db_sanitize=address ;;
        ubsan)  echo -Db_sanitize=undefined ;;
        tsan)   echo -Db_sanitize=thread ;;
        clang)  ;;
        aarch64) ;;
        *)      die "no such build: $1" ;;
        esac
}

build_rhea()    # variant [meson option...]
{
        local variant=$1 folder options log
        shift
        folder=$(build_folder "$variant")
        options=$(build_options "$variant")
        mkdir -p "$folder"
        log=$folder/rhea-build.log
        if [ ! -f "$folder/build.ninja" ]; then
                # shellcheck disable=SC2086  # options are words
                (if [ "$variant" = clang ]; then export CC=clang; fi
                 run_logged "$log" meson setup "$folder" "$rhea_top" $options "$@") || die "meson setup failed (the log is $log)"
        elif [ $# -gt 0 ]; then
                run_logged "$log" meson configure "$folder" "$@" || die "meson configure failed (the log is $log)"
        fi
        run_logged "$log" ninja -C "$folder" || die "the build failed (the log is $log)"
}
