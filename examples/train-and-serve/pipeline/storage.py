"""The project's bucket: the data set comes from it, and the model goes through it from the stage that trains to the one that serves.

boto3 takes address, region and credentials from AWS_* variables by itself.
"""

import os
from io import BytesIO
from pathlib import Path
from typing import Any

import boto3
import joblib
from botocore.exceptions import ClientError

DATA_KEY = "data/iris.csv"
MODEL_KEY = "models/iris_tree_classifier.joblib"
FIRST_DATA = Path(__file__).parent.parent / "iris.csv"


def bucket() -> Any:
    return boto3.resource("s3").Bucket(os.environ["S3_BUCKET"])


def read_data_set() -> str:
    """The data set as CSV. An empty bucket gets the repository's own copy first, so that a first run needs no preparation."""
    try:
        return bucket().Object(DATA_KEY).get()["Body"].read().decode()
    except ClientError as error:
        if error.response["Error"]["Code"] != "NoSuchKey":
            raise
    bucket().upload_file(str(FIRST_DATA), DATA_KEY)
    return FIRST_DATA.read_text()


def write_model(model: Any) -> None:
    dumped = BytesIO()
    joblib.dump(model, dumped)
    bucket().put_object(Key=MODEL_KEY, Body=dumped.getvalue())


def read_model() -> Any:
    """Loading a joblib file runs code that it holds: read models only from a bucket whose writers you trust."""
    return joblib.load(BytesIO(bucket().Object(MODEL_KEY).get()["Body"].read()))
