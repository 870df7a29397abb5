fitout -C nowhere build
