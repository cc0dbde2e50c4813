"""Train a decision tree that tells iris species apart, and store it in S3 for the scoring service.

boto3 takes address, region and credentials of S3 from AWS_* variables by itself.
"""

import csv
import os
from io import BytesIO
from pathlib import Path
from typing import Any

import boto3
import joblib
import numpy as np
from botocore.exceptions import ClientError
from sklearn.metrics import balanced_accuracy_score
from sklearn.model_selection import train_test_split
from sklearn.tree import DecisionTreeClassifier

DATA_KEY = "data/iris.csv"
MODEL_KEY = "models/iris_tree_classifier.joblib"
FIRST_DATA = Path("iris.csv")  # beside this file: a stage runs in its own folder
FEATURES = ("sepal_length", "sepal_width", "petal_length", "petal_width")
SEED = 42


def main() -> None:
    bucket = boto3.resource("s3").Bucket(os.environ["S3_BUCKET"])
    features, species = pre_process(download_data_set(bucket))
    model = train_model(features, species)
    persist_model(bucket, model)


def download_data_set(bucket: Any) -> str:
    """The data set as CSV. An empty bucket gets the repository's own copy first, so that a first run needs no preparation."""
    try:
        return bucket.Object(DATA_KEY).get()["Body"].read().decode()
    except ClientError as error:
        if error.response["Error"]["Code"] != "NoSuchKey":
            raise
    bucket.upload_file(str(FIRST_DATA), DATA_KEY)
    return FIRST_DATA.read_text()


def pre_process(data_set: str) -> tuple[np.ndarray, np.ndarray]:
    rows = list(csv.DictReader(data_set.splitlines()))
    return np.array([[float(row[name]) for name in FEATURES] for row in rows]), np.array([row["species"] for row in rows])


def train_model(features: np.ndarray, species: np.ndarray) -> DecisionTreeClassifier:
    """A tree fitted to four fifths of the flowers; what it makes of the others is printed."""
    train_x, test_x, train_y, test_y = train_test_split(features, species, test_size=0.2, stratify=species, random_state=SEED)
    model = DecisionTreeClassifier(class_weight="balanced", random_state=SEED).fit(train_x, train_y)
    accuracy = balanced_accuracy_score(test_y, model.predict(test_x))
    print(f"trained on {len(train_x)} flowers, balanced accuracy on {len(test_x)} others: {accuracy:.3f}")
    return model


def persist_model(bucket: Any, model: DecisionTreeClassifier) -> None:
    dumped = BytesIO()
    joblib.dump(model, dumped)
    bucket.put_object(Key=MODEL_KEY, Body=dumped.getvalue())
    print(f"stored model={model} as {MODEL_KEY}")


if __name__ == "__main__":
    main()
