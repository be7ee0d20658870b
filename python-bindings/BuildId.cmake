#===- BuildId.cmake - hash the sources of the compiler ---------------------===#
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# cmake -DOUTPUT=... -DSOURCE_DIR=... -DFILES=... -P BuildId.cmake
#===------------------------------------------------------------------------===#
set(all "")
list(SORT FILES)
foreach(file IN LISTS FILES)
  file(SHA256 "${file}" hash)
  file(RELATIVE_PATH name "${SOURCE_DIR}" "${file}")
  string(APPEND all "${name} ${hash}\n")
endforeach()
string(SHA256 id "${all}")
string(SUBSTRING "${id}" 0 16 id)
file(CONFIGURE OUTPUT "${OUTPUT}" CONTENT "#define FP4Q_BUILD_ID \"@id@\"\n" @ONLY)
