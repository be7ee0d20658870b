// RUN: fp4q-opt %s -split-input-file -verify-diagnostics

// What the micro-ops reject.

func.func @decode_c1(%c: vector<16xi8>) {
  // expected-error @below {{'fp4q.decode' op expects the result to have 32 elements, two for each byte of codes, but got 16}}
  %v = fp4q.decode %c : vector<16xi8> -> vector<16xf32>
  return
}

// -----

func.func @decode_c2(%c: vector<16xi8>, %s: vector<1xf8E8M0FNU>) {
  // expected-error @below {{'fp4q.decode' op expects no scales for a result of i8}}
  %v = fp4q.decode %c scales(%s : vector<1xf8E8M0FNU>)
      : vector<16xi8> -> vector<32xi8>
  return
}

// -----

func.func @decode_c3_value(%c: vector<16xi8>) {
  // expected-error @below {{'fp4q.decode' op expects bias to be 0 or 12, but got 8}}
  %v = fp4q.decode %c bias(8) : vector<16xi8> -> vector<32xi8>
  return
}

// -----

func.func @decode_c3_float(%c: vector<16xi8>) {
  // expected-error @below {{'fp4q.decode' op expects bias to be 0 for a result of floats, but got 12}}
  %v = fp4q.decode %c bias(12) : vector<16xi8> -> vector<32xbf16>
  return
}

// -----

func.func @decode_c4(%c: vector<16xi8>, %s: vector<3xf8E4M3FN>) {
  // expected-error @below {{'fp4q.decode' op expects the number of scales to divide the 16 bytes of codes, but got 3}}
  %v = fp4q.decode %c scales(%s : vector<3xf8E4M3FN>)
      : vector<16xi8> -> vector<32xf32>
  return
}

// -----

func.func @decode_c4_too_many(%c: vector<16xi8>, %s: vector<32xf8E4M3FN>) {
  // expected-error @below {{'fp4q.decode' op expects the number of scales to divide the 16 bytes of codes, but got 32}}
  %v = fp4q.decode %c scales(%s : vector<32xf8E4M3FN>)
      : vector<16xi8> -> vector<32xf32>
  return
}

// -----

func.func @decode_rank(%c: vector<4x4xi8>) {
  // expected-error @below {{'fp4q.decode' op operand #0 must be fixed-length vector of 8-bit signless integer values of ranks 1, but got 'vector<4x4xi8>'}}
  %v = fp4q.decode %c : vector<4x4xi8> -> vector<32xf32>
  return
}

// -----

func.func @encode_c1(%t: vector<16xf32>) {
  // expected-error @below {{'fp4q.encode' op expects values to have 32 elements, two for each byte of the result, but got 16}}
  %c = fp4q.encode %t : vector<16xf32> -> vector<16xi8>
  return
}

// -----

func.func @group_dot_c1(%u: vector<16xi8>, %acc: vector<8xi32>) {
  // expected-error @below {{'fp4q.group_dot' op expects u and s to have 32 elements, four for each of acc, but got 16}}
  %d = fp4q.group_dot %u, %u, %acc : vector<16xi8>, vector<8xi32>
  return
}

// -----

func.func @mma_c1_a_mxfp4(%a: vector<4xi32>, %b: vector<2xi32>,
                          %c: vector<4xf32>, %s: i32) {
  // expected-error @below {{'fp4q.mma_block_scaled' op expects a_byte to be 0 or 2 for mxfp4, but got 1}}
  %d = fp4q.mma_block_scaled <mxfp4> %a scaled %s[1, 0], %b scaled %s[0, 0], %c
  return
}

// -----

func.func @mma_c1_b_nvfp4(%a: vector<4xi32>, %b: vector<2xi32>,
                          %c: vector<4xf32>, %s: i32) {
  // expected-error @below {{'fp4q.mma_block_scaled' op expects b_byte to be 0 for nvfp4, but got 2}}
  %d = fp4q.mma_block_scaled <nvfp4> %a scaled %s[0, 0], %b scaled %s[2, 0], %c
  return
}

// -----

func.func @mma_c2(%a: vector<4xi32>, %b: vector<2xi32>, %c: vector<4xf32>,
                  %s: i32) {
  // expected-error @below {{'fp4q.mma_block_scaled' op expects a_thread to be 0 to 1, but got 2}}
  %d = fp4q.mma_block_scaled <nvfp4> %a scaled %s[0, 2], %b scaled %s[0, 0], %c
  return
}

// -----

func.func @mma_c3(%a: vector<4xi32>, %b: vector<2xi32>, %c: vector<4xf32>,
                  %s: i32) {
  // expected-error @below {{'fp4q.mma_block_scaled' op expects b_thread to be 0 to 3, but got -1}}
  %d = fp4q.mma_block_scaled <nvfp4> %a scaled %s[0, 0], %b scaled %s[0, -1], %c
  return
}
