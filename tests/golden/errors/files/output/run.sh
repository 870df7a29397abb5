fitout build --quiet --out ./out
