code=0
fitout build --quiet > list || code=$?
test -f "$(cat list)" || echo "there is no artifact" >&2
rm -r dist
exit "$code"
