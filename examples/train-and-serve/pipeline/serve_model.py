"""Answer HTTP requests with the newest model's prediction of a flower's species."""

import os

import storage
from flask import Flask, Response, abort, jsonify, request

FEATURES = ("sepal_length", "sepal_width", "petal_length", "petal_width")

app = Flask(__name__)


@app.post("/iris/v1/score")
def score() -> Response:
    flower = request.get_json()
    missing = [name for name in FEATURES if name not in flower]
    if missing:
        abort(400, f"missing: {', '.join(missing)}")
    (probabilities,) = model.predict_proba([[float(flower[name]) for name in FEATURES]])
    by_species = dict(zip(model.classes_, map(float, probabilities)))
    return jsonify(
        species_prediction=max(by_species, key=by_species.get),
        probabilities="|".join(f"{species}={probability}" for species, probability in by_species.items()),
        model_info=str(model),
    )


if __name__ == "__main__":
    model = storage.read_model()
    print(f"loaded model={model}")
    print("starting API server")
    app.run(host="0.0.0.0", port=int(os.environ.get("BODYWORK_SERVICE_PORT", "5000")))
