"""Argon2 in large pages of memory: of usual ones, asking for them takes half of a hash's time.

The library has a place for functions that give and take memory. Where the system has no large pages
to give, or no room for such functions, it asks for memory itself.
"""

import mmap
from contextlib import suppress
from typing import Any

from _argon2_cffi_bindings import ffi, lib  # type: ignore[import-untyped]  # it has none
from argon2 import Parameters
from argon2.exceptions import HashingError
from argon2.low_level import core, error_to_str

from kernel.once import once

_ADVICE: int | None = getattr(mmap, "MADV_HUGEPAGE", None)  # Linux alone has it

_regions: dict[int, tuple[mmap.mmap, Any]] = {}


def raw_hash(password: bytes, salt: bytes, costs: Parameters) -> bytes:
    """Return the bytes of a hash.

    Raises:
        HashingError: The costs, or the salt, are none.
    """
    made = ffi.new("uint8_t[]", costs.hash_len)
    secret, salted = ffi.new("uint8_t[]", password), ffi.new("uint8_t[]", salt)
    context = {
        "out": made,
        "outlen": costs.hash_len,
        "pwd": secret,
        "pwdlen": len(password),
        "salt": salted,
        "saltlen": len(salt),
        "t_cost": costs.time_cost,
        "m_cost": costs.memory_cost,
        "lanes": costs.parallelism,
        "threads": costs.parallelism,
        "version": costs.version,
        "flags": lib.ARGON2_DEFAULT_FLAGS,
    }
    functions = _memory()
    code = core(ffi.new("argon2_context *", context | functions), costs.type.value)
    if code == lib.ARGON2_MEMORY_ALLOCATION_ERROR:
        raise MemoryError
    if code != lib.ARGON2_OK:
        raise HashingError(error_to_str(code))
    return bytes(ffi.buffer(made))


@once
def _memory() -> dict[str, Any]:
    if _ADVICE is None:
        return {}
    try:
        return {
            "allocate_cbk": ffi.callback("int (uint8_t **, size_t)", _take),
            "free_cbk": ffi.callback("void (uint8_t *, size_t)", _give_back),
        }
    except MemoryError:  # a system that runs no code made at run time
        return {}


def _take(place: Any, size: int) -> int:
    try:
        region = mmap.mmap(-1, size, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
    except OSError:
        return int(lib.ARGON2_MEMORY_ALLOCATION_ERROR)
    if _ADVICE is not None:
        with suppress(OSError):  # a kernel without them
            region.madvise(_ADVICE)
    memory = ffi.from_buffer("uint8_t[]", region)
    _regions[_address(memory)] = region, memory
    place[0] = memory
    return int(lib.ARGON2_OK)


def _give_back(memory: Any, _size: int) -> None:
    region, view = _regions.pop(_address(memory))
    ffi.release(view)
    region.close()


def _address(memory: Any) -> int:
    return int(ffi.cast("uintptr_t", memory))
