"""Read a table, score each row, print the result."""

import csv
import sys
from pathlib import Path


def species(petal_length: float) -> str:
    if petal_length < 2.5:
        return "setosa"
    return "versicolor" if petal_length < 4.9 else "virginica"


def main() -> None:
    rows = csv.DictReader(Path(sys.argv[1]).read_text(encoding="utf-8").splitlines())
    for number, row in enumerate(rows, start=1):
        print(f"flower {number}: {species(float(row['petal_length']))}")


if __name__ == "__main__":
    main()
