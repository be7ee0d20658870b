//===- NpyTest.cpp - .npy files -------------------------------------------===//
//
// Part of the fp4q project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "fp4q/Runtime/Npy.h"

#include <gtest/gtest.h>

#include <csignal>
#include <filesystem>
#include <fstream>
#include <numeric>
#include <sys/resource.h>
#include <unistd.h>

using namespace fp4q;
namespace fs = std::filesystem;

static const std::string dtypeList =
    "the dtypes allowed are bool, int8, int16, int32, int64, uint8, uint16, "
    "uint32, uint64, float16, float32, float64";

namespace {
/// Each test has a directory of its own.
class Npy : public testing::Test {
protected:
  void SetUp() override {
    const char *test =
        testing::UnitTest::GetInstance()->current_test_info()->name();
    directory = fs::temp_directory_path() /
                ("fp4q-npy-" + std::to_string(getpid()) + "-" + test);
    fs::create_directories(directory);
  }
  void TearDown() override { fs::remove_all(directory); }

  std::string pathOf(const std::string &name) const {
    return (directory / name).string();
  }

  /// Writes raw bytes to a file and returns its path.
  std::string put(const std::string &bytes) const {
    std::ofstream(pathOf("x.npy"), std::ios::binary) << bytes;
    return pathOf("x.npy");
  }

  /// Expects that reading `bytes` fails with `reason`.
  void expectError(const std::string &bytes, const std::string &reason) const {
    std::string path = put(bytes), error;
    EXPECT_FALSE(readNpy(path, error));
    EXPECT_EQ(error, "cannot read '" + path + "': " + reason);
  }

  size_t numFiles() const {
    return size_t(std::distance(fs::directory_iterator(directory),
                                fs::directory_iterator()));
  }

  fs::path directory;
};
} // namespace

/// A file as NumPy writes it: magic, version, header of a given length, data.
static std::string fileOf(const std::string &dictionary,
                          const std::string &data = "", char version = 1) {
  std::string length;
  for (int i = 0; i < (version == 1 ? 2 : 4); ++i)
    length += char(dictionary.size() >> (8 * i) & 0xFF);
  return std::string("\x93NUMPY") + version + '\0' + length + dictionary + data;
}

static std::string dictionaryOf(const std::string &descr,
                                const std::string &shape) {
  return "{'descr': " + descr + ", 'fortran_order': False, 'shape': " + shape +
         ", }\n";
}

TEST_F(Npy, ReadsAllVersionsAndSpellings) {
  std::string data("\1\0\2\0\3\0\4\0\5\0\6\0", 12), error;
  for (char version : {1, 2, 3})
    for (std::string dictionary :
         {"{'descr': '<u2', 'fortran_order': False, 'shape': (2, 3), }    \n",
          "{\"shape\":(2,3,),\"fortran_order\":False,\"descr\":\"<u2\"}",
          " { 'fortran_order' : False , 'shape' : ( 2 , 3 ) , 'descr' : '<u2' "
          "} "}) {
      std::optional<NpyArray> array =
          readNpy(put(fileOf(dictionary, data, version)), error);
      ASSERT_TRUE(array) << error;
      EXPECT_EQ(array->type, NpyType::U16);
      EXPECT_EQ(array->shape, (std::vector<int64_t>{2, 3}));
      EXPECT_EQ(std::string(array->data.begin(), array->data.end()), data);
    }
}

TEST_F(Npy, ReadsEveryType) {
  const std::pair<const char *, NpyType> types[] = {
      {"|b1", NpyType::Bool}, {"|i1", NpyType::I8},  {"<i2", NpyType::I16},
      {"<i4", NpyType::I32},  {"<i8", NpyType::I64}, {"|u1", NpyType::U8},
      {"<u2", NpyType::U16},  {"<u4", NpyType::U32}, {"<u8", NpyType::U64},
      {"<f2", NpyType::F16},  {"<f4", NpyType::F32}, {"<f8", NpyType::F64}};
  for (auto [descr, type] : types) {
    std::string error, quoted = std::string("'") + descr + "'";
    std::optional<NpyArray> array =
        readNpy(put(fileOf(dictionaryOf(quoted, "()"),
                           std::string(size_t(descr[2] - '0'), 'x'))),
                error);
    ASSERT_TRUE(array) << error;
    EXPECT_EQ(array->type, type);
    EXPECT_TRUE(array->shape.empty());
  }
}

