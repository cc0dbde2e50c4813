print("train-svm is done")
