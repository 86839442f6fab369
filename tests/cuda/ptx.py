"""What stands in the PTX of a kernel: what it loads and stores, what it does again and again, and what it takes."""

import re
from typing import NamedTuple

from cuda.core import Linker, LinkerOptions, ObjectCode

CAPABILITIES = [(8, 0), (9, 0)]  # that kernels are compiled for


def made_for(capability, text):
    """Whether the text is for devices of this capability."""
    return f".target sm_{capability[0]}{capability[1]}\n" in text


def accesses(text, what):
    """How many numbers are loaded ("ld") from, or stored ("st") to, memory that is neither local nor shared."""
    found = re.findall(rf"\b{what}(?:\.global)?(?:\.nc)?(?:\.v([24]))?\.[bfsu]\d", text)
    return sum(int(many or 1) for many in found)


class Taken(NamedTuple):
    """What a thread of a kernel takes of a device."""

    registers: int
    stack: int  # bytes in slow memory that the kernel asks for
    spilled: int  # bytes there because the registers do not suffice

    def resident(self, threads):
        """How many threads, in blocks of so many, the registers of a multiprocessor hold at a time."""
        rounded = -(-self.registers // 8) * 8  # registers are given to a warp by 256
        return min(65536 // (rounded * threads) * threads, 2048)


def linked(ltoir, capability):
    """The PTX of what Numba links before it launches a kernel: optimised once more, with all that the kernel calls."""
    return _link(ObjectCode.from_ltoir(ltoir), "ptx", capability, link_time_optimization=True, ptx=True)[0]


def assemble(text, capability):
    """Make machine code of PTX, as a driver does when it loads it; what the kernel takes."""
    log = _link(ObjectCode.from_ptx(text.encode()), "cubin", capability, verbose=True)[1]
    stack, stores, loads = (sum(map(int, re.findall(rf"(\d+) bytes {what}", log))) for what in ON_STACK)
    return Taken(int(re.search(r"Used (\d+) registers", log)[1]), stack, stores + loads)


def machine_code(text, capability):
    """What a device of this capability runs."""
    return _link(ObjectCode.from_ptx(text.encode()), "cubin", capability)[0]


def _link(code, target, capability, **options):
    linker = Linker(code, options=LinkerOptions(arch="sm_{}{}".format(*capability), **options))
    made = linker.link(target).code
    return made.decode().rstrip("\0") if target == "ptx" else made, linker.get_info_log()


ON_STACK = ("stack frame", "spill stores", "spill loads")


def last_loops(text):
    """The instructions that may run more than once and are followed by no barrier.

    Kernels bring their sums together first, with barriers; what is left is what they do with the entries.
    """
    blocks = _basic_blocks(text)
    behind = [_reached(blocks, k) for k in range(len(blocks))]
    barriers = {k for k, (lines, _) in enumerate(blocks) if re.search(r"\bbar(rier)?\.", lines[-1])}
    return "\n".join(
        line
        for k, (lines, _) in enumerate(blocks)
        if k in behind[k] and not (behind[k] | {k}) & barriers
        for line in lines
    )


def _basic_blocks(text):
    """(instructions, numbers of the blocks that may follow) of each; a barrier ends one, too."""
    lines = [line.strip() for line in text[text.index("\n{") :].splitlines()]
    lines = [line for line in lines if line and not line.startswith(("//", ".", "{", "}", "\t."))]
    assert "brx" not in text, "the targets of an indexed branch are not followed"
    blocks, places, current = [], {}, []
    for line in [*lines, "ret;"]:
        if line.startswith("$"):
            if current:
                blocks.append(current)
            current = []
            places[line.rstrip(":")] = len(blocks)
            continue
        current.append(line)
        if re.search(r"\b(bra|bar|barrier|ret|exit|trap)\b", line):
            blocks.append(current)
            current = []
    return [(block, _following(block[-1], k, places)) for k, block in enumerate(blocks)]


def _following(last, k, places):
    ends = re.search(r"\b(ret|exit|trap|bra)\b", last) is not None
    found = [places[target] for target in re.findall(r"\bbra(?:\.uni)?\s+(\$\w+)", last)]
    return found if ends and not last.startswith("@") else [*found, k + 1]


def _reached(blocks, k):
    """The blocks that may run after block k, which is itself one of them if it is in a loop."""
    seen, waiting = set(), list(blocks[k][1])
    while waiting:
        block = waiting.pop()
        if block not in seen:
            seen.add(block)
            waiting += blocks[block][1]
    return seen
