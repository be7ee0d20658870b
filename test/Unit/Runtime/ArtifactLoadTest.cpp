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

/// What follows the shared object of the test's artifact, of one target.
constexpr size_t appendedBytes = sizeof(fp4q_artifact_target) + sizeof(Trailer);

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
    return bytes.substr(0, bytes.size() - appendedBytes);
  }

  /// A file of these bytes with targets and a trailer that fit.
  void seal(const std::string &contents,
            const std::vector<fp4q::ArtifactTarget> &targets = {
                {"cpu:x86-64", FP4Q_DL_CPU, {}}}) {
    write(contents);
    std::string error;
    ASSERT_TRUE(fp4q::sealArtifact(path, targets, "fp4q test", error)) << error;
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
  EXPECT_EQ(fp4q_artifact_num_functions(artifact.get()), 5);
  EXPECT_EQ(fp4q_artifact_function(artifact.get(), -1), nullptr);
  EXPECT_EQ(fp4q_artifact_function(artifact.get(), 5), nullptr);
  const fp4q_function_desc *dequant = fp4q_artifact_function(artifact.get(), 1);
  EXPECT_STREQ(dequant->name, "dequant");
  EXPECT_EQ(dequant->num_arguments, 3);
  EXPECT_EQ(dequant->num_results, 1);
  EXPECT_STREQ(dequant->values[1].type, "tensor<?x2xf8E8M0FNU>");
  EXPECT_STREQ(dequant->values[2].type, "f32");
  EXPECT_TRUE(dequant->values[2].is_scalar);
  EXPECT_EQ(dequant->values[3].shape[0], -1);
  EXPECT_EQ(dequant->values[3].shape[1], 64);
  // Codes, scales and values have the same rows.
  for (int i : {0, 1, 3})
    EXPECT_STREQ(dequant->values[i].dims[0], "M") << i;
  EXPECT_STREQ(dequant->values[3].dims[1], "64");
}

TEST_F(ArtifactLoad, UnknownFunction) {
  fp4q::ArtifactPtr artifact;
  ASSERT_EQ(load(FP4Q_TEST_ARTIFACT, &artifact), "");
  const fp4q_function_desc *function = nullptr;
  const char *error = nullptr;
  EXPECT_EQ(fp4q_artifact_find(artifact.get(), "sqare", &function, &error), 1);
  EXPECT_STREQ(error, "unknown entry 'sqare', expected one of @quantize, "
                      "@dequant, @square, @copy, @copy_floats");
  EXPECT_EQ(fp4q_artifact_find(artifact.get(), nullptr, &function, &error), 1);
  EXPECT_STREQ(error, "the artifact has several entries, name one of "
                      "@quantize, @dequant, @square, @copy, @copy_floats");
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
  for (size_t missing = 1; missing <= appendedBytes; ++missing)
    EXPECT_NE(errorOf(bytes.substr(0, bytes.size() - missing)), "");
}

/// Sizes that agree with each other, but not with the checksum.
TEST_F(ArtifactLoad, MiddleCutOut) {
  std::string contents = payload();
  contents.resize(contents.size() - 4096);
  contents += bytes.substr(payload().size());
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
  size_t offset =
      bytes.size() - sizeof(Trailer) + offsetof(Trailer, format_version);
  for (uint32_t version : {1u, FP4Q_ARTIFACT_FORMAT_VERSION + 1u})
    EXPECT_EQ(errorOf(patch(bytes, offset, version)),
              "has format version " + std::to_string(version) +
                  ", but this runtime loads version 2; compile it again");
}

