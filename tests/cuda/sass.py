"""What a multiprocessor does with the entries of a vector: the instructions of a kernel as a GPU runs them."""

import re
import subprocess
import tempfile
from pathlib import Path
from typing import NamedTuple

WRITE_NO_REGISTER = ("ST", "DSETP", "FSETP", "ISETP", "BRA", "CALL")
END_A_BLOCK = ("BRA", "CALL", "EXIT", "RET")


class Turn(NamedTuple):
    """Instructions without a branch between them."""

    instructions: int
    loads: int  # of global memory
    together: int  # the most of them that are under way before one is needed


def turn(cubin):
    """What a kernel does in a turn of its loop over the entries, where it takes several of them together."""
    parts = re.split(r"BAR\.SYNC.*", _listing(cubin))  # sums of other blocks are added up before a barrier
    last = [part for part in parts if "LDG" in part][-1]
    return max(map(_turn_of, _blocks(last)), key=lambda found: (found.together, found.loads))


def _listing(cubin):
    import nvidia

    tools = [path for folder in nvidia.__path__ for path in Path(folder).glob("*/bin/nvdisasm*")]
    assert tools, "no nvdisasm: pip install nvidia-cuda-nvdisasm"
    with tempfile.TemporaryDirectory() as folder:
        code = Path(folder, "kernel.cubin")
        code.write_bytes(cubin)
        done = subprocess.run([tools[0], "-c", code], capture_output=True, check=True)
    return done.stdout.decode(errors="replace")


def _blocks(listing):
    """Lists of (operation, operands) without a branch or a label between them."""
    blocks = [[]]
    for line in listing.splitlines():
        found = re.match(r"\s*/\*\w{4,}\*/\s+(?:@!?U?P\d+ )?\s*([A-Z]\S*)(?: (.*?))? ;", line)
        if found:
            blocks[-1].append((found[1], found[2] or ""))
        if line.startswith(".L_") or (found and found[1].startswith(END_A_BLOCK)):
            blocks.append([])
    return blocks


def _turn_of(block):
    under_way, batch, most, loads = set(), 0, 0, 0
    for operation, operands in block:
        written, _, others = operands.partition(",")
        read = operands if operation.startswith(WRITE_NO_REGISTER) else others
        if under_way.intersection(map(int, re.findall(r"\bR(\d+)", read))):
            under_way, batch = set(), 0
        if operation.startswith("LDG"):
            first, width = int(written.strip("R")), 4 if ".128" in operation else 2 if ".64" in operation else 1
            under_way.update(range(first, first + width))
            batch, loads = batch + 1, loads + 1
            most = max(most, batch)
    return Turn(len(block), loads, most)
