"""Damage the bytes of files in random ways."""

from __future__ import annotations

import json
import random

ODD = [
    None, {}, [], "", "x", 0, -1, 1.5, True, 1e300, 2**31, 2**63, 2**70, float("nan"), "nan", "inf",
    "1e8", "-1", "../../x", "/etc/passwd", "\x1b[2J", ["y", "x"], {"id": "pickle"}, {"name": "x"},
    "int8", "|O", "float64", "uint8", [0, 0, 0], [1] * 40, "a" * 5000, "\0", "1/0", [[]], [None],
]  # fmt: skip
WORDS = [
    b"0",
    b"-1",
    b"99999999999",
    b"1e8",
    b"nan",
    b"inf",
    b"",
    b"{}",
    b"<",
    b'"',
    b"\0",
    b"\xff",
]


def damage(content: bytes, chance: random.Random) -> bytes:
    """Damage the bytes of a file in a random way."""
    content = bytearray(content)
    size = len(content)
    way = chance.choice(["flip", "flip", "word", "cut", "splice", "zero", "number", "header"])
    place = chance.randrange(size) if size else 0
    if way == "flip":
        for _ in range(chance.choice([1, 1, 2, 8, 64])):
            content[chance.randrange(size)] = chance.randrange(256)
    elif way == "word":
        number = chance.choice([0, 1, 2**16 - 1, 2**31 - 1, 2**31, 2**32 - 1, 2**24, 3])
        content[place : place + 4] = number.to_bytes(4, chance.choice(["little", "big"]))
    elif way == "cut":
        del content[place:]
    elif way == "splice":
        start = chance.randrange(size)
        content[place : place + 40] = content[start : start + chance.randrange(200)]
    elif way == "zero":
        content[place : place + chance.randrange(1, 50)] = bytes(chance.randrange(1, 50))
    elif way == "number":
        digits = [at for at in range(size) if chr(content[at]).isdecimal() and content[at] < 128]
        if digits:
            at = chance.choice(digits)
            content[at : at + 1] = chance.choice(WORDS)
    else:
        for _ in range(chance.choice([1, 3])):
            content[chance.randrange(min(size, 200))] = chance.randrange(256)
    return bytes(content)


def damage_json(content: bytes, chance: random.Random) -> bytes:
    """Replace or remove a random value in JSON."""
    values = json.loads(content)
    places = [(values, key) for key in values]
    for holder, key in places:
        inner = holder[key]
        if isinstance(inner, dict):
            places += [(inner, each) for each in inner]
        elif isinstance(inner, list):
            places += [(inner, each) for each in range(len(inner))]
    if not places:
        return b"[]"
    for _ in range(chance.choice([1, 1, 2])):
        holder, key = chance.choice(places)
        if isinstance(holder, dict) and chance.random() < 0.2:
            holder.pop(key, None)
        else:
            holder[key] = chance.choice(ODD)
    return json.dumps(values).encode("utf-8", "surrogatepass")
