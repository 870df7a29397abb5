set -e
seq 20000 >tree/large
fitout build --quiet
for file in "$FITOUT_CACHE_DIR"/runs/*.runs; do
	printf 'damage\n' >"$file"
	mv "$file" "$FITOUT_CACHE_DIR/runs/SEGMENT.runs"
done
echo other >tree/a
fitout build --quiet
