"""How long something took, in words."""

from __future__ import annotations

_MINUTE, _HOUR, _DAY = 60, 3600, 86400


def in_words(seconds: float) -> str:
    """`0.4 s`, `41 s`, `1 min 12 s`, `2 h 5 min`."""
    if 0 < seconds < 0.95:  # noqa: PLR2004 -- what rounds to 1.0 is said as 1
        return f"{max(seconds, 0.1):.1f} s"
    whole = round(seconds)
    if whole < _MINUTE:
        return f"{whole} s"
    if whole < _HOUR:
        return _two(whole // _MINUTE, "min", whole % _MINUTE, "s")
    minutes = round(seconds / _MINUTE)
    return _two(minutes // _MINUTE, "h", minutes % _MINUTE, "min")


def age_in_words(seconds: float) -> str:
    """Roughly, as an age is read: `41 s`, `12 min`, `5 h`, `12 d`."""
    for unit, name, below in ((1, "s", 2 * _MINUTE), (_MINUTE, "min", 2 * _HOUR), (_HOUR, "h", 2 * _DAY)):
        if seconds < below:
            return f"{int(seconds // unit)} {name}"
    return f"{int(seconds // _DAY)} d"


def _two(large: int, large_unit: str, small: int, small_unit: str) -> str:
    return f"{large} {large_unit} {small} {small_unit}" if small else f"{large} {large_unit}"
