"""Tune a classifier with every trial tracked in MLflow, register the best, and load it back as a scoring service would."""

import os
import sys

os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")  # read when mlflow is imported; without it MLflow reports its use to its makers
import mlflow
from sklearn.datasets import load_iris
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import cross_val_score, train_test_split

EXPERIMENT = MODEL_NAME = "iris_classification"
ALIAS = "production"
SEED = 42


def main(tracking_uri: str) -> None:
    mlflow.set_tracking_uri(tracking_uri)
    mlflow.set_experiment(EXPERIMENT)
    iris = load_iris()
    train_x, test_x, train_y, test_y = train_test_split(iris.data, iris.target, stratify=iris.target, random_state=SEED)

    with mlflow.start_run():
        best_c = max((0.01, 0.1, 1.0, 10.0), key=lambda c: track_trial(classifier(c), train_x, train_y))
        model = classifier(best_c).fit(train_x, train_y)
        mlflow.log_param("C", best_c)
        mlflow.log_metric("accuracy", model.score(test_x, test_y))
        mlflow.log_text("\n".join(iris.target_names), "class_names.txt")
        version = mlflow.sklearn.log_model(model, name="model", registered_model_name=MODEL_NAME).registered_model_version
    mlflow.MlflowClient().set_registered_model_alias(MODEL_NAME, ALIAS, version)
    print(f"registered {MODEL_NAME} version {version} as '{ALIAS}'")

    served = mlflow.sklearn.load_model(f"models:/{MODEL_NAME}@{ALIAS}")
    print(f"loaded model={served}, accuracy on unseen flowers: {served.score(test_x, test_y):.3f}")


def classifier(c: float) -> LogisticRegression:
    return LogisticRegression(C=c, max_iter=1000, random_state=SEED)


def track_trial(model: LogisticRegression, features, species) -> float:
    """The model's cross-validated accuracy, tracked as a run of its own below the main one."""
    with mlflow.start_run(nested=True):
        accuracy = cross_val_score(model, features, species, cv=5).mean()
        mlflow.log_param("C", model.C)
        mlflow.log_metric("accuracy", accuracy)
    return accuracy


if __name__ == "__main__":
    main(sys.argv[1])
