// RUN: fp4q-opt %s -split-input-file --fp4q-add-shape-functions -verify-diagnostics

// expected-error @below {{'func.func' op has more than one block}}
func.func @several_blocks(%x: tensor<?xf32>, %y: tensor<?xf32>, %first: i1)
    -> tensor<?xf32> {
  cf.cond_br %first, ^bb1(%x : tensor<?xf32>), ^bb1(%y : tensor<?xf32>)
^bb1(%z: tensor<?xf32>):
  return %z : tensor<?xf32>
}

// -----

// expected-error @below {{'func.func' op needs the name @f__result_shapes for its shapes, which is taken}}
func.func @f(%x: tensor<?xf32>) -> tensor<?xf32> {
  return %x : tensor<?xf32>
}
func.func private @f__result_shapes()
