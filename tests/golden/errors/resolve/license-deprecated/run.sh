fitout build --quiet --out made
