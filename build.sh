#!/usr/bin/env bash
#===- build.sh - set up, build, test and show fp4q -------------------------===#
#
# Part of the fp4q project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
#===------------------------------------------------------------------------===#
#
# Every command first installs what is missing, then configures and builds; a
# second run finds all of it done. What is missing is decided by looking for the
# files themselves, so a hand-made installation is as good as a package.
#
#===------------------------------------------------------------------------===#
set -euo pipefail

usage() {
  cat <<'EOF'
usage: ./build.sh COMMAND [ARGUMENT...]

  demo    embed sentences with all linear layers of a PyTorch model in FP4, and
          compare with f32
  test    build and run all tests; the last line is
          'N passed, N failed, N skipped'
  setup   install what is missing, and stop there
  build   build the libraries and tools into the build tree
  clean   remove the build trees and the private Python environment
  --help  this text

Arguments after 'demo' go to the demo and those after 'test' to
utils/run-tests.py; both explain themselves with --help.

Environment:
  MLIR_DIR     <prefix>/lib/cmake/mlir of an LLVM 22 of your own; Debian's LLVM
               packages are then not asked for
  FP4Q_PRESET  configure preset (default: ci; see CMakePresets.json)
  PYTHON       interpreter for the private environment .venv (3.10 to 3.13)
  CC, CXX      compilers (default: clang 22)
  CUDA_HOME    CUDA Toolkit that has ptxas 12.9 or newer
  FP4Q_WITHOUT_TORCH
               set to anything: PyTorch is not installed; its tests are skipped,
               and there is no demo
  JOBS         parallel jobs (default: one a core)

Debian packages and Python packages are installed only where they are missing;
packages need root or sudo. Logs go to <build tree>/logs.
EOF
}

readonly LLVM_MAJOR=22
readonly LLVM_PREFIX=/usr/lib/llvm-$LLVM_MAJOR

root=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
preset=${FP4Q_PRESET:-ci}
build=$root/build
[ "$preset" = ci ] || build=$root/build-$preset
logs=$build/logs
venv=$root/.venv
jobs=${JOBS:-$(nproc)}

#===------------------------------------------------------------------------===#
# Messages and logged commands
#===------------------------------------------------------------------------===#

say() { printf '== %s\n' "$*"; }

die() {
  printf 'build.sh: error: %s\n' "$*" >&2
  exit 1
}

# show_progress LOG PID: the last line of the log, rewritten in place on a
# terminal, and once every 30 seconds elsewhere.
show_progress() {
  local log=$1 pid=$2 start=$SECONDS next=30 elapsed line
  while kill -0 "$pid" 2>/dev/null; do
    sleep 0.2
    elapsed=$((SECONDS - start))
    if [ -t 1 ]; then
      line=$(tail -n 1 "$log" | tr -d '\r' | cut -c "1-$((${COLUMNS:-80} - 12))")
      printf '\r\033[K   %4ds  %s' "$elapsed" "$line"
    elif [ "$elapsed" -ge "$next" ]; then
      printf '   %4ds  %s\n' "$elapsed" "$(tail -n 1 "$log" | cut -c 1-100)"
      next=$((elapsed + 30))
    fi
  done
  [ ! -t 1 ] || printf '\r\033[K'
}

# logged NAME TITLE COMMAND...: runs the command with its output in
# logs/NAME.log; returns its exit status.
logged() {
  local log=$logs/$1.log start=$SECONDS status=0 pid
  say "$2"
  shift 2
  "$@" >"$log" 2>&1 </dev/null &
  pid=$!
  show_progress "$log" "$pid"
  wait "$pid" || status=$?
  [ "$status" -ne 0 ] || [ $((SECONDS - start)) -lt 5 ] ||
    printf '   done in %d s\n' $((SECONDS - start))
  return "$status"
}

# die_with_log NAME MESSAGE: the end of logs/NAME.log, then the message.
die_with_log() {
  tail -n 25 "$logs/$1.log" >&2
  die "$2 (whole log: $logs/$1.log)"
}

#===------------------------------------------------------------------------===#
# Probes
#===------------------------------------------------------------------------===#

# version_at_least HAVE WANT
version_at_least() {
  [ "$(printf '%s\n%s\n' "$2" "$1" | sort -V | tail -n 1)" = "$1" ]
}

# dotted_number TEXT: prints the first one of TEXT.
dotted_number() {
  [[ $1 =~ [0-9]+\.[0-9]+(\.[0-9]+)? ]] && echo "${BASH_REMATCH[0]}"
}

