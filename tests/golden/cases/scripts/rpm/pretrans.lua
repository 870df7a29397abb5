print("pretrans")
