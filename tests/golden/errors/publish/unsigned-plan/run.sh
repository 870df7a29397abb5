fitout build --quiet --out made >/dev/null
fitout publish --quiet --out made --dry-run >/dev/null
