#===- BuildId.cmake - hash the sources of the compiler ---------------------===#
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# cmake -DSOURCE_DIR=... -DOUTPUT=... -P BuildId.cmake
#===------------------------------------------------------------------------===#
set(all "")
foreach(folder IN ITEMS CodeGen Compiler Conversion Dialect Numerics Runtime
                        Target)
  file(GLOB_RECURSE files
    "${SOURCE_DIR}/lib/${folder}/*" "${SOURCE_DIR}/include/fp4q/${folder}/*")
  list(SORT files)
  foreach(file IN LISTS files)
    file(SHA256 "${file}" hash)
    file(RELATIVE_PATH name "${SOURCE_DIR}" "${file}")
    string(APPEND all "${name} ${hash}\n")
  endforeach()
endforeach()
string(SHA256 id "${all}")
string(SUBSTRING "${id}" 0 16 id)
file(CONFIGURE OUTPUT "${OUTPUT}" CONTENT "#define FP4Q_BUILD_ID \"@id@\"\n" @ONLY)
