fitout keys new --quiet --out key.asc >/dev/null 2>&1
fitout build --quiet --out made >/dev/null
echo more >>made/hello_1.0.0_all.deb
fitout publish --quiet --out made
