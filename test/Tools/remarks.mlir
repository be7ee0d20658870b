// Remarks go through MLIR's remark engine; the category is the pass's flag.
// RUN: fp4q-opt %s --fp4q-remarks --fp4q-materialize-scale-layouts -verify-diagnostics
// RUN: fp4q-opt %s --remark-format=emitRemark --remarks-filter=fp4q-materialize-scale-layouts --fp4q-materialize-scale-layouts -verify-diagnostics
// RUN: fp4q-opt %s --remark-format=yaml --remarks-filter=.*fp4q.* --remarks-output-file=%t.yaml --fp4q-materialize-scale-layouts -o /dev/null
// RUN: FileCheck %s --check-prefix=YAML < %t.yaml

// No remark without the option, from another pass, or when the pass is off.
// RUN: fp4q-opt %s --fp4q-materialize-scale-layouts 2>&1 | FileCheck %s --check-prefix=NONE
// RUN: fp4q-opt %s --fp4q-remarks=false --fp4q-materialize-scale-layouts 2>&1 | FileCheck %s --check-prefix=NONE
// RUN: fp4q-opt %s --remark-format=emitRemark --remarks-filter=fp4q-decompose-matmul --fp4q-materialize-scale-layouts 2>&1 | FileCheck %s --check-prefix=NONE
// RUN: fp4q-opt %s --fp4q-remarks 2>&1 | FileCheck %s --check-prefix=NONE

// NONE-NOT: remark:
// YAML: --- !Passed
// YAML-NEXT: Pass: {{ *}}fp4q-materialize-scale-layouts
// YAML-NEXT: Name: {{ *}}blocked scales made linear
// YAML-NEXT: DebugLoc: {{.*}}remarks.mlir
// YAML: Function: {{ *}}dequant
// YAML-NEXT: Args:
// YAML-NEXT: - Reason: {{ *}}the kernels behind this pass read linear scales
func.func @dequant(%codes: tensor<8x48xi8>, %scales: tensor<1x2x512xf8E4M3FN>,
                   %init: tensor<8x96xf32>) -> tensor<8x96xf32> {
  // expected-remark @below {{[Passed] blocked scales made linear | Category:fp4q-materialize-scale-layouts | Function=dequant | Reason="the kernels behind this pass read linear scales"}}
  %0 = fp4q.dequant
      ins(%codes, %scales : tensor<8x48xi8>, tensor<1x2x512xf8E4M3FN>)
      outs(%init : tensor<8x96xf32>)
      {group_size = 16 : i64, scale_layout = #fp4q.scale_layout<blocked_128x4>}
      -> tensor<8x96xf32>
  return %0 : tensor<8x96xf32>
}
