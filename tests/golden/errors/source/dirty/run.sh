fitout build --quiet --out made >built
