#===- FindFP4QLLVM.cmake - locate LLVM and MLIR ----------------------------===#
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# MLIR's package wants major.minor, so it is looked up without a version and
# checked here. MLIR_DIR given by the user wins over the hint.
#===------------------------------------------------------------------------===#
set(FP4Q_LLVM_MAJOR 22)
find_package(MLIR CONFIG QUIET HINTS "/usr/lib/llvm-${FP4Q_LLVM_MAJOR}/lib/cmake/mlir")
if(NOT MLIR_FOUND)
  message(FATAL_ERROR "MLIR ${FP4Q_LLVM_MAJOR} was not found; set MLIR_DIR to "
    "<prefix>/lib/cmake/mlir, or run ./build.sh setup")
endif()
if(NOT LLVM_VERSION_MAJOR EQUAL FP4Q_LLVM_MAJOR)
  message(FATAL_ERROR "fp4q needs LLVM ${FP4Q_LLVM_MAJOR}, but MLIR_DIR "
    "(${MLIR_DIR}) is LLVM ${LLVM_PACKAGE_VERSION}")
endif()
message(STATUS "Using MLIR ${LLVM_PACKAGE_VERSION} from ${MLIR_DIR}")

set(MLIR_LINK_MLIR_DYLIB ${FP4Q_LINK_MLIR_DYLIB})
# add_mlir_doc and the generated includes go under this directory; unset, they
# would go to the root of the file system.
set(MLIR_BINARY_DIR "${PROJECT_BINARY_DIR}")
set(LLVM_RUNTIME_OUTPUT_INTDIR "${PROJECT_BINARY_DIR}/bin")
set(LLVM_LIBRARY_OUTPUT_INTDIR "${PROJECT_BINARY_DIR}/lib")
if(NOT LLVM_EXTERNAL_LIT AND EXISTS "${LLVM_TOOLS_BINARY_DIR}/lit")
  set(LLVM_EXTERNAL_LIT "${LLVM_TOOLS_BINARY_DIR}/lit" CACHE STRING "lit")
endif()

list(APPEND CMAKE_MODULE_PATH "${MLIR_CMAKE_DIR}" "${LLVM_CMAKE_DIR}")
include(TableGen)
include(AddLLVM)
include(AddMLIR)
include(HandleLLVMOptions)
include_directories(SYSTEM ${LLVM_INCLUDE_DIRS} ${MLIR_INCLUDE_DIRS})
