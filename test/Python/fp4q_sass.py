# Part of the fp4q project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Loops in the SASS of kernels, as nvdisasm -c prints it.

Loops are the natural ones of the control flow: of an edge to a block that
dominates its source. Blocks that the assembler moved out of line belong to them,
too.
"""

import dataclasses
import re

#: Block-scaled, half-precision and FP8 matrix instructions.
MMA = {"OMMA", "HMMA", "QMMA"}
LOAD16 = re.compile(r"^(LDG|LDS|LDGSTS)\.\S*128")
SPILLS = {"LDL", "STL"}
#: What does nothing: fillers behind matrix instructions.
FILLERS = {"NOP"}
LEAVE = {"EXIT", "RET", "BRX", "JMP", "JMX"}


@dataclasses.dataclass
class Block:
    texts: list
    targets: list  # of blocks


def opcode(text):
    """The full opcode of an instruction, without its predicate."""
    return re.sub(r"^@!?U?P\w+\s+", "", text).split()[0]


def mnemonic(text):
    return opcode(text).split(".")[0]


def kernels(listing):
    """(name, lines) of each kernel of a listing."""
    parts = re.split(r"^\s*\.section\s+\.text\.([^,\s]+),.*$", listing, flags=re.M)
    for name, body in zip(parts[1::2], parts[2::2]):
        yield name, re.split(r"^\s*\.section\s", body, flags=re.M)[0].splitlines()


def blocks_of(lines):
    """The basic blocks of a kernel, in order."""
    blocks, labels, fresh = [], {}, True
    for line in lines:
        if label := re.match(r"(\.L_x_\d+):", line):
            labels[label[1]] = len(blocks)
            fresh = True
            continue
        found = re.match(r"\s+/\*[0-9a-f]{4,}\*/\s+(.*?)\s*;", line)
        if not found:
            continue
        if fresh:
            blocks.append(Block([], []))
            fresh = False
        blocks[-1].texts.append(found[1])
        fresh = mnemonic(found[1]) in LEAVE | {"BRA"}
    for number, block in enumerate(blocks):
        last = block.texts[-1]
        name = mnemonic(last)
        plain = not last.startswith("@") and (
            name in LEAVE or re.match(r"BRA `", last)
        )
        if not plain and number + 1 < len(blocks):
            block.targets.append(number + 1)
        target = re.search(r"`\((\.L_x_\d+)\)", last)
        if name == "BRA" and target and labels[target[1]] < len(blocks):
            block.targets.append(labels[target[1]])
    return blocks


def dominators(blocks):
    """For each block the set of those that every way to it goes through; None
    where there is no way."""
    sources = [[] for _ in blocks]
    for number, block in enumerate(blocks):
        for target in block.targets:
            sources[target].append(number)
    found = [None] * len(blocks)
    changed = True
    while changed:
        changed = False
        for number in range(len(blocks)):
            known = [found[s] for s in sources[number] if found[s] is not None]
            if not known and number:
                continue
            entry = set() if number == 0 else set.intersection(*known)
            if found[number] != entry | {number}:
                found[number] = entry | {number}
                changed = True
    return found, sources


def loops_of(blocks):
    """Header -> blocks of the loop."""
    if not blocks:
        return {}
    dominating, sources = dominators(blocks)
    loops = {}
    for number, block in enumerate(blocks):
        for header in block.targets:
            if dominating[number] is None or header not in dominating[number]:
                continue
            body, todo = loops.setdefault(header, {header}), [number]
            while todo:
                one = todo.pop()
                if one not in body:
                    body.add(one)
                    todo += sources[one]
    return loops


def count(texts):
    names = [mnemonic(text) for text in texts]
    return {
        "instructions": sum(name not in FILLERS for name in names),
        "mma": sum(name in MMA for name in names),
        "load16": sum(bool(LOAD16.match(opcode(text))) for text in texts),
        "ldmatrix": names.count("LDSM"),
    }


def main_loop(lines):
    """What the innermost loop with the most matrix instructions has (with the
    most instructions, if none has any), None without loops; and the spills in
    all loops."""
    blocks = blocks_of(lines)
    loops = loops_of(blocks)
    texts = {
        header: [text for number in sorted(body) for text in blocks[number].texts]
        for header, body in loops.items()
    }
    spills = sum(
        mnemonic(text) in SPILLS
        for number in set().union(*loops.values())
        for text in blocks[number].texts
    )
    innermost = [
        count(texts[header])
        for header, body in loops.items()
        if not any(other != header and other in body for other in loops)
    ]
    best = max(
        innermost, key=lambda one: (one["mma"], one["instructions"]), default=None
    )
    return best, spills
