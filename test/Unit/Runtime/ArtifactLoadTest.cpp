//===- ArtifactLoadTest.cpp - loading artifacts and other files -----------===//
//
// Part of the fp4q project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "ArtifactFixture.h"

#include "fp4q/Runtime/ArtifactFile.h"

#include <cstddef>
#include <cstdio>
#include <cstring>
#include <elf.h>
#include <fstream>
#include <iterator>
#include <sys/stat.h>
#include <unistd.h>

using Trailer = fp4q_artifact_trailer;

namespace {

class ArtifactLoad : public testing::Test {
protected:
  void SetUp() override {
    std::ifstream file(FP4Q_TEST_ARTIFACT, std::ios::binary);
    bytes.assign(std::istreambuf_iterator<char>(file), {});
    ASSERT_GT(bytes.size(), sizeof(Trailer));
    path = testing::TempDir() + "fp4q-artifact-" + std::to_string(getpid());
  }
  void TearDown() override { std::remove(path.c_str()); }

  void write(const std::string &contents) {
    std::ofstream(path, std::ios::binary) << contents;
  }

  /// What loading a file of these bytes says.
  std::string errorOf(const std::string &contents) {
    write(contents);
    std::string error = load(path);
    std::string prefix = "artifact '" + path + "' ";
    EXPECT_EQ(error.substr(0, prefix.size()), prefix);
    return error.substr(std::min(prefix.size(), error.size()));
  }

  std::string payload() const {
    return bytes.substr(0, bytes.size() - sizeof(Trailer));
  }

  /// A file of these bytes with a trailer that fits.
  void seal(const std::string &contents,
            const fp4q::CpuFeatureWords &features = {}) {
    write(contents);
    std::string error;
    ASSERT_TRUE(
        fp4q::sealArtifact(path, "cpu:test", "fp4q test", features, error))
        << error;
  }

  std::string bytes, path;
};

} // namespace

/// `contents` with the bytes at `offset` replaced.
template <typename T>
static std::string patch(std::string contents, size_t offset, const T &value) {
  std::memcpy(&contents[offset], &value, sizeof(value));
  return contents;
}

TEST_F(ArtifactLoad, Functions) {
  fp4q::ArtifactPtr artifact;
  ASSERT_EQ(load(FP4Q_TEST_ARTIFACT, &artifact), "");
  EXPECT_EQ(fp4q_artifact_num_functions(artifact.get()), 3);
  EXPECT_EQ(fp4q_artifact_function(artifact.get(), -1), nullptr);
  EXPECT_EQ(fp4q_artifact_function(artifact.get(), 3), nullptr);
  const fp4q_function_desc *dequant = fp4q_artifact_function(artifact.get(), 1);
  EXPECT_STREQ(dequant->name, "dequant");
  EXPECT_EQ(dequant->num_arguments, 3);
  EXPECT_EQ(dequant->num_results, 1);
  EXPECT_STREQ(dequant->values[1].type, "tensor<?x2xf8E8M0FNU>");
  EXPECT_STREQ(dequant->values[2].type, "f32");
  EXPECT_TRUE(dequant->values[2].is_scalar);
  EXPECT_EQ(dequant->values[3].shape[0], -1);
  EXPECT_EQ(dequant->values[3].shape[1], 64);
}

TEST_F(ArtifactLoad, UnknownFunction) {
  fp4q::ArtifactPtr artifact;
  ASSERT_EQ(load(FP4Q_TEST_ARTIFACT, &artifact), "");
  const fp4q_function_desc *function = nullptr;
  const char *error = nullptr;
  EXPECT_EQ(fp4q_artifact_find(artifact.get(), "sqare", &function, &error), 1);
  EXPECT_STREQ(error, "unknown entry 'sqare', expected one of @quantize, "
                      "@dequant, @square");
  EXPECT_EQ(fp4q_artifact_find(artifact.get(), nullptr, &function, &error), 1);
  EXPECT_STREQ(error, "the artifact has several entries, name one of "
                      "@quantize, @dequant, @square");
}