TEST_F(Npy, WhatIsWrittenIsReadBack) {
  std::vector<uint8_t> data(96);
  std::iota(data.begin(), data.end(), uint8_t(0));
  const std::vector<int64_t> shapes[] = {
      {}, {12}, {3, 4}, {0, 7}, {1, 2, 1, 6}, std::vector<int64_t>(9000, 1)};
  for (const std::vector<int64_t> &shape : shapes)
    for (NpyType type : {NpyType::U8, NpyType::U16, NpyType::F32, NpyType::F64,
                         NpyType::Bool}) {
      std::string path = pathOf("y.npy"), error;
      ASSERT_TRUE(writeNpy(path, type, shape, data.data(), error)) << error;
      std::optional<NpyArray> array = readNpy(path, error);
      ASSERT_TRUE(array) << error;
      EXPECT_EQ(array->type, type);
      EXPECT_EQ(array->shape, shape);
      ASSERT_EQ(int64_t(array->data.size()), *npyDataSize(type, shape));
      EXPECT_TRUE(
          std::equal(array->data.begin(), array->data.end(), data.begin()));
      EXPECT_EQ(numFiles(), 1u) << "a temporary file was left";
    }
}

TEST_F(Npy, WritesTheBytesThatNumPyWrites) {
  // numpy.save of numpy.array([1, 2], '<u2').
  std::string error,
      dictionary = "{'descr': '<u2', 'fortran_order': False, 'shape': (2,), }";
  std::string expected = std::string("\x93NUMPY\x01\x00\x76\x00", 10) +
                         dictionary +
                         std::string(117 - dictionary.size(), ' ') + "\n" +
                         std::string("\1\0\2\0", 4);
  uint16_t data[] = {1, 2};
  ASSERT_TRUE(writeNpy(pathOf("y.npy"), NpyType::U16, {2}, data, error));
  std::ifstream file(pathOf("y.npy"), std::ios::binary);
  std::string bytes((std::istreambuf_iterator<char>(file)), {});
  EXPECT_EQ(bytes, expected);
}

TEST_F(Npy, RefusesWhatIsNoFile) {
  std::string error;
  EXPECT_FALSE(readNpy(pathOf("none.npy"), error));
  EXPECT_EQ(error, "cannot read '" + pathOf("none.npy") +
                       "': No such file or directory");
  EXPECT_FALSE(readNpy(directory.string(), error));
  EXPECT_EQ(error,
            "cannot read '" + directory.string() + "': it is a directory");
  EXPECT_FALSE(readNpy("/dev/null", error));
  EXPECT_EQ(error, "cannot read '/dev/null': it is not a regular file");
}

TEST_F(Npy, RefusesOtherFormats) {
  expectError("", "it is not a .npy file");
  expectError("\x93NUMP", "it is not a .npy file");
  expectError("PK\3\4 an .npz file", "it is not a .npy file");
  expectError(fileOf(dictionaryOf("'<f4'", "()"), "abcd", 4),
              "it has format version 4.0; allowed are 1.0, 2.0 and 3.0");
  expectError(std::string("\x93NUMPY\0\0\1\0{}", 12),
              "it has format version 0.0; allowed are 1.0, 2.0 and 3.0");
}

TEST_F(Npy, RefusesEveryTruncation) {
  for (char version : {1, 2}) {
    std::string whole =
        fileOf(dictionaryOf("'<f4'", "(2, 2)"), std::string(16, 'd'), version);
    std::string error;
    for (size_t size = 0; size < whole.size(); ++size)
      EXPECT_FALSE(readNpy(put(whole.substr(0, size)), error)) << size;
    EXPECT_TRUE(readNpy(put(whole), error)) << error;
    expectError(whole.substr(0, 20), "it is truncated in its header");
    expectError(whole.substr(0, whole.size() - 1),
                "it is truncated: 16 bytes of data expected, 15 found");
    expectError(whole + "x",
                "it has trailing bytes: 16 bytes of data expected, 17 found");
  }
  expectError(fileOf(dictionaryOf("'<f4'", "(0, 3)"), "x"),
              "it has trailing bytes: 0 bytes of data expected, 1 found");
}

