"""CRC-32 of joined parts from those of the parts, as zlib's crc32_combine, which Python does not offer."""

from __future__ import annotations

from functools import cache, lru_cache

# The polynomial of gzip, with its bits reversed.
POLYNOMIAL = 0xEDB88320
ONE = 1 << 31


def combine_checksums(first: int, second: int, second_size: int) -> int:
    """Return the CRC-32 of two parts joined, from that of each and the size of the second one in bytes."""
    return _multiply(_raise_to_bits(second_size), first) ^ second


def _multiply(left: int, right: int) -> int:
    """Return the product of two polynomials modulo that of gzip; bit 31 is the constant term."""
    product = 0
    bit = ONE
    while True:
        if left & bit:
            product ^= right
            if not left & (bit - 1):
                return product
        bit >>= 1
        if not bit:
            return product
        right = (right >> 1) ^ POLYNOMIAL if right & 1 else right >> 1


@cache
def _square(exponent: int) -> int:
    """Return x to the power of 2 to the power of `exponent`."""
    if exponent == 0:
        return ONE >> 1
    root = _square(exponent - 1)
    return _multiply(root, root)


# A snapshot joins hundreds of parts, and the next one mostly parts of the same sizes.
@lru_cache(maxsize=1024)
def _raise_to_bits(size: int) -> int:
    """Return x to the power of the bits of `size` bytes."""
    power = ONE
    exponent = 3
    while size:
        if size & 1:
            power = _multiply(_square(exponent), power)
        size >>= 1
        exponent += 1
    return power
