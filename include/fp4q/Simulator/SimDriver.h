//===- SimDriver.h - what libfp4q_sim.so has beyond cu* ---------*- C++ -*-===//
//
// Part of the fp4q project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// libfp4q_sim.so exports the CUDA driver API under its own names, so that a
// program which loads libcuda.so.1 can load it instead. These functions, plain
// C as well, configure the simulator and read its findings. Each option can
// also be set by an environment variable: FP4Q_SIM_CHECKS, FP4Q_SIM_THREADS,
// FP4Q_SIM_BUDGET, FP4Q_SIM_CHIP, FP4Q_SIM_SMS, FP4Q_SIM_MESSAGES,
// FP4Q_SIM_PROFILE, FP4Q_SIM_MEMORY, FP4Q_SIM_CUDA.
//
//===----------------------------------------------------------------------===//

#ifndef FP4Q_SIMULATOR_SIMDRIVER_H
#define FP4Q_SIMULATOR_SIMDRIVER_H

#ifdef __cplusplus
extern "C" {
#endif

/// Sets an option: "checks" (0 or 1), "threads" (0: as many as cores), "budget"
/// (warp instructions per CTA), "chip" (such as "sm_120a") and "sms" (how many
/// multiprocessors): what the device attributes report, "messages" (0: nothing
/// on stderr), "profile" (1: reports have every instruction's accesses to
/// memory), "memory" (bytes that the device has), "cuda" (such as "12.4": the
/// driver's release, which refuses newer PTX). Returns 0, or 1 for an unknown
/// name or a bad value.
int fp4qSimSetOption(const char *name, const char *value);

/// The last fault, refused launch or PTX error as one line, or "". Valid until
/// the next call into the library.
const char *fp4qSimLastMessage(void);

/// A JSON array with one report per launch since the last reset. Valid until
/// the next call into the library.
const char *fp4qSimReport(void);

/// A JSON object with the arrays "mnemonics" and "types": the first words of
/// all instructions that are decoded, and the spellings of all types.
const char *fp4qSimInstructionSet(void);

/// Forgets the reports and the last message.
void fp4qSimResetReport(void);

#ifdef __cplusplus
}
#endif

#endif // FP4Q_SIMULATOR_SIMDRIVER_H
