fitout inspect README
