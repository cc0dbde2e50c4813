print("choose-model is done")
