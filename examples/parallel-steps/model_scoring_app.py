"""Answer HTTP requests with the best candidate's prediction of a flower's species."""

from candidates import CANDIDATES, best, read_flowers
from flask import Flask, Response, abort, jsonify, request

app = Flask(__name__)


@app.post("/")
def score() -> Response:
    flower = request.get_json()
    if not {"x", "y"} <= flower.keys():
        abort(400, "x and y are needed: a sepal's length and width in cm")
    (species,) = model.predict([[float(flower["x"]), float(flower["y"])]])
    return jsonify(species_prediction=str(species), model_info=name)


if __name__ == "__main__":
    name = best()
    model = CANDIDATES[name].fit(*read_flowers())
    print(f"serving {name}: {model}")
    app.run(host="0.0.0.0", port=5000)
