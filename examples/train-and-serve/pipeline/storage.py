"""The project's bucket: the data set comes from it, and the model goes through it from the stage that trains to the one that serves.

boto3 takes address, region and credentials from AWS_* variables by itself. On one machine a folder will do in a bucket's place: S3_BUCKET
is then its address, file:///home/me/models.
"""

import os
from io import BytesIO
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import joblib

DATA_KEY = "data/iris.csv"
MODEL_KEY = "models/iris_tree_classifier.joblib"
FIRST_DATA = Path(__file__).parent.parent / "iris.csv"


class Bucket:
    def __init__(self, name: str) -> None:
        import boto3

        self.bucket = boto3.resource("s3").Bucket(name)

    def read(self, key: str) -> bytes | None:
        """None where there is no such object."""
        from botocore.exceptions import ClientError

        try:
            return self.bucket.Object(key).get()["Body"].read()
        except ClientError as error:
            if error.response["Error"]["Code"] != "NoSuchKey":
                raise
            return None

    def write(self, key: str, content: bytes) -> None:
        self.bucket.put_object(Key=key, Body=content)


class Folder:
    def __init__(self, path: str) -> None:
        self.path = Path(path)

    def read(self, key: str) -> bytes | None:
        file = self.path / key
        return file.read_bytes() if file.exists() else None

    def write(self, key: str, content: bytes) -> None:
        file = self.path / key
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content)


def store() -> Bucket | Folder:
    name = os.environ["S3_BUCKET"]
    return Folder(unquote(urlsplit(name).path)) if name.startswith("file:") else Bucket(name)


def read_data_set() -> str:
    """The data set as CSV. An empty store gets the repository's own copy first, so that a first run needs no preparation."""
    found = store().read(DATA_KEY)
    if found is None:
        found = FIRST_DATA.read_bytes()
        store().write(DATA_KEY, found)
    return found.decode()


def write_model(model: Any) -> None:
    dumped = BytesIO()
    joblib.dump(model, dumped)
    store().write(MODEL_KEY, dumped.getvalue())


def read_model() -> Any:
    """Loading a joblib file runs code that it holds: read models only from a store whose writers you trust."""
    found = store().read(MODEL_KEY)
    if found is None:
        raise SystemExit(f"there is no {MODEL_KEY} yet: train-model stores it")
    return joblib.load(BytesIO(found))
