rm tree/a && mkdir tree/a && touch tree/a/b && fitout build --quiet
