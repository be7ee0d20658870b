// A transformer block as a front end may write it: each linear transforms and
// quantizes activation and weight, decodes both and multiplies them in f32.
// (The constants stand for trained ones; test_transformer_block.py puts random
// ones in their place.)
//
// RUN: fp4q-opt %s --inline --symbol-dce --fp4q-optimize -o %t.mlir
// RUN: FileCheck %s --check-prefix=QUANTIZE < %t.mlir
// RUN: FileCheck %s --check-prefix=PRODUCT < %t.mlir
// RUN: FileCheck %s --check-prefix=WEIGHT < %t.mlir
// RUN: FileCheck %s --check-prefix=NAIVE < %t.mlir
//
// Four quantizers, one for q, k and v, and one for gate and up, each with its
// transform; seven products; packed weights, and no float weight.
// QUANTIZE-COUNT-4: fp4q.quantize_pack ins({{.*}}) transform({{.*}} : tensor<{{[24]}}x32x32xf32>)
// QUANTIZE-NOT: fp4q.quantize_pack
// PRODUCT-COUNT-7: fp4q.scaled_matmul
// PRODUCT-NOT: fp4q.scaled_matmul
// WEIGHT-COUNT-7: arith.constant dense<{{.*}}> : tensor<{{64|128}}x{{[24]}}xf8E8M0FNU>
// NAIVE-NOT: constant {{.*}}tensor<{{64|128}}x{{64|128}}xf32>
// NAIVE-NOT: fp4q.block_transform
// NAIVE-NOT: fp4q.dequant

#mk = affine_map<(m, n, k) -> (m, k)>
#nk = affine_map<(m, n, k) -> (n, k)>
#mn = affine_map<(m, n, k) -> (m, n)>
#id = affine_map<(d0, d1) -> (d0, d1)>
#row = affine_map<(d0, d1) -> (d0)>