TEST_F(Npy, RefusesOtherTypesAndOrders) {
  expectError(fileOf(dictionaryOf("'>f4'", "()"), "abcd"),
              "its dtype '>f4' is big-endian; save it little-endian");
  for (const char *descr : {"|O", "<U3", "<c8", "<f16", "|V2", "<M8[s]", "f4",
                            "=f4", "<u1", "|f4", "", "<"})
    expectError(fileOf(dictionaryOf("'" + std::string(descr) + "'", "()")),
                "it has dtype '" + std::string(descr) + "'; " + dtypeList);
  expectError(fileOf(dictionaryOf("[('a', '<f4')]", "()")),
              "it has a structured dtype; " + dtypeList);
  expectError(
      fileOf("{'descr': '<f4', 'fortran_order': True, 'shape': (1, 1), }"),
      "it is in Fortran order; save it in C order (numpy.ascontiguousarray)");
}

TEST_F(Npy, RefusesImpossibleShapes) {
  expectError(fileOf(dictionaryOf("'<f4'", "(99999999999999999999,)")),
              "its shape is too large");
  expectError(fileOf(dictionaryOf("'<f4'", "(4294967296, 4294967296)")),
              "its shape (4294967296, 4294967296) is too large");
  expectError(fileOf(dictionaryOf("'<f8'", "(1152921504606846976,)")),
              "its shape (1152921504606846976,) is too large");
  // Large but possible: nothing may be allocated for it.
  expectError(fileOf(dictionaryOf("'|u1'", "(9223372036854775807,)")),
              "it is truncated: 9223372036854775807 bytes of data expected, "
              "0 found");
  expectError(fileOf(dictionaryOf("'<f4'", "(-1,)")),
              "its header is malformed: expected a size at character 51");
}

TEST_F(Npy, RefusesMalformedHeaders) {
  expectError(fileOf(""),
              "its header is malformed: expected '{' at character 0");
  expectError(fileOf("{}"), "its header lacks the key 'descr'");
  expectError(fileOf("{'descr': '<f4', 'shape': ()}"),
              "its header lacks the key 'fortran_order'");
  expectError(fileOf("{'descr': '<f4', 'fortran_order': False}"),
              "its header lacks the key 'shape'");
  expectError(fileOf("{'descr': '<f4', 'descr': '<f4'}"),
              "its header has the key 'descr' twice");
  expectError(fileOf("{'magic': 1}"), "its header has the unknown key 'magic'");
  expectError(fileOf("{'descr' '<f4'}"),
              "its header is malformed: expected ':' at character 9");
  expectError(fileOf("{'descr': <f4"),
              "its header is malformed: expected a string at character 10");
  expectError(fileOf("{'descr': '<f4"),
              "its header is malformed: expected the end of a string at "
              "character 10");
  expectError(fileOf("{'descr': '<\\x66'}"),
              "its header is malformed: expected a plain string at character "
              "10");
  expectError(fileOf("{'descr': '<f4' 'shape': ()}"),
              "its header is malformed: expected ',' or '}' at character 16");
  expectError(fileOf("{'fortran_order': 0}"),
              "its header is malformed: expected True or False at character "
              "18");
  expectError(fileOf("{'shape': (3)}"),
              "its header is malformed: expected ',' at character 12");
  expectError(fileOf("{'shape': (3 4)}"),
              "its header is malformed: expected ',' at character 13");
  expectError(fileOf("{'shape': [3]}"),
              "its header is malformed: expected '(' at character 10");
  expectError(fileOf(dictionaryOf("'<f4'", "()") + "{}"),
              "its header is malformed: expected nothing after '}' at "
              "character 56");
}