TEST_F(ArtifactLoad, NullPointers) {
  const char *error = nullptr;
  EXPECT_EQ(fp4q_artifact_load(nullptr, nullptr, &error), 1);
  EXPECT_STREQ(error, "fp4q_artifact_load expects a path and a place for the "
                      "handle, but got a null pointer");
  EXPECT_EQ(fp4q_artifact_load(nullptr, nullptr, nullptr), 1);
  fp4q_artifact_unload(nullptr);
}

TEST_F(ArtifactLoad, NoSuchFile) {
  EXPECT_EQ(load("/nonexistent/a.so"), "artifact '/nonexistent/a.so' cannot be "
                                       "opened: No such file or directory");
  EXPECT_EQ(load("/dev/null"), "artifact '/dev/null' is not a regular file");
  EXPECT_EQ(load("/"), "artifact '/' is not a regular file");
  ASSERT_EQ(mkfifo(path.c_str(), 0600), 0);
  EXPECT_EQ(load(path), "artifact '" + path + "' is not a regular file");
}

TEST_F(ArtifactLoad, NotOurs) {
  EXPECT_EQ(errorOf(""), "is not an fp4q artifact: it has only 0 bytes");
  EXPECT_EQ(errorOf("func.func @f() { return }"),
            "is not an fp4q artifact: it is no ELF file");
  EXPECT_EQ(errorOf(bytes.substr(0, 40)), "is truncated: it has only 40 bytes");
  std::string trailer = "is not an fp4q artifact, or is truncated: it does not "
                        "end in fp4q's trailer";
  EXPECT_EQ(errorOf(payload()), trailer);
  EXPECT_EQ(errorOf(bytes + "x"), trailer);
  uint16_t type = ET_REL;
  EXPECT_EQ(errorOf(patch(bytes, offsetof(Elf64_Ehdr, e_type), type)),
            "is not an fp4q artifact: it is no shared object");
}

TEST_F(ArtifactLoad, OtherArchitecture) {
  uint16_t machine = EM_S390;
  std::string error =
      errorOf(patch(bytes, offsetof(Elf64_Ehdr, e_machine), machine));
  EXPECT_EQ(error.rfind("is for another architecture (ELF machine 22, ", 0), 0u)
      << error;
}

TEST_F(ArtifactLoad, TruncatedAnywhere) {
  for (size_t size = 0; size < bytes.size(); size += 1024) {
    std::string error = errorOf(bytes.substr(0, size));
    EXPECT_TRUE(error.find("truncated") != std::string::npos || size == 0)
        << size << ": " << error;
  }
  for (size_t missing = 1; missing <= sizeof(Trailer); ++missing)
    EXPECT_NE(errorOf(bytes.substr(0, bytes.size() - missing)), "");
}

/// Sizes that agree with each other, but not with the checksum.
TEST_F(ArtifactLoad, MiddleCutOut) {
  Trailer trailer;
  std::memcpy(&trailer, &bytes[payload().size()], sizeof(trailer));
  std::string contents = payload();
  contents.resize(contents.size() - 4096);
  contents.append(reinterpret_cast<char *>(&trailer), sizeof(trailer));
  EXPECT_EQ(errorOf(contents),
            "is damaged: it has " + std::to_string(contents.size()) +
                " bytes, but was written with " + std::to_string(bytes.size()));
}

/// Any bit: none of these files reaches the system's loader.
TEST_F(ArtifactLoad, EditedAnywhere) {
  for (size_t i = 0; i < bytes.size(); i += 61) {
    std::string contents = bytes;
    contents[i] = char(contents[i] ^ (1 << (i % 8)));
    EXPECT_NE(errorOf(contents), "") << i;
  }
}

TEST_F(ArtifactLoad, EditedManifest) {
  size_t at = bytes.find("\"dtype\": \"bf16\"");
  ASSERT_NE(at, std::string::npos);
  EXPECT_EQ(errorOf(bytes.replace(at, 15, "\"dtype\": \"bf17\"")),
            "is damaged or was edited: its checksum does not match");
}

