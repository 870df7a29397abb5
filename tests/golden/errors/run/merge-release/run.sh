fitout build --quiet --out a >/dev/null
sed -i 's/1.0.0/1.0.1/' fitout.toml
SOURCE_DATE_EPOCH=1700000000 fitout build --quiet --out b >/dev/null
fitout merge a b
