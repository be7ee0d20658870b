#===- Sanitizers.cmake - FP4Q_SANITIZE=address;undefined -------------------===#
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#===------------------------------------------------------------------------===#
foreach(sanitizer IN LISTS FP4Q_SANITIZE)
  add_compile_options(-fsanitize=${sanitizer} -fno-omit-frame-pointer)
  add_link_options(-fsanitize=${sanitizer})
  if(sanitizer STREQUAL "undefined")
    # libMLIR.so is built without typeinfo for every interface concept, so the
    # vptr check cannot resolve across the library boundary. The function check
    # compares C++ types, and the runtime calls a CUDA driver whose handles have
    # C++ types of their own.
    add_compile_options(-fno-sanitize=vptr,function
                        -fno-sanitize-recover=undefined)
    add_link_options(-fno-sanitize=vptr,function)
  endif()
endforeach()

if(FP4Q_SANITIZE)
  # Shared libraries take the sanitizer's functions from the program, so they
  # have undefined symbols, which LLVM's flags forbid.
  string(REPLACE "-Wl,-z,defs" "" CMAKE_SHARED_LINKER_FLAGS
         "${CMAKE_SHARED_LINKER_FLAGS}")
endif()
