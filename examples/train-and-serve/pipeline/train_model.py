"""Train a decision tree that tells iris species apart, and store it for the scoring service."""

import csv

import numpy as np
import storage
from sklearn.metrics import balanced_accuracy_score
from sklearn.model_selection import train_test_split
from sklearn.tree import DecisionTreeClassifier

FEATURES = ("sepal_length", "sepal_width", "petal_length", "petal_width")
SEED = 42


def main() -> None:
    features, species = features_and_labels(storage.read_data_set())
    model = train(features, species)
    storage.write_model(model)
    print(f"stored model={model} as {storage.MODEL_KEY}")


def features_and_labels(data_set: str) -> tuple[np.ndarray, np.ndarray]:
    rows = list(csv.DictReader(data_set.splitlines()))
    return np.array([[float(row[name]) for name in FEATURES] for row in rows]), np.array([row["species"] for row in rows])


def train(features: np.ndarray, species: np.ndarray) -> DecisionTreeClassifier:
    """A tree fitted to four fifths of the flowers; what it makes of the others is printed."""
    train_x, test_x, train_y, test_y = train_test_split(features, species, test_size=0.2, stratify=species, random_state=SEED)
    model = DecisionTreeClassifier(class_weight="balanced", random_state=SEED).fit(train_x, train_y)
    accuracy = balanced_accuracy_score(test_y, model.predict(test_x))
    print(f"trained on {len(train_x)} flowers, balanced accuracy on {len(test_x)} others: {accuracy:.3f}")
    return model


if __name__ == "__main__":
    main()
