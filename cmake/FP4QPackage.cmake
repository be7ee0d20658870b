#===- FP4QPackage.cmake - headers, and the package for find_package --------===#
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# find_package(FP4Q) works on the build tree (<build>/lib/cmake/fp4q) and on an
# install tree (<prefix>/lib/cmake/fp4q). Both have the same three files.
#===------------------------------------------------------------------------===#
include(CMakePackageConfigHelpers)

install(DIRECTORY "${PROJECT_SOURCE_DIR}/include/"
  DESTINATION "${CMAKE_INSTALL_INCLUDEDIR}"
  FILES_MATCHING PATTERN "*.h" PATTERN "*.td")
install(DIRECTORY "${PROJECT_BINARY_DIR}/include/"
  DESTINATION "${CMAKE_INSTALL_INCLUDEDIR}"
  FILES_MATCHING PATTERN "*.inc" PATTERN "CMakeFiles" EXCLUDE)

set(FP4Q_PACKAGE_DIR "${CMAKE_INSTALL_LIBDIR}/cmake/fp4q")
set(build_package "${PROJECT_BINARY_DIR}/${FP4Q_PACKAGE_DIR}")

# The config finds the targets beside itself, so one file serves both trees.
configure_package_config_file(
  "${PROJECT_SOURCE_DIR}/cmake/FP4QConfig.cmake.in"
  "${build_package}/FP4QConfig.cmake"
  INSTALL_DESTINATION "${FP4Q_PACKAGE_DIR}"
  NO_SET_AND_CHECK_MACRO)
# Before 1.0 a minor version may break its users.
write_basic_package_version_file("${build_package}/FP4QConfigVersion.cmake"
  COMPATIBILITY SameMinorVersion)
export(EXPORT FP4QTargets NAMESPACE FP4Q::
  FILE "${build_package}/FP4QTargets.cmake")

install(EXPORT FP4QTargets NAMESPACE FP4Q::
  DESTINATION "${FP4Q_PACKAGE_DIR}")
install(FILES "${build_package}/FP4QConfig.cmake"
  "${build_package}/FP4QConfigVersion.cmake"
  DESTINATION "${FP4Q_PACKAGE_DIR}")