# Prints the first cmake in PATH that runs and is new enough. A version manager
# may put one in PATH that only prints an error.
find_cmake() {
  local candidate version
  while read -r candidate; do
    version=$("$candidate" --version 2>/dev/null) || continue
    if version_at_least "$(dotted_number "$version")" 3.25; then
      echo "$candidate"
      return
    fi
  done < <(type -aP cmake)
  return 1
}

# Prints the first Python that this project supports and that can make virtual
# environments.
find_python() {
  local candidate
  for candidate in ${PYTHON:-python3 python3.12 python3.11 python3.10 \
    python3.13 /usr/bin/python3}; do
    if "$candidate" -c 'import sys, venv, ensurepip
sys.exit(not (3, 10) <= sys.version_info[:2] <= (3, 13))' 2>/dev/null; then
      command -v "$candidate"
      return
    fi
  done
  return 1
}

# Whether extensions can be built for the Python that is used. Where there is
# none yet, Debian's is installed, without its headers.
have_python_headers() {
  local python
  python=$(find_python) || return 1
  "$python" -c 'import os, sys, sysconfig
sys.exit(not os.path.exists(sysconfig.get_path("include") + "/Python.h"))'
}

# Prints the root of a CUDA Toolkit whose ptxas knows PTX 8.8 (release 12.9),
# the first version with the block-scaled instructions.
find_cuda() {
  local home version in_path
  in_path=$(readlink -f "$(type -P ptxas)") || in_path=
  for home in "${CUDA_HOME:-}" "${CUDA_ROOT:-}" "${CUDA_PATH:-}" \
    /usr/local/cuda "${in_path%/bin/ptxas}"; do
    [ -x "$home/bin/ptxas" ] || continue
    version=$("$home/bin/ptxas" --version 2>/dev/null) || continue
    version=${version#*release }
    if version_at_least "${version%%,*}" 12.9; then
      echo "$home"
      return
    fi
  done
  return 1
}

# have_library NAME: whether the linker would find lib<NAME>.
have_library() {
  local directory
  for directory in /usr/lib/*-linux-gnu /usr/lib /usr/lib64 /usr/local/lib; do
    [ ! -e "$directory/lib$1.so" ] && [ ! -e "$directory/lib$1.a" ] || return 0
  done
  return 1
}

have_header() { [ -e "/usr/include/$1" ] || [ -e "/usr/local/include/$1" ]; }

# Prints the Debian packages whose contents are missing, one a line.
missing_packages() {
  local prefix=$LLVM_PREFIX
  if [ -z "${MLIR_DIR:-}" ]; then
    [ -e $prefix/lib/cmake/mlir/MLIRConfig.cmake ] || echo libmlir-$LLVM_MAJOR-dev
    [ -x $prefix/bin/mlir-tblgen ] || echo mlir-$LLVM_MAJOR-tools
    [ -e $prefix/lib/cmake/llvm/LLVMConfig.cmake ] || echo llvm-$LLVM_MAJOR-dev
    [ -x $prefix/bin/FileCheck ] || echo llvm-$LLVM_MAJOR-tools
    [ -n "${CXX:-}" ] || [ -x $prefix/bin/clang++ ] || echo clang-$LLVM_MAJOR
    [ -n "${CXX:-}" ] || [ -x $prefix/bin/ld.lld ] || echo lld-$LLVM_MAJOR
    compgen -G "$prefix/lib/clang/*/lib/*/libclang_rt.asan*.a" >/dev/null ||
      echo libclang-rt-$LLVM_MAJOR-dev
    [ -x $prefix/bin/clang-format ] || echo clang-format-$LLVM_MAJOR
  fi
  find_cmake >/dev/null || echo cmake
  type -P ninja >/dev/null || echo ninja-build
  { have_header gtest/gtest.h && have_library gtest; } || echo libgtest-dev
  { have_header tbb/parallel_for.h && have_library tbb; } || echo libtbb-dev
  have_library z || echo zlib1g-dev
  have_header xxhash.h || echo libxxhash-dev
  find_python >/dev/null || echo python3-venv
  have_python_headers || echo python3-dev
}

#===------------------------------------------------------------------------===#
# Set-up
#===------------------------------------------------------------------------===#

# as_root COMMAND...: runs it as root, by sudo where needed.
as_root() {
  if [ "$(id -u)" -eq 0 ]; then
    "$@"
  else
    sudo -n "$@"
  fi
}

can_be_root() {
  [ "$(id -u)" -eq 0 ] && return
  type -P sudo >/dev/null || return
  # Ask for the password now: apt runs with its output in a log.
  if [ -t 0 ]; then sudo -v; else sudo -n true 2>/dev/null; fi
}

unknown_packages() {
  local package
  for package in "$@"; do
    LC_ALL=C apt-cache policy "$package" 2>/dev/null |
      grep -E '^ +Candidate: [^(]' >/dev/null || echo "$package"
  done
}

setup_packages() {
  local packages unknown
  mapfile -t packages < <(missing_packages)
  [ ${#packages[@]} -gt 0 ] || return 0
  type -P apt-get >/dev/null ||
    die "missing, and there is no apt-get to install them: ${packages[*]}" \
      "(names of the Debian packages)"
  can_be_root ||
    die "missing packages; as root, run: apt-get install ${packages[*]}"
  # A failing third-party source must not stop us: what counts is whether the
  # packages can be found afterwards.
  logged apt-update "updating the package lists" as_root apt-get update \
    -o Acquire::Retries=1 || true
  mapfile -t unknown < <(unknown_packages "${packages[@]}")
  if [ ${#unknown[@]} -gt 0 ]; then
    if grep -qE '^(W|E): (Failed to fetch|Some index files failed)' \
      "$logs/apt-update.log"; then
      die "cannot reach the Debian package servers for: ${unknown[*]};" \
        "check the network and the proxy (log: $logs/apt-update.log)"
    fi
    die "apt has no package ${unknown[*]}; add a package source that has it" \
      "(for LLVM $LLVM_MAJOR, MLIR_DIR may name one of your own instead)"
  fi
  if ! logged apt-install "installing ${packages[*]}" as_root env \
    DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends \
    -o Acquire::Retries=2 -o DPkg::Lock::Timeout=300 "${packages[@]}"; then
    if grep -qE '^E: (Failed to fetch|Unable to fetch)' \
      "$logs/apt-install.log"; then
      die "cannot reach the Debian package servers for: ${packages[*]};" \
        "check the network and the proxy (log: $logs/apt-install.log)"
    fi
    die_with_log apt-install "apt-get could not install ${packages[*]}"
  fi
}

# What runs the tests of code for AArch64, which are skipped without it: 70 MB to
# download, 270 MB installed.
setup_emulator() {
  type -P qemu-aarch64 >/dev/null && type -P aarch64-linux-gnu-gcc >/dev/null &&
    return
  local packages=(qemu-user gcc-aarch64-linux-gnu libc6-dev-arm64-cross)
  if [ "$(uname -m)" = x86_64 ] && type -P apt-get >/dev/null && can_be_root &&
    [ -z "$(unknown_packages "${packages[@]}")" ] &&
    logged apt-emulator "installing ${packages[*]}" as_root env \
      DEBIAN_FRONTEND=noninteractive apt-get install -y \
      --no-install-recommends -o DPkg::Lock::Timeout=300 "${packages[@]}"; then
    return
  fi
  say "no emulator of AArch64: its tests are skipped"
}

# pip_install ARGUMENT...: into the private environment.
pip_install() {
  if logged pip "installing Python packages ($*)" \
    "$venv/bin/python" -m pip install --disable-pip-version-check --retries 2 \
    --only-binary=:all: "$@"; then
    return
  fi
  rm -f "$venv/fp4q.stamp"
  if grep -qE 'NewConnectionError|ProxyError|ConnectTimeoutError|NameResolution|ConnectionError|ReadTimeout|Connection (refused|reset)|Network is unreachable' \
    "$logs/pip.log"; then
    die "cannot reach the Python package index; check the network and the" \
      "proxy, or set PIP_INDEX_URL (log: $logs/pip.log)"
  fi
  die "pip: $(grep -m 1 '^ERROR' "$logs/pip.log" || echo failed)" \
    "(log: $logs/pip.log)"
}

# Installs the Python packages into .venv unless a stamp says that these very
# requirement files have been installed there, and sets $cuda.
setup_python() {
  local files=("$root/requirements.txt" "$root/requirements-nodeps.txt")
  local nodeps=(-r "$root/requirements-nodeps.txt") python stamp
  local first=(-r "$root/requirements.txt")
  if [ -z "${FP4Q_WITHOUT_TORCH:-}" ]; then
    files+=("$root/requirements-torch.txt" "$root/requirements-demo.txt")
    first+=(-r "$root/requirements-torch.txt" -r "$root/requirements-demo.txt")
  fi
  if ! cuda=$(find_cuda); then
    files+=("$root/requirements-cuda.txt")
    nodeps+=(-r "$root/requirements-cuda.txt")
  fi
  if [ ! -x "$cuda/bin/nvdisasm" ]; then
    files+=("$root/requirements-nvdisasm.txt")
    nodeps+=(-r "$root/requirements-nvdisasm.txt")
  fi
  stamp=$(cat "${files[@]}" | sha256sum | cut -d ' ' -f 1)
  if [ ! -x "$venv/bin/python" ] ||
    [ "$(cat "$venv/fp4q.stamp" 2>/dev/null)" != "$stamp" ]; then
    python=$(find_python) ||
      die "no Python 3.10 to 3.13 with venv was found; set PYTHON"
    logged venv "making .venv with $python" "$python" -m venv --clear "$venv" ||
      die_with_log venv "cannot make a virtual environment with $python"
    pip_install "${first[@]}"
    pip_install --no-deps "${nodeps[@]}"
    echo "$stamp" >"$venv/fp4q.stamp"
  fi
  if [ -z "$cuda" ]; then
    cuda=$(echo "$venv"/lib/python3*/site-packages/nvidia/cu13)
    [ -x "$cuda/bin/ptxas" ] || die "no ptxas in $cuda; remove .venv and retry"
  fi
}

