print("prepare-data is done")
