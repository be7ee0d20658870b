#===- AddFP4Q.cmake - wrappers round CMake's and MLIR's add_* --------------===#
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#===------------------------------------------------------------------------===#

set(FP4Q_WARNINGS -Wall -Wextra -Wno-unused-parameter)

function(fp4q_set_flags name)
  target_compile_options(${name} PRIVATE ${FP4Q_WARNINGS})
  if(FP4Q_ENABLE_ASSERTIONS)
    target_compile_options(${name} PRIVATE -UNDEBUG)
  endif()
endfunction()

# fp4q_install(name)
# Installs a target, and exports a library as FP4Q::<name>, see FP4QPackage.cmake.
function(fp4q_install name)
  set(export)
  get_target_property(type ${name} TYPE)
  if(type MATCHES "STATIC_LIBRARY|SHARED_LIBRARY")
    set(export EXPORT FP4QTargets)
    add_library(FP4Q::${name} ALIAS ${name})
    target_include_directories(${name} PUBLIC
      "$<BUILD_INTERFACE:${PROJECT_SOURCE_DIR}/include>"
      "$<BUILD_INTERFACE:${PROJECT_BINARY_DIR}/include>"
      "$<INSTALL_INTERFACE:${CMAKE_INSTALL_INCLUDEDIR}>")
  endif()
  install(TARGETS ${name} ${export}
    RUNTIME DESTINATION "${CMAKE_INSTALL_BINDIR}"
    LIBRARY DESTINATION "${CMAKE_INSTALL_LIBDIR}"
    ARCHIVE DESTINATION "${CMAKE_INSTALL_LIBDIR}")
endfunction()

# add_fp4q_plain_library(name [SHARED] sources... [LINK_LIBS libs...])
# A library without any LLVM or MLIR in it (Numerics, Runtime, Simulator).
function(add_fp4q_plain_library name)
  cmake_parse_arguments(ARG "SHARED" "" "LINK_LIBS" ${ARGN})
  if(ARG_SHARED)
    add_library(${name} SHARED ${ARG_UNPARSED_ARGUMENTS})
  else()
    add_library(${name} STATIC ${ARG_UNPARSED_ARGUMENTS})
  endif()
  target_link_libraries(${name} PUBLIC ${ARG_LINK_LIBS})
  fp4q_set_flags(${name})
  fp4q_install(${name})
endfunction()

# add_fp4q_library(name sources... [DEPENDS targets...] [LINK_LIBS own libs...]
#                  [MLIR_LIBS MLIR libs...])
# A library of the compiler. Own libraries and MLIR's are linked by different
# means: MLIR's become libMLIR.so when FP4Q_LINK_MLIR_DYLIB is on.
function(add_fp4q_library name)
  cmake_parse_arguments(ARG "" "" "DEPENDS;LINK_LIBS;MLIR_LIBS" ${ARGN})
  add_mlir_library(${name} STATIC ${ARG_UNPARSED_ARGUMENTS}
    EXCLUDE_FROM_LIBMLIR DISABLE_INSTALL DEPENDS ${ARG_DEPENDS})
  mlir_target_link_libraries(${name} PUBLIC ${ARG_MLIR_LIBS})
  target_link_libraries(${name} PUBLIC ${ARG_LINK_LIBS})
  fp4q_set_flags(${name})
  fp4q_use_pch(${name})
  fp4q_install(${name})
endfunction()

# add_fp4q_tool(name sources... [LINK_LIBS own libs...] [MLIR_LIBS MLIR libs...])
function(add_fp4q_tool name)
  cmake_parse_arguments(ARG "" "" "LINK_LIBS;MLIR_LIBS" ${ARGN})
  if(ARG_MLIR_LIBS)
    add_llvm_executable(${name} ${ARG_UNPARSED_ARGUMENTS})
    mlir_target_link_libraries(${name} PRIVATE ${ARG_MLIR_LIBS})
  else()
    add_executable(${name} ${ARG_UNPARSED_ARGUMENTS})
  endif()
  target_link_libraries(${name} PRIVATE ${ARG_LINK_LIBS})
  fp4q_set_flags(${name})
  fp4q_install(${name})
endfunction()

# add_fp4q_dynamic_library(name SHARED|MODULE sources... VERSION_SCRIPT file
#                          [LINK_LIBS own libs...])
# A shared library or plugin of the compiler, which exports what the version
# script lists. MLIR comes with the own libraries.
function(add_fp4q_dynamic_library name kind)
  cmake_parse_arguments(ARG "" "VERSION_SCRIPT" "LINK_LIBS" ${ARGN})
  add_library(${name} ${kind} ${ARG_UNPARSED_ARGUMENTS})
  target_link_libraries(${name} PRIVATE ${ARG_LINK_LIBS})
  target_compile_options(${name} PRIVATE -fno-exceptions -funwind-tables)
  set(script "${CMAKE_CURRENT_SOURCE_DIR}/${ARG_VERSION_SCRIPT}")
  target_link_options(${name} PRIVATE "LINKER:--version-script=${script}"
                      "LINKER:--as-needed")
  set_target_properties(${name} PROPERTIES LINK_DEPENDS "${script}")
  fp4q_set_flags(${name})
  fp4q_install(${name})
endfunction()

# MLIR's headers take seconds per file to parse; one precompiled header serves
# every library of the compiler.
function(fp4q_use_pch name)
  if(NOT FP4Q_BUILD_COMPILER OR FP4Q_SANITIZE)
    return()
  endif()
  if(NOT TARGET FP4QPch)
    add_library(FP4QPch OBJECT "${PROJECT_SOURCE_DIR}/cmake/pch.cpp")
    # The flags of a precompiled header and of its users must agree.
    target_compile_options(FP4QPch PRIVATE -fno-exceptions -funwind-tables
                           ${FP4Q_WARNINGS})
    if(FP4Q_ENABLE_ASSERTIONS)
      target_compile_options(FP4QPch PRIVATE -UNDEBUG)
    endif()
    target_precompile_headers(FP4QPch PRIVATE "${PROJECT_SOURCE_DIR}/cmake/pch.h")
  endif()
  target_precompile_headers(${name} REUSE_FROM FP4QPch)
endfunction()
