//===- dialect.c - fp4q in a program that uses MLIR's C API ---------------===//
//
// Part of the fp4q project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "fp4q-c/Dialect.h"
#include "mlir-c/Pass.h"

#include <stdio.h>

static void print(MlirStringRef text, void *user) {
  (void)user;
  fwrite(text.data, 1, text.length, stdout);
}

int main(void) {
  MlirDialectHandle handle = mlirGetDialectHandle__fp4q__();
  print(mlirDialectHandleGetNamespace(handle), NULL);
  printf(" is the namespace\n");

  MlirDialectRegistry registry = mlirDialectRegistryCreate();
  fp4q_register_dialects(registry);
  MlirContext context = mlirContextCreateWithRegistry(registry, false);
  mlirDialectRegistryDestroy(registry);
  mlirDialectHandleLoadDialect(handle, context);
  MlirModule module =
      mlirModuleCreateParse(context, mlirStringRefCreateFromCString(
                                         "%x, %t, %y0 = \"fp4q.test_only\"()\n"
                                         "  : () -> (i1, i1, i1)"));
  printf("unknown operation: module is null: %d\n", mlirModuleIsNull(module));

  module = mlirModuleCreateParse(
      context,
      mlirStringRefCreateFromCString(
          "module attributes {fp4q.a = #fp4q.scale_layout<blocked_128x4>} {}"));
  mlirOperationPrint(mlirModuleGetOperation(module), print, NULL);

  fp4q_register_passes();
  fp4q_register_passes();
  MlirPassManager manager = mlirPassManagerCreate(context);
  MlirLogicalResult parsed = mlirParsePassPipeline(
      mlirPassManagerGetAsOpPassManager(manager),
      mlirStringRefCreateFromCString("builtin.module(convert-fp4q-to-linalg)"),
      print, NULL);
  MlirLogicalResult ran =
      mlirPassManagerRunOnOp(manager, mlirModuleGetOperation(module));
  printf("\nparsed %d, ran %d\n", mlirLogicalResultIsSuccess(parsed),
         mlirLogicalResultIsSuccess(ran));
  mlirPassManagerDestroy(manager);
  mlirModuleDestroy(module);
  mlirContextDestroy(context);
  return 0;
}
