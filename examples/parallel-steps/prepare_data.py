"""Check the data set before anything is trained on it: a fault here stops the pipeline, and no model is touched."""

import csv
import sys
from collections import Counter
from pathlib import Path

DATA = Path(__file__).with_name("flowers.csv")
LONGEST_CM = 10


def main() -> None:
    with DATA.open(newline="") as lines:
        flowers = list(csv.DictReader(lines))
    faults = [f"line {line}: {fault}" for line, flower in enumerate(flowers, start=2) for fault in faults_of(flower)]
    if faults:
        sys.exit("\n".join(faults))
    counts = Counter(flower["species"] for flower in flowers)
    print(f"{len(flowers)} flowers are fit to train on:", ", ".join(f"{count} {species}" for species, count in counts.items()))


def faults_of(flower: dict[str, str]) -> list[str]:
    faults = [f"{axis}={flower[axis]!r} is no length between 0 and {LONGEST_CM} cm" for axis in ("x", "y") if not is_length(flower[axis])]
    return faults if flower["species"] else [*faults, "no species"]


def is_length(text: str) -> bool:
    try:
        return 0 < float(text) < LONGEST_CM
    except ValueError:
        return False


if __name__ == "__main__":
    main()
