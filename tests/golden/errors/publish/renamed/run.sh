fitout keys new --quiet --out key.asc >/dev/null 2>&1
sed 's/^codename.*//' fitout.toml >first.toml
fitout build --quiet --out made >/dev/null
fitout publish --quiet --out made --config first.toml
fitout publish --quiet --out made
