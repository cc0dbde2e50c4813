print("train-random-forest is done")
