"""Compare the candidates that were trained side by side, and say which one will be served."""

from candidates import CANDIDATES, accuracy, best

for name in CANDIDATES:
    print(f"{name}: accuracy {accuracy(name):.3f}")
print(f"chosen: {best()}")
