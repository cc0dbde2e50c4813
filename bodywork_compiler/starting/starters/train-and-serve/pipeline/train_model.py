"""Train a model that tells iris species apart, and store it for the scoring service: the mean flower of each species."""

import csv
from collections import defaultdict
from pathlib import Path
from statistics import mean

import storage

FEATURES = ("petal_length", "petal_width")
DATA = Path(__file__).parent.parent / "iris.csv"


def train(rows: list[dict]) -> dict:
    flowers = defaultdict(list)
    for row in rows:
        flowers[row["species"]].append([float(row[feature]) for feature in FEATURES])
    return {species: [mean(column) for column in zip(*found, strict=True)] for species, found in flowers.items()}


def main() -> None:
    model = train(list(csv.DictReader(DATA.read_text(encoding="utf-8").splitlines())))
    print(f"stored a model of {len(model)} species as {storage.write_model(model)}")


if __name__ == "__main__":
    main()
