#!/usr/bin/env bash
# Part of the fp4q project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# Puts into build/gpu-python all that the Python package's tests need on a machine
# with a GPU, but without LLVM and without a network: the package without the
# compiler, the packages that it needs, and the code for the chip, compiled by
# running the tests here on the simulator.
#
# usage: prepare-python.sh CHIP INTERPRETER
#
# INTERPRETER is a Python of that machine's version, with headers. There:
#
#   build/gpu-python/run.sh      ends as pytest does
set -euo pipefail

chip=$1
interpreter=$2
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
out=$root/build/gpu-python
tests=python-bindings/tests
mkdir -p "$out/wheels"
rm -f "$out"/wheels/fp4q-*.whl

"$interpreter" -m venv --clear "$out/environment"
pip=("$out/environment/bin/python" -m pip --disable-pip-version-check -q)
grep -hE '^(numpy|ml_dtypes|pytest|hypothesis|sortedcontainers|iniconfig|packaging|pluggy|pygments)==' \
  "$root/requirements.txt" >"$out/requirements.txt"
"${pip[@]}" wheel --only-binary=:all: --no-deps -r "$out/requirements.txt" \
  --wheel-dir "$out/wheels"
"${pip[@]}" install 'scikit-build-core==1.1.2' 'nanobind==3.1.0'
"${pip[@]}" wheel "$root" --no-deps --no-build-isolation \
  -C cmake.define.FP4Q_BUILD_COMPILER=OFF --wheel-dir "$out/wheels"
rm -rf "$out/environment"

rm -rf "$out/cache"
cd "$root"
FP4Q_TEST_PREPARE=1 FP4Q_CACHE_DIR=$out/cache FP4Q_SIM_CHIP=$chip .venv/bin/python -m pytest \
  -c $tests/pytest.ini $tests/test_gpu.py $tests/test_torch_gpu.py -q -n 2 -m gpu

cat >"$out/run.sh" <<'RUN'
#!/usr/bin/env bash
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
packages=$(mktemp -d)
# No environment: PyTorch, if there is any, is that of the interpreter.
interpreter=${PYTHON:-python3}
for wheel in "$here"/wheels/*.whl; do
  "$interpreter" -m zipfile -e "$wheel" "$packages"
done
cd "$here/../.."
export PYTHONPATH=$packages
export FP4Q_CACHE_DIR=$here/cache FP4Q_TEST_DEVICE=${FP4Q_TEST_DEVICE:-gpu}
"$interpreter" -m fp4q doctor
exec "$interpreter" -m pytest -c python-bindings/tests/pytest.ini \
  python-bindings/tests/test_gpu.py python-bindings/tests/test_torch_gpu.py \
  -m gpu "$@"
RUN
chmod +x "$out/run.sh"
du -sh "$out"
