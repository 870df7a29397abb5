fitout keys new --quiet --out key.asc >/dev/null 2>&1
fitout build --quiet --out made >/dev/null
fitout publish --quiet --out made
echo more >>repository/dists/stable/Release
rm repository/dists/stable/main/Contents-amd64.gz
printf x >>repository/pool/main/h/hello/hello_1.0.0_all.deb
: >repository/stray
fitout repo verify 2>said || code=$?
sed 's/[0-9A-F]\{40\}/FINGERPRINT/' said >&2
exit $code
