fitout keys new --quiet --out key.asc >/dev/null 2>&1
fitout publish --quiet --out made