func.func @block(%x: tensor<?x64xf32>) -> tensor<?x64xf32> {
  %t_attention = arith.constant dense<0.125> : tensor<2x32x32xf32>
  %t_o = arith.constant dense<0.25> : tensor<2x32x32xf32>
  %t_mlp = arith.constant dense<0.5> : tensor<2x32x32xf32>
  %t_down = arith.constant dense<0.75> : tensor<4x32x32xf32>
  %w_q = arith.constant dense<0.01> : tensor<64x64xf32>
  %w_k = arith.constant dense<0.02> : tensor<64x64xf32>
  %w_v = arith.constant dense<0.04> : tensor<64x64xf32>
  %w_o = arith.constant dense<0.08> : tensor<64x64xf32>
  %w_gate = arith.constant dense<0.05> : tensor<128x64xf32>
  %w_up = arith.constant dense<0.1> : tensor<128x64xf32>
  %w_down = arith.constant dense<0.2> : tensor<64x128xf32>

  %q = call @linear_64_64(%x, %t_attention, %w_q)
      : (tensor<?x64xf32>, tensor<2x32x32xf32>, tensor<64x64xf32>) -> tensor<?x64xf32>
  %k = call @linear_64_64(%x, %t_attention, %w_k)
      : (tensor<?x64xf32>, tensor<2x32x32xf32>, tensor<64x64xf32>) -> tensor<?x64xf32>
  %v = call @linear_64_64(%x, %t_attention, %w_v)
      : (tensor<?x64xf32>, tensor<2x32x32xf32>, tensor<64x64xf32>) -> tensor<?x64xf32>

  // One head of attention: softmax(q k^T / 8) v.
  %zero = arith.constant 0.0 : f32
  %lowest = arith.constant 0xFF800000 : f32
  %eighth = arith.constant 0.125 : f32
  %one = arith.constant 1.0 : f32
  %c0 = arith.constant 0 : index
  %m = tensor.dim %x, %c0 : tensor<?x64xf32>
  %me = tensor.empty(%m) : tensor<?xf32>
  %mme = tensor.empty(%m, %m) : tensor<?x?xf32>
  %xe = tensor.empty(%m) : tensor<?x64xf32>
  %mm0 = linalg.fill ins(%zero : f32) outs(%mme : tensor<?x?xf32>) -> tensor<?x?xf32>
  %scores = linalg.matmul indexing_maps = [#mk, #nk, #mn]
      ins(%q, %k : tensor<?x64xf32>, tensor<?x64xf32>)
      outs(%mm0 : tensor<?x?xf32>) -> tensor<?x?xf32>
  %m0 = linalg.fill ins(%lowest : f32) outs(%me : tensor<?xf32>) -> tensor<?xf32>
  %top = linalg.generic {indexing_maps = [#id, #row],
                         iterator_types = ["parallel", "reduction"]}
      ins(%scores : tensor<?x?xf32>) outs(%m0 : tensor<?xf32>) {
  ^bb0(%s: f32, %acc: f32):
    %r = arith.maximumf %s, %acc : f32
    linalg.yield %r : f32
  } -> tensor<?xf32>
  %e = linalg.generic {indexing_maps = [#id, #row, #id],
                       iterator_types = ["parallel", "parallel"]}
      ins(%scores, %top : tensor<?x?xf32>, tensor<?xf32>)
      outs(%mme : tensor<?x?xf32>) {
  ^bb0(%s: f32, %t: f32, %out: f32):
    %d = arith.subf %s, %t : f32
    %p = arith.mulf %d, %eighth : f32
    %r = math.exp %p : f32
    linalg.yield %r : f32
  } -> tensor<?x?xf32>
  %n0 = linalg.fill ins(%zero : f32) outs(%me : tensor<?xf32>) -> tensor<?xf32>
  %sum = linalg.generic {indexing_maps = [#id, #row],
                         iterator_types = ["parallel", "reduction"]}
      ins(%e : tensor<?x?xf32>) outs(%n0 : tensor<?xf32>) {
  ^bb0(%s: f32, %acc: f32):
    %r = arith.addf %s, %acc : f32
    linalg.yield %r : f32
  } -> tensor<?xf32>
  %p = linalg.generic {indexing_maps = [#id, #row, #id],
                       iterator_types = ["parallel", "parallel"]}
      ins(%e, %sum : tensor<?x?xf32>, tensor<?xf32>)
      outs(%mme : tensor<?x?xf32>) {
  ^bb0(%s: f32, %t: f32, %out: f32):
    %r = arith.divf %s, %t : f32
    linalg.yield %r : f32
  } -> tensor<?x?xf32>
  %x0 = linalg.fill ins(%zero : f32) outs(%xe : tensor<?x64xf32>) -> tensor<?x64xf32>
  %pv = linalg.matmul ins(%p, %v : tensor<?x?xf32>, tensor<?x64xf32>)
      outs(%x0 : tensor<?x64xf32>) -> tensor<?x64xf32>

  %o = call @linear_64_64(%pv, %t_o, %w_o)
      : (tensor<?x64xf32>, tensor<2x32x32xf32>, tensor<64x64xf32>) -> tensor<?x64xf32>
  %h = linalg.add ins(%x, %o : tensor<?x64xf32>, tensor<?x64xf32>)
      outs(%xe : tensor<?x64xf32>) -> tensor<?x64xf32>

  %gate = call @linear_64_128(%h, %t_mlp, %w_gate)
      : (tensor<?x64xf32>, tensor<2x32x32xf32>, tensor<128x64xf32>) -> tensor<?x128xf32>
  %up = call @linear_64_128(%h, %t_mlp, %w_up)
      : (tensor<?x64xf32>, tensor<2x32x32xf32>, tensor<128x64xf32>) -> tensor<?x128xf32>
  %ge = tensor.empty(%m) : tensor<?x128xf32>
  %act = linalg.generic {indexing_maps = [#id, #id, #id],
                         iterator_types = ["parallel", "parallel"]}
      ins(%gate, %up : tensor<?x128xf32>, tensor<?x128xf32>)
      outs(%ge : tensor<?x128xf32>) {
  ^bb0(%g: f32, %u: f32, %out: f32):
    %n = arith.negf %g : f32
    %x1 = math.exp %n : f32
    %d = arith.addf %x1, %one : f32
    %s = arith.divf %g, %d : f32
    %r = arith.mulf %s, %u : f32
    linalg.yield %r : f32
  } -> tensor<?x128xf32>
  %down = call @linear_128_64(%act, %t_down, %w_down)
      : (tensor<?x128xf32>, tensor<4x32x32xf32>, tensor<64x128xf32>) -> tensor<?x64xf32>
  %y = linalg.add ins(%h, %down : tensor<?x64xf32>, tensor<?x64xf32>)
      outs(%xe : tensor<?x64xf32>) -> tensor<?x64xf32>
  return %y : tensor<?x64xf32>
}

func.func private @linear_64_64(%x: tensor<?x64xf32>,
    %t: tensor<2x32x32xf32>, %w: tensor<64x64xf32>) -> tensor<?x64xf32> {
  %zero = arith.constant 0.0 : f32
  %c0 = arith.constant 0 : index
  %m = tensor.dim %x, %c0 : tensor<?x64xf32>
  // The activation, transformed, quantized and decoded.
  %xe = tensor.empty(%m) : tensor<?x64xf32>
  %xt = fp4q.block_transform
      ins(%x, %t : tensor<?x64xf32>, tensor<2x32x32xf32>)
      outs(%xe : tensor<?x64xf32>) -> tensor<?x64xf32>
  %xc = tensor.empty(%m) : tensor<?x32xi8>
  %xs = tensor.empty(%m) : tensor<?x2xf8E8M0FNU>
  %xq:2 = fp4q.quantize_pack ins(%xt : tensor<?x64xf32>)
      outs(%xc, %xs : tensor<?x32xi8>, tensor<?x2xf8E8M0FNU>)
      {recipe = #fp4q.recipe<"torchao-mx-floor">}
      -> tensor<?x32xi8>, tensor<?x2xf8E8M0FNU>
  %xd = fp4q.dequant ins(%xq#0, %xq#1 : tensor<?x32xi8>, tensor<?x2xf8E8M0FNU>)
      outs(%xe : tensor<?x64xf32>) -> tensor<?x64xf32>
  // The weight likewise.
  %we = tensor.empty() : tensor<64x64xf32>
  %wt = fp4q.block_transform
      ins(%w, %t : tensor<64x64xf32>, tensor<2x32x32xf32>)
      outs(%we : tensor<64x64xf32>) -> tensor<64x64xf32>
  %wc = tensor.empty() : tensor<64x32xi8>
  %ws = tensor.empty() : tensor<64x2xf8E8M0FNU>
  %wq:2 = fp4q.quantize_pack ins(%wt : tensor<64x64xf32>)
      outs(%wc, %ws : tensor<64x32xi8>, tensor<64x2xf8E8M0FNU>)
      {recipe = #fp4q.recipe<"torchao-mx-floor">}
      -> tensor<64x32xi8>, tensor<64x2xf8E8M0FNU>
  %wd = fp4q.dequant ins(%wq#0, %wq#1 : tensor<64x32xi8>, tensor<64x2xf8E8M0FNU>)
      outs(%we : tensor<64x64xf32>) -> tensor<64x64xf32>
  // A plain product of the two.
  %ye = tensor.empty(%m) : tensor<?x64xf32>
  %yf = linalg.fill ins(%zero : f32) outs(%ye : tensor<?x64xf32>)
      -> tensor<?x64xf32>
  %y = linalg.matmul indexing_maps = [#mk, #nk, #mn]
      ins(%xd, %wd : tensor<?x64xf32>, tensor<64x64xf32>)
      outs(%yf : tensor<?x64xf32>) -> tensor<?x64xf32>
  return %y : tensor<?x64xf32>
}

func.func private @linear_64_128(%x: tensor<?x64xf32>,
    %t: tensor<2x32x32xf32>, %w: tensor<128x64xf32>) -> tensor<?x128xf32> {
  %zero = arith.constant 0.0 : f32
  %c0 = arith.constant 0 : index
  %m = tensor.dim %x, %c0 : tensor<?x64xf32>
  // The activation, transformed, quantized and decoded.
  %xe = tensor.empty(%m) : tensor<?x64xf32>
  %xt = fp4q.block_transform
      ins(%x, %t : tensor<?x64xf32>, tensor<2x32x32xf32>)
      outs(%xe : tensor<?x64xf32>) -> tensor<?x64xf32>
  %xc = tensor.empty(%m) : tensor<?x32xi8>
  %xs = tensor.empty(%m) : tensor<?x2xf8E8M0FNU>
  %xq:2 = fp4q.quantize_pack ins(%xt : tensor<?x64xf32>)
      outs(%xc, %xs : tensor<?x32xi8>, tensor<?x2xf8E8M0FNU>)
      {recipe = #fp4q.recipe<"torchao-mx-floor">}
      -> tensor<?x32xi8>, tensor<?x2xf8E8M0FNU>
  %xd = fp4q.dequant ins(%xq#0, %xq#1 : tensor<?x32xi8>, tensor<?x2xf8E8M0FNU>)
      outs(%xe : tensor<?x64xf32>) -> tensor<?x64xf32>
  // The weight likewise.
  %we = tensor.empty() : tensor<128x64xf32>
  %wt = fp4q.block_transform
      ins(%w, %t : tensor<128x64xf32>, tensor<2x32x32xf32>)
      outs(%we : tensor<128x64xf32>) -> tensor<128x64xf32>
  %wc = tensor.empty() : tensor<128x32xi8>
  %ws = tensor.empty() : tensor<128x2xf8E8M0FNU>
  %wq:2 = fp4q.quantize_pack ins(%wt : tensor<128x64xf32>)
      outs(%wc, %ws : tensor<128x32xi8>, tensor<128x2xf8E8M0FNU>)
      {recipe = #fp4q.recipe<"torchao-mx-floor">}
      -> tensor<128x32xi8>, tensor<128x2xf8E8M0FNU>
  %wd = fp4q.dequant ins(%wq#0, %wq#1 : tensor<128x32xi8>, tensor<128x2xf8E8M0FNU>)
      outs(%we : tensor<128x64xf32>) -> tensor<128x64xf32>
  // A plain product of the two.
  %ye = tensor.empty(%m) : tensor<?x128xf32>
  %yf = linalg.fill ins(%zero : f32) outs(%ye : tensor<?x128xf32>)
      -> tensor<?x128xf32>
  %y = linalg.matmul indexing_maps = [#mk, #nk, #mn]
      ins(%xd, %wd : tensor<?x64xf32>, tensor<128x64xf32>)
      outs(%yf : tensor<?x128xf32>) -> tensor<?x128xf32>
  return %y : tensor<?x128xf32>
}

func.func private @linear_128_64(%x: tensor<?x128xf32>,
    %t: tensor<4x32x32xf32>, %w: tensor<64x128xf32>) -> tensor<?x64xf32> {
  %zero = arith.constant 0.0 : f32
  %c0 = arith.constant 0 : index
  %m = tensor.dim %x, %c0 : tensor<?x128xf32>
  // The activation, transformed, quantized and decoded.
  %xe = tensor.empty(%m) : tensor<?x128xf32>
  %xt = fp4q.block_transform
      ins(%x, %t : tensor<?x128xf32>, tensor<4x32x32xf32>)
      outs(%xe : tensor<?x128xf32>) -> tensor<?x128xf32>
  %xc = tensor.empty(%m) : tensor<?x64xi8>
  %xs = tensor.empty(%m) : tensor<?x4xf8E8M0FNU>
  %xq:2 = fp4q.quantize_pack ins(%xt : tensor<?x128xf32>)
      outs(%xc, %xs : tensor<?x64xi8>, tensor<?x4xf8E8M0FNU>)
      {recipe = #fp4q.recipe<"torchao-mx-floor">}
      -> tensor<?x64xi8>, tensor<?x4xf8E8M0FNU>
  %xd = fp4q.dequant ins(%xq#0, %xq#1 : tensor<?x64xi8>, tensor<?x4xf8E8M0FNU>)
      outs(%xe : tensor<?x128xf32>) -> tensor<?x128xf32>
  // The weight likewise.
  %we = tensor.empty() : tensor<64x128xf32>
  %wt = fp4q.block_transform
      ins(%w, %t : tensor<64x128xf32>, tensor<4x32x32xf32>)
      outs(%we : tensor<64x128xf32>) -> tensor<64x128xf32>
  %wc = tensor.empty() : tensor<64x64xi8>
  %ws = tensor.empty() : tensor<64x4xf8E8M0FNU>
  %wq:2 = fp4q.quantize_pack ins(%wt : tensor<64x128xf32>)
      outs(%wc, %ws : tensor<64x64xi8>, tensor<64x4xf8E8M0FNU>)
      {recipe = #fp4q.recipe<"torchao-mx-floor">}
      -> tensor<64x64xi8>, tensor<64x4xf8E8M0FNU>
  %wd = fp4q.dequant ins(%wq#0, %wq#1 : tensor<64x64xi8>, tensor<64x4xf8E8M0FNU>)
      outs(%we : tensor<64x128xf32>) -> tensor<64x128xf32>
  // A plain product of the two.
  %ye = tensor.empty(%m) : tensor<?x64xf32>
  %yf = linalg.fill ins(%zero : f32) outs(%ye : tensor<?x64xf32>)
      -> tensor<?x64xf32>
  %y = linalg.matmul indexing_maps = [#mk, #nk, #mn]
      ins(%xd, %wd : tensor<?x128xf32>, tensor<64x128xf32>)
      outs(%yf : tensor<?x64xf32>) -> tensor<?x64xf32>
  return %y : tensor<?x64xf32>
}
