"""Train one of the candidates, named by the first argument, and say how good it is. It fails when guessing would do as well."""

import sys

from candidates import accuracy

GUESSING = 1 / 3  # three species, equally many flowers of each

name = sys.argv[1]
mean_accuracy = accuracy(name)
print(f"{name}: accuracy {mean_accuracy:.3f}")
if mean_accuracy <= GUESSING:
    sys.exit(f"{name} is not better than guessing")