TEST_F(Npy, ChecksTypeAndShape) {
  NpyArray array{NpyType::U16, {4, 64}, {}};
  std::string error;
  EXPECT_TRUE(checkNpy("a.npy", array, NpyType::U16, {4, 64}, error));
  EXPECT_TRUE(checkNpy("a.npy", array, NpyType::U16, {-1, 64}, error));
  EXPECT_EQ(error, "");
  EXPECT_FALSE(checkNpy("a.npy", array, NpyType::F32, {-1, 64}, error));
  EXPECT_EQ(error,
            "'a.npy' holds uint16 (4, 64), but float32 (?, 64) is expected");
  EXPECT_FALSE(checkNpy("a.npy", array, NpyType::U16, {-1, 32}, error));
  EXPECT_EQ(error,
            "'a.npy' holds uint16 (4, 64), but uint16 (?, 32) is expected");
  EXPECT_FALSE(checkNpy("a.npy", array, NpyType::U16, {256}, error));
  EXPECT_EQ(error,
            "'a.npy' holds uint16 (4, 64), but uint16 (256,) is expected");
}

TEST_F(Npy, DataSize) {
  EXPECT_EQ(npyDataSize(NpyType::F64, {}), 8);
  EXPECT_EQ(npyDataSize(NpyType::F32, {INT64_MAX, INT64_MAX, 0}), 0);
  EXPECT_EQ(npyDataSize(NpyType::U8, {INT64_MAX}), INT64_MAX);
  EXPECT_FALSE(npyDataSize(NpyType::U16, {INT64_MAX}));
  EXPECT_FALSE(npyDataSize(NpyType::U8, {-1}));
}

TEST_F(Npy, FailedWritesLeaveNothing) {
  std::string error;
  float data[4] = {};
  std::string path = pathOf("missing/y.npy");
  EXPECT_FALSE(writeNpy(path, NpyType::F32, {4}, data, error));
  EXPECT_EQ(error, "cannot write '" + path + "': No such file or directory");
  EXPECT_FALSE(writeNpy(directory.string(), NpyType::F32, {4}, data, error));
  EXPECT_EQ(error, "cannot write '" + directory.string() + "': Is a directory");
  EXPECT_FALSE(writeNpy("/dev/full", NpyType::F32, {4}, data, error));
  EXPECT_EQ(error, "cannot write '/dev/full': No space left on device");
  EXPECT_FALSE(
      writeNpy(pathOf("y.npy"), NpyType::F32, {INT64_MAX}, data, error));
  EXPECT_EQ(error, "cannot write '" + pathOf("y.npy") +
                       "': the shape (9223372036854775807,) is too large");
  EXPECT_EQ(numFiles(), 0u);
}

TEST_F(Npy, FailedWriteKeepsTheOldFile) {
  // A file size limit makes the write fail after the file has been opened.
  std::string path = put("old"), error;
  rlimit before;
  ASSERT_EQ(getrlimit(RLIMIT_FSIZE, &before), 0);
  rlimit small = {512, before.rlim_max};
  auto *handler = std::signal(SIGXFSZ, SIG_IGN);
  ASSERT_EQ(setrlimit(RLIMIT_FSIZE, &small), 0);
  std::vector<uint8_t> data(1 << 16);
  bool written = writeNpy(path, NpyType::U8, {1 << 16}, data.data(), error);
  setrlimit(RLIMIT_FSIZE, &before);
  std::signal(SIGXFSZ, handler);
  EXPECT_FALSE(written);
  EXPECT_EQ(error, "cannot write '" + path + "': File too large");
  EXPECT_EQ(numFiles(), 1u);
  EXPECT_EQ(fs::file_size(path), 3u);
}

TEST_F(Npy, WritesThroughLinks) {
  std::string error, link = pathOf("link.npy");
  put("old");
  fs::create_symlink("x.npy", link);
  uint8_t data = 7;
  ASSERT_TRUE(writeNpy(link, NpyType::U8, {}, &data, error)) << error;
  EXPECT_TRUE(fs::is_symlink(link));
  std::optional<NpyArray> array = readNpy(pathOf("x.npy"), error);
  ASSERT_TRUE(array) << error;
  EXPECT_EQ(array->data, std::vector<uint8_t>{7});
  EXPECT_TRUE(writeNpy("/dev/null", NpyType::U8, {}, &data, error)) << error;
  EXPECT_TRUE(fs::is_character_file("/dev/null"));
}
