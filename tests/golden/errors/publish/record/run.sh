fitout build --quiet --out one --format deb >/dev/null
fitout publish --quiet --out one
fitout build --quiet --out two --format zip >/dev/null
fitout publish --quiet --out two
