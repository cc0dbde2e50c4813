"""Score a file of flowers with a model that was trained elsewhere, and print each prediction as a row of CSV."""

import csv
import json
import sys
from collections import Counter
from pathlib import Path

MODEL = json.loads(Path("model.json").read_text())


def main(data_file: str) -> None:
    with Path(data_file).open(newline="") as lines:
        flowers = list(csv.DictReader(lines))
    species = [predict_species([float(flower[name]) for name in MODEL["features"]]) for flower in flowers]
    rows = csv.writer(sys.stdout, lineterminator="\n")
    rows.writerow([*MODEL["features"], "predicted_species"])
    rows.writerows([*flower.values(), name] for flower, name in zip(flowers, species, strict=True))
    print(f"scored {len(flowers)} flowers:", ", ".join(f"{count} {name}" for name, count in sorted(Counter(species).items())))


def predict_species(features: list[float]) -> str:
    """The species with the highest score; each score is one linear function of the features."""
    scores = [
        intercept + sum(weight * value for weight, value in zip(weights, features, strict=True))
        for weights, intercept in zip(MODEL["coefficients"], MODEL["intercepts"], strict=True)
    ]
    return MODEL["species"][scores.index(max(scores))]


if __name__ == "__main__":
    main(sys.argv[1])
