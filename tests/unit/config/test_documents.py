"""The configs of the documents that people learned Bodywork from are valid as they stand there."""

from __future__ import annotations

from pathlib import Path

from problem_texts import said, write

from bodywork_compiler import config
from bodywork_compiler.project import SecretVariable, Service

USER_GUIDE = {
    "bodywork.ini": """\
[default]
PROJECT_NAME="my-classification-project"
DOCKER_IMAGE="bodyworkml/bodywork-core:latest"

[workflow]
DAG=prepare-data >> train-svm, train-random-forest >> choose-model >> model-scoring-service

[logging]
LOG_LEVEL="INFO"
""",
    "model-scoring-service/config.ini": """\
[default]
STAGE_TYPE="service"
EXECUTABLE_SCRIPT="model_scoring_app.py"
CPU_REQUEST=0.25
MEMORY_REQUEST_MB=100

[service]
MAX_STARTUP_TIME_SECONDS=30
REPLICAS=1
PORT=5000

[secrets]
USERNAME="my-classification-product-cloud-storage-credentials"
PASSWORD="my-classification-product-cloud-storage-credentials"
""",
}
BATCH = """\
[default]
STAGE_TYPE="batch"
EXECUTABLE_SCRIPT="train_model.py"
CPU_REQUEST=0.5
MEMORY_REQUEST_MB=100

[batch]
MAX_COMPLETION_TIME_SECONDS=30
RETRIES=2
"""
BATCH_STAGES = ("prepare-data", "train-svm", "train-random-forest", "choose-model")
MLFLOW = """\
version: "1.1"
pipeline:
  name: bodywork-mlflow
  docker_image: bodyworkml/bodywork-core:3.0
  DAG: server
  secrets_group: prod
stages:
  server:
    executable_module_path: mlflow_server.py
    requirements:
      - mlflow==1.16.0
      - scikit-learn
      - pyarrow
      - boto3
      - protobuf==3.6.0
      - psycopg2-binary==2.8.6
    secrets:
      MLFLOW_BACKEND_STORE_URI: mlflow-config
      MLFLOW_DEFAULT_ARTIFACT_ROOT: mlflow-config
      AWS_ACCESS_KEY_ID: aws-credentials
      AWS_SECRET_ACCESS_KEY: aws-credentials
      AWS_DEFAULT_REGION: aws-credentials
    cpu_request: 1
    memory_request_mb: 250
    service:
      max_startup_time_seconds: 240
      replicas: 1
      port: 5000
      ingress: false
logging:
  log_level: INFO
"""


def test_the_user_guides_quoted_ini_files(tmp_path: Path) -> None:
    stages = {f"{stage}/config.ini": BATCH for stage in BATCH_STAGES}
    requirements = {f"{stage}/requirements.txt": "" for stage in (*BATCH_STAGES, "model-scoring-service")}
    write(tmp_path, {**USER_GUIDE, **stages, **requirements})
    project = config.load(tmp_path).project
    name, secret = "my-classification-project", "my-classification-product-cloud-storage-credentials"
    assert (project.name, project.image) == (name, "bodyworkml/bodywork-core:latest")
    assert project.steps == (("prepare-data",), ("train-svm", "train-random-forest"), ("choose-model",), ("model-scoring-service",))
    service = project.stage("model-scoring-service")
    assert service.object_name == "my-classification-project--model-scoring-service"
    assert service.work == Service(max_startup_time_seconds=30, replicas=1, port=5000, ingress=False)
    assert service.secrets == tuple(SecretVariable(variable=key, secret=secret, key=key) for key in ("USERNAME", "PASSWORD"))
    assert len(said(tmp_path)) == 1
    assert "has the tag `latest`" in said(tmp_path)[0]


def test_the_mlflow_guides_yaml(tmp_path: Path) -> None:
    loaded = config.load(write(tmp_path, {"bodywork.yaml": MLFLOW}))
    assert loaded.warnings == ()
    assert loaded.project.secrets_group == "prod"
    assert loaded.project.stage("server").requirements[-1] == "psycopg2-binary==2.8.6"
    assert {secret.secret for secret in loaded.project.stage("server").secrets} == {"mlflow-config", "aws-credentials"}