setup() {
  unset PYTHONHOME PYTHONPATH
  { mkdir -p "$logs" && [ -w "$logs" ]; } 2>/dev/null ||
    die "cannot write to $logs"
  if [ -n "${MLIR_DIR:-}" ] && [ ! -e "$MLIR_DIR/MLIRConfig.cmake" ]; then
    die "MLIR_DIR is '$MLIR_DIR', which has no MLIRConfig.cmake; give" \
      "<prefix>/lib/cmake/mlir of an LLVM $LLVM_MAJOR"
  fi
  if [ -n "${PYTHON:-}" ] && ! find_python >/dev/null; then
    die "PYTHON is '$PYTHON', which is no Python 3.10 to 3.13 with venv"
  fi
  setup_packages
  setup_python
  export CUDA_HOME=$cuda
}

#===------------------------------------------------------------------------===#
# Build, test, demo
#===------------------------------------------------------------------------===#

# Sets $options: what the preset cannot know.
configure_options() {
  local bin
  options=(-DPython3_EXECUTABLE="$venv/bin/python" -DFP4Q_CUDA_HOME="$cuda")
  if [ -n "${MLIR_DIR:-}" ]; then
    options+=(-DMLIR_DIR="$MLIR_DIR")
    bin=$(cd "$MLIR_DIR/../../../bin" && pwd)
    if [ -z "${CXX:-}" ] && [ -x "$bin/clang++" ]; then
      options+=(-DCMAKE_C_COMPILER="$bin/clang"
        -DCMAKE_CXX_COMPILER="$bin/clang++")
    fi
  fi
  if [ -n "${CXX:-}" ]; then
    options+=(-DCMAKE_C_COMPILER="${CC:-cc}" -DCMAKE_CXX_COMPILER="$CXX"
      -DCMAKE_EXE_LINKER_FLAGS= -DCMAKE_SHARED_LINKER_FLAGS=
      -DCMAKE_MODULE_LINKER_FLAGS=)
  fi
}

