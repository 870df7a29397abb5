not read before all is well