/// Fields that the checksum does not protect, since it needs them.
TEST_F(ArtifactLoad, EditedTrailer) {
  size_t trailer = bytes.size() - sizeof(Trailer);
  const char contradicts[] =
      "is damaged: its trailer contradicts its format version";
  for (uint32_t value : {0u, FP4Q_MAX_ARTIFACT_TARGETS + 1u, UINT32_MAX})
    EXPECT_EQ(
        errorOf(patch(bytes, trailer + offsetof(Trailer, num_targets), value)),
        contradicts);
  for (size_t field :
       {offsetof(Trailer, target_size), offsetof(Trailer, trailer_size)})
    EXPECT_EQ(errorOf(patch(bytes, trailer + field, uint32_t(8))), contradicts);
  std::string error =
      errorOf(patch(bytes, trailer + offsetof(Trailer, num_targets), 2u));
  EXPECT_EQ(error.rfind("is damaged: it has ", 0), 0u) << error;
  uint64_t size = UINT64_MAX;
  error =
      errorOf(patch(bytes, trailer + offsetof(Trailer, payload_size), size));
  EXPECT_EQ(error.rfind("is damaged: it has ", 0), 0u) << error;
}

/// The end of an artifact alone has a trailer, but nothing in front of it.
TEST_F(ArtifactLoad, OnlyTheEnd) {
  for (size_t size = 64; size < appendedBytes + 64; ++size) {
    std::string contents = bytes.substr(bytes.size() - size);
    contents.replace(0, sizeof(Elf64_Ehdr), bytes, 0, sizeof(Elf64_Ehdr));
    EXPECT_NE(errorOf(contents), "");
  }
}

/// Bit 30 of leaf 7, subleaf 1, eax is reserved.
static fp4q::CpuFeatureWords noCpu() {
  fp4q::CpuFeatureWords features = fp4q::getHostCpuFeatures();
  features[5] |= 1u << 30;
  return features;
}

TEST_F(ArtifactLoad, OtherCpu) {
  seal(payload(), {{"cpu:test", FP4Q_DL_CPU, noCpu()}});
  std::string error = load(path);
  std::string expected = "artifact '" + path +
                         "' has no code that can run here: cpu:test needs word "
                         "5 bit 30; this CPU has ";
  EXPECT_EQ(error.substr(0, expected.size()), expected);
#if defined(__x86_64__)
  EXPECT_NE(error.find("sse3"), std::string::npos) << error;
#endif
}

TEST_F(ArtifactLoad, OtherDevice) {
  seal(payload(),
       {{"sm_90a", FP4Q_DL_CUDA, {}}, {"cpu:test", FP4Q_DL_CPU, noCpu()}});
  std::string error = load(path);
  EXPECT_NE(error.find("sm_90a is for DLPack device type 2; cpu:test needs "),
            std::string::npos)
      << error;
}

/// The code would be that of other targets.
TEST_F(ArtifactLoad, TableOfOtherTargets) {
  std::string other = "' is damaged: it has no table of functions, or one for "
                      "other targets";
  seal(payload(), {{"cpu:x86-64", FP4Q_DL_CPU, {}}, {"cpu:b", 1, {}}});
  EXPECT_EQ(load(path), "artifact '" + path + other);
  seal(payload(), {{"cpu:b", FP4Q_DL_CPU, {}}});
  EXPECT_EQ(load(path), "artifact '" + path + other);
  seal(payload(), {{"", FP4Q_DL_CPU, {}}});
  EXPECT_EQ(load(path),
            "artifact '" + path + "' is damaged: its target #0 has no name");
}

TEST_F(ArtifactLoad, AskedForTarget) {
  const char *error = nullptr;
  fp4q::ArtifactPtr artifact =
      fp4q::loadArtifact(FP4Q_TEST_ARTIFACT, &error, "cpu:x86-64");
  ASSERT_NE(artifact, nullptr) << error;
  EXPECT_STREQ(fp4q_artifact_target_name(artifact.get()), "cpu:x86-64");
  EXPECT_EQ(fp4q::loadArtifact(FP4Q_TEST_ARTIFACT, &error, "cpu"), nullptr);
  EXPECT_EQ(std::string(error), "artifact '" FP4Q_TEST_ARTIFACT
                                "' has no code for target 'cpu', only for "
                                "cpu:x86-64");
}

