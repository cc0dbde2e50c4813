"""Where the model is kept between training and serving: the folder, or the S3 bucket, that MODEL_STORE names."""

import json
import os
from pathlib import Path

KEY = "model.json"


def write_model(model: dict) -> str:
    text, store = json.dumps(model), os.environ["MODEL_STORE"]
    if store.startswith("s3://"):
        bucket, key = _in_s3(store)
        _s3().put_object(Bucket=bucket, Key=key, Body=text.encode())
    else:
        folder = Path(store)
        folder.mkdir(parents=True, exist_ok=True)
        (folder / KEY).write_text(text, encoding="utf-8")
    return f"{store}/{KEY}"


def read_model() -> dict:
    store = os.environ["MODEL_STORE"]
    if store.startswith("s3://"):
        bucket, key = _in_s3(store)
        return json.loads(_s3().get_object(Bucket=bucket, Key=key)["Body"].read())
    return json.loads((Path(store) / KEY).read_text(encoding="utf-8"))


def _in_s3(store: str) -> tuple[str, str]:
    bucket, _, prefix = store.removeprefix("s3://").partition("/")
    return bucket, f"{prefix}/{KEY}".lstrip("/")


def _s3():  # needs `boto3` among the stage's requirements, and AWS' usual variables among its secrets
    import boto3

    return boto3.client("s3")
