// REQUIRES: ptxas
// RUN: fp4q-opt %s --fp4q-assemble-ptx | FileCheck %s

// The PTX stays, and the cubin comes behind it.
// CHECK-LABEL: gpu.binary @kernels
// CHECK-SAME: [#gpu.object<#nvvm.target<chip = "sm_80">, assembly = ".version 7.0\0A
// CHECK-SAME: #gpu.object<#nvvm.target<chip = "sm_80">, bin = "\7FELF
// CHECK-SAME: #gpu.object<#nvvm.target<O = 3, chip = "sm_90a">, assembly = ".version 8.0\0A
// CHECK-SAME: #gpu.object<#nvvm.target<O = 3, chip = "sm_90a">, bin = "\7FELF
gpu.binary @kernels <#fp4q.embed_images> [
  #gpu.object<#nvvm.target<chip = "sm_80">, assembly = ".version 7.0\0A.target sm_80\0A.address_size 64\0A.visible .entry add(.param .u32 n) { ret; }\0A">,
  #gpu.object<#nvvm.target<O = 3, chip = "sm_90a">, assembly = ".version 8.0\0A.target sm_90a\0A.address_size 64\0A.visible .entry add(.param .u32 n) { ret; }\0A">
]

// Neither a second cubin, nor one out of something else than PTX.
// CHECK-LABEL: gpu.binary @done
// CHECK-SAME: assembly = "not looked at">, #gpu.object<#nvvm.target<chip = "sm_80">, bin = "cubin">]
gpu.binary @done [
  #gpu.object<#nvvm.target<chip = "sm_80">, assembly = "not looked at">,
  #gpu.object<#nvvm.target<chip = "sm_80">, bin = "cubin">
]

// CHECK-LABEL: gpu.binary @llvm
// CHECK-SAME: [#gpu.object<#nvvm.target<chip = "sm_80">, offload = "BC">]
gpu.binary @llvm [#gpu.object<#nvvm.target<chip = "sm_80">, offload = "BC">]
