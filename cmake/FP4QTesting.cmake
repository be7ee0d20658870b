#===- FP4QTesting.cmake - helpers of test/CMakeLists.txt -------------------===#
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#===------------------------------------------------------------------------===#

# fp4q_programs_below(out directory)
# Sets `out` to the executable targets made in `directory` and below.
function(fp4q_programs_below out directory)
  set(programs)
  get_property(targets DIRECTORY "${directory}" PROPERTY BUILDSYSTEM_TARGETS)
  foreach(target IN LISTS targets)
    get_target_property(type ${target} TYPE)
    if(type STREQUAL "EXECUTABLE")
      list(APPEND programs ${target})
    endif()
  endforeach()
  get_property(children DIRECTORY "${directory}" PROPERTY SUBDIRECTORIES)
  foreach(child IN LISTS children)
    fp4q_programs_below(more "${child}")
    list(APPEND programs ${more})
  endforeach()
  set(${out} "${programs}" PARENT_SCOPE)
endfunction()

# fp4q_find_lit(out)
# LLVM's own lit, else one in PATH. An unset LLVM_EXTERNAL_LIT would name a
# bin/llvm-lit that packages of LLVM do not have.
function(fp4q_find_lit out)
  if(LLVM_EXTERNAL_LIT)
    set(lit "${LLVM_EXTERNAL_LIT}")
  else()
    find_program(FP4Q_LIT_PROGRAM NAMES lit llvm-lit
                 HINTS "${LLVM_TOOLS_BINARY_DIR}" REQUIRED)
    set(lit "${FP4Q_LIT_PROGRAM}")
  endif()
  set(${out} "${lit}" PARENT_SCOPE)
endfunction()
