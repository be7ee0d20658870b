// A ptxas that is missing or too old: which release is needed.
// RUN: rm -rf %t && split-file %s %t && chmod +x %t/old-ptx %t/old-chip %t/no-split
// RUN: not env -u CUDA_ROOT -u CUDA_HOME -u CUDA_PATH PATH=%t fp4q-opt %t/kernels.mlir --fp4q-assemble-ptx 2>&1 | FileCheck %s --check-prefix=MISSING
// MISSING: error: 'gpu.binary' op cannot be assembled: ptxas was not found: set CUDA_HOME to a CUDA Toolkit, 12.9 or newer, or put its bin folder into PATH{{$}}
// RUN: env -u CUDA_ROOT -u CUDA_HOME -u CUDA_PATH PATH=%t fp4q-opt %t/kernels.mlir --fp4q-assemble-ptx=optional 2>&1 | FileCheck %s --check-prefix=OPTIONAL
// OPTIONAL: warning: the kernels are PTX only, which the driver compiles at their first use: ptxas was not found: set CUDA_HOME to a CUDA Toolkit, 12.9 or newer, or put its bin folder into PATH{{$}}
// OPTIONAL: gpu.binary @kernels [#gpu.object<#nvvm.target<chip = "sm_120a">, assembly = "nothing">]
// RUN: not fp4q-opt %t/kernels.mlir --fp4q-assemble-ptx=ptxas=%t/old-ptx 2>&1 | FileCheck %s --check-prefix=PTX
// PTX: error: 'gpu.binary' op cannot be assembled: '{{.*}}/old-ptx' is too old for sm_120a, which needs a CUDA Toolkit of release 12.8 or later: ptxas kernels.ptx, line 5; fatal   : Unsupported .version 8.7; current version is '8.4'{{$}}
// RUN: not fp4q-opt %t/kernels.mlir --fp4q-assemble-ptx=ptxas=%t/old-chip 2>&1 | FileCheck %s --check-prefix=CHIP
// CHIP: error: 'gpu.binary' op cannot be assembled: '{{.*}}/old-chip' is too old for sm_120a, which needs a CUDA Toolkit of release 12.8 or later: ptxas fatal   : Value 'sm_120a' is not defined for option 'gpu-name'{{$}}
//
// One that cannot assemble kernels side by side.
// RUN: fp4q-opt %t/kernels.mlir --fp4q-assemble-ptx=ptxas=%t/no-split | FileCheck %s --check-prefix=SPLIT
// SPLIT: assembly = "nothing">, #gpu.object<#nvvm.target<chip = "sm_120a">, bin = "cubin of -arch=sm_120a\0A">]

//--- kernels.mlir
gpu.binary @kernels [#gpu.object<#nvvm.target<chip = "sm_120a">, assembly = "nothing">]
//--- old-ptx
#!/bin/sh
echo "ptxas kernels.ptx, line 5; fatal   : Unsupported .version 8.7; current version is '8.4'"
exit 255
//--- old-chip
#!/bin/sh
echo "ptxas fatal   : Value 'sm_120a' is not defined for option 'gpu-name'"
exit 255
//--- no-split
#!/bin/sh
case "$*" in *split*)
  echo "ptxas fatal   : Unknown option '-split-compile'"
  exit 255
esac
echo "cubin of $1" > "$5"
