fitout keys new --quiet --out key.asc >/dev/null 2>&1
fitout build --quiet --out made >/dev/null
fitout publish --quiet --out made
sed -i "s,</repomd>,," repository/repodata/repomd.xml
sed 's/1.0.0/1.1.0/' fitout.toml >next.toml
fitout build --quiet --out made --config next.toml >/dev/null
fitout publish --quiet --out made --config next.toml
