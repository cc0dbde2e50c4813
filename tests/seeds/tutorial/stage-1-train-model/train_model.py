print("the model is trained")