# build_tree [TARGET...]: everything, if no target is named.
build_tree() {
  local cmake options
  cmake=$(find_cmake)
  configure_options
  # A configuration that is still valid is redone by ninja only if needed.
  if [ ! -e "$build/build.ninja" ] ||
    [ "$(cat "$build/fp4q.options" 2>/dev/null)" != "$cmake ${options[*]}" ]; then
    logged configure "configuring (preset $preset)" "$cmake" --fresh -S "$root" \
      --preset "$preset" "${options[@]}" ||
      die_with_log configure "the configuration failed"
    echo "$cmake ${options[*]}" >"$build/fp4q.options"
  fi
  logged build "building with $jobs jobs" ninja -C "$build" -j "$jobs" "$@" ||
    die_with_log build "the build failed"
}

run_test() {
  exec "$venv/bin/python" "$root/utils/run-tests.py" \
    --config "$build/test/test-config.json" --jobs "$jobs" "$@"
}

run_demo() {
  exec "$venv/bin/python" "$root/utils/demo/minilm.py" --build-dir "$build" "$@"
}

main() {
  local command=${1:---help} cuda
  [ $# -eq 0 ] || shift
  case $command in
    -h | --help | help) usage ;;
    setup)
      setup
      say "everything is installed"
      ;;
    build)
      setup
      build_tree
      ;;
    test)
      setup
      setup_emulator
      build_tree
      run_test "$@"
      ;;
    demo)
      [ -z "${FP4Q_WITHOUT_TORCH:-}" ] ||
        die "the demo needs PyTorch, which FP4Q_WITHOUT_TORCH forbids"
      setup
      build_tree fp4q-opt fp4q-python
      run_demo "$@"
      ;;
    clean) rm -rf "$root"/build "$root"/build-* "$venv" ;;
    *)
      printf 'build.sh: error: unknown command "%s"; %s\n' "$command" \
        'it is one of demo, test, setup, build, clean, --help' >&2
      exit 1
      ;;
  esac
}

main "$@"
