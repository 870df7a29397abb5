fitout keys new --quiet --out key.asc >/dev/null 2>&1
fitout build --quiet --out made >/dev/null
fitout publish --quiet --out made
