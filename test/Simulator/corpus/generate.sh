#!/usr/bin/env bash
# Part of the fp4q project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# Makes the PTX of the corpus, which is kept so that tests need no nvcc. The
# kept text came from CUDA 13.0.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"
for name in basic matmul fp4_decode; do
  nvcc -std=c++17 -ptx -arch=sm_90a "$name.cu" -o "$name.ptx"
done
nvcc -std=c++17 -ptx -arch=sm_120a block_scaled.cu -o block_scaled.ptx
