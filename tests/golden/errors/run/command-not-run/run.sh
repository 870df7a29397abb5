code=0
fitout build --quiet || code=$?
test ! -e ran || echo "the command ran" >&2
exit "$code"
