fitout build --format dep