TEST_F(ArtifactLoad, OtherFormatVersion) {
  uint32_t version = 2;
  size_t offset = payload().size() + offsetof(Trailer, format_version);
  EXPECT_EQ(errorOf(patch(bytes, offset, version)),
            "has format version 2, but this runtime loads version 1; compile "
            "it again");
}

TEST_F(ArtifactLoad, OtherCpu) {
  fp4q::CpuFeatureWords host = fp4q::getHostCpuFeatures();
  seal(payload(), host);
  EXPECT_EQ(load(path), "");
  // Bit 30 of leaf 7, subleaf 1, eax is reserved.
  host[5] |= 1u << 30;
  seal(payload(), host);
  EXPECT_EQ(load(path), "artifact '" + path +
                            "' is for cpu:test, but this CPU lacks word 5 bit "
                            "30");
}

TEST_F(ArtifactLoad, MissingFeaturesByName) {
  fp4q::CpuFeatureWords required{}, host{};
  EXPECT_EQ(fp4q::missingCpuFeatures(required, host), "");
  required[0] = 1u << 12 | 1u << 28;
  required[2] = 1u << 5;
  host[0] = 1u << 28;
  EXPECT_EQ(fp4q::missingCpuFeatures(required, host), "fma, avx2");
  EXPECT_EQ(fp4q::missingCpuFeatures(host, required), "");
}

/// Files with a good checksum and bad tables: still no crash.
TEST_F(ArtifactLoad, TablesOutOfBounds) {
  std::string tables = "' is damaged: its ELF tables do not fit";
  for (size_t offset :
       {offsetof(Elf64_Ehdr, e_shoff), offsetof(Elf64_Ehdr, e_phoff)}) {
    for (uint64_t value : {uint64_t(1) << 40, ~uint64_t(0) - 63}) {
      seal(patch(payload(), offset, value));
      EXPECT_EQ(load(path), "artifact '" + path + tables);
    }
  }
  seal(patch(payload(), offsetof(Elf64_Ehdr, e_phentsize), uint16_t(1)));
  EXPECT_EQ(load(path), "artifact '" + path + tables);
  Elf64_Ehdr header;
  std::memcpy(&header, bytes.data(), sizeof(header));
  seal(patch(payload(), header.e_phoff + offsetof(Elf64_Phdr, p_filesz),
             uint64_t(1) << 40));
  EXPECT_EQ(load(path),
            "artifact '" + path + "' is damaged: its segment #0 does not fit");
}

/// A sealed shared object of someone else.
TEST_F(ArtifactLoad, NoTable) {
  std::string contents = payload();
  size_t at = 0;
  while ((at = contents.find("fp4q_artifact", at)) != std::string::npos)
    contents[at++] = 'g';
  seal(contents);
  EXPECT_EQ(load(path),
            "artifact '" + path + "' is damaged: it has no table of functions");
}

TEST_F(ArtifactLoad, SeveralVersionsAtOnce) {
  write(bytes);
  fp4q::ArtifactPtr first, again, other;
  ASSERT_EQ(load(path, &first), "");
  ASSERT_EQ(load(path, &again), "");
  // The library stays, although the handle that loaded it goes.
  first.reset();
  // As fp4q-compile does: another file gets the name.
  std::remove(path.c_str());
  std::string edited = payload();
  size_t at = edited.find("\"dtype\": \"bf16\"");
  seal(edited.replace(at, 15, "\"dtype\": \"bf17\""));
  ASSERT_EQ(load(path, &other), "");
  std::string before = fp4q_artifact_manifest(again.get());
  std::string after = fp4q_artifact_manifest(other.get());
  EXPECT_EQ(before.find("bf17"), std::string::npos);
  EXPECT_NE(after.find("bf17"), std::string::npos);
  again.reset();
  EXPECT_EQ(call(find(other, "quantize"), QuantizeTensors(0).all()), "");
}
