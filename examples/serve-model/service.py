"""Answer HTTP requests with the prediction of a model that was trained elsewhere and lies beside this file."""

import json
import math
from pathlib import Path

from flask import Flask, Response, abort, jsonify, request

MODEL = json.loads(Path("model.json").read_text())

app = Flask(__name__)


@app.post("/iris/v1/score")
def score() -> Response:
    flower = request.get_json()
    missing = [name for name in MODEL["features"] if name not in flower]
    if missing:
        abort(400, f"missing: {', '.join(missing)}")
    probabilities = predict_probabilities([float(flower[name]) for name in MODEL["features"]])
    return jsonify(
        species_prediction=max(probabilities, key=probabilities.get),
        probabilities="|".join(f"{species}={probability:.3f}" for species, probability in probabilities.items()),
        model_info=MODEL["model"],
    )


def predict_probabilities(features: list[float]) -> dict[str, float]:
    """Multinomial logistic regression: the softmax of one linear function per species."""
    scores = [
        intercept + sum(weight * value for weight, value in zip(weights, features, strict=True))
        for weights, intercept in zip(MODEL["coefficients"], MODEL["intercepts"], strict=True)
    ]
    exponentials = [math.exp(score - max(scores)) for score in scores]
    return {species: value / sum(exponentials) for species, value in zip(MODEL["species"], exponentials, strict=True)}


if __name__ == "__main__":
    print(f"loaded model={MODEL['model']}")
    print("starting API server")
    app.run(host="0.0.0.0", port=5000)