TEST(SelectTarget, BestOfThoseThatRun) {
  // Features of the host are bits 0 to 2 of word 0.
  fp4q::CpuFeatureWords host{7}, one{1}, two{3}, other{8};
  std::vector<fp4q::ArtifactTarget> targets = {{"one", FP4Q_DL_CPU, one},
                                               {"two", FP4Q_DL_CPU, two},
                                               {"two b", FP4Q_DL_CPU, two},
                                               {"other", FP4Q_DL_CPU, other},
                                               {"gpu", FP4Q_DL_CUDA, host}};
  std::string error;
  EXPECT_EQ(fp4q::selectTarget(targets, "", host, error), 1);
  EXPECT_EQ(fp4q::selectTarget(targets, "one", host, error), 0);
  EXPECT_EQ(fp4q::selectTarget(targets, "two b", host, error), 2);
  EXPECT_EQ(fp4q::selectTarget(targets, "", one, error), 0);
  EXPECT_EQ(fp4q::selectTarget(targets, "", other, error), 3);
  EXPECT_EQ(error, "");
  EXPECT_EQ(fp4q::selectTarget(targets, "", {}, error), -1);
  EXPECT_EQ(error, "has no code that can run here: one needs sse3; two needs "
                   "sse3, word 0 bit 1; two b needs sse3, word 0 bit 1; other "
                   "needs word 0 bit 3; gpu is for DLPack device type 2; this "
                   "CPU has none of the features that have names");
  EXPECT_EQ(fp4q::selectTarget(targets, "two", one, error), -1);
  EXPECT_EQ(error, "has no code that can run here: two needs word 0 bit 1; "
                   "this CPU has sse3");
  // Its device will say whether it can.
  EXPECT_EQ(fp4q::selectTarget(targets, "gpu", host, error), 4);
  EXPECT_EQ(fp4q::selectTarget(targets, "three", host, error), -1);
  EXPECT_EQ(error, "has no code for target 'three', only for one, two, two b, "
                   "other, gpu");
}

TEST(SelectTarget, TheLatestChipThatTheDeviceRuns) {
  fp4q::CpuFeatureWords host{1}, other{2};
  std::vector<fp4q::ArtifactTarget> targets = {
      {"cpu", FP4Q_DL_CPU, {}},
      {"sm_80", FP4Q_DL_CUDA, {}},
      {"sm_86", FP4Q_DL_CUDA, {}},
      {"sm_90a", FP4Q_DL_CUDA, {}},
      {"sm_120a", FP4Q_DL_CUDA, other}};
  std::string error;
  EXPECT_EQ(fp4q::selectGpuTarget(targets, 0, 8, 0, host, error), 1);
  EXPECT_EQ(fp4q::selectGpuTarget(targets, 0, 8, 9, host, error), 2);
  EXPECT_EQ(fp4q::selectGpuTarget(targets, 0, 9, 0, host, error), 3);
  // Only sm_90 itself runs sm_90a; PTX for earlier chips runs on later ones.
  EXPECT_EQ(fp4q::selectGpuTarget(targets, 0, 10, 0, host, error), 2);
  EXPECT_EQ(error, "");
  EXPECT_EQ(fp4q::selectGpuTarget(targets, 3, 7, 5, host, error), -1);
  EXPECT_EQ(error, "has no code for CUDA device 3, which is sm_75, only for "
                   "cpu, sm_80, sm_86, sm_90a, sm_120a");
  targets = {targets[4]};
  EXPECT_EQ(fp4q::selectGpuTarget(targets, 0, 12, 0, host, error), -1);
  EXPECT_EQ(error, "has no code for CUDA device 0, which is sm_120, only for "
                   "sm_120a; sm_120a needs word 0 bit 1");
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
  const std::string name("fp4q_artifact", sizeof("fp4q_artifact"));
  while ((at = contents.find(name, at)) != std::string::npos)
    contents[at++] = 'g';
  seal(contents);
  EXPECT_EQ(load(path), "artifact '" + path +
                            "' is damaged: it has no table of functions, or "
                            "one for other targets");
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
